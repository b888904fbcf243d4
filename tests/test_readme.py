"""Every command of README.md is run, in order, in one folder; what it prints must be what the README shows."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sedscope.cli.main import COMMANDS

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


def blocks(language: str) -> list[str]:
    """The fenced blocks of the README in that language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def commands() -> Iterator[tuple[str, list[str]]]:
    """Each `$ command` of the console blocks with the lines that the README shows below it."""
    for block in blocks("console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *shown = part.rstrip("\n").split("\n")
            yield command, [line for line in shown if line.strip()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project folder as the README's reader has it: examples, sample runs without derived results, and train.py."""
    made = tmp_path_factory.mktemp("readme")
    shutil.copytree(ROOT / "examples", made / "examples")
    shutil.copytree(ROOT / "sample_runs", made / "sample_runs", ignore=shutil.ignore_patterns("derived"))
    (made / "train.py").write_text(blocks("python")[0], encoding="utf-8")
    return made


@pytest.mark.parametrize(("command", "shown"), commands(), ids=[command for command, _ in commands()])
def test_a_command_does_what_the_readme_shows(command: str, shown: list[str], folder: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONWARNINGS": "error", "COLUMNS": "80"}
    done = subprocess.run(
        command, shell=True, cwd=folder, env=environment, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stderr
    printed = (done.stdout + done.stderr).splitlines()
    missing = [line for line in shown if not any(alike(line, other) for other in printed)]
    assert not missing, "\n".join(["the README shows", *missing, "and the command printed", *printed])


def alike(shown: str, printed: str) -> bool:
    """The same words, and numbers that another machine's rounding explains."""
    if NUMBER.sub("#", shown).replace("~", "").split() != NUMBER.sub("#", printed).replace("~", "").split():
        return False
    pairs = zip(numbers(shown), numbers(printed), strict=True)
    return all(abs(a - b) <= 0.1 * max(a, b) for a, b in pairs)


def numbers(line: str) -> list[float]:
    return [float(found.replace(",", "")) for found in NUMBER.findall(line)]


def test_the_comparison_can_fail() -> None:
    assert alike("update  8.08 7.5–8.6 ~   1,920", "update 8.10 7.5–8.6  1,920")
    assert not alike("update  8.08", "update  9.9")
    assert not alike("update  8.08", "updates  8.08")


def test_the_table_of_commands_is_complete() -> None:
    assert re.findall(r"^\| `sedscope (\w+)", README, flags=re.MULTILINE) == list(COMMANDS)


def test_every_sedscope_line_in_a_block_is_a_command_that_is_run() -> None:
    run = {command for command, _ in commands()}
    written = {line.removeprefix("$ ") for line in README.splitlines() if re.match(r"(\$ )?sedscope \w+ ", line)}
    assert written <= run


def test_every_link_leads_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", README)
    assert targets
    assert not [target for target in targets if not (ROOT / target).exists()]

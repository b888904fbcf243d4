"""Every command of README.md is run, each block in a folder of its own; it must print what the README shows."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sedscope.cli.main import COMMANDS

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


def blocks(language: str) -> list[str]:
    """The fenced blocks of the README in that language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def commands(block: str) -> list[tuple[str, list[str]]]:
    """Each `$ command` of a console block with the lines that the README shows below it."""
    parts = [part.rstrip("\n").split("\n") for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
    return [(command, [line for line in shown if line.strip()]) for command, *shown in parts]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project folder as the README's reader has it: examples, sample runs without derived results, and train.py."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    shutil.copytree(ROOT / "sample_runs", tmp_path / "sample_runs", ignore=shutil.ignore_patterns("derived"))
    (tmp_path / "train.py").write_text(blocks("python")[0], encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("block", [pytest.param(block, id=commands(block)[0][0]) for block in blocks("console")])
def test_commands_do_what_the_readme_shows(block: str, folder: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONWARNINGS": "error", "COLUMNS": "80"}
    for command, shown in commands(block):
        done = subprocess.run(
            command, shell=True, cwd=folder, env=environment, capture_output=True, text=True, timeout=250, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        printed = (done.stdout + done.stderr).splitlines()
        missing = [line for line in shown if not any(alike(line, other) for other in printed)]
        assert not missing, "\n".join([command, "the README shows", *missing, "what was printed", *printed])


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
    run = {command for block in blocks("console") for command, _ in commands(block)}
    written = {line.removeprefix("$ ") for line in README.splitlines() if re.match(r"(\$ )?sedscope \w+ ", line)}
    assert written <= run


def test_every_link_leads_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", README)
    assert targets
    assert not [target for target in targets if not (ROOT / target).exists()]


def test_what_the_readme_says_of_the_reproduction_is_on_its_page() -> None:
    page = (ROOT / "docs" / "reproduction.md").read_text(encoding="utf-8")
    tally = re.search(r"Of (\d+) published numbers that were measured, (\d+) agree", page)
    assert tally is not None and int(tally[2]) > int(tally[1]) / 2, "most of the numbers come out"
    verdicts = dict(re.findall(r"^\| ([^|]+) \|.*\| \*\*(.+)\*\* \|$", page, flags=re.MULTILINE))
    gradient = verdicts["R̄_k of fixed-batch gradient rows, one operation, at its peak"]
    assert re.match("(no more than|cannot be told apart from) gradients of shuffled labels", gradient)
    kept = [line for line in page.splitlines() if re.match(r"\| keep-\S+ K 3 on gradient", line)]
    over_freeze = [float(line.split(" | ")[5].split("×")[0]) for line in kept]
    assert over_freeze and max(over_freeze) < 1.1, "keeping three dimensions gives no more than freezing"

"""Every command of README.md is run, each block in a folder of its own; it must print what the README shows."""

import re
import shutil
from pathlib import Path

import pytest
from console import ROOT, alike, blocks, commands, commands_that_are_not_run, link_targets, run_commands

from sedscope.cli.main import COMMANDS

README = (ROOT / "README.md").read_text(encoding="utf-8")
CONSOLE = [block for _, block in blocks(README, "console")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project folder as the README's reader has it: examples, sample runs without derived results, and train.py."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    shutil.copytree(ROOT / "sample_runs", tmp_path / "sample_runs", ignore=shutil.ignore_patterns("derived"))
    (tmp_path / "train.py").write_text(blocks(README, "python")[0][1], encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("block", [pytest.param(block, id=commands(block)[0][0]) for block in CONSOLE])
def test_commands_do_what_the_readme_shows(block: str, folder: Path) -> None:
    run_commands(block, folder)


def test_the_comparison_can_fail() -> None:
    assert alike("update  8.08 7.5–8.6 ~   1,920", "update 8.10 7.5–8.6  1,920")
    assert not alike("update  8.08", "update  9.9")
    assert not alike("update  8.08", "updates  8.08")


def test_the_table_of_commands_is_complete() -> None:
    assert re.findall(r"^\| `sedscope (\w+)", README, flags=re.MULTILINE) == list(COMMANDS)


def test_every_sedscope_line_in_a_block_is_a_command_that_is_run() -> None:
    assert commands_that_are_not_run(README) == set()


def test_every_link_leads_somewhere() -> None:
    assert "docs/tutorial.md" in link_targets(README)
    assert not [target for target in link_targets(README) if not (ROOT / target).exists()]


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

"""The tutorial, done from its first line to its last in one folder: each command prints what the page shows."""

from __future__ import annotations

import re
from pathlib import Path

from console import ROOT, blocks, commands_that_are_not_run, run_commands

PAGE = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")


def test_a_reader_who_does_what_the_tutorial_says_sees_what_it_shows(tmp_path: Path) -> None:
    steps = blocks(PAGE, "python", "console")
    assert [language for language, _ in steps].count("console") >= 5
    for language, text in steps:
        if language == "python":
            name = re.match(r"# (\w+\.py)\n", text)
            assert name is not None, "a script of the tutorial opens with its file name"
            (tmp_path / name[1]).write_text(text, encoding="utf-8")
        else:
            run_commands(text, tmp_path)


def test_every_command_of_the_tutorial_is_run() -> None:
    assert commands_that_are_not_run(PAGE) == set()

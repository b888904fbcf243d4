"""Pages whose commands are run: their fenced blocks, and whether a command prints what its page shows below it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


def blocks(page: str, *languages: str) -> list[tuple[str, str]]:
    """The fenced blocks of a page in those languages, in order: each block's language and text."""
    fenced = re.findall(r"^```(\w+)\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    return [(language, text) for language, text in fenced if language in languages]


def commands(block: str) -> list[tuple[str, list[str]]]:
    """Each `$ command` of a console block with the lines that the page shows below it."""
    pieces = [piece.rstrip("\n").split("\n") for piece in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
    return [(command, [line for line in shown if line.strip()]) for command, *shown in pieces]


def run_commands(block: str, folder: Path) -> None:
    """Run a console block's commands in a folder: each succeeds, and prints every line that is shown below it."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONWARNINGS": "error", "COLUMNS": "80"}
    for command, shown in commands(block):
        done = subprocess.run(
            command, shell=True, cwd=folder, env=environment, capture_output=True, text=True, timeout=250, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        printed = (done.stdout + done.stderr).splitlines()
        missing = [line for line in shown if not any(alike(line, other) for other in printed)]
        assert not missing, "\n".join([command, "the page shows", *missing, "what was printed", *printed])


def alike(shown: str, printed: str) -> bool:
    """The same words, and numbers that another machine's rounding explains."""
    if NUMBER.sub("#", shown).replace("~", "").split() != NUMBER.sub("#", printed).replace("~", "").split():
        return False
    pairs = zip(numbers(shown), numbers(printed), strict=True)
    return all(abs(a - b) <= 0.1 * max(a, b) for a, b in pairs)


def numbers(line: str) -> list[float]:
    return [float(number.replace(",", "")) for number in NUMBER.findall(line)]


def commands_that_are_not_run(page: str) -> set[str]:
    """Lines of a page that look like a call of sedscope and stand in no console block."""
    run = {command for _, block in blocks(page, "console") for command, _ in commands(block)}
    written = {line.removeprefix("$ ") for line in page.splitlines() if re.match(r"(\$ )?sedscope \w+ ", line)}
    return written - run


def link_targets(page: str) -> list[str]:
    """Paths, relative to the page's folder, that the links of a page lead to."""
    return re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", page)

"""How the command line begins and ends."""

from __future__ import annotations

import errno
import resource
import subprocess
import sys
from pathlib import Path

import click
import pytest

from recorders.errors import DamagedError, UsageError
from sedscope.cli import main as module
from sedscope.cli.main import COMMANDS, LazyGroup, run


def sedscope(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sedscope", *arguments], capture_output=True, text=True, check=False, **options
    )  # type: ignore[call-overload]


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """`sedscope report` raises the first entry."""
    errors: list[BaseException] = []

    @click.command()
    def report() -> None:
        raise errors[0]

    monkeypatch.setattr(LazyGroup, "get_command", lambda *_: report)
    return errors


def processor_time_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_help_lists_the_commands_quickly_and_loads_none_of_them() -> None:
    code = (
        "import sys; sys.argv = ['sedscope', '--help']\n"
        "try:\n    from sedscope.cli.main import main; main()\n"
        "except SystemExit as end: assert end.code == 0\n"
        "print([n for n in ('torch', 'numpy', 'polars', 'rich', 'textual', 'sedscope.cli.report') if n in sys.modules])"
    )
    before = processor_time_of_children()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert processor_time_of_children() - before < 1.0  # 0.1 s, however busy the machine is
    for command in COMMANDS:
        assert f"\n  {command} " in done.stdout
    assert done.stdout.rstrip().endswith("[]")


def test_version_and_module_call() -> None:
    done = sedscope("--version")
    assert (done.returncode, done.stdout.split()[0], done.stderr) == (0, "sedscope", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["reprot"], f"sedscope: command: one of {', '.join(COMMANDS)} is required, found 'reprot'\n"),
        (["--fast"], "sedscope: No such option '--fast' (see sedscope --help)\n"),
        (["report"], "sedscope: Missing argument 'RUNS...' (see sedscope report --help)\n"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    assert capsys.readouterr() == ("", message)


def test_no_command_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("Usage: sedscope")


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (UsageError("rank: too large"), 2, "sedscope: rank: too large\n"),
        (DamagedError("runs/a: shard missing"), 4, "sedscope: runs/a: shard missing\n"),
        (KeyboardInterrupt(), 130, "sedscope: interrupted\n"),
        (OSError(errno.ENOSPC, "No space left on device", "out/x"), 7, "sedscope: out/x: No space left on device\n"),
        (OSError(errno.EIO, "Input/output error"), 7, "sedscope: Input/output error\n"),
    ],
)
def test_every_error_is_one_line_and_its_status(
    failing: list[BaseException],
    error: BaseException,
    status: int,
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    failing.append(error)
    assert run(["report"]) == status
    assert capsys.readouterr() == ("", message)


def test_a_program_error_is_not_hidden(failing: list[BaseException]) -> None:
    failing.append(AssertionError("a fault of ours"))
    with pytest.raises(AssertionError, match="a fault of ours"):
        run(["report"])


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_no_markup_and_keeps_its_lines(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([command, "--help"]) == 0
    shown = capsys.readouterr().out
    assert "\\b" not in shown
    assert "\b" not in shown


def test_a_reader_that_went_away_is_quiet() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "sedscope", "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait() == 7


def test_stdout_on_a_full_disk_is_said() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "sedscope", "--version"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (7, "sedscope: No space left on device\n")


def test_the_group_is_the_only_place_that_knows_the_commands() -> None:
    context = click.Context(module.cli)
    assert module.cli.list_commands(context) == list(COMMANDS)
    assert module.cli.get_command(context, "nothing") is None

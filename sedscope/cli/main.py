"""The `sedscope` command: which commands there are, and how any of them ends.

Decides: the exit status and the one line on stderr for every error, for Ctrl-C and for a closed stdout.
Leaves to others: what a command does; its module is imported when it is invoked, so that `--help` loads none of them.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import NoReturn

import click

from recorders.errors import EXIT_INPUT_OUTPUT, EXIT_OK, EXIT_USAGE, SedscopeError

EXIT_INTERRUPTED = 130
"""What a shell gives to a program that Ctrl-C ended."""

COMMANDS = {
    "record": "Run a training script and write a run directory.",
    "view": "Look at runs in the terminal, finished or still being recorded.",
    "report": "Spectra and feature coupling of runs, as a table and as files.",
    "sweep": "Run a script under several interventions, seeds and arguments.",
    "check": "Is a run whole, and up to where.",
}
"""Command → its line in `--help`. `sedscope.cli.<command>` holds a click command under the same name."""

_SUMMARY_WIDTH = 100
_START = "Start with `sedscope record train.py`, then `sedscope report` with the folder that it names."


class LazyGroup(click.Group):
    """A group that imports a command's module only when that command is invoked."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order in which a newcomer needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the named command; None for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        command = getattr(import_module(f"sedscope.cli.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolve a command as click does, but list the commands for an unknown one."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.UsageError(f"command: one of {', '.join(COMMANDS)} is required, found {args[0]!r}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()), col_max=_SUMMARY_WIDTH)


@click.group(cls=LazyGroup, epilog=_START, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="sedscope", prog_name="sedscope", message="%(prog)s %(version)s")
def cli() -> None:
    """Open the history that a training run writes in parameter space."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and end the process with its status (`recorders.errors` lists them).

    Args:
        arguments: The words after `sedscope`; None takes those of this process.
    """
    sys.exit(run(sys.argv[1:] if arguments is None else list(arguments)))


def run(arguments: list[str]) -> int:
    """Run the command line and return the exit status.

    A program error, an error of the recorded script and its `SystemExit` pass through unchanged.
    """
    try:
        status = _invoke(arguments)
        if sys.stdout is not None:
            # A full disk or closed pipe behind it must show up here and not when the interpreter ends.
            sys.stdout.flush()
    except SedscopeError as error:
        return _fail(str(error), error.status)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        return _say(error.format_message(), EXIT_USAGE)
    except click.UsageError as error:
        return _fail(_one_line(error), EXIT_USAGE)
    except click.ClickException as error:
        return _fail(error.format_message(), error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        return _fail("interrupted", EXIT_INTERRUPTED)
    except BrokenPipeError:
        return _hush_stdout()
    except OSError as error:
        return _fail(_describe(error), EXIT_INPUT_OUTPUT)
    return status


def _invoke(arguments: list[str]) -> int:
    # Click's own `main` would turn EOFError and a closed pipe of the recorded script into its own errors.
    with cli.make_context("sedscope", arguments) as context:
        result = cli.invoke(context)
    return result if isinstance(result, int) else EXIT_OK


def _one_line(error: click.UsageError) -> str:
    """Return a usage error in a line, with the command that explains the usage."""
    message = " ".join(error.format_message().split()).rstrip(".")
    return message if error.ctx is None else f"{message} (see {error.ctx.command_path} --help)"


def _describe(error: OSError) -> str:
    reason = error.strerror or str(error) or errno.errorcode.get(error.errno or 0, "input/output error")
    return f"{error.filename}: {reason}" if error.filename is not None else reason


def _fail(message: str, status: int) -> int:
    """Print a line to stderr, under the name that tells it from the recorded script's own; return the status."""
    return _say(f"sedscope: {message}", status)


def _say(text: str, status: int) -> int:
    """Print a text to stderr, unless that is closed, and return the status."""
    with suppress(OSError, ValueError):
        print(text, file=sys.stderr, flush=True)
    return status


def _hush_stdout() -> int:
    """Discard whatever is still buffered, since the reader of stdout has gone; return the status."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return EXIT_INPUT_OUTPUT

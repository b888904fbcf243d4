"""`sedscope check`: its flags, and one hand-off to `sedscope.runs`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from recorders.errors import EXIT_DAMAGED, EXIT_OK

if TYPE_CHECKING:
    from sedscope.runs.find import RunOrError


_HELP = """Read every byte of RUN (a run directory, or a folder of them) and compare it with what was written.

\b
Exit status: 0 whole, also when the recorder was killed or is still writing;
3 not a run; 4 damaged (stderr names each part, stdout what is good);
5 refused as unsafe; 7 cannot be read.
"""


@click.command(help=_HELP)
@click.argument("run", type=click.Path(path_type=Path))
def check(run: Path) -> int:
    from sedscope.runs.find import find_runs

    statuses = [_check(entry) for entry in find_runs(run)]
    failed = [status for status in statuses if status != EXIT_OK]
    return EXIT_DAMAGED if EXIT_DAMAGED in failed else next(iter(failed), EXIT_OK)


def _check(entry: RunOrError) -> int:
    """Print the summary of one run to stdout and its damage to stderr, and return its exit status."""
    from sedscope.runs.find import run_error
    from sedscope.runs.summary import summary

    verified: list[int] = []
    try:
        run = entry.opened()
        damage = run.verify(verified.append)
        lines = list(summary(run, entry.shown, sum(verified)))
    except Exception as failure:  # noqa: BLE001  whatever one run does to its reader must not hide the others
        error = run_error(entry.path, failure)
        click.echo(f"sedscope: {error}", err=True)
        return error.status
    for loss in damage:
        click.echo(f"sedscope: {entry.shown}/{loss}", err=True)
    for line in lines:
        click.echo(line)
    return EXIT_DAMAGED if damage else EXIT_OK

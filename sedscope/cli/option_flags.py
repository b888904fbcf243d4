"""Rows of the tables of options as flags of a command; the help lists those of interventions apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

import click

from recorders.errors import UsageError
from recorders.intervention import Intervention
from recorders.intervention.intervention_settings import INTERVENTION_OPTIONS
from recorders.intervention.modes import MODES
from recorders.option_row import OptionRow

F = TypeVar("F", bound=Callable[..., Any])

_TITLE: Final = "Interventions"
_TEXT: Final = """Change what the optimizer may do to the selected weights, and record what comes of it.

\b
  sedscope record --out runs/sed    --intervene keep-sed --on update --rank 3 train.py
  sedscope record --out runs/frozen --intervene freeze train.py
  sedscope record --out runs/plain  --intervene control train.py
"""
_NOTE: Final = """Show every keep result beside freeze: only then it tells a subspace from no movement."""

_TYPES: Final = {"integer": int, "size": str, "names": str, "text": str}


def option_flags(
    rows: Iterable[OptionRow],
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    option_class: type[click.Option] = click.Option,
) -> Callable[[F], F]:
    """Return a decorator that gives a command a flag for each row, in the order of the rows.

    A flag that is not given is None, or empty for names: the default is the recorder's to say.

    Args:
        rows: The rows.
        overrides: By field, what `click.option` is told instead of what the row says.
        option_class: Class of the flags.
    """

    def decorate(command: F) -> F:
        for row in reversed(list(rows)):
            settings = _settings(row) | dict((overrides or {}).get(row.field, {}))
            command = click.option(f"--{row.flag}", row.field, cls=option_class, **settings)(command)
        return command

    return decorate


def _settings(row: OptionRow) -> dict[str, Any]:
    default = "" if row.default is None else f"  [default: {row.default}]"
    settings: dict[str, Any] = {"help": row.help + default}
    if row.kind == "switch":
        return settings | {"is_flag": True}
    kind = click.Choice(row.choices) if row.kind == "choice" else _TYPES[row.kind]
    return settings | {"type": kind, "metavar": row.metavar, "multiple": row.kind == "names"}


class InterventionOption(click.Option):
    """An option that the help lists under interventions."""


class RecordCommand(click.Command):
    """A command whose help shows the interventions apart."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write two lists; the second opens with the modes of an intervention."""
        options = [option for option in self.get_params(ctx) if isinstance(option, click.Option)]
        own = [option for option in options if not isinstance(option, InterventionOption)]
        changing = [option for option in options if isinstance(option, InterventionOption)]
        with formatter.section("Options"):
            formatter.write_dl(_lines(own, ctx))
        with formatter.section(_TITLE):
            formatter.write_text(_TEXT)
            formatter.write_paragraph()
            formatter.write_dl([(mode.name, mode.help) for mode in MODES.values()])
            formatter.write_paragraph()
            formatter.write_text(_NOTE)
            formatter.write_paragraph()
            formatter.write_dl(_lines(changing, ctx))


def intervention_options(command: F) -> F:
    """Give a command the flags of an intervention, in the order of the help."""
    command = option_flags(INTERVENTION_OPTIONS, option_class=InterventionOption)(command)
    modes = click.Choice(tuple(MODES))
    return click.option("--intervene", cls=InterventionOption, type=modes, metavar="MODE", help="One of these modes.")(
        command
    )


def intervention_of(flags: Mapping[str, Any]) -> Intervention | None:
    """Return the intervention of the flags; None without one.

    Raises:
        UsageError: settings without a mode, or unusable ones.
    """
    given = {row.field: flags[row.field] for row in INTERVENTION_OPTIONS if flags[row.field] is not None}
    mode = flags["intervene"]
    if mode is not None:
        return Intervention(mode, **given)
    if given:
        first = next(row.flag for row in INTERVENTION_OPTIONS if row.field in given)
        raise UsageError(f"{first}: needs --intervene; modes are {', '.join(MODES)}")
    return None


def _lines(options: Sequence[click.Parameter], ctx: click.Context) -> list[tuple[str, str]]:
    records = (option.get_help_record(ctx) for option in options)
    return [record for record in records if record is not None]

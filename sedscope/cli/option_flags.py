"""Rows of the recorder's tables of options as flags of a command."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

import click

from recorders.option_row import OptionRow

F = TypeVar("F", bound=Callable[..., Any])

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

"""One row of a table of options: a setting as the command line, sweeps and notebooks meet it.

Decides how a value is read from what people give, and what makes one unusable by itself. Which settings exclude each
other is decided where the table stands. Needs the standard library alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from recorders.byte_size import parse_size
from recorders.errors import UsageError
from recorders.format import MAX_INTEGER


@dataclass(frozen=True, slots=True)
class OptionRow:
    """A setting: its field, its flag, its help and its bounds."""

    field: str
    """Name of the setting in Python."""
    help: str
    kind: Literal["integer", "size", "names", "choice", "text", "switch"] = "integer"
    metavar: str | None = None
    """The value's name in the help; None: by its kind."""
    default: object = None
    """The default as the help shows it; None where the help text says it or there is none."""
    at_least: int = 0
    """The least integer or size; the greatest is that of every number of a run directory, 2^53."""
    choices: tuple[str, ...] = ()
    optional: bool = False
    """True where None is a value too: the setting is left to what `help` says."""
    of_one_run: bool = False
    """True where it is about one run directory, so that a sweep does not have it."""
    name: str = ""
    """The flag without its dashes; empty: the field's name."""

    @property
    def flag(self) -> str:
        """Return the flag without its leading dashes, which messages call the setting by."""
        return self.name or self.field.replace("_", "-")

    def read(self, value: Any) -> Any:
        """Return a value as the settings hold it: names are taken apart at commas, sizes counted in bytes.

        Raises:
            UsageError: a size that is none.
        """
        if self.kind == "names":
            return split_names(value)
        return parse_size(value) if self.kind == "size" else value

    def check(self, value: object) -> None:
        """Raise `UsageError` for a value that no setting of this kind could have."""
        if value is None and self.optional:
            return
        if self.kind in ("integer", "size"):
            is_integer = isinstance(value, int) and not isinstance(value, bool)
            if not is_integer or not self.at_least <= value <= MAX_INTEGER:  # type: ignore[operator]  # `is_integer` says so
                raise UsageError(f"{self.flag}: must be a whole number, {self.at_least} or more; found {value!r:.80}")
        elif self.kind == "choice":
            check_choice(self.flag, value, self.choices)


def check_choice(name: str, value: object, choices: Collection[str]) -> None:
    """Raise `UsageError`, which lists the choices, for a value that is none of them."""
    if value not in choices:
        raise UsageError(f"{name}: must be one of {', '.join(choices)}; found {value!r:.80}")


def split_names(text: str | Iterable[str] | None) -> tuple[str, ...]:
    """Return the names of `"a, b"` or `["a", "b,c"]`, taken apart at commas; None is nothing."""
    if text is None:
        return ()
    texts = [text] if isinstance(text, str) else list(text)
    return tuple(name.strip() for chunk in texts for name in chunk.split(",") if name.strip())

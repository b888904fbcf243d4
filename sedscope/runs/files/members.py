"""Members of somebody else's JSON object, taken out one at a time with the type that they must have.

Decides how a wrong member is refused; which members there are is left to the callers. All text comes out printable.
"""

from __future__ import annotations

import re
from typing import Any, NoReturn

from recorders.errors import RefusedError
from recorders.format import PROBE_DIR, PROGRAM_DIR, SHARD_DIR, WEIGHTS_DIR
from sedscope.runs.text import MESSAGE_LENGTH, NAME_LENGTH, printable

_FILE = re.compile(rf"(?:{SHARD_DIR}|{WEIGHTS_DIR}|{PROGRAM_DIR}|{PROBE_DIR})/[0-9A-Za-z_-][0-9A-Za-z._-]{{0,120}}")


class Members:
    """A JSON object and what to call it in an error, such as `journal/0001.jsonl line 4`."""

    def __init__(self, value: Any, where: str) -> None:
        self.where = where
        if not isinstance(value, dict):
            raise RefusedError(f"{where}: must be an object, found {_shown(value)}")
        self.value: dict[str, Any] = value

    def refuse(self, name: str, required: str) -> NoReturn:
        """Raise `RefusedError` for member `name`."""
        shown = _shown(self.value[name]) if name in self.value else "nothing"
        raise RefusedError(f"{self.where}: {name} must be {required}, found {shown}")

    def has(self, name: str) -> bool:
        """Return whether the member is there and not null."""
        return self.value.get(name) is not None

    def integer(self, name: str, least: int = 0) -> int:
        """Return an integer ≥ `least`; a bool or 1.0 is none."""
        value = self.value.get(name)
        if type(value) is not int or value < least:
            self.refuse(name, f"an integer ≥ {least}")
        return value

    def share(self, name: str) -> float:
        """Return a number ≥ 0 and < 1."""
        value = self.value.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
            self.refuse(name, "a number ≥ 0 and < 1")
        return float(value)

    def boolean(self, name: str) -> bool:
        """Return true or false."""
        value = self.value.get(name)
        if not isinstance(value, bool):
            self.refuse(name, "true or false")
        return value

    def text(self, name: str, length: int = NAME_LENGTH) -> str:
        """Return a string, printable."""
        value = self.value.get(name)
        if not isinstance(value, str):
            self.refuse(name, "a string")
        return printable(value, length)

    def message(self, name: str) -> str:
        """Return a string of the length of a message, printable."""
        return self.text(name, MESSAGE_LENGTH)

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of strings, printable."""
        value = self.items(name)
        if not all(isinstance(item, str) for item in value):
            self.refuse(name, "a list of strings")
        return tuple(printable(item) for item in value)

    def items(self, name: str) -> list[Any]:
        """Return a list."""
        value = self.value.get(name)
        if not isinstance(value, list):
            self.refuse(name, "a list")
        return value

    def integers(self, name: str) -> tuple[int, ...]:
        """Return a list of integers ≥ 0."""
        value = self.items(name)
        if not all(type(item) is int and item >= 0 for item in value):
            self.refuse(name, "a list of integers ≥ 0")
        return tuple(value)

    def object(self, name: str) -> Members:
        """Return an object."""
        if not isinstance(self.value.get(name), dict):
            self.refuse(name, "an object")
        return Members(self.value[name], f"{self.where}: {name}")

    def objects(self, name: str) -> list[Members]:
        """Return a list of objects."""
        return [Members(item, f"{self.where}: {name}[{index}]") for index, item in enumerate(self.items(name))]

    def file(self, name: str) -> str:
        """Return the name of a file inside a folder of the run; no path that could lead elsewhere."""
        value = self.value.get(name)
        if not isinstance(value, str) or not _FILE.fullmatch(value):
            self.refuse(name, "a plain file name inside the run")
        return value


def _shown(value: Any) -> str:
    return printable(repr(value), 80)

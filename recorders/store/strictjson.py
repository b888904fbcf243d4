"""JSON as a run directory may hold it: no duplicate keys, no NaN, no integer that a double cannot hold.

Decides what JSON text is acceptable before anybody looks at what it says. What the members mean is left to the readers.
Needs the standard library alone.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any, NoReturn

from recorders.errors import DamagedError, RefusedError
from recorders.format import MAX_INTEGER

_MAX_DIGITS = 17
"""More digits than 2^53 has; a longer literal is refused before it is converted."""


def loads(text: bytes, where: str) -> Any:
    """Return the value of a JSON text in UTF-8.

    Args:
        text: the bytes; the caller has capped their number.
        where: what to call the text in an error, such as `run.json`.

    Raises:
        DamagedError: the bytes are not JSON.
        RefusedError: they are, but hold duplicate keys, NaN or infinity, an integer beyond ±2^53, or nest too deep.
    """

    def refuse(what: str) -> NoReturn:
        raise RefusedError(f"{where}: {what}")

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) != len(pairs):
            most_often = Counter(key for key, _ in pairs).most_common(1)[0][0]
            refuse(f"duplicate key {most_often[:80]!r}")
        return members

    def integer(digits: str) -> int:
        if len(digits) > _MAX_DIGITS or abs(value := int(digits)) > MAX_INTEGER:
            refuse(f"integers must lie within ±2^53, found {digits[:24]}")
        return value

    def real(digits: str) -> float:
        value = float(digits)
        if not math.isfinite(value):
            refuse(f"numbers must be finite, found {digits[:24]}")
        return value

    def constant(name: str) -> NoReturn:
        refuse(f"numbers must be finite, found {name}")

    try:
        return json.loads(
            text.decode("utf-8"), object_pairs_hook=unique, parse_int=integer, parse_float=real, parse_constant=constant
        )
    except ValueError as error:  # UnicodeDecodeError and JSONDecodeError are both ValueErrors
        raise DamagedError(f"{where}: not JSON ({error})") from error
    except RecursionError as error:
        raise RefusedError(f"{where}: nested too deep") from error


def dumps(value: Any) -> str:
    """Return compact JSON in ASCII, so that a name with a lone surrogate is still writable; NaN raises `ValueError`."""
    return json.dumps(value, allow_nan=False, separators=(",", ":"), ensure_ascii=True)

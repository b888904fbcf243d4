"""Sizes in bytes as people read and write them: the one place that decides units and rounding.

Powers of 1000, as disks are sold and as `df -H` and file managers count; what somebody types may be in powers of 1024.
"""

from __future__ import annotations

import re
from typing import Final

from recorders.errors import UsageError

_UNITS: Final = ("B", "kB", "MB", "GB", "TB")
_FACTORS: Final = {
    "": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40,
}  # fmt: skip


def size_text(count: float) -> str:
    """Return a number of bytes with three significant digits, such as `2.62 MB`; whole bytes below 1,000."""
    size, unit = float(count), 0
    while size >= 999.5 and unit < len(_UNITS) - 1:  # 999.7 would round to "1e+03" of the smaller unit
        size, unit = size / 1000, unit + 1
    return f"{size:.0f} {_UNITS[unit]}" if unit == 0 or size >= 999.5 else f"{size:.3g} {_UNITS[unit]}"


def parse_size(text: str | int) -> int:
    """Return the bytes that a text such as `5000000`, `5MB`, `2GiB` or `1.5g` names.

    Raises:
        UsageError: the text is not a size.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?i?)b?\s*", str(text).lower())
    if match is None or match[2] not in _FACTORS:
        raise UsageError(f"budget: must be a size such as 500MB or 2GiB; found {text!r}")
    return int(float(match[1]) * _FACTORS[match[2]])

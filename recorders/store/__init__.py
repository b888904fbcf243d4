"""A run directory as it is written: files that are whole or absent, and a journal that says what counts.

Lazy: a reader takes single modules from here, and no writer with them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from recorders.store.run_writer import RunWriter

__all__ = ["RunWriter"]


def __getattr__(name: str) -> Any:
    if name != "RunWriter":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from recorders.store.run_writer import RunWriter

    return RunWriter

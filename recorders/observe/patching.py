"""Replacing a function while a recording runs, and putting it back."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

Wrapper = Callable[..., Any]


class Patches:
    """Replaced attributes, which `remove` puts back, the last one first; an observer is the patches that it needs."""

    def __init__(self) -> None:
        self._undo: list[tuple[Any, str, Any]] = []

    def wrap(self, owner: Any, name: str, wrapper: Wrapper) -> None:
        """Put `wrapper(original, *args, **kwargs)` in the place of a function; one that does not exist is let be."""
        original = getattr(owner, name, None)
        if original is None:
            return

        @wraps(original)
        def replacement(*args: Any, **kwargs: Any) -> Any:
            return wrapper(original, *args, **kwargs)

        self._undo.append((owner, name, original))
        setattr(owner, name, replacement)

    def remove(self) -> None:
        """Put everything back as it was found."""
        while self._undo:
            owner, name, original = self._undo.pop()
            setattr(owner, name, original)

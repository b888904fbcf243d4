"""Calls a function when a module has been imported for the first time, without importing it earlier.

A script may look for a module, as `importlib.util.find_spec` does, long before it imports it, or never: only a load
counts.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, cast


@contextmanager
def when_imported(name: str, callback: Callable[[], None]) -> Iterator[None]:
    """Call back once, as soon as the module is there: now, or inside the block right after its import."""
    if name in sys.modules:
        callback()
        yield
        return
    finder = _ArrivalFinder(name, callback)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        finder.remove()


class _ArrivalFinder:
    """A finder of one module, through the other finders, and its loader, which loads as its own does and calls back."""

    def __init__(self, name: str, callback: Callable[[], None]) -> None:
        self._name = name
        self._callback = callback
        self._looking = False
        self._loader: Any = None

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != self._name or self._looking:
            return None
        self._looking = True  # the other finders are asked through the same door
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self._looking = False
        if spec is not None and spec.loader is not None:
            self._loader, loader = spec.loader, cast(Any, self)
            spec.loader = loader
        return spec

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        if self in sys.meta_path:  # a second load, or one after the block, is none of ours
            self.remove()
            self._callback()

    def remove(self) -> None:
        if self in sys.meta_path:
            sys.meta_path.remove(self)

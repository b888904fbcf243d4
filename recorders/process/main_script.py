"""Run a script or a module as `__main__`, as `python` itself would.

Decides what the script finds: `sys.argv`, `sys.path`, `__file__` and its own module as `sys.modules["__main__"]`, which
stays there for its threads and its exit handlers. What happens around it is left to `launch`.
"""

from __future__ import annotations

import builtins
import importlib.util
import io
import os
import runpy
import sys
from collections.abc import Sequence
from importlib.machinery import SourceFileLoader
from pathlib import Path
from pkgutil import get_importer
from types import ModuleType

from recorders.errors import UsageError


def become_main(arguments: Sequence[str], *, module: bool) -> None:
    """Set `sys.argv` and `sys.path` as Python sets them for a script, or for `-m`.

    Raises:
        UsageError: there is no such script or module.
    """
    name = arguments[0]
    sys.argv[:] = arguments
    if not sys.flags.safe_path:
        sys.path[0] = str(Path.cwd()) if module else str(Path(name).resolve().parent)
    if module and _is_missing(name):
        raise UsageError(f"module: {name} must be importable, found no such module")
    if not module and not Path(name).exists():
        raise UsageError(f"script: {name} must be a file, found none")


def run_as_main(name: str, *, module: bool) -> None:
    """Run a script, a folder or archive with a `__main__.py`, or with `module` a module; raises what it raises."""
    if module:
        runpy.run_module(name, run_name="__main__", alter_sys=True)
    elif get_importer(name) is not None or name.endswith(".pyc"):
        runpy.run_path(name, run_name="__main__")
    else:
        # Absolute and otherwise as typed, like Python's own; `sys.argv[0]` stays what was typed.
        _run_source(name if Path(name).is_absolute() else f"{Path.cwd()}{os.sep}{name}")


def _run_source(path: str) -> None:
    # Not runpy.run_path: it puts the path into sys.argv[0], and takes `__main__` away when the last line is done.
    with io.open_code(path) as file:
        code = compile(file.read(), path, "exec", dont_inherit=True)
    main = ModuleType("__main__")
    namespace = {"__builtins__": builtins, "__file__": path, "__cached__": None, "__annotations__": {}}
    main.__dict__.update(namespace, __loader__=SourceFileLoader("__main__", path))
    sys.modules["__main__"] = main
    exec(code, main.__dict__)


def _is_missing(name: str) -> bool:
    """Return whether no module has this name; an error inside a parent package is the script's own."""
    try:
        return importlib.util.find_spec(name) is None
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            return True
        raise

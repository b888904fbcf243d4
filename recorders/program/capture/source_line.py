"""The line of the model that something came from, for messages."""

from __future__ import annotations

import os
import re
from pathlib import Path
from types import TracebackType

import torch

_FRAME = re.compile(r'File "([^"]+)", line (\d+)')
_NOT_THE_MODELS = (*(f"{folder}{os.sep}" for folder in (Path(torch.__file__).parent, Path(__file__).parents[2])), "<")


def of_traceback(trace: TracebackType | None) -> str:
    """Return ` at model.py:12`: the innermost line outside torch and this package; empty if there is none."""
    frames = []
    while trace is not None:
        frames.append((trace.tb_frame.f_code.co_filename, trace.tb_lineno))
        trace = trace.tb_next
    return _innermost(frames)


def of_stack(text: str) -> str:
    """Return ` at model.py:12` of a stack that was written down as text, the way exported nodes carry it."""
    return _innermost([(path, int(line)) for path, line in _FRAME.findall(text)])


def _innermost(frames: list[tuple[str, int]]) -> str:
    for path, line in reversed(frames):
        if not path.startswith(_NOT_THE_MODELS):
            return f" at {Path(path).name}:{line}"
    return ""

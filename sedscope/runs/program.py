"""A stored feature program: its JSON and the tensors that it names, as bytes and arrays.

Decides that both are what the journal says. What a program may hold is decided in `recorders.program`, which loads it.
"""

from __future__ import annotations

from typing import Any
from zlib import crc32

from numpy.typing import NDArray

from recorders.errors import DamagedError
from recorders.format import MAX_PROGRAM_JSON
from sedscope.runs.files.folder import RunFolder
from sedscope.runs.files.journal_lines import ProgramLine
from sedscope.runs.files.tensors import TensorStore


def read_text(folder: RunFolder, line: ProgramLine) -> bytes:
    """Read the JSON text; raises `DamagedError` where it is not what was written."""
    text = folder.read(line.file, MAX_PROGRAM_JSON)
    if len(text) != line.size or crc32(text) != line.file_crc:
        raise DamagedError(f"{folder.where(line.file)}: CRC mismatch")
    return text


def read_constants(tensors: TensorStore, line: ProgramLine) -> dict[str, NDArray[Any]]:
    """Read the tensors by name; none where the program names none."""
    if line.constants is None:
        return {}
    with tensors.open(line.constants) as file:
        return {name: file.read(name) for name in file.tensors}

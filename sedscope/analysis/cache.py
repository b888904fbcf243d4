"""Derived results on disk: what was computed once is not computed again.

Decides: where results live, how an entry is named, written and believed. An entry is keyed by everything it depends on,
so it is never stale, only unused; deleting the folder is always safe. Leaves to `measure` what each key must hold.

An entry is one small safetensors file, written under another name and renamed, so that an interrupt leaves either the
whole entry or none. It carries a CRC-32 of its arrays; one that does not match counts as missing.
"""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from recorders.errors import RefusedError, SedscopeError
from recorders.format import DERIVED_DIR
from recorders.store.durable import replace_file
from sedscope.analysis.constants import numerical_constants
from sedscope.runs.files.folder import RunFolder
from sedscope.runs.text import MESSAGE_LENGTH, printable

if TYPE_CHECKING:
    from numpy.typing import NDArray


MAX_ENTRY_BYTES = 256 << 20
"""A larger file was not written by us and is not read."""

Key = Mapping[str, Any]
"""JSON values by name: everything that the entry depends on."""
Arrays = dict[str, "NDArray[Any]"]


def cache_folder(run_path: Path, run_id: str) -> Path:
    """Return the folder of a run's derived results: in the run, or outside it when the run is read-only.

    Outside, its name is made of the id in the manifest, so that a read-only run keeps its results when it moves.

    Raises:
        RefusedError: What stands there in the run is no folder, or a link that leads elsewhere.
    """
    inside = run_path / DERIVED_DIR
    if os.path.lexists(inside) and (inside.is_symlink() or not inside.is_dir()):
        kind = "a symbolic link" if inside.is_symlink() else "none"
        raise RefusedError(f"{printable(str(inside), MESSAGE_LENGTH)}: must be a folder of the run, found {kind}")
    if os.access(inside if inside.exists() else run_path, os.W_OK | os.X_OK):
        return inside
    from platformdirs import user_cache_path

    return user_cache_path("sedscope") / DERIVED_DIR / hashlib.sha256(run_id.encode()).hexdigest()[:16]


class Cache:
    """The derived results under one folder, which is made when the first one is kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.failure: str | None = None
        """The reason why results are no longer kept (disk full, no permission); they are computed all the same."""

    def load(self, kind: str, key: Key) -> Arrays | None:
        """Return the arrays under this key; None where there are none or they are damaged."""
        try:
            return _believe(RunFolder(self.folder).read(_name(kind, key), MAX_ENTRY_BYTES))
        except SedscopeError:
            return None

    def keep(self, kind: str, key: Key, arrays: Arrays) -> None:
        """Keep the arrays under this key, replacing what was there. Never raises for a full or read-only disk."""
        if self.failure is not None:
            return
        tensors = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        data = save_tensors(tensors, metadata={"crc32": _checksum(tensors), "kind": kind})
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            replace_file(self.folder / _name(kind, key), data, private=True)
        except OSError as error:
            self.failure = f"{self.folder}: derived results are not kept: {error.strerror or error}"


def _name(kind: str, key: Key) -> str:
    return f"{kind}-{digest(key)}.safetensors"


def digest(key: Key) -> str:
    """Return 32 hexadecimal digits over the key and every constant that numbers depend on.

    Raises:
        TypeError: The key holds something that JSON cannot; it would not be told apart reliably.
    """
    text = json.dumps([numerical_constants(), key], sort_keys=True, allow_nan=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _believe(data: bytes) -> Arrays | None:
    """Return the arrays of an entry; None where it is cut short or changed, or holds anything but real numbers."""
    try:
        arrays = load_tensors(data)
        header_size = int.from_bytes(data[:8], "little")
        metadata = json.loads(data[8 : 8 + header_size]).get("__metadata__", {})
    except (SafetensorError, ValueError, KeyError, TypeError):
        return None
    real = all(array.dtype.kind in "fiu" for array in arrays.values())
    return arrays if real and metadata.get("crc32") == _checksum(arrays) else None


def _checksum(arrays: Mapping[str, NDArray[Any]]) -> str:
    """Return the CRC-32 over names, types, shapes and bytes, in the order of the names."""
    crc = 0
    for name in sorted(arrays):
        array = arrays[name]
        crc = zlib.crc32(f"{name}|{array.dtype.str}|{array.shape}|".encode(), crc)
        crc = zlib.crc32(np.ascontiguousarray(array).tobytes(), crc)
    return f"{crc:08x}"

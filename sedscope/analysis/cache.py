"""Derived results on disk: what was computed once is not computed again.

Decides: where results live, how an entry is named, written and believed. They live in the cache directory of this user,
never in a run: a run may come from somebody else, and a number that came with it is nobody's computation. An entry is
keyed by everything it depends on, so it is never stale, only unused; deleting the folder is always safe. Leaves to
`measure` what each key must hold.

An entry is one small safetensors file, written under another name and renamed, so that an interrupt leaves either the
whole entry or none. It carries a CRC-32 of its arrays; one that does not match counts as missing.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from recorders.errors import RefusedError, SedscopeError
from recorders.store.durable import replace_file
from sedscope.analysis.constants import numerical_constants
from sedscope.runs.files.folder import RunFolder

if TYPE_CHECKING:
    from numpy.typing import NDArray


RESULTS_DIR = "results"
"""Folder in the user's cache directory for sedscope; safe to delete."""
MAX_ENTRY_BYTES = 256 << 20
"""A larger file was not written by us and is not read."""
MAX_CACHE_BYTES = 4 << 30
"""When results of one more run are kept, those of others make room until all take no more than this."""
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH

Key = Mapping[str, Any]
"""JSON values by name: everything that the entry depends on."""
Arrays = dict[str, "NDArray[Any]"]


def cache_folder(run_path: Path, manifest_digest: str) -> Path:
    """Return the folder of a run's results below `cache_root`, named after this very folder and its manifest.

    A run keeps its results when it is renamed or moved within its file system; a copy has none of them.
    """
    identity = f"{run_path.stat().st_ino} {manifest_digest}"
    return cache_root() / hashlib.sha256(identity.encode()).hexdigest()[:32]


def cache_root() -> Path:
    """Return the folder of all runs' results, in the user's cache directory (`$XDG_CACHE_HOME`, else `~/.cache`)."""
    from platformdirs import user_cache_path

    return user_cache_path("sedscope") / RESULTS_DIR


class Cache:
    """The results of one run; its folder is made when the first one is kept.

    Nothing is read unless the folder of all results belongs to this user, who alone may write there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.failure: str | None = None
        """The reason why results are no longer kept (disk full, no permission); they are computed all the same."""
        self._is_private = False

    def load(self, kind: str, key: Key) -> Arrays | None:
        """Return the arrays under this key; None where there are none, they are damaged, or somebody else's."""
        try:
            self._require_private()
            return _checked(RunFolder(self.folder).read(_name(kind, key), MAX_ENTRY_BYTES))
        except (SedscopeError, OSError):
            return None

    def keep(self, kind: str, key: Key, arrays: Arrays) -> None:
        """Keep the arrays under this key, replacing what was there. Never raises for a full or read-only disk."""
        if self.failure is not None:
            return
        tensors = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        data = save_tensors(tensors, metadata={"crc32": _checksum(tensors), "kind": kind})
        try:
            if not self.folder.exists():
                self.folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._require_private()
                make_room(self.folder.parent, MAX_CACHE_BYTES)
                self.folder.mkdir(mode=0o700, exist_ok=True)
            self._require_private()
            replace_file(self.folder / _name(kind, key), data, private=True)
        except OSError as error:
            self.failure = f"{self.folder}: derived results are not kept: {error.strerror or error}"
        except RefusedError as error:
            self.failure = f"derived results are not kept: {error}"

    def _require_private(self) -> None:
        """Raise `RefusedError` where somebody else could have written the results."""
        if self._is_private:
            return
        root = self.folder.parent
        status = root.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & _WRITABLE_BY_OTHERS:
            state = f"{stat.filemode(status.st_mode)} of user {status.st_uid}"
            raise RefusedError(f"{root}: must be a folder that user {os.geteuid()} alone writes to, found {state}")
        self._is_private = True


def make_room(root: Path, limit: int) -> None:
    """Remove the results of the runs that were written to least recently until all take at most `limit` bytes."""
    sizes: dict[Path, int] = {}
    for folder in root.iterdir():
        with suppress(OSError):  # another process may be making room as well
            sizes[folder] = sum(entry.stat(follow_symlinks=False).st_size for entry in os.scandir(folder))
    total = sum(sizes.values())
    for folder in sorted(sizes, key=_last_change):
        if total <= limit:
            return
        shutil.rmtree(folder, ignore_errors=True)
        total -= sizes[folder]


def _last_change(folder: Path) -> int:
    with suppress(OSError):
        return folder.lstat().st_mtime_ns
    return 0


def _name(kind: str, key: Key) -> str:
    return f"{kind}-{digest(key)}.safetensors"


def digest(key: Key) -> str:
    """Return 32 hexadecimal digits over the key and every constant that numbers depend on.

    Raises:
        TypeError: The key holds something that JSON cannot; it would not be told apart reliably.
    """
    text = json.dumps([numerical_constants(), key], sort_keys=True, allow_nan=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _checked(data: bytes) -> Arrays | None:
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

"""Tensors of a run's files, verified before anybody sees a number of them.

Decides when a CRC is checked: a tensor that is read whole, at every reading; one that is read in parts, before its
first part. Where a tensor lies in its file is decided in `recorders.store.tensorfile`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from numpy.typing import NDArray

from recorders.errors import DamagedError
from recorders.format import ROW_PREFIX, ROW_T_PREFIX, SCALAR_PREFIX, SCALAR_T_PREFIX, SHARD_DIR
from recorders.row_sources import current_name
from recorders.store import tensorfile
from recorders.store.tensorfile import Header, Tensor
from sedscope.runs.files.folder import RunFolder
from sedscope.runs.files.journal_lines import TensorFile
from sedscope.runs.text import printable

_CACHED_HEADERS = 256
"""Headers in memory: of a run with thousands of shards only those are parsed again that were not read lately."""
_SHARD_PREFIXES = (ROW_PREFIX, ROW_T_PREFIX, SCALAR_PREFIX, SCALAR_T_PREFIX)


class OpenTensors:
    """One tensor file, open for the time of a `with` block. Tensors go by their printable names."""

    def __init__(
        self, fd: int, header: Header, where: str, file: TensorFile, verified: set[tuple[TensorFile, str]]
    ) -> None:
        self._fd = fd
        self._where = where
        self._file = file
        self._verified = verified
        self.tensors = header

    def __getitem__(self, name: str) -> Tensor:
        if name not in self.tensors:
            raise DamagedError(f"{self._where}: tensor {printable(name)} is missing")
        return self.tensors[name]

    def read(self, name: str) -> NDArray[Any]:
        """Return a whole tensor; bfloat16 as float32."""
        return tensorfile.read(self._fd, name, self[name], self._where)

    def elements(self, name: str, first: int, count: int) -> NDArray[Any]:
        """Return `count` elements of the flattened tensor from element `first`; bfloat16 as float32."""
        self._verify(name)
        return tensorfile.read_elements(self._fd, self[name], first, count, self._where)

    def row_into(self, name: str, index: int, first: int, out: NDArray[Any]) -> None:
        """Fill `out` from row `index` of a tensor `[S, P]`, beginning with column `first`, without a copy."""
        self._verify(name)
        tensor = self[name]
        at = tensor.start + (index * tensor.shape[1] + first) * out.itemsize
        tensorfile.pread_into(self._fd, out, at, self._where)

    def expect(self, name: str, dtype: str, shape: Sequence[int]) -> None:
        """Raise `DamagedError` unless the tensor has this dtype and shape."""
        tensor = self[name]
        if tensor.dtype != dtype or tensor.shape != tuple(shape):
            actual = f"{tensor.dtype} {list(tensor.shape)}"
            raise DamagedError(f"{self._where}: {printable(name)} must be {dtype} {list(shape)}, found {actual}")

    def damaged(self, reason: str) -> NoReturn:
        """Raise `DamagedError` about this file."""
        raise DamagedError(f"{self._where}: {printable(reason)}")

    def verify_all(self) -> int:
        """Compare every tensor with its CRC; return the number of bytes that were read."""
        for name, tensor in self.tensors.items():
            tensorfile.verify(self._fd, name, tensor, self._where)
        return sum(tensor.size for tensor in self.tensors.values())

    def _verify(self, name: str) -> None:
        key = (self._file, name)
        if key not in self._verified:
            tensorfile.verify(self._fd, name, self[name], self._where)
            self._verified.add(key)


class TensorStore:
    """Opens tensor files and remembers what it verified."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._headers: OrderedDict[TensorFile, Header] = OrderedDict()
        self._verified: set[tuple[TensorFile, str]] = set()

    @contextmanager
    def open(self, file: TensorFile) -> Iterator[OpenTensors]:
        """Open a file and compare its size and header with what the journal says.

        Raises:
            DamagedError: missing, of another size, or with another header.
            RefusedError: nothing that a recorder wrote.
        """
        where = self._folder.where(file.name)
        with self._folder.open(file.name) as (fd, size):
            if size != file.size:
                raise DamagedError(f"{where}: must have {file.size} bytes, found {size}")
            yield OpenTensors(fd, self._header(fd, file, where), where, file, self._verified)

    def _header(self, fd: int, file: TensorFile, where: str) -> Header:
        if file in self._headers:
            self._headers.move_to_end(file)
            return self._headers[file]
        header = tensorfile.read_header(fd, file.size, file.header_crc, where)
        header = _printable(header, where, _SHARD_PREFIXES if file.name.startswith(f"{SHARD_DIR}/") else ())
        self._headers[file] = header
        if len(self._headers) > _CACHED_HEADERS:
            self._headers.popitem(last=False)
        return header


def _printable(header: Header, where: str, prefixes: Sequence[str]) -> Header:
    """Return the header with printable names, those of sources today's, as in the journal and the manifest."""
    tensors = {_printable_name(name, prefixes): tensor for name, tensor in header.items()}
    if len(tensors) != len(header):
        raise DamagedError(f"{where}: two tensors have the same name")
    return tensors


def _printable_name(name: str, prefixes: Sequence[str]) -> str:
    """Return a printable name with its prefix left alone: a cut `row/<source>` is not the name that the journal has."""
    prefix = next((prefix for prefix in prefixes if name.startswith(prefix)), "")
    shown = printable(name.removeprefix(prefix))
    return prefix + (current_name(shown) if prefix in (ROW_PREFIX, ROW_T_PREFIX) else shown)

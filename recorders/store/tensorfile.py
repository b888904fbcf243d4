"""Tensor files: safetensors, with a CRC for every tensor in the header's metadata.

Decides the bytes of a tensor file and what a reader believes of one; which tensors belong in it is left to `store` and
`sedscope.runs`. Any safetensors reader opens these files. Ours checks everything before use and reads with `pread`: a
memory-mapped file that somebody truncates kills the process with SIGBUS.

The journal holds a file's size and the CRC-32 of its header (its first 8 + N bytes). The header holds the CRC-32 of
every tensor's bytes under `crc32/<tensor>` in `__metadata__`, so that one tensor can be verified without the others.
Source: the safetensors format, https://github.com/huggingface/safetensors.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from recorders.errors import DamagedError, RefusedError
from recorders.format import MAX_INTEGER, MAX_SHARD_HEADER
from recorders.store import durable, strictjson

DTYPE_BYTES = {
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2,
    "I32": 4, "U32": 4, "F32": 4, "I64": 8, "U64": 8, "F64": 8, "C64": 8,
}  # fmt: skip
"""Bytes of one element of every dtype that a tensor file may hold."""

_NUMPY = {
    "BOOL": "?", "U8": "u1", "I8": "i1", "I16": "<i2", "U16": "<u2", "F16": "<f2", "I32": "<i4", "U32": "<u4",
    "F32": "<f4", "I64": "<i8", "U64": "<u8", "F64": "<f8", "C64": "<c8",
}  # fmt: skip
_FROM_NUMPY = {np.dtype(code): name for name, code in _NUMPY.items()}
_FROM_TORCH = {
    "torch.bool": "BOOL", "torch.uint8": "U8", "torch.int8": "I8", "torch.float8_e4m3fn": "F8_E4M3",
    "torch.float8_e5m2": "F8_E5M2", "torch.int16": "I16", "torch.uint16": "U16", "torch.float16": "F16",
    "torch.bfloat16": "BF16", "torch.int32": "I32", "torch.uint32": "U32", "torch.float32": "F32", "torch.int64": "I64",
    "torch.uint64": "U64", "torch.float64": "F64", "torch.complex64": "C64",
}  # fmt: skip
_METADATA = "__metadata__"
_CRC_PREFIX = "crc32/"
_CHUNK = 4 << 20  # large enough for the disk's full rate, small enough for checks of many files at a time


class Payload(NamedTuple):
    """A tensor about to be written: its bytes may lie in several buffers, one after the other."""

    dtype: str
    shape: tuple[int, ...]
    buffers: list[memoryview]

    @property
    def size(self) -> int:
        """Return the number of bytes."""
        return sum(len(buffer) for buffer in self.buffers)


def payload(tensor: Any) -> Payload:
    """Return a NumPy array or a torch tensor (any device; bfloat16 and float8 too) as bytes in row-major order.

    Raises:
        TypeError: the format has no name for its dtype.
    """
    if isinstance(tensor, np.ndarray | np.generic):
        array = np.asarray(tensor)
        array = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).reshape(array.shape)
        return Payload(_dtype_name(_FROM_NUMPY, array.dtype), array.shape, [_bytes_of(array)])
    import torch  # a caller that has a tensor has imported it already

    flat = tensor.detach().to("cpu").contiguous().reshape(-1).view(torch.uint8)
    return Payload(_dtype_name(_FROM_TORCH, str(tensor.dtype)), tuple(tensor.shape), [flat.numpy().data])


def holds(dtype: str) -> bool:
    """Return whether the format has a name for a torch dtype, given as torch writes it."""
    return dtype in _FROM_TORCH


def stacked(vectors: Sequence[NDArray[Any]]) -> Payload:
    """Return vectors `[P]` of one dtype as one tensor `[S, P]`, without copying them together."""
    first = vectors[0]
    return Payload(
        _dtype_name(_FROM_NUMPY, first.dtype),
        (len(vectors), *first.shape),
        [_bytes_of(np.ascontiguousarray(vector)) for vector in vectors],
    )


class FileRecord(NamedTuple):
    """The size and checksum of a tensor file, as a journal line holds them."""

    size: int
    header_crc: int


def write(path: Path, tensors: Mapping[str, Payload]) -> FileRecord:
    """Write a tensor file durably; it counts for nothing until a journal line names it.

    Raises:
        OSError: disk full or not writable; nothing stays behind.
    """
    ordered = dict(sorted(tensors.items(), key=lambda item: (-DTYPE_BYTES[item[1].dtype], item[0])))
    header = _header_bytes(ordered)
    buffers: list[durable.Buffer] = [header, *(buffer for tensor in ordered.values() for buffer in tensor.buffers)]
    return FileRecord(durable.write_file(path, buffers), crc32(header))


@dataclass(frozen=True, slots=True)
class Tensor:
    """The position of one tensor in a file."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    """Bytes from the start of the file."""
    size: int
    """Bytes."""
    crc: int
    """CRC-32 of its bytes."""


Header = dict[str, Tensor]
"""The tensors of a file by name, validated: they tile it exactly, without overlap or hole."""


def read_header(fd: int, size: int, crc: int, where: str) -> Header:
    """Read and validate the header of an open tensor file of `size` bytes whose header must have the CRC-32 `crc`.

    Raises:
        DamagedError: truncated, zero-filled, or offsets, shapes and dtypes that contradict each other or the size.
        RefusedError: a header over the cap, or JSON that is not acceptable.
    """
    length = int.from_bytes(pread(fd, 8, 0, where), "little")
    if not 2 <= length <= size - 8:
        raise DamagedError(f"{where}: not a safetensors file (header of {length} bytes in a file of {size})")
    if length > MAX_SHARD_HEADER:
        raise RefusedError(f"{where}: a header must not exceed {MAX_SHARD_HEADER} bytes, found {length}")
    raw = pread(fd, 8 + length, 0, where)
    if crc32(raw) != crc:
        raise DamagedError(f"{where}: CRC mismatch in the header")
    members = strictjson.loads(raw[8:], where)
    if not isinstance(members, dict):
        raise DamagedError(f"{where}: the header is not a JSON object")
    metadata = members.pop(_METADATA, {})
    tensors = {name: _tensor(name, entry, 8 + length, metadata, where) for name, entry in members.items()}
    _check_tiling(tensors, 8 + length, size, where)
    return tensors


def verify(fd: int, name: str, tensor: Tensor, where: str) -> None:
    """Compare a tensor's bytes with its CRC, in pieces of 4 MiB; raises `DamagedError`."""
    crc, offset, end = 0, tensor.start, tensor.start + tensor.size
    while offset < end:
        piece = pread(fd, min(_CHUNK, end - offset), offset, where)
        crc, offset = crc32(piece, crc), offset + len(piece)
    if crc != tensor.crc:
        raise DamagedError(f"{where}: CRC mismatch in tensor {name}")


def read(fd: int, name: str, tensor: Tensor, where: str) -> NDArray[Any]:
    """Return the tensor, compared with its CRC, as a new array; bfloat16 becomes float32, which holds all its values.

    Raises:
        DamagedError: the bytes are not those that were written.
        RefusedError: a dtype that NumPy has no counterpart for.
    """
    flat = _elements(fd, tensor, _code(tensor, where), 0, math.prod(tensor.shape), where)
    if crc32(_bytes_of(flat)) != tensor.crc:
        raise DamagedError(f"{where}: CRC mismatch in tensor {name}")
    return _widened(flat, tensor).reshape(tensor.shape)


def read_elements(fd: int, tensor: Tensor, first: int, count: int, where: str) -> NDArray[Any]:
    """Return `count` elements of the flattened tensor from `first` on, as a new array `[count]`; bfloat16 as float32.

    Raises:
        DamagedError: the file became shorter than its header says.
        RefusedError: a dtype that NumPy has no counterpart for.
    """
    return _widened(_elements(fd, tensor, _code(tensor, where), first, count, where), tensor)


def pread(fd: int, count: int, offset: int, where: str) -> bytes:
    """Return exactly `count` bytes from `offset`; `DamagedError` where the file ends before."""
    content = np.empty(count, np.uint8)
    pread_into(fd, content, offset, where)
    return content.tobytes()


def pread_into(fd: int, out: NDArray[Any], offset: int, where: str) -> None:
    """Fill the contiguous array `out` from `offset`; `DamagedError` where the file ends before."""
    rest = _bytes_of(out)
    while len(rest):
        got = os.preadv(fd, [rest], offset)
        if not got:
            raise DamagedError(f"{where}: ends after {offset} bytes; {offset + len(rest)} were needed")
        rest, offset = rest[got:], offset + got


def _elements(fd: int, tensor: Tensor, code: str, first: int, count: int, where: str) -> NDArray[Any]:
    out = np.empty(count, dtype=code)
    pread_into(fd, out, tensor.start + first * out.itemsize, where)
    return out


def _code(tensor: Tensor, where: str) -> str:
    if tensor.dtype == "BF16":
        return "<u2"
    if tensor.dtype not in _NUMPY:
        raise RefusedError(f"{where}: dtype {tensor.dtype} cannot be read; readable: {', '.join(_NUMPY)}, BF16")
    return _NUMPY[tensor.dtype]


def _widened(flat: NDArray[Any], tensor: Tensor) -> NDArray[Any]:
    if tensor.dtype != "BF16":
        return flat
    wide = flat.astype(np.uint32)
    wide <<= 16
    return wide.view(np.float32)


def _bytes_of(array: NDArray[Any]) -> memoryview:
    return array.reshape(-1).view(np.uint8).data


def _dtype_name(names: Mapping[Any, str], dtype: Any) -> str:
    if dtype not in names:
        raise TypeError(f"dtype {dtype} has no name in a tensor file; known: {', '.join(DTYPE_BYTES)}")
    return names[dtype]


def _header_bytes(tensors: Mapping[str, Payload]) -> bytes:
    members: dict[str, Any] = {
        _METADATA: {_CRC_PREFIX + name: f"{_crc(tensor):08x}" for name, tensor in tensors.items()}
    }
    end = 0
    for name, tensor in tensors.items():
        start, end = end, end + tensor.size
        members[name] = {"dtype": tensor.dtype, "shape": list(tensor.shape), "data_offsets": [start, end]}
    text = json.dumps(members, separators=(",", ":")).encode("ascii")
    text += b" " * (-len(text) % 8)  # the first tensor starts at a multiple of 8
    if len(text) > MAX_SHARD_HEADER:
        raise ValueError(f"a header must not exceed {MAX_SHARD_HEADER} bytes, found {len(text)}")
    return len(text).to_bytes(8, "little") + text


def _crc(tensor: Payload) -> int:
    crc = 0
    for buffer in tensor.buffers:
        crc = crc32(buffer, crc)
    return crc


def _tensor(name: str, entry: Any, base: int, metadata: Any, where: str) -> Tensor:
    try:
        dtype, shape, (start, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
        size = DTYPE_BYTES[dtype] * _count(shape)
        crc = int(metadata[_CRC_PREFIX + name], 16)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DamagedError(f"{where}: header entry {name[:80]!r} is malformed") from error
    if type(start) is not int or type(end) is not int or end - start != size:
        raise DamagedError(f"{where}: tensor {name[:80]!r} must take {size} bytes, found offsets {start}, {end}")
    return Tensor(dtype, tuple(shape), base + start, size, crc)


def _count(shape: Any) -> int:
    if not isinstance(shape, list) or not all(type(length) is int and 0 <= length <= MAX_INTEGER for length in shape):
        raise ValueError("shape")
    return math.prod(shape)


def _check_tiling(tensors: Mapping[str, Tensor], start: int, size: int, where: str) -> None:
    for tensor in sorted(tensors.values(), key=lambda tensor: (tensor.start, tensor.size)):
        if tensor.start != start:
            raise DamagedError(f"{where}: tensors overlap or leave a hole at byte {start}")
        start += tensor.size
    if start != size:
        raise DamagedError(f"{where}: tensors end at byte {start}, the file at {size}")

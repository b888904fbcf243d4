"""Tensor files: the safetensors package reads what we write, and we read nothing that is not exactly right."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from recorders.errors import DamagedError, RefusedError
from recorders.store import tensorfile
from recorders.store.tensorfile import FileRecord, Header

Change = Callable[[dict[str, Any]], None]


def write(path: Path, tensors: dict[str, Any]) -> FileRecord:
    return tensorfile.write(path, {name: tensorfile.payload(tensor) for name, tensor in tensors.items()})


def read_header(path: Path, crc: int | None = None) -> tuple[int, Header]:
    fd = os.open(path, os.O_RDONLY)
    size = os.fstat(fd).st_size
    raw = path.read_bytes()
    length = 8 + int.from_bytes(raw[:8], "little")
    return fd, tensorfile.read_header(fd, size, crc32(raw[:length]) if crc is None else crc, "here")


def read(path: Path, name: str) -> NDArray[Any]:
    fd, header = read_header(path)
    return tensorfile.read(fd, name, header[name], "here")


TENSORS = {
    "float": torch.arange(6, dtype=torch.float32).reshape(2, 3),
    "half": torch.tensor([1.5, -2.0, 65504.0], dtype=torch.float16),
    "brain": torch.tensor([[1.0, 1 / 3], [-0.0, 3e38]], dtype=torch.bfloat16),
    "eight": torch.tensor([0.5, -448.0]).to(torch.float8_e4m3fn),
    "double": torch.tensor(1 / 3, dtype=torch.float64),
    "step": torch.tensor(7),
    "mask": torch.tensor([True, False, True]),
    "empty": torch.empty(0, 5),
    "strided": torch.arange(12, dtype=torch.float32).reshape(3, 4).t()[1:3],
    "gradient": torch.ones(2, requires_grad=True),
}


def test_the_safetensors_package_reads_what_we_write(tmp_path: Path) -> None:
    write(tmp_path / "a", TENSORS)
    found = load_file(tmp_path / "a")
    assert found.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert found[name].dtype == tensor.dtype, name
        assert found[name].shape == tensor.shape, name
        bits = tensor.detach().contiguous().reshape(-1).view(torch.uint8)
        assert torch.equal(found[name].contiguous().reshape(-1).view(torch.uint8), bits), name


@pytest.mark.parametrize("name", [name for name in TENSORS if name != "eight"])
def test_we_read_what_we_write(tmp_path: Path, name: str) -> None:
    write(tmp_path / "a", TENSORS)
    tensor = TENSORS[name].detach()
    expected = tensor.float().numpy() if tensor.dtype == torch.bfloat16 else tensor.numpy()
    found = read(tmp_path / "a", name)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


def test_numpy_arrays_of_any_order_are_written_row_major(tmp_path: Path) -> None:
    array = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    write(tmp_path / "a", {"fortran": array, "big": array.astype(">f4"), "number": np.float64(3.0)})
    np.testing.assert_array_equal(read(tmp_path / "a", "fortran"), array)
    np.testing.assert_array_equal(read(tmp_path / "a", "big"), array.astype(np.float32))
    assert read(tmp_path / "a", "number").shape == ()


def test_vectors_are_stacked_without_a_copy(tmp_path: Path) -> None:
    vectors = [np.arange(4, dtype=np.float32) + row for row in range(3)]
    tensorfile.write(tmp_path / "a", {"rows": tensorfile.stacked(vectors)})
    np.testing.assert_array_equal(read(tmp_path / "a", "rows"), np.stack(vectors))


def test_parts_of_a_tensor(tmp_path: Path) -> None:
    write(tmp_path / "a", TENSORS)
    fd, header = read_header(tmp_path / "a")
    np.testing.assert_array_equal(tensorfile.read_elements(fd, header["float"], 2, 3, "here"), [2, 3, 4])
    brain = TENSORS["brain"].float().numpy().reshape(-1)
    np.testing.assert_array_equal(tensorfile.read_elements(fd, header["brain"], 1, 2, "here"), brain[1:3])


def test_a_dtype_without_a_counterpart_is_refused_when_it_is_asked_for(tmp_path: Path) -> None:
    write(tmp_path / "a", TENSORS)
    with pytest.raises(RefusedError, match=r"here: dtype F8_E4M3 cannot be read; readable: BOOL, .*, BF16"):
        read(tmp_path / "a", "eight")


def test_a_dtype_without_a_name_is_not_written() -> None:
    with pytest.raises(TypeError, match="dtype complex128 has no name"):
        tensorfile.payload(np.zeros(2, dtype=np.complex128))


def test_a_flipped_bit_anywhere_is_damage(tmp_path: Path) -> None:
    record = write(tmp_path / "a", {"float": TENSORS["float"], "step": TENSORS["step"]})
    whole = (tmp_path / "a").read_bytes()
    for position in range(0, len(whole), 3):
        broken = bytearray(whole)
        broken[position] ^= 4
        (tmp_path / "a").write_bytes(broken)
        with pytest.raises(DamagedError, match=r"here: "):
            fd, header = read_header(tmp_path / "a", record.header_crc)
            for name, tensor in header.items():
                tensorfile.verify(fd, name, tensor, "here")


def craft(path: Path, change: Change, data: bytes = b"\1" * 32) -> None:
    """A file with two tensors of 16 bytes whose header `change` edited."""
    header: dict[str, Any] = {
        "__metadata__": {"crc32/a": f"{crc32(data[:16]):08x}", "crc32/b": f"{crc32(data[16:]):08x}"},
        "a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]},
        "b": {"dtype": "F32", "shape": [2, 2], "data_offsets": [16, 32]},
    }
    change(header)
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


def change(**members: Any) -> Change:
    return lambda header: header["b"].update(members)


def test_the_crafted_file_is_fine_unchanged(tmp_path: Path) -> None:
    craft(tmp_path / "a", lambda header: None)
    assert read_header(tmp_path / "a")[1]["b"].shape == (2, 2)


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (change(data_offsets=[0, 16]), "overlap or leave a hole at byte"),
        (change(data_offsets=[20, 36]), "overlap or leave a hole at byte"),
        (change(data_offsets=[16, 36]), "must take 16 bytes, found offsets 16, 36"),
        (change(data_offsets=[16.0, 32.0]), "must take 16 bytes, found offsets 16.0, 32.0"),
        (change(data_offsets=[True, 17]), "must take 16 bytes, found offsets True, 17"),
        (change(data_offsets=[-16, 0]), "overlap or leave a hole at byte"),
        (change(data_offsets="16"), "must take 16 bytes, found offsets 1, 6"),
        (change(shape=[2, -2]), "header entry 'b' is malformed"),
        (change(shape=[True, 4]), "header entry 'b' is malformed"),
        (change(shape=[2**50, 2**50]), "must take"),
        (change(dtype="F31"), "header entry 'b' is malformed"),
        (change(dtype=["F32"]), "header entry 'b' is malformed"),
        (lambda header: header.pop("b"), "tensors end at byte"),
        (lambda header: header["__metadata__"].pop("crc32/b"), "header entry 'b' is malformed"),
        (lambda header: header.update(__metadata__=None), "header entry 'a' is malformed"),
    ],
)
def test_a_header_that_contradicts_itself_is_damage(tmp_path: Path, edit: Change, reason: str) -> None:
    craft(tmp_path / "a", edit)
    with pytest.raises(DamagedError) as caught:
        read_header(tmp_path / "a")
    assert str(caught.value).startswith("here: ")
    assert reason in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\0" * 4, b"\0" * 400, b"\xff" * 400, (200).to_bytes(8, "little") + b"{}"])
def test_what_is_no_tensor_file_is_damage(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(DamagedError, match="here: "):
        read_header(tmp_path / "a", 0)


def test_a_header_over_the_cap_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "a").open("wb") as file:
        file.write((17 << 20).to_bytes(8, "little"))
        file.truncate(18 << 20)
    with pytest.raises(RefusedError, match="a header must not exceed"):
        read_header(tmp_path / "a", 0)


def test_a_file_that_shrinks_while_it_is_open_is_damage(tmp_path: Path) -> None:
    write(tmp_path / "a", {"float": np.zeros(1000, np.float32)})
    fd, header = read_header(tmp_path / "a")
    os.truncate(tmp_path / "a", 2000)
    with pytest.raises(DamagedError, match=r"here: ends after \d+ bytes"):
        tensorfile.read_elements(fd, header["float"], 0, 1000, "here")

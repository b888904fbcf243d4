"""Programs that no capture writes: each is refused with the part or the node that is wrong."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
import torch

from recorders.errors import RefusedError
from recorders.format import MAX_PROGRAM_JSON
from recorders.program import load
from recorders.program.storage import operation_table
from recorders.program.storage.graph import MAX_NODES
from recorders.program.storage.schema import overload

PLAIN: dict[str, Any] = {
    "version": 1,
    "torch": "2.13.0",
    "batch": [2, None],
    "inputs": [["inputs.0", "float32", [3]]],
    "delta": ["", "float32", [3]],
    "state": [["weight", "float32", [4, 3]]],
    "constants": [],
    "nodes": [["aten.add.Tensor", [{"v": 0}, {"v": 1}]], ["aten.linear.default", [{"v": 3}, {"v": 2}]]],
    "outputs": [["", 4]],
}
STATE = {"weight": torch.ones(4, 3)}
INPUTS = (torch.ones(5, 3),)
ZERO = torch.zeros(())


def document(change: Callable[[dict[str, Any]], Any]) -> bytes:
    changed = copy.deepcopy(PLAIN)
    change(changed)
    return json.dumps(changed).encode()


def nodes(*added: list[Any]) -> bytes:
    """PLAIN with more nodes, the last of which is the output."""

    def change(program: dict[str, Any]) -> None:
        program["nodes"] += added
        program["outputs"] = [["", 2 + len(program["nodes"])]]

    return document(change)


def last(op: str, *args: Any, **kwargs: Any) -> bytes:
    return nodes([op, [{"v": 4}, *args], kwargs])


def sizes(*added: list[Any]) -> bytes:
    """Integer nodes after the size of the batch, which is value 5."""
    return nodes(["aten.sym_size.int", [{"v": 4}, 0]], *added, ["aten.neg.default", [{"v": 4}]])


def test_the_plain_program_runs() -> None:
    (y,) = load(document(lambda _: None), {}).run(STATE, INPUTS, ZERO)
    assert torch.equal(y, torch.full((5, 4), 3.0))


@pytest.mark.parametrize(
    ("program", "words"),
    [
        (b"", "not readable as JSON"),
        (b"\xff\xfe{}", "not readable as JSON"),
        (b"[]", "must be an object"),
        (b"{}", "version 1 is read"),
        (b"[" * 100_000, "not readable as JSON"),
        (b" " * (MAX_PROGRAM_JSON + 1), "bytes of JSON"),
        (document(lambda p: p.update(version=2)), "version 1 is read by this version of sedscope, found 2"),
        (document(lambda p: p.update(version=True)), "version 1 is read"),
        (document(lambda p: p.update(code="import os")), "'code'"),
        (document(lambda p: p.pop("nodes")), "'nodes'"),
        (b'{"version":1,"version":1}', "duplicate key 'version'"),
        (document(lambda _: None).replace(b'"torch"', b'"version": 1, "torch"'), "duplicate key 'version'"),
        (b'{"version":NaN}', "numbers must be finite, found NaN"),
        (b'{"version":1' + b"0" * 5000 + b"}", "not readable as JSON"),
        (document(lambda p: p.update(batch=[2**53 + 1, None])), "integers must lie within"),
        (document(lambda p: p.update(batch=[2])), "batch must be"),
        (document(lambda p: p.update(batch=[-1, None])), "batch[0]"),
        (document(lambda p: p.update(batch=[True, None])), "batch[0]"),
        (document(lambda p: p.update(outputs=[])), "at least one output"),
        (document(lambda p: p.update(outputs=[["", 99]])), "does not exist"),
        (document(lambda p: p.update(outputs=[["a", 3], ["a", 4]])), "two outputs have one name"),
        (document(lambda p: p["state"].append(["weight", "float32", [1]])), "two state have one name"),
        (document(lambda p: p["state"][0].__setitem__(1, "quint8")), "state[0] dtype must be one of"),
        (document(lambda p: p["state"][0].__setitem__(2, [2**41])), "state[0] shape"),
        (document(lambda p: p["state"][0].__setitem__(2, [1] * 17)), "17 axes"),
        (document(lambda p: p["state"][0].__setitem__(0, "x" * 2000)), "text of at most"),
        (document(lambda p: p.update(nodes=p["nodes"] * (MAX_NODES // 2 + 1))), f"at most {MAX_NODES} nodes"),
        (document(lambda p: p.update(constants=[["c0", "float32", [1]]])), "constant 'c0' is missing"),
        (nodes(["aten.neg.default", [{"v": 5}]]), "node 2 uses a value that is not defined before it"),
        (nodes(["aten.neg.default", [{"v": -1}]]), "node 2 reference"),
        (nodes(["aten.neg.default", [{"v": True}]]), "node 2 reference"),
        (nodes(["aten.neg.default", [{"v": 4, "w": 4}]]), "exactly one key"),
        (nodes(["aten.neg.default", [{"code": "1"}]]), "unknown object 'code'"),
        (nodes(["aten.neg.default"]), "node 2 must be"),
        (nodes(["aten.cat.default", [[[[[{"v": 4}]]]]]]), "node 2 nests lists deeper"),
        (nodes(["aten.cat.default", [[{"v": 4}] * 5000]]), "at most 4096"),
    ],
)
def test_a_document_is_refused_by_its_part(program: bytes, words: str) -> None:
    with pytest.raises(RefusedError) as refusal:
        load(program, {})
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 400


@pytest.mark.parametrize(
    ("program", "words"),
    [
        (last("aten.randn_like.default"), "node 2 (aten.randn_like.default): not in the table of operations"),
        (last("aten.nonzero.default"), "not in the table"),
        (last("aten.add_.Tensor", {"v": 4}), "not in the table"),
        (nodes(["aten.from_file.default", ["/etc/passwd"]]), "not in the table"),
        (nodes(["os.system", ["true"]]), "not in the table"),
        (nodes(["__import__", ["os"]]), "not in the table"),
        (nodes(["aten.neg.default\n\x1b[31m", [{"v": 4}]]), "printable text"),
        (document(lambda p: p.update(outputs=[["\x1b]52;c;\x07", 4]])), "printable text"),
        (last("aten.to.dtype", 6), "argument dtype must be ScalarTypeType, found 6"),
        (last("aten.clone.default", memory_format=0), "argument memory_format"),
        (last("aten.sum.dim_IntList", [0], False, dtype=7), "argument dtype"),
        (last("aten.sum.dim_IntList", [0], 1), "argument keepdim must be BoolType"),
        (last("aten.reshape.default", [2.5]), "argument shape"),
        (last("aten.reshape.default", [True]), "argument shape"),
        (last("aten.reshape.default", [2**30]), "argument shape"),
        (last("aten.add.Tensor", "1"), "argument other"),
        (last("aten.tanh.default", {"v": 4}), "takes at most 1 arguments"),
        (last("aten.tanh.default", self={"v": 4}), "unknown or repeated argument"),
        (last("aten.tanh.default", device="cuda:0"), "unknown or repeated argument"),
        (nodes(["aten.zeros.default", [[2]], {"device": "cuda"}]), "unknown or repeated argument"),
        (nodes(["aten.tanh.default", []]), "argument self is required"),
        (nodes(["aten.tanh.default", [1.0]]), "argument self must be TensorType"),
        (nodes(["int.mul", [{"v": 4}, 2]]), "takes 2 integers"),
        (nodes(["int.mul", [True, 2]]), "takes 2 integers"),
        (nodes(["int.mul", [3, 2]]), "every output must be a tensor"),
        (nodes(["getitem", [{"v": 4}, 0]]), "takes several tensors"),
        (nodes(["aten.unbind.int", [{"v": 4}]]), "every output must be a tensor"),
        (nodes(["aten.unbind.int", [{"v": 4}]], ["getitem", [{"v": 5}, -1]]), "a position from 0"),
        (
            nodes(["aten.batch_norm.default", [{"v": 4}, None, None, None, None, True, 0.1, 1e-5, False]]),
            "training must be False",
        ),
        (nodes(["aten.embedding.default", [{"v": 4}, {"v": 4}, -1, False, True]]), "sparse must be False"),
        (nodes(["aten.max_pool2d.default", [{"v": 4}, [1], [65536]]]), "argument stride"),
    ],
)
def test_a_node_is_refused_by_its_number(program: bytes, words: str) -> None:
    with pytest.raises(RefusedError) as refusal:
        load(program, {})
    assert words in str(refusal.value)
    assert str(refusal.value).isprintable()


@pytest.mark.parametrize(
    ("program", "words"),
    [
        (last("aten.reshape.default", [7, 7]), "node 2 (aten.reshape.default)"),
        (last("aten.matmul.default", {"v": 4}), "node 2 (aten.matmul.default)"),
        (last("aten.expand.default", [2**20, 2**20, 5, 4]), "bytes, at most"),
        (last("aten.pad.default", [4096] * 4), "bytes, at most"),
        (last("aten.repeat.default", [2**24, 2**24]), "node 2 (aten.repeat.default)"),
        (sizes(["int.floordiv", [{"v": 5}, 0]]), "node 3"),
        (sizes(*(["int.mul", [{"v": 5 + i}, 2**23]] for i in range(3))), "sizes of at most"),
        (
            nodes(["aten.full.default", [[5000, 4], 1]], ["aten.unbind.int", [{"v": 5}]], ["getitem", [{"v": 6}, 0]]),
            "at most 4096 results",
        ),
    ],
)
def test_a_check_refuses_before_anything_is_made(program: bytes, words: str) -> None:
    with pytest.raises(RefusedError) as refusal:
        load(program, {}).check(INPUTS, most_total=1 << 20)
    assert words in str(refusal.value), str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_check_counts_all_results_together() -> None:
    views = [["aten.unsqueeze.default", [{"v": 24}, 0]], ["aten.expand.default", [{"v": 25}, [3, -1, -1]]]]
    chain = nodes(*(["aten.neg.default", [{"v": 4 + i}]] for i in range(20)), *views)
    footprint = load(chain, {}).check(INPUTS)
    assert footprint.largest == 3 * 5 * 4 * 4  # the expanded view
    assert footprint.total == 5 * 3 * 4 + 21 * 5 * 4 * 4
    with pytest.raises(RefusedError, match="node 6"):
        load(chain, {}).check(INPUTS, most_total=5 * 3 * 4 + 5 * 80)


def test_a_check_counts_the_work() -> None:
    """Little memory and hours of products: a square matrix times itself, again and again."""
    square = ["aten.full.default", [[4096, 4096], 1.0]]
    powers = nodes(square, *(["aten.mm.default", [{"v": 5}, {"v": 5 + i}]] for i in range(20)))
    assert load(powers, {}).check(INPUTS).flops == 2 * 20 * 4096**3 + 2 * 5 * 3 * 4
    with pytest.raises(RefusedError, match="operations, at most 10"):
        load(powers, {}).check(INPUTS, most_flops=10)


@pytest.mark.parametrize(
    ("state", "inputs", "delta", "words"),
    [
        ({}, INPUTS, ZERO, "weight 'weight' is missing"),
        ({"weight": torch.ones(3, 4)}, INPUTS, ZERO, "must be [4, 3], found [3, 4]"),
        ({"weight": torch.ones(4, 3, dtype=torch.int64)}, INPUTS, ZERO, "must be float32, found int64"),
        (STATE, (), ZERO, "1 inputs are required, found 0"),
        (STATE, (torch.ones(5, 4),), ZERO, "input 'inputs.0' must be [N, 3], found [5, 4]"),
        (STATE, (torch.ones(1, 3),), ZERO, "batch of 2 or more is required, found [1]"),
        (STATE, (torch.ones(()),), ZERO, "batch of 2 or more"),
        (STATE, INPUTS, torch.zeros(5, 4), "delta must be zero-dimensional or [5, 3], found [5, 4]"),
    ],
)
def test_a_run_refuses_what_does_not_fit(state: Any, inputs: Any, delta: Any, words: str) -> None:
    with pytest.raises(RefusedError) as refusal:
        load(document(lambda _: None), {}).run(state, inputs, delta)
    assert words in str(refusal.value), str(refusal.value)


@pytest.mark.parametrize(
    ("constants", "words"),
    [({}, "constant 'c0' is missing"), ({"c0": torch.ones(2)}, "float32 [3], found torch.float32 [2]")],
)
def test_constants_must_be_what_the_program_says(constants: Any, words: str) -> None:
    def change(program: dict[str, Any]) -> None:
        program.update(constants=[["c0", "float32", [3]]], nodes=[["aten.add.Tensor", [{"v": 0}, {"v": 1}]]])
        program["outputs"] = [["", 4]]

    with pytest.raises(RefusedError) as refusal:
        load(document(change), constants)
    assert words in str(refusal.value)


@pytest.mark.parametrize("op", ["floor_divide.default", "remainder.Tensor", "fmod.Tensor"])
def test_integers_are_not_divided_by_minus_one(op: str) -> None:
    """The least integer divided by -1 is a signal, not an exception."""

    def change(program: dict[str, Any]) -> None:
        program["inputs"].append(["inputs.1", "int64", []])
        program.update(state=[], nodes=[[f"aten.{op}", [{"v": 1}, -1]]], outputs=[["", 3]])

    least = torch.full((5,), -(2**63))
    with pytest.raises(RefusedError, match="not divided by -1"):
        load(document(change), {}).run({}, (*INPUTS, least), ZERO)


class TestTable:
    """The explicit list is what its description says."""

    def test_every_operation_exists_and_is_pure(self) -> None:
        wrong = [op for op in operation_table.OPERATIONS if overload(op)._schema.is_mutable]
        assert wrong == []

    def test_none_is_random_unless_the_random_part_is_fixed(self) -> None:
        seeded = {op for op in operation_table.OPERATIONS if torch.Tag.nondeterministic_seeded in overload(op).tags}
        assert all(operation_table.FIXED[op]["dropout_p"] == 0.0 for op in seeded)

    def test_fixed_arguments_exist(self) -> None:
        for op, fixed in operation_table.FIXED.items():
            assert set(fixed) <= {slot.name for slot in overload(op)._schema.arguments}

    def test_known_dangers_are_not_in_it(self) -> None:
        dangers = "lstm.input _reshape_alias.default as_strided.default empty.memory_format from_file.default"
        assert not any(operation_table.is_known(f"aten.{danger}") for danger in dangers.split())

"""What is stored of a probe pool, which program a task gets, and what is refused without ending the recording."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import sedscope
from recorders import probes
from recorders.probes import draw


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.tok_emb = nn.Embedding(6, 4)
        self.heads = nn.ModuleDict({"a": nn.Linear(4, 6), "b": nn.Linear(4, 6)})

    def forward(self, tokens: Tensor) -> dict[str, Tensor]:
        hidden = self.tok_emb(tokens).tanh().mean(1)
        return {task: head(hidden) for task, head in self.heads.items()}


POOL = torch.randint(0, 6, (20, 3), generator=torch.Generator().manual_seed(0))
TARGETS = POOL.sum(1) % 6


def one_step(model: nn.Module) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    sum(out.square().mean() for out in model(POOL).values()).backward()
    optimizer.step()


def test_a_small_pool_is_stored_whole_with_two_independent_drawings() -> None:
    train = torch.arange(20) < 10
    tensors = draw([POOL], TARGETS, train, seed=0)
    assert torch.equal(tensors["inputs.0"], POOL) and torch.equal(tensors["targets"], TARGETS)
    assert torch.equal(tensors["train"], train) and tensors["example"].tolist() == list(range(20))
    probes_order, batch_order = tensors["order.probes"].tolist(), tensors["order.batch"].tolist()
    assert sorted(probes_order) == sorted(batch_order) == list(range(20)) and probes_order != batch_order
    again, other = draw([POOL], TARGETS, None, seed=0), draw([POOL], TARGETS, None, seed=1)
    assert again["order.probes"].tolist() == probes_order != other["order.probes"].tolist()


def test_of_a_large_pool_the_drawings_begin_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "PROBE_POOL_EXAMPLES", 50)
    monkeypatch.setattr(probes, "PROBE_DRAW", 8)
    pool = torch.arange(100) * 3
    tensors = draw([pool], pool, None, seed=4)
    generator = torch.Generator().manual_seed(4)
    for name in ("order.probes", "order.batch"):
        whole = torch.randperm(100, generator=generator)
        assert torch.equal(tensors["inputs.0"][tensors[name]], pool[whole[:8]])
        assert torch.equal(tensors["example"][tensors[name]], whole[:8])
    assert len(tensors["example"]) == len(tensors["targets"]) <= 16


def test_tasks_of_one_model_share_a_program(recording: Any) -> None:
    model = Model()
    with recording(every=1) as it:
        for task in ("a", "b"):
            sedscope.probe(model, task=task, inputs=POOL, targets=TARGETS, at="tok_emb", output=task)
        one_hot = nn.functional.one_hot(TARGETS, 6).float()
        sedscope.probe(model, "picked", (POOL,), one_hot, output=lambda outputs: outputs["b"], loss="mse")
        one_step(model)
    found = {task: meta for task, (_, meta) in it.writer.probes.items()}
    assert it.writer.manifest["tasks"] == ["a", "b", "picked"] and len(it.writer.programs) == 2
    assert found["a"]["program"] == found["b"]["program"] == "program-1" != found["picked"]["program"]
    assert (found["a"]["output"], found["b"]["output"], found["picked"]["output"]) == (0, 1, 0)
    assert {meta["at"] for meta in found.values()} == {"tok_emb"}
    assert found["a"]["pool"] == 20 and found["a"]["why_no_program"] is None and found["picked"]["loss"] == "mse"


def test_what_cannot_be_captured_is_named_and_the_rest_recorded(recording: Any, capsys: Any) -> None:
    class Fickle(Model):
        def forward(self, tokens: Tensor) -> dict[str, Tensor]:
            if float(self.heads["a"].weight.sum()) > 1e9:
                return {}
            return super().forward(tokens)

    model = Fickle()
    with recording(every=1) as it:
        sedscope.probe(model, task="a", inputs=POOL, targets=TARGETS, output="a")
        sedscope.probe(Model(), task="other", inputs=POOL, targets=TARGETS, output="a")
        one_step(model)
    said = capsys.readouterr().err
    assert "probe a: no feature program: " in said and "probe other: no feature program: the model is not" in said
    tensors, meta = it.writer.probes["a"]
    assert meta["program"] is None and meta["why_no_program"] and len(tensors["targets"]) == 20
    assert "gradient" in it.writer.stored_rows
    assert {kind for kind, _, _ in it.writer.notes} == {"refused"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"targets": TARGETS[:5]}, "inputs[0] must hold as many examples as targets, found 20 and 5"),
        (
            {"loss": "hinge"},
            "loss must be one of cross_entropy, mse, bce_with_logits, mae, huber, smooth_l1, or a torch.nn.",
        ),
        ({"position": 1.5}, "position must be a whole number or None"),
        ({"chance": 1.0}, "chance must be at least 0 and below 1, or None; found 1.0"),
        ({"inputs": ()}, "inputs must be one tensor or several"),
        ({"output": "c"}, "output must name one of what the model returns ('a', 'b'); found 'c'"),
        ({"at": "nowhere"}, "found 'nowhere'"),
    ],
)
def test_requests_that_make_no_sense_are_said_and_survived(
    recording: Any, capsys: Any, change: dict[str, Any], message: str
) -> None:
    model = Model()
    request: dict[str, Any] = {"inputs": POOL, "targets": TARGETS, "output": "a", "at": "tok_emb"} | change
    with recording(every=1) as it:
        sedscope.probe(model, task="a", **request)
        one_step(model)
    assert message in capsys.readouterr().err and it.session.t == 1


def test_a_probe_decides_which_module_is_recorded(recording: Any) -> None:
    outer = nn.ModuleDict({"model": Model()})
    with recording(every=1) as it:
        sedscope.probe(outer["model"], task="a", inputs=POOL, targets=TARGETS, output="a")
        one_step(outer["model"])
    assert "tok_emb.weight" in it.writer.stored_weights[0]

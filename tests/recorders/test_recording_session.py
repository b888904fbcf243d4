"""Whose steps count, which parameters are followed, and that nothing of ours reaches the training."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim import optimizer as torch_optimizer

import sedscope
from recorders import active


def make_model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 2))


def backward(model: nn.Module) -> None:
    model(torch.ones(5, 4)).square().mean().backward()


def train(model: nn.Module, optimizer: Any, steps: int = 2) -> None:
    for _ in range(steps):
        optimizer.zero_grad()
        backward(model)
        optimizer.step()


class Chatty(torch.optim.AdamW):
    def step(self, closure: Any = None) -> Any:  # type: ignore[override]
        return super().step(closure)


class Wrapping(torch.optim.Optimizer):
    def __init__(self, inner: torch.optim.Optimizer) -> None:
        self.inner = inner
        super().__init__(inner.param_groups, {})
        self.param_groups = inner.param_groups

    def step(self, closure: Any = None) -> Any:  # type: ignore[override]
        return self.inner.step(closure)


def test_a_subclass_that_calls_super_steps_once(recording: Any) -> None:
    model = make_model()
    with recording(every=1) as it:
        train(model, Chatty(model.parameters(), lr=0.01), 3)
    assert it.session.t == 3
    assert np.abs(it.writer.stored_rows["update"][2]).max() > 0
    assert "adam/adaptive" in it.writer.stored_rows


def test_a_wrapper_and_its_inner_optimizer_step_once(recording: Any) -> None:
    model = make_model()
    with recording(every=1) as it:
        train(model, Wrapping(torch.optim.SGD(model.parameters(), lr=0.1)), 3)
    assert it.session.t == 3 and it.writer.manifest["optimizer"]["class"] == "Wrapping"


def test_steps_count_on_after_one_that_raised(recording: Any) -> None:
    model = make_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with recording(every=1) as it:
        train(model, optimizer, 1)
        with pytest.raises(ZeroDivisionError):
            optimizer.step(lambda: 1 / 0)
        train(model, optimizer, 1)
    assert it.session.t == 2 and sorted(it.writer.stored_rows["update"]) == [0, 1]


def test_an_exception_of_ours_ends_the_recording_and_not_the_training(recording: Any, capsys: Any) -> None:
    model = make_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with recording(every=1, may_stop=True) as it:
        train(model, optimizer, 1)
        it.writer.rows = None
        before = model[0].weight.clone()
        train(model, optimizer, 2)
    assert not torch.equal(before, model[0].weight)
    assert "TypeError" in it.session.stopped and it.writer.closed == ["recording stopped"]
    assert capsys.readouterr().err.count("recording stopped at t = 2: TypeError") == 1


def test_everything_is_taken_out_again(recording: Any) -> None:
    from torch.nn.utils import clip_grad

    hooks = (torch_optimizer._global_optimizer_pre_hooks, torch_optimizer._global_optimizer_post_hooks)
    scaler, clip = dict(vars(torch.amp.GradScaler)), dict(vars(clip_grad))
    with recording():
        assert all(hooks) and dict(vars(torch.amp.GradScaler)) != scaler
    assert not any(hooks) and active.current() is None
    assert dict(vars(torch.amp.GradScaler)) == scaler and dict(vars(clip_grad)) == clip


def test_a_forked_child_is_inert(recording: Any) -> None:
    model = make_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with recording(every=1) as it:
        train(model, optimizer, 1)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                sedscope.log({"x": 1})
                train(model, optimizer, 1)
                it.session.close()
                status = int(it.session.t != 1 or bool(it.writer.closed) or active.current() is not None)
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_frozen_and_late_unfrozen_parameters(recording: Any) -> None:
    model = make_model()
    model[2].weight.requires_grad_(False)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.0)
    with recording(every=1, select=("all",)) as it:
        train(model, optimizer, 2)
        model[2].weight.requires_grad_(True)
        train(model, optimizer, 2)
    table = {each["name"]: each for each in it.writer.manifest["parameters"]}
    assert table["2.weight"]["selected"] and not table["2.weight"]["trainable"]
    where = slice(table["2.weight"]["offset"], table["2.weight"]["offset"] + 12)
    for source in ("gradient", "update", "adam/momentum", "adam/adaptive"):
        rows = it.writer.stored_rows[source]
        assert not rows[1][where].any() and rows[2][where].all(), source
    assert ("parameter", "2.weight became trainable before t = 2", 2) in it.writer.notes


def test_a_group_that_is_added_later(recording: Any) -> None:
    model = make_model()
    optimizer = torch.optim.AdamW(model[0].parameters(), lr=0.01)
    with recording(every=1, select=("all",)) as it:
        train(model, optimizer, 1)
        optimizer.add_param_group({"params": list(model[2].parameters()), "lr": 0.5})
        train(model, optimizer, 1)
    assert it.writer.stored_scalars["lr/1"] == {1: [0.5]}
    assert not it.writer.stored_rows["update"][0][-2:].any() and it.writer.stored_rows["update"][1][-2:].all()


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.emb = nn.Embedding(5, 4)
        self.head = nn.Linear(4, 5, bias=False)
        self.head.weight = self.emb.weight

    def forward(self, tokens: Any) -> Any:
        return self.head(self.emb(tokens))


def test_tied_weights_count_once(recording: Any) -> None:
    model = Tied()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with recording(every=1) as it:
        model(torch.arange(5)).square().sum().backward()
        optimizer.step()
    assert [each["name"] for each in it.writer.manifest["parameters"]] == ["emb.weight"]
    assert it.writer.manifest["selection"]["P"] == 20 and set(it.writer.stored_weights[0]) == {"emb.weight"}


def test_sparse_gradients_are_written_dense(recording: Any) -> None:
    model = nn.Sequential(nn.Embedding(5, 4, sparse=True))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with recording(every=1) as it:
        sedscope.backward({"task": model(torch.tensor([1, 1, 3])).sum()})
        optimizer.step()
    expected = np.zeros((5, 4))
    expected[1], expected[3] = 2, 1
    for source in ("gradient", "gradient/task"):
        np.testing.assert_array_equal(it.writer.stored_rows[source][0].reshape(5, 4), expected)
    assert it.writer.stored_scalars["grad_norm"][0] == pytest.approx([np.linalg.norm(expected)])


@pytest.mark.parametrize("single", [True, False])
def test_a_compiled_model_is_recorded_under_its_own_names(recording: Any, single: bool, capsys: Any) -> None:
    model = make_model()
    model[0] = torch.compile(model[0], backend="eager")
    compiled = torch.compile(model, backend="eager")
    optimizer = torch.optim.AdamW(compiled.parameters(), lr=0.01)
    with recording(every=1) as it:
        for _ in range(2):
            optimizer.zero_grad()
            out = compiled(torch.ones(5, 4))
            losses = {"a": out.square().mean(), "b": out.abs().mean()}
            sedscope.backward({"a": losses["a"]} if single else losses)
            optimizer.step()
    assert [each["name"] for each in it.writer.manifest["parameters"]] == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert set(it.writer.stored_weights[0]) == {"0.weight", "0.bias", "2.weight", "2.bias"}
    assert sorted(it.writer.stored_rows["gradient/a"]) == [0, 1]


def test_a_graph_that_cannot_be_walked_twice_costs_the_task_gradients_alone(recording: Any, capsys: Any) -> None:
    from torch.utils.checkpoint import checkpoint

    model = make_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with recording(every=1) as it:
        x = torch.ones(5, 4, requires_grad=True)
        out = checkpoint(model, x, use_reentrant=True)
        sedscope.backward({"a": out.square().mean(), "b": out.abs().mean()})
        optimizer.step()
    assert "gradients of single tasks are not recorded" in capsys.readouterr().err
    assert set(it.writer.stored_rows) == {"gradient", "update"}
    assert set(it.writer.stored_scalars) >= {"loss/a", "loss/b"}


def test_a_task_without_a_loss_in_a_step_has_no_row_in_it(recording: Any) -> None:
    model = make_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with recording(every=1) as it:
        for absent in (0.0, torch.zeros(())):
            out = model(torch.ones(5, 4))
            sedscope.backward({"a": out.square().mean(), "b": out.abs().mean(), "c": absent})
            optimizer.step()
    assert set(it.writer.stored_rows) == {"gradient", "gradient/a", "gradient/b", "update"}
    assert sorted(it.writer.stored_rows["gradient/b"]) == [0, 1]


def test_the_outermost_module_is_recorded(recording: Any) -> None:
    class Outer(nn.Module):
        def __init__(self, body: nn.Module) -> None:
            super().__init__()
            self.body = body
            self.register_buffer("seen", torch.zeros(1))
            self.register_buffer("scratch", torch.zeros(1), persistent=False)

    outer = Outer(make_model())
    with recording(every=1) as it:
        train(outer.body, torch.optim.SGD(outer.parameters(), lr=0.1))
    names = {"body.0.weight", "body.0.bias", "body.2.weight", "body.2.bias"}
    assert {each["name"] for each in it.writer.manifest["parameters"]} == names
    assert set(it.writer.stored_weights[0]) == names | {"seen"}


def test_the_budget_stops_rows_and_says_so_once(recording: Any, capsys: Any) -> None:
    model = make_model()
    with recording(every=1, budget=1000) as it:
        train(model, torch.optim.SGD(model.parameters(), lr=0.1), 6)
    assert sorted(it.writer.stored_rows["gradient"]) == [0] and sorted(it.writer.stored_weights) == [0, 1]
    assert sorted(it.writer.stored_scalars["lr/0"]) == list(range(6))
    assert capsys.readouterr().err.count("the budget of 1 kB is reached at t = 1") == 1
    assert [kind for kind, _, _ in it.writer.notes] == ["budget"]


def test_rows_do_not_change_after_they_were_handed_over(recording: Any) -> None:
    model = make_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with recording(every=1) as it:
        train(model, optimizer, 1)
        copies = {name: rows[0].copy() for name, rows in it.writer.stored_rows.items()}
        weights = {name: each.copy() for name, each in it.writer.stored_weights[0].items()}
        train(model, optimizer, 3)
    for name, row in copies.items():
        np.testing.assert_array_equal(row, it.writer.stored_rows[name][0])
    for name, array in weights.items():
        np.testing.assert_array_equal(array, it.writer.stored_weights[0][name])


def test_the_announcement_tells_the_size(recording: Any, capsys: Any) -> None:
    model = make_model()
    with recording(every=10, steps=100):
        train(model, torch.optim.SGD(model.parameters(), lr=0.1), 1)
    said = capsys.readouterr().err
    assert "selected 4 of 4 parameters of Sequential (all), P = 44" in said
    assert "every 10 steps 352 B of rows (gradient, update); every 10 steps 176 B of weights" in said
    assert "100 steps make about 5.81 kB" in said


def test_nothing_recorded_is_said_and_leaves_no_folder(tmp_path: Path, capsys: Any) -> None:
    with sedscope.record(tmp_path / "runs" / "x"):
        assert (tmp_path / "runs" / "x").is_dir()
    assert not (tmp_path / "runs" / "x").exists()
    assert (
        capsys.readouterr().err
        == "sedscope: nothing was recorded: no optimizer made a step (one inside torch.compile is not seen)\n"
    )


def test_metrics_that_are_not_numbers_are_named(recording: Any, capsys: Any) -> None:
    model = make_model()
    with recording(every=1) as it:
        train(model, torch.optim.SGD(model.parameters(), lr=0.1), 1)
        sedscope.log({"good": torch.tensor(2.0), "bad": "high"})
    assert it.writer.stored_scalars["metric/good"] == {1: [2.0]}
    assert "log: 'bad' must be a number, found str" in capsys.readouterr().err


def test_the_api_does_nothing_when_nothing_records() -> None:
    model = make_model()
    sedscope.probe(model, task="a", inputs=torch.ones(2, 4), targets=torch.zeros(2))
    sedscope.log({"x": 1.0})
    with sedscope.task("a"):
        out = model(torch.ones(5, 4))
    total = sedscope.backward({"a": out.square().mean(), "b": out.abs().mean()})
    assert not total.requires_grad and model[0].weight.grad is not None
    with pytest.raises(sedscope_error(), match="losses must map task names"):
        sedscope.backward(out.mean())  # type: ignore[arg-type]


def sedscope_error() -> type[Exception]:
    from recorders.errors import UsageError

    return UsageError

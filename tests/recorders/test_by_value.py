"""Every stored value of a three-step training, and of its resumption, against the formulas written out in NumPy.

Two tasks on w in R^2: loss_a = mean (x·w − y)², loss_b = mean (x·w)². Each step accumulates two micro-batches and
clips; the second attempt is skipped by the GradScaler.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import sedscope
from recorders.recording_options import RecordingOptions

LR, DECAY, BETA1, BETA2, EPS = 0.1, 0.5, 0.9, 0.98, 1e-8
MAX_NORM, SCALE = 3.0, 1024.0
START = np.array([0.7, -1.2])
BATCHES = np.array(
    [
        [[[1.0, 2.0], [0.5, -1.0]], [[2.0, 0.3], [-1.0, 1.5]]],
        [[[0.2, 0.1], [0.3, 0.2]], [[0.1, -0.2], [0.2, 0.1]]],
        [[[1.5, -0.4], [0.6, 0.9]], [[-0.7, 0.8], [1.1, 0.2]]],
        [[[0.4, 1.4], [2.0, -1.0]], [[0.9, 0.5], [-0.3, 1.2]]],
    ]
)
"""[steps, micro-batches, examples, 2]; y is the sum of the second row's entries."""
TARGETS = np.array([0.3, -0.8])


class Oracle:
    """AdamW by its formulas, on one vector."""

    def __init__(self) -> None:
        self.w, self.m, self.v, self.n = START.copy(), np.zeros(2), np.zeros(2), 0

    def step(self, micro_batches: np.ndarray) -> dict[str, Any]:
        found: dict[str, Any] = {"theta": self.w.copy()}
        for task, wanted in (("a", TARGETS), ("b", np.zeros(2))):
            residuals = [x @ self.w - wanted for x in micro_batches]
            found[f"loss/{task}"] = sum(np.mean(r**2) / 2 for r in residuals)
            found[f"gradient/{task}"] = sum(x.T @ r * 2 / 2 / 2 for x, r in zip(micro_batches, residuals, strict=True))
        raw = found["gradient/a"] + found["gradient/b"]
        found["grad_norm_unclipped"] = np.linalg.norm(raw)
        found["clip_coefficient"] = min(1.0, MAX_NORM / (np.linalg.norm(raw) + 1e-6))
        g = found["gradient"] = raw * found["clip_coefficient"]
        found["grad_norm"] = np.linalg.norm(g)
        self.n += 1
        self.m = BETA1 * self.m + (1 - BETA1) * g
        self.v = BETA2 * self.v + (1 - BETA2) * g * g
        found["adam/momentum"] = self.m / (1 - BETA1**self.n)
        found["adam/adaptive"] = -LR * found["adam/momentum"] / (np.sqrt(self.v / (1 - BETA2**self.n)) + EPS)
        found["update"] = found["adam/adaptive"] - LR * DECAY * self.w
        self.w = self.w + found["update"]
        return found


class Toy(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.line = nn.Linear(2, 1, bias=False, dtype=torch.float64)
        self.line.weight.data.copy_(torch.tensor(START)[None])


def losses(model: Toy, x: Tensor) -> dict[str, Tensor]:
    output = model.line(x)[:, 0]
    return {"a": ((output - torch.tensor(TARGETS)) ** 2).mean() / 2, "b": (output**2).mean() / 2}


def send_joint(both: dict[str, Tensor], scaler: Any) -> None:
    sedscope.backward({task: scaler.scale(loss) for task, loss in both.items()})


def send_each(both: dict[str, Tensor], scaler: Any) -> None:
    for task, loss in both.items():
        with sedscope.task(task):
            scaler.scale(loss).backward(retain_graph=task == "a")


class Training:
    """The loop under test, one attempt at a time."""

    def __init__(self, *, fused: bool, send: Callable[[dict[str, Tensor], Any], None]) -> None:
        self.model, self.send, self.fused = Toy(), send, fused
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=LR, weight_decay=DECAY, betas=(BETA1, BETA2), eps=EPS, fused=fused
        )
        self.scaler = torch.amp.GradScaler("cpu", init_scale=SCALE)

    def attempt(self, micro_batches: np.ndarray, *, overflow: bool = False) -> None:
        for x in micro_batches:
            both = losses(self.model, torch.tensor(x))
            self.send({task: loss * (float("inf") if overflow else 1.0) for task, loss in both.items()}, self.scaler)
        self.scaler.unscale_(self.optimizer)
        nn.utils.clip_grad_norm_(self.model.parameters(), MAX_NORM)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad()


@pytest.mark.parametrize("send", [send_joint, send_each])
@pytest.mark.parametrize("fused", [False, True])
def test_every_stored_value(recording: Any, fused: bool, send: Any) -> None:
    training, oracle = Training(fused=fused, send=send), Oracle()
    with recording(every=1, weights_every=0) as it:
        sedscope.log({"before": 5})
        training.attempt(BATCHES[0])
        training.attempt(BATCHES[1] * 7, overflow=True)
        training.attempt(BATCHES[1])
        sedscope.log({"after": 2.5})
        training.attempt(BATCHES[2])
    expected = [oracle.step(micro_batches) for micro_batches in BATCHES[:3]]
    assert expected[0]["clip_coefficient"] < 1 == expected[1]["clip_coefficient"]
    assert it.session.t == 3
    rows, scalars = it.writer.stored_rows, it.writer.stored_scalars
    sources = {"gradient", "gradient/a", "gradient/b", "update", "adam/momentum", "adam/adaptive"}
    assert set(rows) == sources | {"displacement"}
    for source in sources:
        assert sorted(rows[source]) == [0, 1, 2]
        for t in range(3):
            np.testing.assert_allclose(rows[source][t], expected[t][source], rtol=1e-12, atol=1e-15, err_msg=source)
    thetas = [each["theta"] for each in expected] + [oracle.w]
    for t in (1, 2, 3):
        np.testing.assert_allclose(rows["displacement"][t], thetas[t] - thetas[t - 1], rtol=1e-12)
    for t, weights in it.writer.stored_weights.items():
        np.testing.assert_allclose(weights["line.weight"][0], thetas[t], rtol=1e-6)
    assert sorted(it.writer.stored_weights) == [0, 3]
    for name in ("loss/a", "loss/b", "grad_norm", "grad_norm_unclipped", "clip_coefficient"):
        found = [scalars[name][t] for t in range(3)]
        np.testing.assert_allclose(found, [[each[name]] for each in expected], rtol=1e-6, err_msg=name)
    assert scalars["skipped"] == {1: [1.0]}
    assert scalars["lr/0"] == {t: [LR] for t in range(3)}
    assert scalars["weight_decay/0"] == {t: [DECAY] for t in range(3)}
    assert scalars["metric/before"] == {0: [5.0]}
    assert scalars["metric/after"] == {2: [2.5]}


def test_a_resumed_recording_goes_on_where_the_optimizer_is(tmp_path: Path) -> None:
    training, oracle = Training(fused=False, send=send_joint), Oracle()
    with sedscope.record(tmp_path / "run", every=1):
        for micro_batches in BATCHES[:3]:
            training.attempt(micro_batches)
    saved = {"model": training.model.state_dict(), "optimizer": training.optimizer.state_dict()}
    again = Training(fused=False, send=send_joint)
    again.model.load_state_dict(saved["model"])
    again.optimizer.load_state_dict(saved["optimizer"])
    with sedscope.record(tmp_path / "run", every=1, resume=True) as session:
        again.attempt(BATCHES[3])
    assert session.t == 4
    expected = [oracle.step(micro_batches) for micro_batches in BATCHES]
    run = sedscope.open_run(tmp_path / "run")
    assert not run.damage
    for source in ("gradient", "gradient/a", "gradient/b", "update", "adam/momentum", "adam/adaptive"):
        np.testing.assert_array_equal(run.steps(source), [0, 1, 2, 3])
        np.testing.assert_allclose(run.rows(source), [each[source] for each in expected], rtol=1e-12, atol=1e-15)
    np.testing.assert_array_equal(run.weight_steps(), [0, 1, 2, 3, 4])
    np.testing.assert_allclose(run.selected(4), oracle.w, rtol=1e-12)


def test_what_comes_before_the_first_step_of_a_resumed_recording_belongs_to_its_t(tmp_path: Path) -> None:
    training = Training(fused=False, send=send_joint)
    for resume in (False, True):
        with sedscope.record(tmp_path / "run", every=2, resume=resume) as session:
            sedscope.log({"first": 1.0 + resume})
            for number in range(3):
                training.attempt(BATCHES[number])
    assert session.t == 6
    run = sedscope.open_run(tmp_path / "run")
    assert run.steps("gradient/a").tolist() == run.steps("gradient").tolist() == [0, 2, 4]
    t, value = run.scalar("metric/first")
    assert (t.tolist(), value.tolist()) == ([0, 3], [1.0, 2.0])


def test_resume_needs_to_be_told_where_the_optimizer_does_not_count(tmp_path: Path, capsys: Any) -> None:
    def train(**options: Any) -> Any:
        model = Toy()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        with sedscope.record(tmp_path / "run", every=1, **options) as session:
            losses(model, torch.tensor(BATCHES[0, 0]))["a"].backward()
            optimizer.step()
        return session

    assert train().t == 1
    assert "SGD does not say how many steps it has made; give --first-step" in train(resume=True).stopped
    assert train(resume=True, first_step=1).t == 2


def test_rows_of_recorded_steps_alone(recording: Any) -> None:
    training = Training(fused=False, send=send_joint)
    with recording(every=3) as it:
        for number in range(5):
            training.attempt(BATCHES[number % 4])
    assert {tuple(sorted(rows)) for rows in it.writer.stored_rows.values()} == {(0, 3)}
    assert sorted(it.writer.stored_weights) == [0, 3, 5]
    assert sorted(it.writer.stored_scalars["loss/a"]) == [0, 1, 2, 3, 4]
    assert "displacement" not in it.writer.stored_rows


def test_options_decide_what_is_stored(recording: Any) -> None:
    training = Training(fused=False, send=send_joint)
    with recording(every=1, sources=("gradient/b", "upd*"), weights_every=2) as it:
        for number in range(3):
            training.attempt(BATCHES[number])
    assert set(it.writer.stored_rows) == {"gradient/b", "update"}
    assert sorted(it.writer.stored_weights) == [0, 2, 3]
    assert RecordingOptions(every=1, sources=("gradient/b",)).wants("gradient/b")


@pytest.mark.parametrize("fused", [False, True])
def test_a_scaler_that_unscales_by_itself_and_skips_the_very_first_step(recording: Any, fused: bool) -> None:
    training, oracle = Training(fused=fused, send=send_joint), Oracle()

    def attempt(x: np.ndarray, factor: float) -> None:
        both = losses(training.model, torch.tensor(x))
        sedscope.backward({task: training.scaler.scale(loss * factor) for task, loss in both.items()})
        training.scaler.step(training.optimizer)
        training.scaler.update()
        training.optimizer.zero_grad()

    with recording(every=1) as it:
        attempt(BATCHES[0, 0], float("inf"))
        attempt(BATCHES[0, 0], 1.0)
    expected = oracle.step(BATCHES[0, :1])
    assert it.session.t == 1 and it.writer.stored_scalars["skipped"] == {0: [1.0]}
    gradient = expected["gradient/a"] + expected["gradient/b"]
    np.testing.assert_allclose(it.writer.stored_rows["gradient"][0], gradient, rtol=1e-12)
    np.testing.assert_allclose(it.writer.stored_rows["gradient/a"][0], expected["gradient/a"], rtol=1e-12)
    assert it.writer.stored_scalars["loss/a"][0] == pytest.approx([expected["loss/a"]])


def test_gradients_that_the_script_drops_are_dropped(recording: Any) -> None:
    training, oracle = Training(fused=False, send=send_joint), Oracle()
    with recording(every=1) as it:
        for set_to_none in (True, False):
            sedscope.backward(losses(training.model, torch.tensor(BATCHES[3, 0])))
            training.optimizer.zero_grad(set_to_none=set_to_none)
        training.attempt(BATCHES[0])
    expected = oracle.step(BATCHES[0])
    np.testing.assert_allclose(it.writer.stored_rows["gradient/a"][0], expected["gradient/a"], rtol=1e-12)
    assert it.writer.stored_scalars["loss/a"][0] == pytest.approx([expected["loss/a"]])

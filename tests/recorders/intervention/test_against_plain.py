"""Two hundred steps beside the same training with a fresh SVD at each step and an explicit loop: the same weights."""

from typing import Any

import numpy as np
import pytest
import torch
from plain_intervention import SELECT, K, Training, W, send_plain, svd_basis, train_plain

import sedscope
from recorders.format import NORM_KEPT
from recorders.intervention import Intervention
from recorders.intervention.projection import RandomSubspaces

STEPS = 200
TOLERANCE = {torch.float64: 1e-9, torch.float32: 2e-4}
"""Relative, on weights. Both sides round each step and feed the rounding back through 200 steps of AdamW, which
amplifies it: 1/√v̂ is large where gradients are small."""
SENSITIVE = ("remove-sed", "gradient", "applied")
"""Taking out the top again and again leaves a flat spectrum, whose top is arbitrary: there the plain training itself
turns a change of 2e-16 in one weight into 7e-9 after 200 steps."""
SED = [
    (mode, on, basis, torch.float64)
    for mode in ("keep-sed", "remove-sed")
    for on in ("gradient", "update")
    for basis in ("applied", "raw")
] + [("keep-sed", on, "applied", torch.float32) for on in ("gradient", "update")]


def train_recorded(recording: Any, training: Training, intervention: Intervention, **options: Any) -> Any:
    steps = options.pop("steps", STEPS)
    with recording(**({"every": 50} | options), select=SELECT, intervention=intervention) as it:
        for t in range(steps):
            training.step(t, sedscope.backward if intervention.task is not None else send_plain)
    return it


def assert_same_weights(one: Training, other: Training, tolerance: float = TOLERANCE[torch.float64]) -> None:
    a, b = one.weights(), other.weights()
    assert np.abs(a - b).max() <= tolerance * np.abs(a).max()


@pytest.mark.parametrize(("mode", "on", "basis", "dtype"), SED, ids=str)
def test_sed(recording: Any, mode: str, on: str, basis: str, dtype: torch.dtype) -> None:
    intervened, plain = Training(dtype), Training(dtype)
    train_recorded(recording, intervened, Intervention(mode, on=on, rank=K, window=W, basis=basis))
    train_plain(plain, STEPS, mode, on=on, source=on, raw=basis == "raw")
    assert_same_weights(intervened, plain, TOLERANCE[dtype] * (100 if (mode, on, basis) == SENSITIVE else 1))


@pytest.mark.parametrize(
    ("on", "source", "more"),
    [
        ("gradient", "gradient/b", {}),
        ("gradient", "update", {"stride": 3}),
        ("gradient", "momentum", {"warm_up": 17}),
        ("update", "gradient", {"stride": 2, "warm_up": 4}),
        ("update", "momentum", {}),
    ],
)
def test_other_basis_sources_strides_and_warm_ups(recording: Any, on: str, source: str, more: dict[str, int]) -> None:
    intervened, plain = Training(), Training()
    settings = Intervention("keep-sed", on=on, rank=K, window=W, basis_source=source, **more)
    it = train_recorded(recording, intervened, settings, steps=60)
    train_plain(plain, 60, "keep-sed", on=on, source=source, raw=False, **more)
    assert_same_weights(intervened, plain)
    assert "gradient/b" in it.writer.stored_rows or source != "gradient/b"


@pytest.mark.parametrize("on", ["gradient", "update"])
@pytest.mark.parametrize("mode", ["keep-random", "remove-random", "keep-random-norm"])
@pytest.mark.parametrize("redraw", ["step", "once"])
def test_random(recording: Any, mode: str, on: str, redraw: str) -> None:
    intervened, plain = Training(), Training()
    train_recorded(recording, intervened, Intervention(mode, on=on, rank=K, window=W, redraw=redraw, seed=3), steps=60)
    drawn = RandomSubspaces(K, 50, seed=3, once=redraw == "once", device=torch.device("cpu"))

    def subspace(t: int) -> np.ndarray:
        return np.linalg.qr(drawn.subspace(t).rows.numpy().T)[0].T

    train_plain(plain, 60, mode, on=on, source=on, raw=True, subspace=subspace)
    assert_same_weights(intervened, plain)


@pytest.mark.parametrize("basis", ["applied", "raw"])
@pytest.mark.parametrize("on", ["gradient", "update"])
@pytest.mark.parametrize("mode", ["keep-sed", "remove-sed"])
def test_the_recorded_rows_lie_where_they_should(recording: Any, mode: str, on: str, basis: str) -> None:
    """From the run alone: its own rows give the window, the applied ones lie in its top span or orthogonal to it."""
    training = Training()
    settings = Intervention(mode, on=on, rank=K, window=W, basis=basis)
    it = train_recorded(recording, training, settings, every=1, steps=40)
    rows, kept = it.writer.stored_rows, it.writer.stored_scalars[NORM_KEPT]
    raw, applied = rows[f"raw/{on}"], rows[on]
    assert sorted(raw) == sorted(applied) == sorted(kept) == list(range(40))
    for t in range(40):
        if t < W:
            np.testing.assert_array_equal(raw[t], applied[t])
            assert kept[t] == [1.0]
            continue
        window = [(applied if basis == "applied" else raw)[s] for s in range(t - W, t)]
        v = svd_basis(window, K)
        inside, whole = v.T @ (v @ applied[t]), np.linalg.norm(raw[t])
        error = applied[t] - inside if mode == "keep-sed" else inside
        assert np.linalg.norm(error) <= 1e-5 * whole
        assert kept[t] == [pytest.approx(np.linalg.norm(applied[t]) / whole, rel=1e-6)]


def train_scaled(recording: Any, settings: Intervention, *, fused: bool, overflows: tuple[int, ...]) -> tuple[Any, Any]:
    """A float32 training, scaled where steps overflow, unclipped."""
    training = Training(torch.float32, fused=fused)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**16, enabled=bool(overflows))
    with recording(every=1, select=SELECT, intervention=settings) as it:
        for t in range(20):
            for factor in (float("inf"), 1.0) if t in overflows else (1.0,):
                training.optimizer.zero_grad()
                for losses in training.batches(t):
                    sedscope.backward({task: scaler.scale(loss * factor) for task, loss in losses.items()})
                scaler.step(training.optimizer)
                scaler.update()
    return training, it


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("on", ["gradient", "update"])
def test_under_a_grad_scaler_the_training_is_the_same_and_skipped_steps_do_not_count(
    recording: Any, on: str, fused: bool
) -> None:
    settings = Intervention("keep-sed", on=on, rank=K, window=W, basis="raw")
    plain, unscaled = train_scaled(recording, settings, fused=fused, overflows=())
    scaled, it = train_scaled(recording, settings, fused=fused, overflows=(0, W, 12))
    assert it.session.t == 20 and set(it.writer.stored_scalars["skipped"]) == {0, W, 12}
    np.testing.assert_allclose(scaled.weights(), plain.weights(), rtol=0, atol=1e-6)
    for source in ("gradient", "update", f"raw/{on}"):
        for t, row in unscaled.writer.stored_rows[source].items():
            np.testing.assert_allclose(it.writer.stored_rows[source][t], row, rtol=0, atol=1e-5)

"""What an intervention leaves alone, what it does without a subspace, what it tells, and what it refuses."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from plain_intervention import SELECT, K, Training, W, send_plain
from torch import nn

import sedscope
from recorders.errors import RefusedError, UsageError
from recorders.format import NORM_KEPT
from recorders.intervention import Intervention


def train(
    recording: Any, training: Training, intervention: Intervention | None, steps: int = 12, **options: Any
) -> Any:
    with recording(**({"every": 1, "select": SELECT} | options), intervention=intervention) as it:
        for t in range(steps):
            training.step(t, send_plain)
    return it


def about_intervention(it: Any) -> list[tuple[str, int | None]]:
    return [(message, t) for kind, message, t in it.writer.notes if kind == "intervention"]


# --- what is left alone ---------------------------------------------------------------------------------------------


def test_control_is_no_intervention_to_the_bit(recording: Any) -> None:
    plain, control = Training(torch.float32), Training(torch.float32)
    for t in range(12):
        plain.step(t, send_plain)
    it = train(recording, control, Intervention("control"))
    assert np.array_equal(plain.weights(), control.weights())
    assert it.writer.stored_scalars[NORM_KEPT] == {t: [1.0] for t in range(12)}
    assert not [source for source in it.writer.stored_rows if source.startswith("raw/")]
    assert it.writer.manifest["intervention"]["mode"] == "control" and not about_intervention(it)


@pytest.mark.parametrize("mode", ["keep-random", "keep-sed"])
def test_the_scripts_random_numbers_and_other_parameters_are_its_own(recording: Any, mode: str) -> None:
    plain, intervened = Training(), Training()
    torch.manual_seed(5)
    np.random.seed(5)
    states = torch.get_rng_state(), np.random.get_state()[1].tolist()
    train(recording, intervened, Intervention(mode, on="update", rank=K, window=W), W + 1)
    assert torch.equal(torch.get_rng_state(), states[0]) and np.random.get_state()[1].tolist() == states[1]
    for t in range(W + 1):  # up to the first changed step all is natural, and that step's change is to weights alone
        plain.step(t, send_plain)
    for natural, other in zip(plain.model.parameters(), intervened.model.parameters(), strict=True):
        assert torch.equal(natural, other) == (natural.ndim == 1)


# --- modes without a subspace ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_freeze_leaves_the_selection_untouched_and_trains_the_rest(recording: Any, dtype: torch.dtype) -> None:
    training = Training(dtype)
    with torch.no_grad():
        training.model[0].weight[0, 0] = -0.0
    before = [each.detach().clone() for each in training.model.parameters()]
    it = train(recording, training, Intervention("freeze"))
    for old, new in zip(before, training.model.parameters(), strict=True):
        assert torch.equal(old, new) == (old.ndim == 2)
    assert bool(torch.signbit(training.model[0].weight[0, 0]))
    rows = it.writer.stored_rows
    assert all(not row.any() for row in rows["update"].values()) and rows["raw/update"][3].any()
    assert it.writer.stored_scalars[NORM_KEPT][0] == [0.0]
    assert about_intervention(it) == [("freeze, selected weights stand still; from t = 0 on", 0)]


def test_rank_0_freezes_from_the_step_at_which_rank_1_would_begin(recording: Any) -> None:
    natural, training = Training(), Training()
    for t in range(W):
        natural.step(t, send_plain)
    it = train(recording, training, Intervention("keep-sed", rank=0, window=W))
    for still, other in zip(natural.selected, training.selected, strict=True):
        assert torch.equal(still, other)
    assert it.session._steps._intervener.began == W


def test_decay_only_leaves_weight_decay_alone_at_work(recording: Any) -> None:
    training = Training()
    before = [each.detach().clone() for each in training.selected]
    it = train(recording, training, Intervention("decay-only"), 12)
    for old, new, lr in zip(before, training.selected, (0.02, 0.005), strict=True):
        torch.testing.assert_close(new, old * (1 - lr * 0.1) ** 12, rtol=1e-13, atol=0)
    rows = it.writer.stored_rows
    assert not rows["gradient"][5].any() and rows["raw/gradient"][5].any()
    assert it.writer.stored_scalars[NORM_KEPT][5] == [0.0]


# --- what is told ---------------------------------------------------------------------------------------------------


def test_the_run_says_what_was_done_and_from_which_step(recording: Any, capsys: Any) -> None:
    it = train(recording, Training(), Intervention("keep-sed", on="update", rank=K, window=W, warm_up=8))
    assert it.writer.manifest["intervention"] == {
        "mode": "keep-sed", "on": "update", "rank": K, "window": W, "stride": 1, "warm_up": 8,
        "basis_source": "update", "basis": "applied", "redraw": None, "seed": None,
    }  # fmt: skip
    summary = "keep-sed, rank 2, on the update, basis from the last 5 rows of update (applied)"
    begin = f"{summary}; from t = 8 on"
    assert about_intervention(it) == [(begin, 8)]
    said = capsys.readouterr().err
    assert said.count(begin) == 1
    assert f"intervention: {summary}; 8 unmodified steps first; the window takes 2.8 kB" in said
    assert "of rows (gradient, update, adam/momentum, adam/adaptive, raw/update)" in said


def test_an_intervention_that_never_began_is_told(recording: Any) -> None:
    it = train(recording, Training(), Intervention("keep-random", window=W), 3)
    assert about_intervention(it) == [("the intervention never began: 3 steps were unmodified", 3)]


def test_only_the_asked_sources_are_stored(recording: Any) -> None:
    training, settings = Training(), Intervention("keep-sed", rank=K, window=W, basis_source="gradient/b")
    with recording(every=4, select=SELECT, sources=("raw/*",), intervention=settings) as it:
        for t in range(12):
            training.step(t, sedscope.backward)
    assert set(it.writer.stored_rows) == {"raw/gradient"} and sorted(it.writer.stored_rows["raw/gradient"]) == [0, 4, 8]


def test_a_vector_that_is_not_finite_is_handed_on_and_kept_out_of_the_window(recording: Any) -> None:
    training = Training()
    unowned = training.model[2].weight  # selected, but not stepped: what becomes of it harms nothing
    training.optimizer.param_groups[1]["params"].remove(unowned)
    with recording(every=1, select=SELECT, intervention=Intervention("keep-sed", rank=K, window=W, basis="raw")) as it:
        for t in range(12):
            training.model.zero_grad()
            send_plain(next(iter(training.batches(t))))
            if t == 8:
                unowned.grad[0, 0] = float("inf")
            training.optimizer.step()
    assert sorted(it.writer.stored_scalars[NORM_KEPT]) == [0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11]
    assert ("a row of gradient was not finite: the window goes without it", 8) in about_intervention(it)
    assert all(np.isfinite(it.writer.stored_rows["gradient"][t]).all() == (t != 8) for t in range(12))


@pytest.mark.parametrize("on", ["gradient", "update"])
def test_a_parameter_without_part_in_a_step_stays_where_it_is(recording: Any, on: str) -> None:
    training = Training()
    training.model[2].weight.requires_grad_(False)
    before = training.model[2].weight.clone()
    it = train(recording, training, Intervention("keep-random", on=on, window=W))
    assert torch.equal(before, training.model[2].weight)
    assert "had no part in a step" in about_intervention(it)[-1][0]


# --- steps that are given a closure ---------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["gradient", "update"])
def test_a_closure_and_a_changed_update(recording: Any, source: str) -> None:
    with_closure, without = Training(), Training()
    settings = Intervention("keep-sed", on="update", rank=K, window=W, basis_source=source)

    def closure() -> None:
        with_closure.optimizer.zero_grad()
        send_plain(next(iter(with_closure.batches(0))))

    with recording(every=1, select=SELECT, intervention=settings):
        for _ in range(10):
            with_closure.optimizer.step(closure)
    with recording(every=1, select=SELECT, intervention=settings):
        for _ in range(10):
            without.optimizer.zero_grad()
            send_plain(next(iter(without.batches(0))))
            without.optimizer.step()
    assert np.array_equal(with_closure.weights(), without.weights())


# --- refusals: the training ends with one clear line ----------------------------------------------------------------


def refused(recording: Any, settings: Intervention, training: Training, send: Any = send_plain, **options: Any) -> str:
    with (
        recording(**({"every": 1, "select": SELECT} | options), intervention=settings, may_stop=True) as it,
        pytest.raises(RefusedError) as caught,
    ):
        for t in range(10):
            training.step(t, send)
    assert it.session.stopped is not None and "\n" not in str(caught.value)
    return str(caught.value)


def test_a_rank_over_p(recording: Any) -> None:
    message = refused(recording, Intervention("keep-random", rank=51), Training())
    assert message == "intervene: rank: must be at most P = 50, found 51 (the training is ended)"


def test_a_task_that_the_script_does_not_have(recording: Any) -> None:
    settings = Intervention("keep-sed", basis_source="gradient/mul")
    assert "no task 'mul'; its tasks are a, b" in refused(recording, settings, Training(), sedscope.backward)
    assert "its tasks are not named; sedscope.backward names them" in refused(
        recording, settings, Training(), force=True
    )


def test_an_optimizer_without_momentum(recording: Any) -> None:
    settings = Intervention("keep-sed", basis_source="momentum")
    found = refused(recording, settings, Training(optimizer=torch.optim.RMSprop))
    assert "must come from Adam, AdamW or SGD with momentum; found RMSprop" in found


def test_a_closure_under_a_changed_gradient(recording: Any) -> None:
    training = Training()
    with (
        recording(every=1, select=SELECT, intervention=Intervention("decay-only"), may_stop=True),
        pytest.raises(RefusedError, match="a step with a closure makes its gradients itself; use --on update"),
    ):
        training.optimizer.step(lambda: send_plain(next(iter(training.batches(0)))))


def test_sparse_gradients_under_a_changed_gradient(recording: Any) -> None:
    model = nn.Sequential(nn.Embedding(5, 4, sparse=True))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with recording(intervention=Intervention("decay-only"), may_stop=True):
        model(torch.arange(3)).sum().backward()
        with pytest.raises(RefusedError, match="a selected gradient is sparse"):
            optimizer.step()


def test_an_error_of_ours_under_an_intervention_ends_the_training(recording: Any) -> None:
    training = Training()
    with recording(every=1, select=SELECT, intervention=Intervention("freeze"), may_stop=True) as it:
        training.step(0, send_plain)
        it.writer.rows = None
        with pytest.raises(RefusedError, match="TypeError"):
            training.step(1, send_plain)
    assert it.writer.closed == ["recording stopped"]
    assert [kind for kind, _, t in it.writer.notes if t == 2] == ["failed"]


# --- resume ---------------------------------------------------------------------------------------------------------


def resumed(tmp_path: Path, first: Any, second: Any, *, cut: int, steps: int) -> Training:
    training = Training()
    for begin, end, mode in ((0, cut, first), (cut, steps, second)):
        with sedscope.record(tmp_path / "run", every=2, select=SELECT, intervene=mode, resume=begin > 0):
            for t in range(begin, end):
                training.step(t, send_plain)
    return training


@pytest.mark.parametrize("cut", [3, 8])
def test_a_resumed_random_intervention_goes_on_as_if_it_had_not_been_cut(
    recording: Any, tmp_path: Path, cut: int
) -> None:
    settings, whole = Intervention("keep-random", rank=K, window=W), Training()
    train(recording, whole, settings)
    again = resumed(tmp_path / "second", settings, settings, cut=cut, steps=12)
    assert np.array_equal(again.weights(), whole.weights())


def test_a_resumed_window_fills_again_and_says_so(tmp_path: Path) -> None:
    settings = Intervention("keep-sed", rank=K, window=W)
    resumed(tmp_path, settings, settings, cut=8, steps=20)
    run = sedscope.open_run(tmp_path / "run")
    notes = [(note.message, note.t) for note in run.notes if note.about == "intervention"]
    assert ("the window is empty after a resume: steps are unmodified until it is full", 8) in notes
    assert notes[-1][0].endswith("from t = 13 on") and notes[-1][1] == 13
    t, kept = run.scalar(NORM_KEPT)
    assert t.tolist() == list(range(20)) and [index for index in range(20) if kept[index] < 1] == [
        5,
        6,
        7,
        *range(13, 20),
    ]
    assert "raw/gradient" in run.sources() and run.steps("raw/gradient").tolist() == list(range(0, 20, 2))
    assert run.manifest.intervention["mode"] == "keep-sed"


def test_a_resume_under_another_intervention_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match=r"resuming needs the same intervention: the run has .*freeze"):
        resumed(tmp_path, "freeze", "decay-only", cut=4, steps=8)


def test_a_mode_that_does_not_exist(tmp_path: Path) -> None:
    with (
        pytest.raises(UsageError, match="intervene: must be one of"),
        sedscope.record(tmp_path / "run", intervene="keep"),
    ):
        pass
    with (
        pytest.raises(UsageError, match=r"intervene: must be a mode or an Intervention; found \{\}"),
        sedscope.record(tmp_path / "run", intervene={}),  # type: ignore[arg-type]
    ):
        pass
    assert not (tmp_path / "run").exists()

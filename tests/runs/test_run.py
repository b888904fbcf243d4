"""A whole run, read: rows, scalars, weights, probes, several sessions, and a run that grows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from run_directory import DECAY, LR, PROBE_META, P, feed, make_run, manifest, probe_tensors, row, scalars, state

from recorders.errors import DamagedError, RefusedError, TooLittleDataError, UsageError
from recorders.follow.journal_notes import read_groups, write_groups
from recorders.store import shard
from recorders.store.run_writer import RunWriter
from sedscope.runs import Run, find_runs, open_run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return open_run(make_run(tmp_path / "run"))


# --- rows ------------------------------------------------------------------------------------------------------------


def test_rows_by_source_step_and_column(run: Run) -> None:
    assert run.sources() == ("gradient", "update", "displacement", "adam/weight_decay")
    assert_array_equal(run.steps("update"), np.arange(20))
    assert_array_equal(run.rows("update"), [row("update", t) for t in range(20)])
    assert_array_equal(run.rows("gradient", [13, 2, 2]), [row("gradient", t) for t in (13, 2, 2)])
    assert_array_equal(run.rows("update", [7, 8], slice(2, 5)), [row("update", t)[2:5] for t in (7, 8)])
    assert_array_equal(run.rows("update", columns=slice(-2, None)), [row("update", t)[-2:] for t in range(20)])
    assert run.rows("update", []).shape == (0, P)
    assert run.rows("update", [3], slice(4, 2)).shape == (1, 0)


def test_displacement_follows_from_the_weights(run: Run) -> None:
    assert not run.is_stored("displacement")
    assert_array_equal(run.steps("displacement"), np.arange(1, 20))
    expected = [(state(t)["w"] - state(t - 1)["w"]).reshape(-1) for t in (5, 6, 2)]
    assert_array_equal(run.rows("displacement", [5, 6, 2]), expected)
    assert_array_equal(run.rows("displacement", [5], slice(1, 5)), [expected[0][1:5]])


def test_decay_follows_from_weights_and_scalars(run: Run) -> None:
    assert_array_equal(run.rows("adam/weight_decay", [4]), [-LR * DECAY * state(4)["w"].reshape(-1)])
    assert_array_equal(run.rows("adam/weight_decay", [4], slice(3, 4)), [-LR * DECAY * state(4)["w"].reshape(-1)[3:4]])


def two_groups(**group: Any) -> dict[str, Any]:
    """Two selected parameters in two groups of the optimizer."""
    first = manifest()["parameters"][0]
    parameters = [first | {"shape": [2]}, first | {"name": "v", "shape": [4], "offset": 2} | group]
    groups = [{"lr": 0.0, "parameters": ["w"]}, {"lr": 0.0, "parameters": ["v"]}]
    return {"parameters": parameters, "blocks": [], "optimizer": {"class": "AdamW", "groups": groups}}


@pytest.mark.parametrize(("trainable", "second"), [(True, -0.25 * 4.0), (False, 0.0)])
def test_each_group_decays_by_its_own_rate(tmp_path: Path, trainable: bool, second: float) -> None:
    writer = RunWriter.create(tmp_path / "run", manifest(**two_groups(trainable=trainable)))
    for t in range(3):
        writer.weights(t, {"v": np.full(4, 4, np.float32), "w": np.full(2, 3, np.float32)})
    writer.scalars(1, {"lr/0": 0.5, "weight_decay/0": 0.25, "lr/1": 0.5, "weight_decay/1": 0.5})
    writer.scalars(2, {"lr/0": 0.5, "weight_decay/0": 0.25, "lr/1": 0.5})
    writer.close("finished")
    run = open_run(tmp_path / "run")
    assert_array_equal(run.steps("adam/weight_decay"), [1] if trainable else [1, 2], "t = 0 and t = 2 lack a rate")
    assert_array_equal(run.rows("adam/weight_decay", [1]), [[-0.375] * 2 + [second] * 4])


def test_decay_follows_what_the_optimizer_moved(tmp_path: Path) -> None:
    writer = RunWriter.create(tmp_path / "run", manifest(**two_groups()))
    for t in range(5):
        writer.weights(t, {"v": np.full(4, 4, np.float32), "w": np.full(2, 3, np.float32)})
        writer.scalars(t, {f"{name}/{group}": 0.5 for group in (0, 1) for name in ("lr", "weight_decay")})
    writer.note("groups", "0: - 1", 1)
    writer.note("groups", "1: -", 2)
    writer.note("groups", "0: 1 2", 3)
    writer.scalars(4, {"lr/2": 0.25, "weight_decay/2": 0.5})
    writer.close("finished")
    run = open_run(tmp_path / "run")
    assert_array_equal(run.steps("adam/weight_decay"), [0, 1, 2, 4], "t = 3 lacks the rate of the new group")
    parts = [[-0.75, -1.0], [0.0, -1.0], [0.0, 0.0], [-0.75, -0.5]]
    assert_array_equal(run.rows("adam/weight_decay"), [[w] * 2 + [v] * 4 for w, v in parts])
    assert_array_equal(run.rows("adam/weight_decay", [4, 0], slice(1, 3)), [[-0.75, -0.5], [-0.75, -1.0]])
    assert run.notes == () and run.damage == ()


@pytest.mark.parametrize("odd", ["", "0: 0*3", "0: 0*0", "2: 0", "9: -", "0: x", "0:0", "0: 0  1", "0: \u0661"])
def test_an_odd_note_about_groups_counts_for_nothing(odd: str) -> None:
    assert read_groups(odd, (0, 1)) is None


@given(st.lists(st.none() | st.integers(0, 12), min_size=1, max_size=900))
def test_groups_come_back_as_they_were_written(groups: list[int | None]) -> None:
    found: Any = (None,) * len(groups)
    for message in write_groups(tuple(groups)):
        assert len(message) < 2000
        found = read_groups(message, found)
    assert found == tuple(groups)


def test_an_optimizer_that_decays_through_the_gradient_has_no_decay_rows(tmp_path: Path) -> None:
    group = {"lr": LR, "weight_decay": DECAY, "parameters": ["w"]}
    path = make_run(tmp_path / "adam", optimizer={"class": "Adam", "groups": [group]})
    assert open_run(path).sources() == ("gradient", "update", "displacement")
    decoupled = {"class": "Adam", "groups": [group | {"decoupled_weight_decay": True}]}
    assert "adam/weight_decay" in open_run(make_run(tmp_path / "decoupled", optimizer=decoupled)).sources()


def test_a_stored_displacement_is_taken_as_it_is(tmp_path: Path) -> None:
    thinned = manifest()["recording"] | {"weights_every": 4}
    writer = RunWriter.create(tmp_path / "run", manifest(recording=thinned))
    for t in range(1, 5):
        writer.rows("displacement", t, np.full(P, t, np.float32))
    writer.weights(0, state(0))
    writer.weights(4, state(4))
    writer.close("finished")
    run = open_run(tmp_path / "run")
    assert run.is_stored("displacement")
    assert_array_equal(run.rows("displacement")[:, 0], [1, 2, 3, 4])


def test_thinned_weights_give_no_displacement(tmp_path: Path) -> None:
    recording = manifest()["recording"] | {"weights_every": 2}
    run = open_run(make_run(tmp_path / "run", recording=recording))
    assert "displacement" not in run.sources()


def test_rows_in_float64(tmp_path: Path) -> None:
    writer = RunWriter.create(tmp_path / "run", manifest(selection={"P": P, "row_dtype": "float64"}))
    values = np.arange(P) + 1e-12
    writer.rows("update", 0, values)
    writer.weights(0, {"w": np.zeros((2, 3))})
    writer.weights(1, {"w": np.full((2, 3), 1e-30)})
    writer.close("finished")
    run = open_run(tmp_path / "run")
    assert_array_equal(run.rows("update")[0], values)
    assert_array_equal(run.rows("displacement")[0], np.full(P, 1e-30))


def test_an_unknown_source_or_step_lists_the_known(run: Run) -> None:
    with pytest.raises(UsageError, match=r"source: 'gradinet' is not recorded; known: gradient, update, displacement"):
        run.rows("gradinet")
    with pytest.raises(UsageError, match=r"steps: update has no row at t = 20; it has t = 0 … 19 \(20 rows\)"):
        run.rows("update", [3, 20])
    with pytest.raises(UsageError, match="step 1, found step 2"):
        run.rows("update", columns=slice(0, 4, 2))
    with pytest.raises(UsageError, match=r"weights has no row at t = 99"):
        run.weights(99)


def test_no_rows_yet_is_too_little_data(tmp_path: Path) -> None:
    run = open_run(make_run(tmp_path / "run", []))
    assert run.sources() == ()
    assert run.good is None
    with pytest.raises(TooLittleDataError, match=r"run: no committed rows yet"):
        run.rows("update")


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 6), st.lists(st.integers(0, 2), min_size=1, max_size=14), st.booleans())
def test_any_split_into_shards_gives_the_same_rows(
    tmp_path_factory: pytest.TempPathFactory, rows_per_shard: int, pauses: list[int], late: bool
) -> None:
    """Whatever ends a shard (its rows, its bytes, the clock) and in whichever order sources come."""
    path = tmp_path_factory.mktemp("split") / "run"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(shard, "ROWS_PER_SHARD", rows_per_shard)
        writer = RunWriter.create(path, manifest())
        for t, pause in enumerate(pauses):
            for source in ("update", "gradient") if late else ("gradient", "update"):
                writer.rows(source, t, row(source, t))
                if pause == 2:
                    writer._queue.submit(0, writer._commit_shard)
            writer.scalars(t, scalars(t))
            if pause:
                writer._queue.submit(0, writer._commit_shard)
        writer.close("finished")
    run = open_run(path)
    assert run.verify() == ()
    for source in ("gradient", "update"):
        assert_array_equal(run.rows(source), [row(source, t) for t in range(len(pauses))])
    t, value = run.scalar("loss/add")
    assert_array_equal(t, np.arange(len(pauses)))
    assert_array_equal(value, 1 / (t + 1))


# --- scalars, weights, probes, programs ------------------------------------------------------------------------------


def test_scalars_as_a_frame_and_one_by_one(run: Run) -> None:
    frame = run.scalars()
    assert frame.columns == ["t", "name", "value"]
    assert frame.height == 60
    assert run.scalar_names() == ("loss/add", "lr/0", "weight_decay/0")
    t, value = run.scalar("loss/add")
    assert_array_equal(t, np.arange(20))
    assert_array_equal(value, 1 / (t + 1))
    picked = frame.filter(frame["name"] == "loss/add")
    assert_array_equal(picked["value"].to_numpy(), value)
    with pytest.raises(UsageError, match=r"scalar: 'loss' is not recorded; known: loss/add, lr/0, weight_decay/0"):
        run.scalar("loss")


def test_the_last_value_at_a_step_counts_and_skips_add_up(tmp_path: Path) -> None:
    writer = RunWriter.create(tmp_path / "run", manifest())
    for number, t in enumerate([0, 3, 3, 5, 5, 5]):
        writer.scalars(t, {"metric/acc": float(number), "skipped": 1.0})
        if t == 3:
            writer._queue.submit(0, writer._commit_shard)
    writer.close("finished")
    run = open_run(tmp_path / "run")
    assert [part.tolist() for part in run.scalar("metric/acc")] == [[0, 3, 5], [0, 2, 5]]
    assert [part.tolist() for part in run.scalar("skipped")] == [[0, 3, 5], [1, 2, 3]]


@pytest.mark.parametrize("length", [498, 504, 512, 600])
def test_long_names_stay_whole_pairs(tmp_path: Path, length: int) -> None:
    names = [f"metric/{'a' * length}{end}" for end in "12"]
    source = "gradient/" + "t" * length
    writer = RunWriter.create(tmp_path / "run", manifest())
    for t in range(3):
        writer.scalars(t, {name: float(t + at) for at, name in enumerate(names)})
        writer.rows(source, t, row("gradient", t))
        writer.weights(t, state(t))
    writer.close("finished")
    run = open_run(tmp_path / "run")
    assert run.verify() == ()
    assert [run.scalar(name)[1].tolist() for name in run.scalar_names()] == [[0.0, 1.0, 2.0], [1.0, 2.0, 3.0]]
    (stored,) = (name for name in run.sources() if run.is_stored(name))
    assert_array_equal(run.rows(stored, [1]), [row("gradient", 1)])


def test_nan_scalars_stay_nan(tmp_path: Path) -> None:
    writer = RunWriter.create(tmp_path / "run", manifest())
    writer.scalars(0, {"loss/add": float("nan")})
    writer.close("finished")
    assert np.isnan(open_run(tmp_path / "run").scalar("loss/add")[1]).all()


def test_weights_whole_and_selected(run: Run) -> None:
    assert_array_equal(run.weight_steps(), np.arange(20))
    found = run.weights(4)
    assert found.keys() == {"w", "b"}
    assert_array_equal(found["w"], state(4)["w"])
    assert run.weights(4, ["b"]).keys() == {"b"}
    assert_array_equal(run.selected(4), state(4)["w"].reshape(-1))
    assert_array_equal(run.selected(4, slice(2, 4)), state(4)["w"].reshape(-1)[2:4])
    with pytest.raises(UsageError, match="names: c is not in the checkpoint; it has b, w"):
        run.weights(4, ["c"])


def test_bfloat16_weights_come_as_float32(tmp_path: Path) -> None:
    weights = torch.linspace(-3, 3, P).reshape(2, 3).to(torch.bfloat16)
    writer = RunWriter.create(tmp_path / "run", manifest())
    writer.weights(0, {"w": weights})
    writer.close("finished")
    run = open_run(tmp_path / "run")
    assert_array_equal(run.weights(0)["w"], weights.float().numpy())
    assert_array_equal(run.selected(0, slice(1, 5)), weights.float().numpy().reshape(-1)[1:5])


def test_probes_and_programs(run: Run) -> None:
    probe = run.probe("add")
    assert probe is not None
    tensors = probe_tensors()
    assert_array_equal(probe.inputs[1], tensors["inputs.1"])
    assert_array_equal(probe.targets, tensors["targets"])
    assert_array_equal(probe.probe_order, tensors["order.probes"])
    assert_array_equal(probe.batch_order, tensors["order.batch"])
    assert (probe.size, probe.pool, probe.at, probe.loss, probe.output) == (4, 8, "emb", "cross_entropy", 0)
    assert probe.train is None
    assert probe.program is not None
    text, constants = run.program(probe.program)
    assert text == b'{"nodes":[]}'
    assert_array_equal(constants["mask"], np.ones((2, 2)))
    assert run.probe("mul") is None
    with pytest.raises(UsageError, match="program: 'x' is not in the run; known: 0001-000"):
        run.program("x")


@pytest.mark.parametrize(
    ("targets", "meta", "chance"),
    [
        (np.array([0, 1, 2, 0]), {}, 1 / 3),
        (np.array([7, 3, -100, 3]), {}, 1 / 2),
        (np.array([[0, 1], [2, 3], [3, 3], [3, 4]]), {}, 1 / 5),
        (np.full((4, 8), 0.125, np.float32), {}, 1 / 8),
        (np.array([5, 5, 5, 5]), {}, None),
        (np.array([0.5, 1.0, 2.0, 3.0], np.float32), {}, None),
        (np.array([0, 1, 0, 1]), {"loss": "mse"}, None),
        (np.array([0, 1, 0, 1]), {"loss": "mse", "chance": 0.7}, 0.7),
        (np.array([0, 1, 2, 0]), {"chance": 0}, 0.0),
    ],
    ids=["classes", "ignored", "sequence", "probabilities", "one class", "no class", "mse", "stated", "none"],
)
def test_chance_is_stated_or_follows_from_the_classes(
    tmp_path: Path, targets: Any, meta: dict[str, Any], chance: float | None
) -> None:
    writer = RunWriter.create(tmp_path / "run", manifest())
    writer.probe("add", probe_tensors() | {"targets": targets}, PROBE_META | meta)
    writer.close("finished")
    run = open_run(tmp_path / "run")
    assert run.chance("add") == chance and run.chance("mul") is None


@pytest.mark.parametrize("chance", [1, -0.1, True, "half"])
def test_a_chance_that_is_none_is_refused(tmp_path: Path, chance: Any) -> None:
    writer = RunWriter.create(tmp_path / "run", manifest())
    writer.probe("add", probe_tensors(), PROBE_META | {"chance": chance})
    writer.close("finished")
    with pytest.raises(RefusedError, match="chance must be a number ≥ 0 and < 1, found"):
        open_run(tmp_path / "run").chance("add")


def test_tasks_come_from_everywhere(tmp_path: Path) -> None:
    writer = RunWriter.create(tmp_path / "run", manifest(tasks=["sub"]))
    writer.note("task", "late")
    writer.probe("probed", probe_tensors(), PROBE_META)
    writer.rows("gradient/add", 0, row("gradient/add", 0))
    writer.close("finished")
    run = open_run(tmp_path / "run")
    assert run.tasks == ("sub", "late", "probed", "add")
    assert run.notes == (), "the name of a task is no note to show"


# --- sessions, growth, states ----------------------------------------------------------------------------------------


def resume(path: Path, steps: range, reason: str = "finished") -> None:
    writer = RunWriter.resume(path, manifest=manifest(), first_t=steps.start)
    feed(writer, steps)
    writer.close(reason)


def test_the_latest_session_counts_where_steps_repeat(tmp_path: Path) -> None:
    path = make_run(tmp_path / "run", range(20))
    resume(path, range(12, 15))
    run = open_run(path)
    expected = [row("update", t) for t in range(12)] + [row("update", t, 2) for t in range(12, 15)]
    assert_array_equal(run.rows("update"), expected)
    assert_array_equal(run.weight_steps(), np.arange(15))
    assert_array_equal(run.rows("displacement", [12])[0], (state(12, 2)["w"] - state(11)["w"]).reshape(-1))
    assert run.scalar("loss/add")[0][-1] == run.last_t == 14
    assert [note.message for note in run.notes] == [
        "session 2 goes on from session 1 at t = 12; 8 recorded steps of session 1 (t = 12 … 19) are set aside: "
        "the later session counts"
    ]


def test_a_session_that_committed_nothing_sets_nothing_aside(tmp_path: Path) -> None:
    path = make_run(tmp_path / "run", range(20))
    RunWriter.resume(path, manifest=manifest(), first_t=5).close("exception")
    run = open_run(path)
    assert_array_equal(run.steps("update"), np.arange(20))
    assert [note.message for note in run.notes] == ["session 2 committed nothing and is set aside"]
    assert run.state == "crashed"


def test_a_trajectory_that_was_left_is_not_mixed_in(tmp_path: Path) -> None:
    path = make_run(tmp_path / "run", range(20))
    resume(path, range(5, 8))
    resume(path, range(15, 17))
    run = open_run(path)
    expected = [row("update", t) for t in range(15)] + [row("update", t, 3) for t in (15, 16)]
    assert_array_equal(run.rows("update"), expected)
    assert any("session 2 belongs to a trajectory that was left" in note.message for note in run.notes)


def test_no_displacement_spans_steps_that_died_with_a_recorder(tmp_path: Path) -> None:
    path = make_run(tmp_path / "run", range(4))
    resume(path, range(9, 12))
    assert_array_equal(open_run(path).steps("displacement"), [1, 2, 3, 10, 11])


@pytest.mark.parametrize(("first", "lost"), [(3, False), (5, True), (2, False)])
def test_rows_that_died_between_two_sessions_are_noted(tmp_path: Path, first: int, lost: bool) -> None:
    path = make_run(tmp_path / "run", range(3), reason=None)
    writer = RunWriter.resume(path, manifest=manifest(), first_t=first)
    feed(writer, range(first, 7))
    writer.close("finished")
    messages = [note.message for note in open_run(path).notes if "missing" in note.message]
    expected = "rows are missing between t = 2, the last of session 1, and t = 5, the first of session 2"
    assert messages == ([f"{expected}: further apart than the cadence of 1"] if lost else [])


def test_a_growing_run(tmp_path: Path) -> None:
    writer = RunWriter.create(tmp_path / "run", manifest())
    run = open_run(tmp_path / "run")
    assert (run.state, run.good, run.refresh()) == ("recording", None, False)
    feed(writer, range(9))
    writer.close("finished")
    assert run.refresh()
    assert (run.state, run.good, run.end_reason) == ("finished", (0, 8), "finished")
    assert not run.refresh()


def test_a_reader_sees_further_rows_when_it_is_refreshed_and_not_before(tmp_path: Path) -> None:
    path = make_run(tmp_path / "run", range(4))
    run = open_run(path)
    before = run.identity("rows", "update")
    resume(path, range(4, 9))
    assert (run.good, run.identity("rows", "update")) == ((0, 3), before)
    assert run.refresh()
    assert run.good == (0, 8)
    assert run.identity("rows", "update") != before
    assert run.identity("rows", "update", range(4)) == before


def test_a_run_that_was_replaced_is_read_anew(tmp_path: Path) -> None:
    run = open_run(make_run(tmp_path / "run", range(20)))
    writer = RunWriter.create(tmp_path / "run", manifest(name="other"), force=True)
    feed(writer, range(3))
    writer.close("finished")
    assert run.refresh()
    assert (run.name, run.good) == ("other", (0, 2))


@pytest.mark.parametrize(
    ("reason", "state"),
    [
        ("finished", "finished"),
        ("interrupted", "finished"),
        ("terminated", "finished"),
        ("exception", "crashed"),
        ("writer failed", "crashed"),
        (None, "crashed"),
    ],
)
def test_states(tmp_path: Path, reason: str | None, state: str) -> None:
    run = open_run(make_run(tmp_path / "run", reason=reason))
    assert (run.state, run.end_reason) == (state, reason)


# --- identity --------------------------------------------------------------------------------------------------------


def test_identity_changes_with_what_it_stands_for_and_with_nothing_else(tmp_path: Path) -> None:
    path = make_run(tmp_path / "run", range(10))
    run, again = open_run(path), open_run(path)
    kinds = [("rows", "update"), ("rows", "displacement"), ("rows", "adam/weight_decay"), ("weights", None)]
    kinds += [("manifest", None), ("scalars", None), ("probe", "add"), ("program", "0001-000")]
    digests = {kind: run.identity(*kind) for kind in kinds}
    assert len(set(digests.values())) == len(kinds)
    assert {kind: again.identity(*kind) for kind in kinds} == digests
    early = run.identity("rows", "update", range(5))
    resume(path, range(8, 10))
    run.refresh()
    assert run.identity("rows", "update", range(5)) == early
    changed = {kind for kind in kinds if run.identity(*kind) != digests[kind]}
    assert changed == {
        ("rows", "update"),
        ("rows", "displacement"),
        ("rows", "adam/weight_decay"),
        ("weights", None),
        ("scalars", None),
    }
    with pytest.raises(UsageError, match=r"identity: no 'rowz' None in the run; kinds: manifest, rows"):
        run.identity("rowz")


# --- what reading costs ----------------------------------------------------------------------------------------------


def test_a_large_run_is_read_in_little_memory(tmp_path: Path) -> None:
    """96 MB of rows and 48 MB of weights, column block by column block, within 24 MB beyond the imports."""
    size, count = 1_000_000, 12
    parameters = [manifest()["parameters"][0] | {"shape": [size]}]
    changes = {"parameters": parameters, "blocks": [], "selection": {"P": size, "row_dtype": "float32"}}
    writer = RunWriter.create(tmp_path / "run", manifest(**changes))
    base = np.arange(size, dtype=np.float32)
    for t in range(count):
        writer.weights(t, {"w": base * t})
        writer.rows("update", t, base + t)
        writer.rows("gradient", t, base - t)
    writer.close("finished")
    code = """
import resource, sys
from sedscope.runs import open_run
import numpy as np
run = open_run(sys.argv[1])
rows = run.rows("update", [0], slice(0, 10))
start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
total = 0.0
for source in ("update", "gradient", "displacement"):
    for first in range(0, 1_000_000, 100_000):
        block = run.rows(source, columns=slice(first, first + 100_000)).astype(np.float64)
        total += float((block @ block.T)[-1, -1])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start, total)
assert "torch" not in sys.modules and "polars" not in sys.modules
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "run")], capture_output=True, text=True, check=True
    )
    extra, total = done.stdout.split()
    wide = base.astype(np.float64)
    assert float(total) == pytest.approx(((wide + 11) ** 2).sum() + ((wide - 11) ** 2).sum() + (wide**2).sum())
    assert int(extra) < 24 * 1024, f"{extra} KiB"


def test_many_runs_are_found_by_name_each_with_its_error(tmp_path: Path) -> None:
    for name in ("b", "a"):
        make_run(tmp_path / name, range(2))
    (make_run(tmp_path / "c", range(2)) / "run.json").write_text("{")
    (tmp_path / "empty").mkdir()
    (tmp_path / "latest").symlink_to(tmp_path / "a")
    found = find_runs(tmp_path)
    assert [one.path.name for one in found] == ["a", "b", "c"]
    assert [one.run is not None for one in found] == [True, True, False]
    with pytest.raises(DamagedError, match=r"c/run.json: not JSON"):
        found[2].opened()
    assert [one.path for one in find_runs(tmp_path / "latest")] == [tmp_path / "latest"]

"""Rows for the analysis: when fixed gradients are computed, what they depend on, and what makes them unknown."""

from __future__ import annotations

import shutil
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pytest

from recorders.errors import RefusedError, TooLittleDataError, UsageError
from recorders.program import Program
from recorders.row_sources import FIXED_GRADIENT
from recorders.store.run_writer import RunWriter
from sedscope.analysis.features import checkpoint_models
from sedscope.analysis.features.checkpoint_models import CheckpointModels
from sedscope.analysis.pipeline.analyse import analyse
from sedscope.analysis.settings import Settings
from sedscope.analysis.sources import computed_rows as module
from sedscope.analysis.sources.batch_gradients import checkpoint_gradients
from sedscope.analysis.sources.computed_rows import ComputedRows, sum_rows
from sedscope.analysis.sources.variants import GradientKind, Variant
from sedscope.analysis.spectra.source_rows import SourceRows, recorded_rows
from sedscope.analysis.undefined import Undefined
from sedscope.runs import Run, open_run

DOUBLE = Settings(precision="float64")


def computed(run: Run, settings: Settings = DOUBLE) -> SourceRows:
    fixed = ComputedRows(run, settings, run.tasks, run.weight_steps())
    fixed.compute(CheckpointModels(run, settings, Lock()), "add", [GradientKind("fixed_gradient", 0)], lambda *_: None)
    rows = fixed.source(Variant("fixed_gradient/add"))
    assert isinstance(rows, SourceRows)
    return rows


def test_fixed_gradients_are_those_of_the_fixture(fixture_folder: Path, fixture_run: Any) -> None:
    rows = computed(open_run(fixture_folder))
    assert rows.steps.tolist() == fixture_run.expected["steps"]
    norms = np.linalg.norm(rows.read(0, 40, slice(None)), axis=1)
    np.testing.assert_allclose(norms, fixture_run.expected["fixed_batch_gradient_norms"], rtol=1e-9)


def test_large_fixed_gradients_wait_in_a_file(fixture_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = open_run(fixture_folder)
    in_memory = computed(run, Settings()).read(0, 40, slice(None))
    monkeypatch.setattr(module, "SPOOL_FROM_BYTES", 0)
    spooled = computed(run, Settings()).read(0, 40, slice(None))
    assert isinstance(spooled, np.memmap)
    np.testing.assert_array_equal(in_memory, spooled)


def test_what_is_kept_of_rows_depends_on_all_they_are_made_of(fixture_folder: Path) -> None:
    run = open_run(fixture_folder)

    def identity(start: int, stop: int, **changes: Any) -> str:
        rows = ComputedRows(run, Settings(**changes), run.tasks, run.weight_steps())
        source = rows.source(Variant("fixed_gradient/add"))
        assert isinstance(source, SourceRows)
        return source.identity(start, stop)

    assert identity(0, 10) == identity(0, 10, probes=7)
    others = {
        identity(0, 11),
        identity(1, 10),
        identity(0, 10, batch=64),
        identity(0, 10, precision="float64"),
        identity(0, 10, device="cpu"),
    }
    assert len(others | {identity(0, 10)}) == 6


def test_the_sum_over_tasks_keeps_their_order_and_precision() -> None:
    parts = [np.float32([1e8, 1]), np.float32([-1e8, 2]), np.float32([1, 3])]
    assert sum_rows(parts).tolist() == [1.0, 6.0]
    assert sum_rows(parts[:1]) is parts[0]


def test_only_displacement_ends_at_its_step(fixture_folder: Path) -> None:
    run = open_run(fixture_folder)
    assert [recorded_rows(run, name).end_at_t for name in ("update", "displacement")] == [False, True]


def bare_run(path: Path, *, tasks: list[str], rows: int, weights: bool, refused: str | None = None) -> Run:
    manifest = {
        "command": [], "git": None, "versions": {}, "device": "cpu", "tasks": tasks,
        "parameters": [
            {"name": "w", "shape": [3], "dtype": "float32", "selected": True, "offset": 0, "trainable": True}
        ],
        "selection": {"spec": ["all"], "P": 3, "row_dtype": "float32"}, "blocks": [],
        "recording": {"every": 1, "sources": ["update"], "weights_every": 1, "budget": None, "probe_seed": 0},
        "intervention": None, "seed": None, "parent": None,
    }  # fmt: skip
    writer = RunWriter.create(path, manifest)
    generator = np.random.default_rng(0)
    for t in range(rows):
        writer.rows("update", t, generator.standard_normal(3).astype(np.float32))
        if weights:
            writer.weights(t, {"w": generator.standard_normal(3).astype(np.float32)})
    if refused is not None:
        writer.note("refused", refused)
    writer.close("finished")
    return open_run(path)


SMALL = Settings(window=(3,), rank=(1,), checkpoints=None, evidence=False)


def test_without_a_probe_coupling_is_unknown_and_the_line_that_helps_is_named(tmp_path: Path) -> None:
    analysis = analyse(bare_run(tmp_path / "run", tasks=["add"], rows=6, weights=True), SMALL)
    line = 'task add has no probe: add sedscope.probe(model, task="add", inputs=(x,), targets=y) to the script'
    by_source = {one.source: one for one in analysis.coupling}
    assert by_source["update"].peak == by_source["update"].final == Undefined(line)
    assert by_source["fixed_gradient/add"].final == Undefined(line)
    assert analysis.rank90[0].undefined == Undefined(line)
    grokking = analysis.metrics[0].grokking
    assert grokking.delay == grokking.grok[0] == grokking.grok[1]
    assert grokking.delay == Undefined(
        'test_acc of add was never logged: add sedscope.log({"test_acc/add": value}) to the script'
    )
    assert not any(isinstance(point.spectrum, Undefined) for point in analysis.spectra[1].points)


def test_without_weights_there_is_no_checkpoint(tmp_path: Path) -> None:
    analysis = analyse(bare_run(tmp_path / "run", tasks=[], rows=6, weights=False), SMALL)
    assert [series.source for series in analysis.spectra] == ["update"]
    assert analysis.coupling == ()
    assert analysis.notes == (
        'coupling is unknown: the run has no probe; add sedscope.probe(model, task="…", inputs=(x,), targets=y)'
        " to the script",
    )


@pytest.mark.parametrize(
    ("rows", "window", "message"),
    [
        (0, 3, "no committed rows yet; a window needs 3"),
        (1, 3, "update: a window of 3 rows was asked for; found 1"),
        (5, 6, "update: a window of 6 rows was asked for; found 5"),
    ],
)
def test_too_few_rows_are_said_with_both_numbers(tmp_path: Path, rows: int, window: int, message: str) -> None:
    run = bare_run(tmp_path / "run", tasks=[], rows=rows, weights=False)
    with pytest.raises(TooLittleDataError, match=message):
        analyse(run, Settings(window=(window,), rank=(1,), evidence=False))


def test_a_window_may_take_every_row_and_every_direction(tmp_path: Path) -> None:
    run = bare_run(tmp_path / "run", tasks=[], rows=5, weights=False)
    (series,) = analyse(run, Settings(window=(5,), rank=(5,), evidence=False)).spectra
    assert [point.full for point in series.points] == [False] * 4 + [True]


def test_an_unknown_source_or_task_lists_the_known(tmp_path: Path) -> None:
    run = bare_run(tmp_path / "run", tasks=["add"], rows=6, weights=False)
    controls = "control/shuffled/add, control/cotangent/add, control/per_example/add"
    known = f"fixed_gradient/add, pool_gradient/add, {controls}, update"
    with pytest.raises(UsageError, match=f"sources: one of {known} is required, found 'momentum'"):
        analyse(run, SMALL, sources=["momentum"])
    with pytest.raises(UsageError, match="tasks: one of add is required, found 'mul'"):
        analyse(run, SMALL, tasks=["mul"])


def test_a_program_that_fails_makes_its_own_results_undefined(
    fixture_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = open_run(shutil.copytree(fixture_folder, tmp_path / "run"))

    def refuse(*_: object) -> None:
        raise RefusedError("program: node 7 (aten.mm): too large")

    monkeypatch.setattr("sedscope.analysis.features.checkpoint_models.load", refuse)
    analysis = analyse(run, Settings(window=(10,), checkpoints=3, random=5, evidence=False))
    reason = Undefined("program: node 7 (aten.mm): too large")
    assert {one.final for one in analysis.coupling if not one.source.startswith("adam")} == {reason}
    assert {series.undefined for series in analysis.spectra if series.source.startswith("fixed")} == {reason}
    assert all(series.points for series in analysis.spectra if series.source == "update")


def test_a_refused_probe_is_the_reason_why_a_fixed_gradient_has_no_rows(tmp_path: Path) -> None:
    run = bare_run(tmp_path / "run", tasks=["add"], rows=6, weights=True)
    with pytest.raises(TooLittleDataError, match=r"run: task add has no probe: add sedscope\.probe"):
        analyse(run, SMALL, sources=["fixed_gradient/add"])
    run = bare_run(tmp_path / "refused", tasks=[], rows=6, weights=True, refused="probe mul: inputs must be …")
    with pytest.raises(UsageError, match="found 'fixed_gradient/mul'; probe mul: inputs must be …"):
        analyse(run, SMALL, sources=["fixed_gradient/mul"])


def test_nothing_of_a_program_runs_before_it_was_checked(fixture_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On every path, fixed gradients too: a forward with data is refused on a machine with too little memory."""
    monkeypatch.setattr(checkpoint_models, "memory_cap", lambda _: 1 << 10)
    ran: list[object] = []
    real = Program.run
    monkeypatch.setattr(Program, "run", lambda *arguments: ran.append(arguments) or real(*arguments))
    models = CheckpointModels(open_run(fixture_folder), Settings(window=(10,)), Lock())
    with pytest.raises(RefusedError, match="at most 1024 are allowed"):
        checkpoint_gradients(models, Settings(window=(10,)), 0, "add", [GradientKind(FIXED_GRADIENT, 0)])
    with pytest.raises(RefusedError, match="at most 1024 are allowed"):
        models.probed_model(0, "add")
    assert ran == []

"""What a sweep replaces: unfinished runs that it found when it began, and nothing else."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from sweeping import PlainEngine, write_run

from recorders.errors import RefusedError
from recorders.intervention.intervention_settings import Intervention
from sedscope.sweep import Sweep, run_sweep
from sedscope.sweep.display.board import SKIPPED
from sedscope.sweep.planned_cell import MISSING, cell_outcome

SWEEP = Sweep(("train.py", "--seed", "{seed}"), [Intervention("control"), Intervention("freeze")], seeds=[1, 2])
NAMES = [cell.name for cell in SWEEP.cells()]
Finishing = Callable[[Sweep, Path], PlainEngine]


def test_only_what_the_plan_found_is_replaced(tmp_path: Path, finishing: Finishing) -> None:
    """A job that waits in a cluster's queue may find that another has recorded its cell in the meantime."""
    write_run(SWEEP.cells()[0], tmp_path, reason=None)
    engine = finishing(SWEEP, tmp_path)
    run_sweep(SWEEP, tmp_path, engine)
    assert ["--force" in job.words for job in engine.handed] == [True, False, False, False]


def test_a_cell_whose_recorder_was_killed_before_it_wrote_the_manifest_is_taken_over(
    tmp_path: Path, finishing: Finishing
) -> None:
    cell = SWEEP.cells()[0]
    write_run(cell, tmp_path, reason=None)
    (tmp_path / NAMES[0] / "run.json").unlink()
    assert cell_outcome(cell, tmp_path, SWEEP.recording).state == "crashed"
    (tmp_path / NAMES[0] / "thesis.tex").write_text("dear")
    assert cell_outcome(cell, tmp_path, SWEEP.recording).state == MISSING, "the recorder will refuse it"
    (tmp_path / NAMES[0] / "thesis.tex").unlink()
    engine = finishing(SWEEP, tmp_path)
    run_sweep(SWEEP, tmp_path, engine)
    assert ["--force" in job.words for job in engine.handed] == [True, False, False, False]


def test_a_foreign_sweep_file_never_supplies_a_command(tmp_path: Path, finishing: Finishing) -> None:
    run_sweep(SWEEP, tmp_path, finishing(SWEEP, tmp_path))
    written = json.loads((tmp_path / "sweep.json").read_text())
    shutil.rmtree(tmp_path / NAMES[0])
    hostile = ["/tmp/theirs.py", "--seed", "{seed}"]
    stranger = {"name": "theirs", "arguments": hostile, "intervention": {}, "seed": 1, "varied": {}}
    changed_cell = [{**written["cells"][0], "arguments": hostile}, *written["cells"][1:]]
    for refused in (written | {"arguments": hostile}, written | {"module": True}, written | {"cells": changed_cell}):
        (tmp_path / "sweep.json").write_text(json.dumps(refused))
        with pytest.raises(RefusedError, match="this folder holds another sweep"):
            run_sweep(SWEEP, tmp_path, engine := finishing(SWEEP, tmp_path))
        assert engine.handed == []
    (tmp_path / "sweep.json").write_text(json.dumps(written | {"cells": [stranger, *written["cells"]]}))
    run_sweep(SWEEP, tmp_path, engine := finishing(SWEEP, tmp_path))
    assert engine.names == [NAMES[0]] and not any("theirs" in word for job in engine.handed for word in job.words)


def test_what_a_newer_version_recorded_is_not_replaced(tmp_path: Path, finishing: Finishing) -> None:
    run_sweep(SWEEP, tmp_path, finishing(SWEEP, tmp_path))
    path = tmp_path / NAMES[0] / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format_version": 99}))
    engine = finishing(SWEEP, tmp_path)
    line = run_sweep(SWEEP, tmp_path, engine).lines[0]
    assert engine.names == [] and line.state == SKIPPED and "update sedscope" in line.reason

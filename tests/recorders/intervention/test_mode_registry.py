"""A mode is one row: a made-up one is known to the command line, to sweeps, to the recorder and to comparisons."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from comparison_samples import outcome
from plain_intervention import SELECT, Training, send_plain

from recorders.intervention import Intervention
from recorders.intervention.modes import MODES, InterventionMode, report_order
from sedscope.analysis.interventions import TreatmentGroup, compare
from sedscope.sweep.grammar import parse_interventions

ROW = InterventionMode(
    "keep-odd",
    "only every other SED direction goes through",
    "keep",
    "sed",
    beside=("freeze", "keep-random"),
    label="odd directions",
)


@pytest.fixture
def made_up() -> Iterator[InterventionMode]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(MODES, ROW.name, ROW)
        yield ROW


def test_the_help_lists_it() -> None:
    program = f"""
from recorders.intervention.modes import MODES, InterventionMode
MODES["keep-odd"] = {ROW!r}
from sedscope.cli.main import main
main(["record", "--help"])
"""
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert shown.returncode == 0, shown.stderr
    assert "keep-odd          only every other SED direction goes through" in shown.stdout


def test_a_sweep_takes_it_and_drops_what_means_nothing_for_it(made_up: InterventionMode) -> None:
    assert parse_interventions("keep-odd:rank=1,stride=2,redraw=once") == (Intervention("keep-odd", rank=1, stride=2),)
    assert parse_interventions("keep-odd:rank=0,on=update") == (Intervention("keep-odd", rank=0),)
    described = Intervention("keep-odd", on="update", redraw="once").describe()
    assert described["mode"] == "keep-odd" and described["basis"] == "applied" and described["redraw"] is None


def test_a_comparison_labels_it_and_puts_it_beside_what_its_row_names(made_up: InterventionMode) -> None:
    runs = [outcome(mode, "42", t) for mode, t in (("control", 2900), ("freeze", 900), ("keep-random", 800))]
    groups: dict[str, TreatmentGroup] = {
        group.label: group for _, _, group in compare([*runs, outcome("keep-odd", "42", 700)]).groups()
    }
    group = groups["odd directions K 3 on gradient, basis applied"]
    assert [(one.kind, one.speedups[0].reference) for one in group.beside] == [
        ("freeze", "freeze"),
        ("random", "keep-random K 3 on gradient"),
    ]
    alone = compare([runs[0], outcome("keep-odd", "42", 700)])
    assert [group.no_freeze is not None for _, _, group in alone.groups()] == [False, True]
    assert list(groups) == ["control", "freeze", "keep-random K 3 on gradient", group.label]


def test_the_recorder_carries_it_out_as_its_action_says(recording: Any, made_up: InterventionMode) -> None:
    weights = []
    for mode in ("keep-sed", made_up.name):
        training = Training()
        with recording(every=1, select=SELECT, intervention=Intervention(mode, rank=1, window=2)):
            for t in range(6):
                training.step(t, send_plain)
        weights.append(training.weights())
    assert np.array_equal(*weights)
    assert "keep-odd, rank 1, on the gradient" in Intervention(made_up.name, rank=1).summary()


def test_rows_name_modes_that_exist_and_reports_show_those_first() -> None:
    order = report_order()
    assert sorted(order) == sorted(MODES)
    for mode in MODES.values():
        assert set(mode.beside) <= set(MODES)
        assert all(order.index(name) < order.index(mode.name) for name in mode.beside if MODES[name].action == "freeze")

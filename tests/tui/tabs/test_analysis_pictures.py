"""What the analysis tabs draw, from made results: bands, sets, probes on a grid, groups and speed-ups, files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from comparison_samples import outcome, paper
from viewing import HOSTILE

from sedscope.analysis.interventions import compare
from sedscope.analysis.pipeline.probe_couplings import ProbeCouplings, grid_labels
from sedscope.analysis.pipeline.results import CheckpointCoupling, CouplingSeries, Spread, Stage, StageTable
from sedscope.analysis.result_view.columns import PHASES
from sedscope.analysis.settings import Settings, flags
from sedscope.analysis.statistics.coupling_ratio import CouplingRatio, ValueAtStep
from sedscope.analysis.statistics.grokking import Phases
from sedscope.analysis.undefined import Undefined
from sedscope.runs.text import printable
from sedscope.tui.data.source_sets import colours, sets_of
from sedscope.tui.exports.figure import write
from sedscope.tui.exports.pictures import Picture, as_text, stem, values
from sedscope.tui.plot.data import Axis, Chart, Series, View
from sedscope.tui.plot.figures import readable
from sedscope.tui.plot.heatmap.heatmap_data import Heatmap
from sedscope.tui.tabs.compare.compare_charts import accuracy_chart
from sedscope.tui.tabs.compare.compare_table import lines
from sedscope.tui.tabs.coupling.coupling_charts import control_band, coupling_chart, matrix, why_none
from sedscope.tui.tabs.why.stage_walk import page
from sedscope.tui.tabs.why.why_charts import probes_heatmap, short_names
from sedscope.tui.worker.compared_run import ComparedRun

SHORT = Undefined("zero baseline")


def point(t: int, rbar: float | Undefined, *, full: bool = True, spread: Spread | None = None) -> CheckpointCoupling:
    ratio = rbar if isinstance(rbar, Undefined) else CouplingRatio(np.array([rbar, rbar]), rbar)
    return CheckpointCoupling(t, 20, full, SHORT, 1.0, ratio, Undefined("one group"), None, spread=spread)


def series(source: str, *points: CheckpointCoupling, task: str = "add") -> CouplingSeries:
    known = [ValueAtStep(p.t, p.ratio.rbar) for p in points if isinstance(p.ratio, CouplingRatio)]
    peak = max(known, key=lambda at: at.value, default=SHORT)
    return CouplingSeries(source, task, 20, 2, "directions", points, peak, known[-1] if known else SHORT)


def test_the_band_spans_controls_and_draws_and_skips_what_is_undefined() -> None:
    a = series("control/shuffled/add", point(0, 4.0, spread=Spread((3.0, 6.0), 3.0, 6.0)), point(5, SHORT))
    b = series("control/cotangent/add", point(0, 9.0), point(5, SHORT))
    band = control_band([a, b])
    assert band is not None and band.low is not None and band.high is not None
    assert (band.low[0], band.y[0], band.high[0]) == (3.0, pytest.approx(6.0), 9.0)
    assert np.isnan(band.y[1]) and band.reasons == {5.0: "zero baseline"}
    assert control_band([]) is None


def test_short_windows_are_dimmed_and_reasons_kept() -> None:
    one = series("update", point(0, 2.0, full=False), point(5, SHORT), point(9, 3.0))
    (curve,) = coupling_chart([one], [], "R", Axis(), ()).series
    assert curve.dimmed is not None and curve.dimmed.tolist() == [True, False, False]
    assert curve.reasons == {5.0: "zero baseline"} and np.isnan(curve.y[1])
    assert why_none([one]) is None
    assert why_none([series("update", point(0, SHORT), point(5, SHORT))]) == "zero baseline"


def test_the_matrix_holds_peak_and_final_and_says_why_not() -> None:
    found = [series("update", point(0, 7.0), point(5, 2.0)), series("update", point(0, SHORT), task="mul")]
    heatmap, words = matrix(found, ("add", "mul"))
    assert heatmap.columns == ("peak add", "final add", "peak mul", "final mul")
    np.testing.assert_array_equal(heatmap.values, [[7.0, 2.0, np.nan, np.nan]])
    assert words.pop((0, 0)) == "† at the first full window, an edge of what was seen: it may be higher beyond"
    assert heatmap.rows == ("update †",)
    assert words == {(0, 2): "undefined: zero baseline", (0, 3): "undefined: zero baseline"}


def test_the_line_of_grokking_lies_at_the_logged_accuracy_that_it_stands_for() -> None:
    run = outcome("control", "1", 900)
    half = replace(run.tasks[0], grokking=replace(run.tasks[0].grokking, chance=0.5))
    runs = [ComparedRun(run.path, run.name, replace(run, tasks=(half,)), final=True)]
    assert [rule.y for rule in accuracy_chart(runs, "add", aligned=False).rules] == [0.75]
    assert accuracy_chart([], "add", aligned=False).rules == ()


def test_the_matrix_alone_holds_the_phases_and_says_over_how_many_checkpoints() -> None:
    one = replace(series("update", point(0, 7.0), point(5, 2.0)), phases=Phases((), (0,), (5,)))
    heatmap, words = matrix([one], ("add",), PHASES)
    assert heatmap.columns == ("before", "at grok", "after")
    np.testing.assert_array_equal(heatmap.values, [[np.nan, 7.0, 2.0]])
    assert words[0, 0] == "undefined: no full window lies there" and words[0, 1].endswith("(1) checkpoints")


def test_sets_keep_to_the_task_and_colours_are_told_apart() -> None:
    known = ("fixed_gradient/add", "fixed_gradient/mul", "fixed_gradient", "control/shuffled/add", "gradient/add",
             "gradient/mul", "gradient", "adam/momentum", "update", "displacement")  # fmt: skip
    sets = sets_of(known, "add")
    assert sets["main"] == ("fixed_gradient/add", "gradient/add", "update", "displacement")
    assert sets["stages"] == ("gradient/add", "gradient", "adam/momentum", "update", "displacement")
    assert sets["controls"] == ("fixed_gradient/add", "control/shuffled/add")
    assert "gradient/mul" not in sets and sets["update"] == ("update",)
    assert sets_of(("gradient", "update"), None)["main"] == ("gradient", "update")
    for names in sets.values():
        assert len(set(colours(names).values())) == len(names)
    assert colours(sets["main"])["update"] == colours(sets["stages"])["update"]


def test_probes_lie_where_their_labels_say_and_parts_are_told_apart() -> None:
    labels = np.array([[0, 1], [1, 1], [1, 0]])
    found = ProbeCouplings("update", "add", 5, np.array([2.0, 4.0, 6.0]), labels, np.array([True, False, True]), 2.0)
    heatmap, words = probes_heatmap(found, "all")  # type: ignore[misc]
    np.testing.assert_array_equal(heatmap.values, [[np.nan, 1.0], [3.0, 2.0]])
    assert words == "mean train 2 (n = 2), test 2 (n = 1)"
    heatmap, _ = probes_heatmap(found, "test")  # type: ignore[misc]
    np.testing.assert_array_equal(heatmap.values, [[np.nan, np.nan], [np.nan, 2.0]])


def test_labels_are_two_integer_inputs() -> None:
    class Pool:
        inputs: tuple[np.ndarray, ...] = (np.arange(4), np.arange(4) + 10)

    chosen = np.array([3, 1])
    assert grid_labels(Pool(), chosen).tolist() == [[3, 13], [1, 11]]  # type: ignore[arg-type, union-attr]
    Pool.inputs = (np.array([[5, 1, 7], [5, 2, 8]]),)
    assert grid_labels(Pool(), np.array([1])).tolist() == [[2, 8]]  # type: ignore[arg-type, union-attr]
    Pool.inputs = (np.ones((2, 3)),)
    assert grid_labels(Pool(), np.array([1])) is None  # type: ignore[arg-type]


def test_the_walk_names_the_stage_that_loses_most_and_fits_every_width() -> None:
    stages = (
        Stage("gradient", "gradient", np.array([80.0, 90.0]), np.array([8.0, 9.0]), SHORT, SHORT, 0),
        Stage("adaptive", "adam/adaptive", np.array([20.0, 20.0]), SHORT, 0.236, SHORT, 1),
    )
    table = StageTable("add", 20, 3, (5, 9), stages, (), "adam/adaptive", SHORT)
    text = page(table, 8.0, 60).plain.splitlines()
    assert text[0] == "Stages of add, at t = 9"
    assert text[3].startswith("adaptive step") and "×0.236" in text[3] and "·" in text[3]
    assert "mean of 2 steps" in page(table, None, 60).plain
    for width in (30, 44, 60, 150):
        assert all(len(line) <= max(width, 43) for line in page(table, None, width).plain.splitlines()[:4])
    assert "undefined: zero baseline" in page(SHORT, None, 60).plain


def test_the_table_says_what_the_report_says() -> None:
    found = [one for one in paper() if one.treatment.mode != "freeze"]
    found += [outcome("freeze", "42", 800), outcome("freeze", "9", 700), outcome("freeze", "42", 900, task="mul")]
    runs = [ComparedRun(one.path, one.name, one, final=True) for one in found]
    runs.append(ComparedRun("gone", "gone", problem="no run.json", final=True))
    comparison = compare(found)
    table = {line.cells[1].strip(): line.cells for line in lines(runs, "add")}
    for _, task, group in comparison.groups():
        if task == "add" and group.speedups:
            average, cells = group.speedups[0].average, table[group.label]
            assert not isinstance(average, Undefined)
            assert f"{readable(average.value)}×" in cells[5] and f"n = {average.n}" in cells[5]
    remove = table["remove-sed K 3 on gradient, basis applied"]
    assert remove[2:6] == (
        "n = 3", "2 of 3, 1 never", "≥ 3,367 [0, 5,000] n = 3",
        "< 0.938× [0, 2.01] n = 3",
    )  # fmt: skip
    keep = table["keep-sed K 3 on gradient, basis applied"]
    assert keep[7] == "one seed: not told apart from freeze (0.889× n = 1)"
    assert table["freeze"][2] == "n = 2" and table["freeze"][5] == "3.63× n = 1"
    assert table["freeze-add-9"][7] == "no control has its seed"
    never = table["remove-sed-add-7"]
    assert never[3:6] == ("no", "–", "< 0.660×") and "never reached" in never[7]
    assert table["gone"][7] == "no run.json" and "no task add" in table["freeze-mul-42"][7]
    alone = {
        line.cells[1].strip(): line.cells for line in lines([run for run in runs if "freeze" not in run.name], "add")
    }
    assert "no freeze beside it" in alone["keep-sed K 3 on gradient, basis applied"][7]


def test_pictures_are_written_whole_with_any_text(tmp_path: Path) -> None:
    x = np.arange(3.0)
    name = f"$\\frac{{$ {printable(HOSTILE)}"
    curve = Series(name, x, np.array([1.0, np.nan, 9.0]), x + 0.5, x + 2, reasons={1.0: "why"})
    chart = Chart((curve,), Axis("t"), Axis(scale="log"), "$\\frac{$")
    place = stem(tmp_path, "../../a b", "c")
    assert place == tmp_path / "a-b-c"
    paths = write(Picture(chart, View(), 1.0), place)
    assert [path.suffix for path in paths] == [".svg", ".png", ".csv", ".parquet"]
    assert all(path.parent == tmp_path and path.stat().st_size for path in paths)
    table = pl.read_parquet(paths[-1])
    assert table["value"].to_list() == [1.0, None, 9.0] and table["undefined"].to_list() == [None, "why", None]
    assert pl.read_csv(paths[2])["value"].to_list() == [1.0, None, 9.0]
    assert stem(tmp_path, "../../a b", "c") == tmp_path / "a-b-c-2"
    write(Picture(Heatmap(np.array([[1.0, np.nan]]), ("$a_$",), ("b", "c"), scale="log"), View(), None), tmp_path / "h")


def test_values_at_the_cursor_are_copied_with_their_reason() -> None:
    x = np.arange(3.0)
    curve = Series("a\tb", x, np.array([1.0, np.nan, 9.0]), reasons={1.0: "why"})
    text = as_text(values(Picture(Chart((curve,)), View(), 1.0)))
    assert text == "series\tt\tvalue\tlow\thigh\tundefined\na b\t1\t\t\t\twhy\n"
    heatmap = Heatmap(np.array([[1.0, 2.0]]), ("r",), ("c", "d"))
    assert as_text(values(Picture(heatmap, View(), (0, 1)))) == "row\tcolumn\tvalue\nr\td\t2.0\n"


def test_flags_name_what_differs_from_the_defaults() -> None:
    assert flags(Settings(), None, None, False) == []
    settings = Settings(window=(6,), checkpoints=None, epsilon=0.01)
    assert flags(settings, ("update",), None, True) == [
        "--window", "6", "--epsilon", "0.01", "--checkpoints", "all", "--sources", "update", "--crossed",
    ]  # fmt: skip


def test_block_names_lose_what_they_share() -> None:
    names = ("encoder.layers.0.self_attn.in_proj_weight.q", "encoder.layers.0.self_attn.out_proj.weight")
    assert short_names(names) == ("q", "o")
    assert short_names(("layers.0.w", "layers.1.w")) == ("0.w", "1.w")

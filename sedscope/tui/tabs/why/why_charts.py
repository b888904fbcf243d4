"""Pictures of where coupling comes from: R against R^logit and R^matched, angles, blocks, rows of a window, probes.

Works on results; knows no widgets. What is undefined is a gap or an empty picture with its reason.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sedscope.analysis.pipeline.probe_couplings import ProbeCouplings
from sedscope.analysis.pipeline.results import AngleSeries, CheckpointAngles, CouplingSeries, RunAnalysis
from sedscope.analysis.result_view.columns import CHECKPOINTS
from sedscope.analysis.result_view.result_column import columns_for
from sedscope.analysis.settings import Settings
from sedscope.analysis.sources.variants import is_control
from sedscope.analysis.spectra.rolling_spectra import RollingSpectra
from sedscope.analysis.undefined import Undefined
from sedscope.tui.data.source_sets import CONTROL_COLOUR
from sedscope.tui.plot.data import Axis, Chart, Moment, Rule, Series
from sedscope.tui.plot.figures import subscript
from sedscope.tui.plot.heatmap.heatmap_data import Heatmap
from sedscope.tui.tabs.reference_lines import RANDOM, coupling_curve, curve

_MOST_PAIRS = 6


def measures_chart(series: CouplingSeries, axis: Axis, moments: tuple[Moment, ...]) -> Chart:
    """Return R̄_k, R^logit and R^matched of one source: means over k."""
    measures = [column for column in columns_for("viewer", CHECKPOINTS) if column.has_interval]
    curves = [coupling_curve(series, column, column.title, index) for index, column in enumerate(measures)]
    title = f"{series.source}: {', '.join(column.title for column in measures)}"
    return Chart(tuple(curves), axis, Axis(scale="log"), title, (RANDOM,), moments)


def angles_chart(angles: Sequence[AngleSeries], source: str, axis: Axis, moments: tuple[Moment, ...]) -> Chart:
    """Mean principal angle between a source's subspace and those of others, and the floor of one on two batches."""
    mine = [angle for angle in angles if source in (angle.first, angle.second) and not angle.is_floor]
    mine = [angle for angle in mine if not is_control(other(angle, source))][:_MOST_PAIRS]
    floors = [angle for angle in angles if angle.is_floor]
    floor = next((angle for angle in floors if angle.first == source), floors[0] if floors else None)
    curves = [_angle(angle, other(angle, source), index) for index, angle in enumerate(mine)]
    if floor is not None:
        curves.append(_angle(floor, f"floor: {floor.first}, other batch", CONTROL_COLOUR))
    title = f"{source}: mean principal angle to …"
    return Chart(tuple(curves), axis, Axis("degrees", high=90.0), title, (Rule(90.0, "orthogonal"),), moments)


def other(series: AngleSeries, source: str) -> str:
    """Return the source that a source is compared with."""
    return series.second if series.first == source else series.first


def blocks_heatmap(analysis: RunAnalysis, series: CouplingSeries, t: float | None) -> Heatmap | Undefined:
    """Return [block, energy of v_k | share of A of v_k] at the peak or the end, whichever is nearer to the cursor."""
    if not series.blocks:
        return Undefined("coupling per block is measured at the peak and at the end; it is not there yet")
    measured = min(series.blocks, key=lambda blocks: abs(blocks.t - (series.blocks[0].t if t is None else t)))
    point = next(point for point in series.points if point.t == measured.t)
    energy, coupling = point.energy, measured.A
    if isinstance(energy, Undefined):
        return energy
    if isinstance(coupling, Undefined):
        return coupling
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = coupling / coupling.sum(axis=1, keepdims=True)
    kinds = [f"{kind[0]}v{subscript(k + 1)}{kind[1]}" for kind in ("‖‖", ("A(", ")")) for k in range(len(energy))]
    title = f"{series.source} by block at t = {measured.t}: energy, share of A"
    values = np.concatenate([energy, shares]).T
    return Heatmap(values, short_names(analysis.blocks), tuple(kinds), title=title, low=0.0, high=1.0)


def short_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return names without what all of them share at the front and the words that say nothing."""
    parts = [name.replace("in_proj_weight.", "").replace("out_proj.weight", "o").split(".") for name in names]
    while len(parts) > 1 and all(len(words) > 1 for words in parts) and len({words[0] for words in parts}) == 1:
        parts = [words[1:] for words in parts]
    return tuple(".".join(words) for words in parts)


def rows_heatmap(rolling: RollingSpectra, source: str, t: float, settings: Settings) -> tuple[Heatmap, str] | Undefined:
    """Return the cosines between the rows of the window at t, and its participation ratio in words."""
    window = rolling.window(int(t), settings.window[0])
    if window.n_rows == 0:
        return Undefined(f"{source} has no row on this side of t = {int(t)}")
    gram = rolling.gram.window(window.start, window.stop)
    norms = np.sqrt(np.diagonal(gram))
    with np.errstate(invalid="ignore", divide="ignore"):
        cosines = gram / np.outer(norms, norms)
    steps = rolling.steps[window.start : window.stop]
    names = tuple(str(int(step)) for step in steps)
    title = f"{source}: cosines of the {window.n_rows} rows at t = {int(t)}"
    spectrum = rolling.spectrum(window)
    if isinstance(spectrum, Undefined):
        words = f"participation undefined: {spectrum.reason}"
    else:
        words = f"participation ratio {spectrum.participation:.3g} of {window.n_rows} directions"
    low = min(-0.0, float(np.nanmin(cosines))) if np.isfinite(cosines).any() else 0.0
    return Heatmap(cosines, names, names, title=title, low=low, high=1.0), words


def probes_heatmap(couplings: ProbeCouplings, split: str) -> tuple[Heatmap, str] | Undefined:
    """Return [first label, second label] of A_x over the baseline; train and test in words, or one of them alone.

    Args:
        couplings: Those of one checkpoint.
        split: "all", "train" or "test".
    """
    if couplings.labels is None:
        return Undefined("the probes do not carry two integer labels")
    unit = 1.0 if isinstance(couplings.baseline, Undefined) else couplings.baseline
    shown = np.ones(len(couplings.A), dtype=bool)
    if split != "all":
        if couplings.train is None:
            return Undefined("the run does not say which probes are trained on")
        shown = couplings.train if split == "train" else ~couplings.train
    rows, row = np.unique(couplings.labels[:, 0], return_inverse=True)
    columns, column = np.unique(couplings.labels[:, 1], return_inverse=True)
    sums, counts = np.zeros((len(rows), len(columns))), np.zeros((len(rows), len(columns)))
    np.add.at(sums, (row[shown], column[shown]), couplings.A[shown] / unit)
    np.add.at(counts, (row[shown], column[shown]), 1.0)
    with np.errstate(invalid="ignore"):
        values = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    what = "A_x" if isinstance(couplings.baseline, Undefined) else "R_x"
    title = f"{couplings.source}: {what} of each probe, t = {couplings.t}" + (
        "" if split == "all" else f", {split} alone"
    )
    names = tuple(map(str, rows.tolist())), tuple(map(str, columns.tolist()))
    heatmap = Heatmap(values, *names, title=title, row_title="first label by second", scale="log")
    return heatmap, _train_and_test(couplings, unit)


def _train_and_test(couplings: ProbeCouplings, unit: float) -> str:
    if couplings.train is None:
        return f"mean {couplings.A.mean() / unit:.3g} over {len(couplings.A)} probes; which are trained on is not known"
    parts = (("train", couplings.train), ("test", ~couplings.train))
    words = [
        f"{name} {couplings.A[mask].mean() / unit:.3g} (n = {int(mask.sum())})" for name, mask in parts if mask.any()
    ]
    return "mean " + ", ".join(words)


def _angle(series: AngleSeries, label: str, colour: int) -> Series:
    def degrees(point: CheckpointAngles) -> float | Undefined:
        if isinstance(point.cosines, Undefined):
            return point.cosines
        return float(np.degrees(np.arccos(np.clip(point.cosines, -1.0, 1.0))).mean())

    marked = np.array([point.flat is not None for point in series.points], dtype=bool)
    return curve(label, [(point.t, degrees(point)) for point in series.points], colour, marked=marked)

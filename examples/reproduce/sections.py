"""The sections of the page with measurements: interventions, one operation, several operations.

Decides their tables and where the pictures stand. Leaves to others: which numbers stand against published ones
(`claims`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from examples.reproduce.claims import rank_90
from examples.reproduce.figures import Picture
from examples.reproduce.markdown import table
from examples.reproduce.measure import Measurements, RunCouplings, peak_of, series_of
from examples.reproduce.summary import mean_steps, speedup_text, together, with_ends
from sedscope.analysis.interventions import TreatmentGroup
from sedscope.analysis.interventions.averages import Average
from sedscope.analysis.result_view.number_text import count, signed
from sedscope.analysis.statistics.coupling_ratio import ValueAtStep
from sedscope.analysis.statistics.grokking import Crossing
from sedscope.analysis.undefined import Undefined
from sedscope.report.estimate import Estimate

# --- interventions --------------------------------------------------------------------------------------------------


def interventions(measurements: Measurements, pictures: Sequence[Picture], folder: str) -> Iterator[str]:
    yield "## Interventions"
    ops = dict.fromkeys(op for recording in measurements.inventory.recordings for op in recording.ops)
    tasks = [task for op in ops if (task := measurements.task(op)) is not None]
    tasks = [task for task in tasks if any(group.treatment.acts for group in task.groups)]
    if not tasks:
        yield ""
        yield "Not run."
    else:
        yield ""
        yield (
            "Grok step: test accuracy 0.5 as logged, the published definition; chance is not taken off. Kept subspaces"
            " stand beside weights that stand still: at rank 0 (`K 0`),"
            " which begins after as many unmodified steps, where it was run, else `freeze` from the first step on. SED"
            " subspaces stand beside random ones."
        )
    for task in tasks:
        yield ""
        yield f"### {task.task}"
        yield ""
        head = ("intervention", "seeds", "grok step", "at 0.98", "speed-up", "over freeze", "over random", "norm kept")
        yield from table(head, (_group(group) for group in task.groups))
    yield from _shown(pictures, "interventions", folder)


def _group(group: TreatmentGroup) -> tuple[str, ...]:
    beside = {reference.kind: speedup_text(reference.speedups[0])[0] for reference in group.beside}
    norm_share = group.norm_kept
    return (
        group.label,
        _seeds(group),
        *(_steps(reaching.mean) for reaching in group.reaching),
        speedup_text(group.speedups[0])[0] if group.speedups else "–",
        beside.get("freeze", "–"),
        beside.get("random", "–"),
        "–" if isinstance(norm_share, Undefined) else signed(norm_share[1]),
    )


def _steps(average: Average | Undefined) -> str:
    return f"never: {average.reason}" if isinstance(average, Undefined) else mean_steps(average)


def _seeds(group: TreatmentGroup) -> str:
    reached = group.reaching[0]
    return str(reached.n) if reached.reached == reached.n else f"{reached.n}, {reached.reached} grokked"


# --- couplings ------------------------------------------------------------------------------------------------------


def coupling(measurements: Measurements, pictures: Sequence[Picture], folder: str) -> Iterator[str]:
    yield "## One operation: every source beside its controls"
    yield ""
    if not measurements.single:
        yield "Not run."
        return
    yield (
        "R̄_k at its peak, trailing windows, exact derivative; 1: as random; †: at an edge of what was seen. Several"
        " seeds: geometric mean [95 % over seeds]; one: [95 % over probes and random directions] and the step of the"
        " peak."
    )
    yield ""
    by_op = {
        op: [run for run in measurements.single if run.recording.ops == (op,)]
        for op in dict.fromkeys(op for run in measurements.single for op in run.recording.ops)
    }
    yield from table(("source", *(_column(op, runs) for op, runs in by_op.items())), _sources(by_op))
    yield ""
    yield from _milestones(measurements.single)
    yield from _shown(pictures, "coupling", folder)


def _milestones(runs: Sequence[RunCouplings]) -> Iterator[str]:
    """Yield a table of the steps at which each task was learnt, and the rank of its centroids."""
    yield from table(
        ("task", "seed", "memorised", "grok step", "at 0.98", "evaluated", "rank-90 start / largest / end"),
        (_milestone(run, index) for run in runs for index in range(len(run.trailing.metrics))),
    )


def _milestone(run: RunCouplings, index: int) -> tuple[str, ...]:
    metrics = run.trailing.metrics[index]
    memorised, *groks = metrics.grokking.memorised, *metrics.grokking.grok
    cadence = next((x.cadence for x in groks if isinstance(x, Crossing) and isinstance(x.cadence, int)), None)
    ranks = rank_90(run.trailing.rank90[index])
    return (
        metrics.task,
        str(run.recording.seed),
        *("never" if isinstance(x, Undefined) else count(x.t) for x in (memorised, *groks)),
        "–" if cadence is None else f"every {cadence}",
        "–" if ranks is None else " / ".join(map(str, ranks)),
    )


def _column(op: str, runs: Sequence[RunCouplings]) -> str:
    if len(runs) == 1:
        return runs[0].recording.label
    return f"{op}, seeds {', '.join(str(run.recording.seed) for run in runs)}"


def _sources(by_op: Mapping[str, Sequence[RunCouplings]]) -> Iterator[tuple[str, ...]]:
    """Yield a line for each source, without its task's name so that operations stand side by side."""
    names = dict.fromkeys(
        series.source.removesuffix(f"/{series.task}") + ("/…" if series.source.endswith(f"/{series.task}") else "")
        for runs in by_op.values()
        for run in runs
        for series in run.trailing.coupling
    )
    for name in names:
        yield (f"`{name}`", *(_peaks(name.replace("…", op), op, runs) for op, runs in by_op.items()))


def _peaks(source: str, task: str, runs: Sequence[RunCouplings]) -> str:
    couplings = [series for run in runs if (series := series_of(run.trailing, source, task)) is not None]
    values = [value for series in couplings if (value := peak_of(series)) is not None]
    if len(runs) == 1 and values and isinstance(peak := couplings[0].peak, ValueAtStep):
        return f"{_short(values)} at {count(peak.t)}{' †' if couplings[0].peak_edge else ''}"
    lacking = f", n = {len(values)}" if values and len(values) < len(runs) else ""
    return _short(values) + lacking


def four(measurements: Measurements, pictures: Sequence[Picture], folder: str) -> Iterator[str]:
    yield "## Several operations on one encoder"
    yield ""
    if not measurements.four:
        yield "Not run."
        return
    seeds = ", ".join(str(run.recording.seed) for run in measurements.four)
    yield (
        "R̄_k at its peak of every source (rows) against the centroids of every operation (columns), trailing windows;"
        f" seed {seeds}. Several seeds: geometric mean [95 % over seeds]; one: [95 % over probes and random"
        " directions]. A task's own source stands on the diagonal; a source of no task is an aggregate."
    )
    yield ""
    ops = measurements.four[0].recording.ops
    yield from table(("source", *ops), _matrix(measurements.four, ops))
    yield ""
    yield from _milestones(measurements.four)
    yield from _shown(pictures, "four", folder)


def _matrix(runs: Sequence[RunCouplings], ops: Sequence[str]) -> Iterator[tuple[str, ...]]:
    crossed, trailing = [run.crossed for run in runs if run.crossed is not None], [run.trailing for run in runs]
    names = dict.fromkeys(series.source for analysis in (*crossed, *trailing) for series in analysis.coupling)
    for name in names:
        cells = []
        for op in ops:
            analyses = crossed if any(series_of(analysis, name, op) for analysis in crossed) else trailing
            peaks = (peak_of(series_of(analysis, name, op)) for analysis in analyses)
            values = [value for value in peaks if value is not None]
            cells.append(_short(values))
        yield (f"`{name}`", *cells)


def _short(values: Sequence[Estimate]) -> str:
    return with_ends(together(values)) if values else "–"


def _shown(pictures: Sequence[Picture], section: str, folder: str) -> Iterator[str]:
    for picture in pictures:
        if picture.section == section:
            yield ""
            yield f"![{picture.caption}]({folder}/{picture.name}.svg)"
            yield ""
            yield f"*{picture.caption}.*"

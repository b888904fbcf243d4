"""The table of the comparison: a line per intervention, below it a line per run. As text and as cells to copy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sedscope.analysis.undefined import Undefined
from sedscope.tui.compare_charts import label
from sedscope.tui.compared import CONTROL, ComparedRun
from sedscope.tui.plot.figures import readable
from sedscope.tui.plot.palette import letter
from sedscope.tui.speedups import Estimate, Group, groups, speedup

COLUMNS = ("", "Intervention / run", "Seeds", "Grokked", "Grok step", "Speed-up", "Peak R̄ update", "Remark")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table."""

    cells: tuple[str, ...]
    """As many as `COLUMNS`."""
    whole: bool
    """A group, not a run."""
    place: int | None = None
    """Of the run among the compared ones: its colour."""


def lines(runs: Sequence[ComparedRun], task: str) -> tuple[Line, ...]:
    """Groups with their runs, the control first."""
    return tuple(line for group in groups(runs, task) for line in _group(group, runs, task))


def _group(group: Group, runs: Sequence[ComparedRun], task: str) -> Iterator[Line]:
    never, others = group.asked - group.grokked, len(group.runs) - group.asked
    grokked = f"{group.grokked} of {group.asked}" + (f", {never} never" if never else "")
    remark = f"{others} without this task" if others else ""
    gain = "1 (by definition)" if group.intervention == CONTROL else estimate_text(group.speedup, "×")
    cells = ("", group.intervention, f"n = {group.seeds}", grokked, estimate_text(group.grok, ""), gain, "", remark)
    yield Line(cells, whole=True)
    for run in group.runs:
        place = list(runs).index(run)
        yield Line(_run(run, place, runs, task), whole=False, place=place)


def _run(run: ComparedRun, place: int, runs: Sequence[ComparedRun], task: str) -> tuple[str, ...]:
    grok, gain = run.grok(task), speedup(run, runs, task)
    remark = grok.reason if isinstance(grok, Undefined) else ""
    if isinstance(gain, Undefined) and run.intervention != CONTROL and not remark:
        remark = gain.reason
    return (
        letter(place),
        f"  {label(run)}",
        run.seed or "–",
        ("no" if task in run.tasks else "–") if isinstance(grok, Undefined) else "yes",
        "–" if isinstance(grok, Undefined) else f"{grok:,}",
        "–" if isinstance(gain, Undefined) else f"×{readable(gain)}",
        _peak(run, task),
        remark,
    )


def estimate_text(found: Estimate | Undefined, sign: str) -> str:
    """`×3.48 [3.1, 3.9] n = 3`; without an interval where there is none."""
    if isinstance(found, Undefined):
        return "–"
    text = f"{sign}{readable(found.value)}"
    if not isinstance(found.low, Undefined) and not isinstance(found.high, Undefined):
        text += f" [{readable(found.low)}, {readable(found.high)}]"
    return f"{text} n = {found.n}"


def _peak(run: ComparedRun, task: str) -> str:
    found = run.series("update", task)
    if isinstance(found, Undefined) or isinstance(found.peak, Undefined):
        return "–" if run.final or run.problem or task not in run.tasks else "…"
    return f"{readable(found.peak.value)} @{found.peak.t:,}"

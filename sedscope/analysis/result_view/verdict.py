"""The verdict on a gradient source: against its controls, against displacement, and after norms are matched.

The one place that judges: every face shows the words that are made here. A source is above (or below) another where the
95 % interval of their quotient leaves 1 out. To serve the task it must be above *every* control, so the choice of the
strongest of several, which the words name, needs no correction: a claim that all of several tests must pass is no
likelier to be wrong than one test. `docs/report.md` states the rules for readers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from recorders.row_sources import row_source
from sedscope.analysis.pipeline.contrasts import MOVEMENTS, gradient_sources
from sedscope.analysis.pipeline.results import Contrast, CouplingSeries, Measure, Quotient, RunAnalysis
from sedscope.analysis.result_view.columns import RBAR
from sedscope.analysis.result_view.number_text import count, short, times
from sedscope.analysis.result_view.result_column import Reading
from sedscope.analysis.result_view.run_view import RunView
from sedscope.analysis.sources.variants import control_sources
from sedscope.analysis.undefined import Undefined

Claim = Literal["above every control", "not above every control", "not known"]


@dataclass(frozen=True, slots=True)
class SourceVerdict:
    """The verdict on one gradient source against the centroids of one task."""

    source: str
    task: str
    window: int
    rank: int
    rbar: Reading | Undefined
    """R̄_k at the last checkpoint with a full window: the source over random directions."""
    t: int | None
    """That checkpoint; None where there is none."""
    over_controls: tuple[tuple[str, Quotient | Undefined], ...]
    """Every control of the task and the source over it."""
    movement: str
    """The source that stands for what the weights did: displacement, else the update."""
    over_movement: Quotient | Undefined
    matched: Quotient | Undefined
    """Quotient of the two R^matched: what is left of it after norms are matched."""

    @property
    def strongest(self) -> tuple[str, Quotient] | Undefined:
        """The control that couples most beside the source, with the source over it."""
        measured = [(name, each) for name, each in self.over_controls if isinstance(each, Quotient)]
        if not measured:
            return next(each for _, each in self.over_controls if isinstance(each, Undefined))
        return min(measured, key=lambda control: control[1].value)

    @property
    def claim(self) -> Claim:
        """Say whether the source couples above every control, which is what serving the task would show as."""
        relations = [each.relation for _, each in self.over_controls if isinstance(each, Quotient)]
        if any(relation != "above" for relation in relations):
            return "not above every control"
        return "above every control" if len(relations) == len(self.over_controls) else "not known"

    @property
    def words(self) -> str:
        """The verdict as every face says it: one line."""
        if isinstance(self.rbar, Undefined):
            return f"{self._subject}: no verdict ({self.rbar.reason})"
        assert self.t is not None
        clauses = (self._random_words(self.rbar), self._control_words(), self._movement_words())
        return f"{self._subject} at t = {count(self.t)}: {'; '.join(filter(None, clauses))}"

    def _quotient(self, quotient: Quotient) -> str:
        """Return a quotient as text, with its checkpoint where that is not the one of the whole verdict."""
        return quotient_text(quotient) + ("" if quotient.t == self.t else f" (at t = {count(quotient.t)})")

    @property
    def _subject(self) -> str:
        return self.source if self.source.endswith(f"/{self.task}") else f"{self.source} on {self.task}"

    def _random_words(self, rbar: Reading) -> str:
        if rbar.ends is None or rbar.ends[0] > 1.0:
            return ""
        return f"R̄_k {rbar.text} [{rbar.ends_text}], no more than random directions"

    def _control_words(self) -> str:
        strongest = self.strongest
        if isinstance(strongest, Undefined):
            return f"no control was measured ({strongest.reason}), so nothing says whether it serves the task"
        name, quotient = strongest
        n = sum(isinstance(each, Quotient) for _, each in self.over_controls)
        which = f"{self._quotient(quotient)} of {_label(name)}{f', the strongest of {n} controls' if n > 1 else ''}"
        missing = [_label(name) for name, each in self.over_controls if isinstance(each, Undefined)]
        match self.claim:
            case "above every control":
                return f"{which}, and above each: a difference that goes with the task, of no more than this factor"
            case "not known":
                return f"{which}, but {' and '.join(missing)} not measured: not known whether it serves the task"
            case _:
                return f"{which}: no evidence that it serves the task"

    def _movement_words(self) -> str:
        quotient = self.over_movement
        if isinstance(quotient, Undefined):
            return f"against {self.movement} not known ({quotient.reason})"
        text = f"{self._quotient(quotient)} {self.movement}"
        if quotient.relation != "above":
            relation = {"below": ", which is more", "equal": ", which it is not told apart from", "open": ""}
            return text + relation[quotient.relation]
        matched = self.matched
        if isinstance(matched, Undefined):
            return f"{text}, not known after norms are matched ({matched.reason})"
        left = self._quotient(matched)
        if matched.relation == "equal":
            return f"{text}, of which nothing certain is left after norms are matched ({left})"
        if matched.relation == "below":
            return f"{text}, which turns round after norms are matched ({left})"
        if matched.value > quotient.value:
            return f"{text}, and {left} after norms are matched"
        return f"{text}, of which {left} is left after norms are matched"


def verdicts(run: RunAnalysis) -> Iterator[SourceVerdict]:
    """Yield the verdict on every gradient source of every W, K and task, the headline of each task first.

    The headline is the task's gradient at fixed examples, else the next that has a number.
    """
    view = RunView(run)
    for window, rank in view.bases:
        for task in run.tasks:
            series = {each.source: each for each in view.series(window, rank, task)}
            gradients = [series[name] for name in gradient_sources(task) if name in series]
            yield from (_verdict(run, each) for each in sorted(gradients, key=_precedence))


def _precedence(series: CouplingSeries) -> tuple[bool, bool]:
    row = row_source(series.source)
    return row is None or not row.is_headline, _last(series) is None


def headline_verdicts(run: RunAnalysis) -> tuple[SourceVerdict, ...]:
    """Return the first verdict of each task, which is at the first W and K."""
    of_task: dict[str, SourceVerdict] = {}
    for verdict in verdicts(run):
        of_task.setdefault(verdict.task, verdict)
    return tuple(of_task.values())


def quotient_of(
    run: RunAnalysis, source: str, others: tuple[str, ...], task: str, basis: tuple[int, int], measure: Measure = "rbar"
) -> Contrast:
    """Return the source over the first of the others that it was compared with; undefined where it was with none."""
    pairs = {
        each.other: each
        for each in run.contrasts
        if (each.source, each.task, each.window, each.rank, each.measure) == (source, task, *basis, measure)
    }
    missing = Contrast(source, others[0], task, *basis, measure, Undefined(f"{others[0]} was not analysed"))
    return next((pairs[other] for other in others if other in pairs), missing)


def quotient_text(quotient: Quotient) -> str:
    """Return `0.58× [0.49–0.68]`."""
    if isinstance(quotient.ends, Undefined):
        return f"{times(quotient.value, 2)} (no interval: {quotient.ends.reason})"
    # As many digits as tell the ends apart from one another and from 1, on which the words turn.
    digits = next((n for n in (2, 3, 4) if len({short(end, n) for end in (*quotient.ends, 1.0)}) == 3), 4)
    low, high = (short(end, digits) for end in quotient.ends)
    return f"{times(quotient.value, 2)} [{low}–{high}]"


def _verdict(run: RunAnalysis, series: CouplingSeries) -> SourceVerdict:
    source, task, basis = series.source, series.task, (series.window, series.rank)

    def over(others: tuple[str, ...], measure: Measure = "rbar") -> Contrast:
        return quotient_of(run, source, others, task, basis, measure)

    last, movement = _last(series), over(MOVEMENTS)
    missing = series.peak if isinstance(series.peak, Undefined) else Undefined("no window is full")
    return SourceVerdict(
        source,
        task,
        *basis,
        rbar=missing if last is None else last[1],
        t=None if last is None else last[0],
        over_controls=tuple((name, over((name,)).quotient) for name in control_sources(task)),
        movement=movement.other,
        over_movement=movement.quotient,
        matched=over((movement.other,), "rbar_matched").quotient,
    )


def _last(series: CouplingSeries) -> tuple[int, Reading] | None:
    """Return the last checkpoint with a full window and a number, with its R̄_k."""
    readings = [(point.t, RBAR.read(point)) for point in series.points if point.full]
    return next(((t, value) for t, value in reversed(readings) if isinstance(value, Reading)), None)


def _label(source: str) -> str:
    row = row_source(source)
    return source if row is None else row.label

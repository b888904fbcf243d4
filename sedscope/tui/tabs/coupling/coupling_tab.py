"""Coupling: how strongly the spectral directions of each source move the features of a task, over the training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.timer import Timer
from textual.widget import Widget

from sedscope.analysis.pipeline.results import CouplingSeries, RunAnalysis
from sedscope.analysis.pipeline.span_couplings import SpanCouplings
from sedscope.analysis.result_view.columns import PHASES, SOURCES
from sedscope.analysis.result_view.result_column import columns_for
from sedscope.analysis.sources.variants import is_control
from sedscope.analysis.undefined import Undefined
from sedscope.tui.data.snapshot import RunData
from sedscope.tui.data.source_sets import CONTROLS, MAIN, sets_of
from sedscope.tui.tabs.analysis_tab import OLD, same_question
from sedscope.tui.tabs.coupling.coupling_charts import coupling_chart, directions_chart, matrix, rank_chart, why_none
from sedscope.tui.tabs.coupling.coupling_view import CouplingAnswers, with_controls
from sedscope.tui.tabs.reference_lines import moments, steps_axis
from sedscope.tui.tabs.sourced_tab import SourcedTab, glossary_entries
from sedscope.tui.tabs.tab import TabHelp
from sedscope.tui.widgets.chart_pane import ChartPane
from sedscope.tui.widgets.key_bars import KeyEntry
from sedscope.tui.widgets.matrix_pane import MatrixPane
from sedscope.tui.widgets.quiet_static import QuietStatic
from sedscope.tui.worker.jobs import CouplingJob, Job, SpansJob

_TASKS_BESIDE = 2
"""Tasks up to which the matrix has room for peaks and ends beside the curves."""
_SETTLE = 0.2
"""W and K rest so long before what takes longer is drawn: intervals and controls."""


_HELP = TabHelp(
    "How strongly the spectral directions of each source move the features of one task, at every analysed checkpoint,"
    " in units of a random direction. rank-90 stands beneath on the same steps, the peak and the end of every source"
    " beside it. A coarse picture comes first and is refined in place; x cancels.",
    (
        *glossary_entries("R", "control_band"),
        (
            "× and faint stretches",
            "×: the spectrum is flat there, so which K directions are on top is arbitrary. Faint: the window is short"
            " of W rows; such windows count for neither peak nor final.",
        ),
        *glossary_entries("peak", "interval", "rank90"),
        (
            "W, K",
            "Rows of a window and directions of its basis. The first other value is measured once, as coupling Gram"
            " matrices of whole windows; after that every W and K up to that size is drawn at once.",
        ),
        (
            "ceiling",
            "The strongest coupling of any direction in the window's span: no v_k can exceed it. Choose one source with"
            " s, then e.",
        ),
        (
            "alignment, centroid, method",
            "trailing: the window at t ends at t; leading: it starts there. target: features are gradients of the"
            " target's logit; sum: of all logits together. exact: a derivative; central: a difference.",
        ),
    ),
)


class CouplingTab(SourcedTab):
    """R̄_k over steps with the control band, rank-90 beneath, and the matrix of peaks beside."""

    NAME = "Coupling"
    PAGE: ClassVar[TabHelp] = _HELP
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "cross", "Crossed", show=False, tooltip="Every source against every task, not its own alone"),
        Binding("e", "ceiling", "Ceiling", show=False, tooltip="Strongest coupling that the window's span allows"),
        Binding("b", "band", "Controls", show=False, tooltip="Show or hide the band of the controls"),
    ]
    CAPTION = "s show"
    PANELS: ClassVar[tuple[str, ...]] = ("coupling", "matrix", "rank")
    LEAST_FOR_ALL = (100, 24)
    DEFAULT_CSS = """
    CouplingTab #verdict { height: auto; max-height: 4; padding: 0 1; }
    CouplingTab #deck { grid-size: 2 2; grid-columns: 7fr 4fr; grid-rows: 7fr 3fr; }
    CouplingTab #panel-matrix { row-span: 2; border-left: vkey $border; }
    CouplingTab #deck.-several { grid-columns: 6fr 5fr; }
    CouplingTab #deck.-single #panel-matrix { row-span: 1; border-left: none; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.chosen = MAIN
        self._crossed = False
        self._band = True
        self._ceiling = False
        self._answers = CouplingAnswers()
        self._settle: Timer | None = None

    def make_panel(self, name: str) -> Widget:
        return MatrixPane(self.shell.look) if name == "matrix" else ChartPane(look=self.shell.look)

    def compose(self) -> ComposeResult:
        """Put the verdict above everything else."""
        yield QuietStatic(id="verdict")
        yield from super().compose()

    def choices(self) -> tuple[str, ...]:
        return tuple(self._sets())

    @property
    def has_answer(self) -> bool:
        return self._answers.analysis is not None

    @property
    def has_spans(self) -> bool:
        """True where other W and K are known without computing anything."""
        return self._answers.spans is not None

    def forget(self) -> None:
        self._answers = CouplingAnswers()

    # --- keys --------------------------------------------------------------------------------------------------------

    def action_cross(self) -> None:
        self._crossed = not self._crossed
        self.settings_changed()

    def action_ceiling(self) -> None:
        self._ceiling = not self._ceiling
        if self._ceiling and not self._alone():
            self.shell.say("the ceiling is of one source: choose it with s")
        self.settings_changed()

    def report_flags(self) -> list[str]:
        """Return the flags of the analysis, crossed as on the screen."""
        return [*super().report_flags(), *(["--crossed"] if self._crossed else [])]

    def action_band(self) -> None:
        self._band = not self._band
        self.refresh_picture()

    # --- asking ------------------------------------------------------------------------------------------------------

    def missing(self) -> Job | None:
        """Return the question of the analysis; that of spans where only W or K differ from it, or for the ceiling."""
        data, task, settings = self.shell.data, self.features_of, self.shell.settings
        if data is None or task is None:
            return None
        path, stamp = str(data.path), data.stamp
        analysis = CouplingJob(path, stamp, settings, crossed=self._crossed)
        spans = SpansJob(path, stamp, settings, self._needed_sources(), task)
        return self._answers.missing(analysis, spans, ceiling=self._ceiling and self._alone())

    def take(self, job: Job, value: Any, final: bool) -> None:
        if isinstance(job, SpansJob) and isinstance(value, SpanCouplings):
            self._answers = replace(self._answers, spans=value, spans_job=job)
        elif isinstance(job, CouplingJob) and isinstance(value, RunAnalysis):
            if not final and self._answers.final and same_question(job, self._answers.analysis_job):
                return  # the run grew: what is shown is better than a coarse picture of a few steps more
            self._answers = replace(self._answers, analysis=value, analysis_job=job, final=final)
        self.refresh_picture()

    def refused(self, reason: str) -> None:
        """Say the reason in the place of the picture, or beside it where there is one."""
        if self._series():
            self.show_provenance(reason)
        else:
            self.explain(reason)

    # --- what is shown -----------------------------------------------------------------------------------------------

    def refresh_picture(self) -> None:
        self._show_controls()
        data, task, shown = self.shell.data, self.features_of, self._series()
        verdict = self._answers.verdict(self.shell.settings, task or "", self._sources())
        self.query_one("#verdict", QuietStatic).say(Content(verdict))
        self.query_one("#verdict").display = bool(verdict)
        if data is None or task is None or not shown:
            if self.has_answer:
                self.show_provenance(OLD)
            else:
                self.explain_absence()
            return
        reason = why_none([coupling for coupling in shown if coupling.source in self._sources()])
        if reason is not None:
            self.explain(
                f"The coupling of {', '.join(self._sources())} to the features of {task} is undefined:\n{reason}"
            )
            return
        self.explain("")
        self._draw(data, task, shown)
        if not self._answers.answers(self.shell.settings):
            if self._settle is not None:
                self._settle.stop()
            self._settle = self.set_timer(_SETTLE, self._draw_with_intervals)

    def _draw_with_intervals(self) -> None:
        """Draw with intervals what was drawn at once without them."""
        data, task = self.shell.data, self.features_of
        if data is not None and task is not None and (shown := self._series(intervals=True)):
            self._draw(data, task, shown)

    def _draw(self, data: RunData, task: str, shown: list[CouplingSeries]) -> None:
        sources = self._sources()
        axis, marks = steps_axis(data), moments(data)
        picture = [series for series in shown if series.source in sources]
        if self._alone():
            title = f"{sources[0]}: R_k of {task}"
            chart = directions_chart(picture[0], self._ceilings(sources[0]), title, axis, marks)
        else:
            banded = self._band and self.chosen != CONTROLS
            controls = [coupling for coupling in shown if banded and is_control(coupling.source)]
            chart = coupling_chart(picture, controls, f"R̄ of {task}", axis, marks)
        self.panel("coupling", ChartPane).chart = chart
        self.panel("rank", ChartPane).chart = rank_chart(self._answers.rank90, task, axis, marks)
        self._draw_matrix(self._answers.all(self.shell.settings) or shown)
        self.show_provenance(self._answers.provenance(self.shell.settings))
        self.cursor_moved(self.shell.cursor)

    def _draw_matrix(self, couplings: Sequence[CouplingSeries]) -> None:
        """Draw peaks and ends, alone with the phases too; the peaks alone where numbers for both have no room."""
        tasks = tuple(dict.fromkeys(series.task for series in couplings))
        roomy = self.shown_view == "matrix" or len(tasks) <= _TASKS_BESIDE
        self.query_one("#deck").set_class(len(tasks) > _TASKS_BESIDE, "-several")
        columns = columns_for("viewer", [*SOURCES, *PHASES] if self.shown_view == "matrix" else SOURCES)
        note = "" if roomy else "the view matrix (v) has the ends too"
        self.panel("matrix", MatrixPane).show(*matrix(couplings, tasks, columns if roomy else columns[:1]), note)

    def view_changed(self, view: str) -> None:
        """Draw again: alone, the matrix has room for more numbers."""
        if self.is_attached and self.has_answer:
            self.refresh_picture()

    def _series(self, *, intervals: bool = False) -> list[CouplingSeries]:
        """Return the sources of the picture and the controls, as far as they are known."""
        if self.features_of is None:
            return []
        with_controls = intervals or self._answers.answers(self.shell.settings)
        # From spans the sources come at once; the controls follow with the intervals.
        sources = self._needed_sources() if with_controls else self._sources()
        couplings = self._answers.series(self.shell.settings, sources, self.features_of, intervals=intervals)
        return couplings if {coupling.source for coupling in couplings} & set(self._sources()) else []

    def _ceilings(self, source: str) -> list[tuple[int, float | Undefined]]:
        if not self._ceiling or self.features_of is None:
            return []
        return self._answers.ceiling(self.shell.settings, source, self.features_of)

    def _show_controls(self) -> None:
        names, data = self.choices(), self.shell.data
        if self.chosen not in names:
            self.chosen = next(iter(names), MAIN)
        self.show_choices()
        own = [KeyEntry("T", self.features_of or "no task", "next_task", self)]
        if data is not None and len(data.tasks) > 1:
            own.append(KeyEntry("o", "crossed" if self._crossed else "own task", "cross", self))
        if self._alone():
            own.append(KeyEntry("e", "ceiling" if self._ceiling else "no ceiling", "ceiling", self))
        self.show_settings(own)

    def _sets(self) -> dict[str, tuple[str, ...]]:
        """Return the sets of the run's sources, or of those of the analysis, which knows more."""
        data, answers = self.shell.data, self._answers
        if data is None:
            return {}
        analysed = () if answers.analysis is None else (coupling.source for coupling in answers.analysis.coupling)
        return sets_of(tuple(dict.fromkeys((*data.known_sources, *analysed))), self.features_of)

    def _sources(self) -> tuple[str, ...]:
        return self._sets().get(self.chosen or MAIN, ())

    def _needed_sources(self) -> tuple[str, ...]:
        """Return the sources that are drawn, and the controls where they are a band."""
        data = self.shell.data
        if self._alone():
            return self._sources()
        return with_controls(self._sources(), self.features_of, () if data is None else data.known_sources)

    def _alone(self) -> bool:
        return len(self._sources()) == 1 and self.chosen not in (MAIN, CONTROLS)

"""Why: where the coupling of a source comes from, and where it goes on the way to the weights."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from sedscope.tui.data.snapshot import RunData
from sedscope.tui.data.source_sets import task_of
from sedscope.tui.plot.data import Chart
from sedscope.tui.tabs.reference_lines import moments, steps_axis
from sedscope.tui.tabs.sourced_tab import SourcedTab, glossary_entries
from sedscope.tui.tabs.tab import TabHelp
from sedscope.tui.tabs.why.stage_walk import StageWalk
from sedscope.tui.tabs.why.why_charts import angles_chart, measures_chart
from sedscope.tui.tabs.why.why_view import Picture, WhyAnswers
from sedscope.tui.widgets.chart_pane import ChartPane
from sedscope.tui.widgets.key_bars import KeyEntry
from sedscope.tui.widgets.matrix_pane import MatrixPane
from sedscope.tui.worker.jobs import CouplingJob, Job, ProbesJob, RowsJob

_SETTLE = 0.4
"""The cursor rests so long before its checkpoint is asked about."""
_SPLITS = ("all", "train", "test")


_HELP = TabHelp(
    "Where the coupling of a source comes from and where it goes: the stages of the optimizer, the output beside the"
    " features, the blocks of the selection, the angles between sources. rows and probes are views of their own, v goes"
    " through them. s chooses the source, T the task; the step cursor chooses the checkpoint.",
    (
        (
            "Stages",
            "R̄ at every stage from the gradient to the displacement, at the checkpoint nearest to the cursor, or as a"
            " geometric mean over those where every stage is defined. × is the factor to the stage before, always a"
            " mean over the steps. The stage that loses most stands out. Bars are logarithmic and begin at 1.",
        ),
        *glossary_entries("R_logit", "R_matched", "energy"),
        (
            "Angles",
            "Mean principal angle between the top-K subspaces of two sources. 0°: the same subspace, 90°: nothing in"
            " common. The grey floor is one source on two different batches: no two sources are closer. ×: one of"
            " the subspaces is arbitrary.",
        ),
        (
            "Rows",
            "Cosines between the rows of the window at the cursor, with the participation ratio (Σσ²)²/Σσ⁴: how many"
            " directions share the window's energy.",
        ),
        (
            "Probes",
            "Coupling of each probe in units of the random baseline, laid out by its two integer labels; i shows all"
            " probes, those trained on, or the others.",
        ),
    ),
)


class WhyTab(SourcedTab):
    """Stages, output, blocks and angles together; rows and probes each alone."""

    NAME = "Why"
    PAGE: ClassVar[TabHelp] = _HELP
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("i", "next_split", "Inputs", show=False, tooltip="Probes: all, those trained on, the others"),
    ]
    PANELS: ClassVar[tuple[str, ...]] = ("stages", "output", "blocks", "angles", "rows", "probes")
    IN_ALL: ClassVar[tuple[str, ...] | None] = PANELS[:4]
    LEAST_FOR_ALL = (100, 26)
    DEFAULT_CSS = "WhyTab #deck { grid-size: 2 2; grid-columns: 1fr 1fr; grid-rows: 1fr 1fr; }"

    def __init__(self) -> None:
        super().__init__()
        self._split = 0
        self._answers = WhyAnswers()

    def make_panel(self, name: str) -> Widget:
        if name == "stages":
            return StageWalk()
        return ChartPane(look=self.shell.look) if name in ("output", "angles") else MatrixPane(self.shell.look)

    def choices(self) -> tuple[str, ...]:
        data, analysis = self.shell.data, self._answers.analysis
        if data is None:
            return ()
        analysed = () if analysis is None else (coupling.source for coupling in analysis.coupling)
        sources = dict.fromkeys((*data.known_sources, *analysed))
        return tuple(name for name in sources if task_of(name) in (None, self.features_of))

    @property
    def has_answer(self) -> bool:
        return self._answers.analysis is not None

    def forget(self) -> None:
        self._answers = WhyAnswers()

    # --- what the viewer calls ---------------------------------------------------------------------------------------

    def cursor_moved(self, t: float | None) -> None:
        """Show stages, blocks, rows and probes of the checkpoint at the cursor."""
        super().cursor_moved(t)
        self._walk().set_cursor(t)
        self._draw_matrices()
        if self.shown_view == "probes":
            self.set_timer(_SETTLE, self.ask)

    def view_changed(self, view: str) -> None:
        """Ask for rows and probes when they are looked at."""
        if self.is_attached and (self.has_answer or self.features_of is None):
            self.refresh_picture()
            self.ask()

    # --- keys --------------------------------------------------------------------------------------------------------

    def action_next_split(self) -> None:
        self._split = (self._split + 1) % len(_SPLITS)
        self.refresh_picture()

    # --- asking ------------------------------------------------------------------------------------------------------

    def missing(self) -> Job | None:
        """Return the question of the analysis, then that of what the shown view needs beside it."""
        return next((job for job in self._questions() if not self._answers.has(job)), None)

    def _questions(self) -> list[Job]:
        data, settings, source = self.shell.data, self.shell.settings, self.chosen
        if data is None or source is None:
            return []
        path, stamp = str(data.path), data.stamp
        jobs: list[Job] = [CouplingJob(path, stamp, settings)] if self.features_of is not None else []
        if self.shown_view == "rows":
            jobs.append(RowsJob(path, stamp, settings, source))
        t = self._step()
        t = None if t is None else self._answers.checkpoint(source, self.features_of, t)
        if self.shown_view == "probes" and self.features_of is not None and t is not None:
            jobs.append(ProbesJob(path, stamp, settings, source, self.features_of, t))
        return jobs

    def take(self, job: Job, value: Any, final: bool) -> None:
        answers = self._answers.taking(job, value, final)
        if answers is not self._answers:
            self._answers = answers
            self.refresh_picture()

    # --- what is shown -----------------------------------------------------------------------------------------------

    def refresh_picture(self) -> None:
        self._show_controls()
        data = self.shell.data
        if data is not None and self.chosen is None:
            self.explain("The run has no source of rows.")
            return
        # Without a probe the rows can be compared all the same.
        drawable = self.has_answer if self.features_of is not None else self.shown_view == "rows"
        if data is None or not drawable:
            self.explain_absence()
            return
        self.explain("")
        self.show_provenance(self._answers.provenance(self.shell.settings))
        self._draw_curves(data)
        self._draw_matrices()

    def _draw_curves(self, data: RunData) -> None:
        source, task = self.chosen or "", self.features_of
        analysis, series = self._answers.analysis, self._answers.series(source, task)
        axis, marks = steps_axis(data), moments(data)
        self._walk().show(self._answers.stages(task))
        missing = Chart(title=f"{source}: not put against {task}")
        self.panel("output", ChartPane).chart = missing if series is None else measures_chart(series, axis, marks)
        angles = () if analysis is None else analysis.angles
        self.panel("angles", ChartPane).chart = angles_chart(angles, source, axis, marks)

    def _draw_matrices(self) -> None:
        """Draw blocks, rows and probes, as far as they are looked at."""
        source, t = self.chosen, self._step()
        if source is None or t is None:
            return
        self._show("blocks", self._answers.blocks_picture(source, self.features_of, self.shell.cursor))
        if self.shown_view == "rows":
            self._show("rows", self._answers.rows_picture(source, t, self.shell.settings))
        if self.shown_view == "probes":
            self._show("probes", self._answers.probes_picture(source, _SPLITS[self._split]))

    def _show(self, name: str, picture: Picture) -> None:
        if isinstance(picture, tuple):
            heatmap, words = picture
            self.panel(name, MatrixPane).show(heatmap, {}, words)
        else:
            self.panel(name, MatrixPane).explain(name.capitalize(), f"undefined: {picture.reason}")

    def _show_controls(self) -> None:
        self.keep_chosen()
        self.show_choices()
        own = [KeyEntry("T", self.features_of or "no task", "next_task", self)]
        if self.shown_view == "probes":
            own.append(KeyEntry("i", f"{_SPLITS[self._split]} inputs", "next_split", self))
        self.show_settings(own)

    def _step(self) -> float | None:
        """Return the cursor, else the last recorded step."""
        data = self.shell.data
        if self.shell.cursor is not None or data is None or not data.steps:
            return self.shell.cursor
        return float(data.steps[-1])

    def _walk(self) -> StageWalk:
        return self.panel("stages", StageWalk)

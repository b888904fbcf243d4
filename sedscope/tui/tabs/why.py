"""Why: where the coupling of a source comes from, and where it goes on the way to the weights."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widget import Widget

from sedscope.analysis.any_window import RowProducts
from sedscope.analysis.probe_couplings import ProbeCouplings
from sedscope.analysis.ratio import Ratio
from sedscope.analysis.results import CouplingSeries, RunAnalysis
from sedscope.analysis.settings import Settings
from sedscope.analysis.undefined import Undefined
from sedscope.tui.analysis_tab import OLD, PATIENCE, AnalysisTab, same_question
from sedscope.tui.chart_pane import ChartPane
from sedscope.tui.chips import Chips
from sedscope.tui.matrix_pane import MatrixPane
from sedscope.tui.metric_charts import moments
from sedscope.tui.plot import Axis, Chart, Heatmap
from sedscope.tui.settings_bar import Setting
from sedscope.tui.snapshot import RunData
from sedscope.tui.source_sets import task_of
from sedscope.tui.stage_walk import StageWalk
from sedscope.tui.tab import TabHelp
from sedscope.tui.tabs.why_help import PAGE
from sedscope.tui.why_charts import angles_chart, blocks_heatmap, measures_chart, probes_heatmap, rows_heatmap
from sedscope.tui.worker.jobs import CouplingJob, Job
from sedscope.tui.worker.why_jobs import ProbesJob, RowsJob

_SETTLE = 0.4
"""The cursor rests so long before its checkpoint is asked about."""
_PARTS = ("all", "train", "test")


class WhyTab(AnalysisTab):
    """Stages, output, blocks and angles together; rows and probes each alone."""

    NAME = "Why"
    PAGE: ClassVar[TabHelp] = PAGE
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "next_source(1)", "Source", tooltip="Next source"),
        Binding("S", "next_source(-1)", "Previous source", show=False),
        Binding("i", "next_part", "Inputs", show=False, tooltip="Probes: all, those trained on, the others"),
    ]
    PANELS: ClassVar[tuple[str, ...]] = ("stages", "output", "blocks", "angles", "rows", "probes")
    IN_ALL: ClassVar[tuple[str, ...] | None] = PANELS[:4]
    LEAST_FOR_ALL = (100, 26)
    DEFAULT_CSS = """
    WhyTab #deck { grid-size: 2 2; grid-columns: 1fr 1fr; grid-rows: 1fr 1fr; }
    WhyTab #sources { height: 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._source: str | None = None
        self._part = 0
        self._path: str | None = None
        self._analysis: RunAnalysis | None = None
        self._made_for: Settings | None = None
        self._final = False
        self._answered: set[Job] = set()
        self._rows: tuple[RowsJob, RowProducts | Undefined] | None = None
        self._probes: tuple[ProbesJob, ProbeCouplings | Undefined] | None = None

    def compose(self) -> ComposeResult:
        """Sources above everything else."""
        yield Chips("s source", id="sources")
        yield from super().compose()

    def make_panel(self, name: str) -> Widget:
        """A table, a plot or a matrix."""
        if name == "stages":
            return StageWalk()
        return ChartPane(look=self.shell.look) if name in ("output", "angles") else MatrixPane(self.shell.look)

    # --- what the viewer calls ---------------------------------------------------------------------------------------

    def run_changed(self, data: RunData | None) -> None:
        """Ask again; what is shown of the same run stays until the answer comes."""
        path = None if data is None else str(data.path)
        if path != self._path:
            self._path, self._analysis, self._rows, self._probes = path, None, None, None
            self._answered = set()
        self.keep_task()
        self._redraw()
        if self._analysis is None:
            self.ask()
        else:
            self.set_timer(PATIENCE, self.ask)

    def settings_changed(self) -> None:
        """Other settings, source or task."""
        self._redraw()
        self.ask()

    def cursor_moved(self, t: float | None) -> None:
        """Stages, blocks, rows and probes are of the checkpoint at the cursor."""
        super().cursor_moved(t)
        panel = self.panel("stages")
        assert isinstance(panel, StageWalk)
        panel.set_cursor(t)
        self._draw_blocks()
        self._draw_rows()
        if self.shown_view == "probes":
            self.set_timer(_SETTLE, self.ask)

    def view_changed(self, view: str) -> None:
        """Rows and probes are asked for when they are looked at."""
        if self.is_attached and self._analysis is not None:
            self._redraw()
            self.ask()

    # --- keys --------------------------------------------------------------------------------------------------------

    def action_next_source(self, direction: int) -> None:
        """The next source."""
        names = self._sources()
        if self._source in names:
            self._source = names[(names.index(self._source) + direction) % len(names)]
            self.settings_changed()

    def action_next_part(self) -> None:
        """All probes, those trained on, the others."""
        self._part = (self._part + 1) % len(_PARTS)
        self._redraw()

    def on_chips_chosen(self, message: Chips.Chosen) -> None:
        """A source or a view was clicked."""
        if message.chips.id != "sources":
            super().on_chips_chosen(message)
            return
        message.stop()
        self._source = message.chips.choices[message.index]
        self.settings_changed()

    # --- asking ------------------------------------------------------------------------------------------------------

    def missing(self) -> Job | None:
        """The analysis, then what the view that is shown needs beside it."""
        data, settings = self.shell.data, self.shell.settings
        if data is None or self._source is None:
            return None
        path, stamp = str(data.path), data.stamp
        if self.features_of is not None:
            whole = CouplingJob(path, stamp, settings)
            if whole not in self._answered:
                return whole
        if self.shown_view == "rows":
            rows = RowsJob(path, stamp, settings, self._source)
            return None if self._rows is not None and self._rows[0] == rows else rows
        t = self._checkpoint()
        if self.shown_view == "probes" and self.features_of is not None and t is not None:
            probes = ProbesJob(path, stamp, settings, self._source, self.features_of, t)
            return None if self._probes is not None and self._probes[0] == probes else probes
        return None

    def take(self, job: Job, value: Any, final: bool) -> None:
        """An analysis, products of rows, or couplings of probes."""
        if isinstance(job, CouplingJob) and isinstance(value, RunAnalysis):
            if not final and any(same_question(job, other) for other in self._answered):
                return  # the run grew: what is shown is better than a coarse picture of a few steps more
            self._analysis, self._made_for, self._final = value, job.settings, final
            self._answered |= {job} if final else set()
        elif isinstance(job, RowsJob):
            self._rows = job, value
        elif isinstance(job, ProbesJob):
            self._probes = job, value
        self._redraw()

    def refused(self, reason: str) -> None:
        """In the place of the picture, or in a line where there is one."""
        if self._analysis is None:
            self.explain(reason)
        else:
            self.shell.say(reason, "warning")

    # --- what is shown -----------------------------------------------------------------------------------------------

    def _redraw(self) -> None:
        """Every panel, or why there is nothing to show."""
        self._show_controls()
        data = self.shell.data
        if data is None or self._source is None:
            self.explain("No run is selected." if data is None else "The run has no source of rows.")
            return
        if self.features_of is None and self.shown_view != "rows":
            self.explain(
                "Coupling is unknown: the run has no probe. Add to the script\n\n"
                'sedscope.probe(model, task="…", inputs=(x,), targets=y)'
            )
            return
        if self._analysis is None and self.features_of is not None:
            self.explain("Computing the coupling … a coarse picture comes first.")
            return
        self.explain("")
        made = "" if self._final else "a preview; more is computed"
        self.say_made_of(made if self._made_for in (None, self.shell.settings) else OLD)
        self._draw_curves(data)
        self._draw_blocks()
        self._draw_rows()
        self._draw_probes()

    def _draw_curves(self, data: RunData) -> None:
        analysis, series = self._analysis, self._series()
        axis, marks = Axis("t", low=float(data.steps[0]), high=float(data.steps[-1])), moments(data)
        walk = self.panel("stages")
        assert isinstance(walk, StageWalk)
        walk.show(self._stages())
        missing = Chart(title=f"{self._source}: not put against {self.features_of}")
        self._pane("output").chart = missing if series is None else measures_chart(series, axis, marks)
        angles = () if analysis is None else analysis.angles
        self._pane("angles").chart = angles_chart(angles, self._source or "", axis, marks)

    def _stages(self) -> Any:
        found = () if self._analysis is None else self._analysis.stages
        table = next((one for one in found if one.task == self.features_of), None)
        return table or Undefined("fewer than two stages of the optimizer are recorded")

    def _draw_blocks(self) -> None:
        series = self._series()
        if self._analysis is not None and series is not None:
            found = blocks_heatmap(self._analysis, series, self.shell.cursor)
            self._show(
                "blocks",
                found,
                "‖v‖² within each matrix, and its part of A; the peak or the end, whichever is nearer to t",
            )

    def _draw_rows(self) -> None:
        data, source, t = self.shell.data, self._source, self._step()
        if data is None or source is None or t is None or self._rows is None or self._rows[0].source != source:
            self._show("rows", Undefined("the rows are being compared …"))
            return
        products = self._rows[1]
        if isinstance(products, Undefined):
            self._show("rows", products)
            return
        found = rows_heatmap(products, source, t, self.shell.settings)
        self._show("rows", *(found if isinstance(found, tuple) else (found,)))

    def _draw_probes(self) -> None:
        if self._probes is None or self._probes[0].source != self._source:
            self._show("probes", Undefined("the coupling of each probe is being computed …"))
            return
        value = self._probes[1]
        found = value if isinstance(value, Undefined) else probes_heatmap(value, _PARTS[self._part])
        self._show("probes", *(found if isinstance(found, tuple) else (found,)))

    def _show(self, name: str, found: Heatmap | Undefined, words: str = "") -> None:
        pane = self.panel(name)
        assert isinstance(pane, MatrixPane)
        if isinstance(found, Undefined):
            pane.explain(name.capitalize(), f"undefined: {found.reason}")
        else:
            pane.show(found, {}, words)

    def _show_controls(self) -> None:
        names = self._sources()
        if self._source not in names:
            self._source = next((name for name in ("update", "gradient") if name in names), next(iter(names), None))
        self.query_one("#sources", Chips).show(names, names.index(self._source) if self._source else None)
        own = [Setting("T", self.features_of or "no task", "next_task")]
        if self.shown_view == "probes":
            own.append(Setting("i", f"{_PARTS[self._part]} inputs", "next_part"))
        self.show_settings(own)

    def _sources(self) -> tuple[str, ...]:
        """Those that can be put against the task."""
        data, task = self.shell.data, self.features_of
        if data is None:
            return ()
        analysed = () if self._analysis is None else (one.source for one in self._analysis.coupling)
        known = dict.fromkeys((*data.known_sources, *analysed))
        return tuple(name for name in known if task_of(name) in (None, task))

    def _series(self) -> CouplingSeries | None:
        found = () if self._analysis is None else self._analysis.coupling
        return next((one for one in found if (one.source, one.task) == (self._source, self.features_of)), None)

    def _step(self) -> float | None:
        """The cursor, else the last recorded step."""
        data = self.shell.data
        if self.shell.cursor is not None or data is None or not data.steps:
            return self.shell.cursor
        return float(data.steps[-1])

    def _checkpoint(self) -> int | None:
        """The checkpoint nearest to the cursor at which the source has a coupling."""
        series, t = self._series(), self._step()
        steps = [] if series is None else [one.t for one in series.points if isinstance(one.ratio, Ratio)]
        return None if t is None or not steps else min(steps, key=lambda step: abs(step - t))

    def _pane(self, name: str) -> ChartPane:
        found = self.panel(name)
        assert isinstance(found, ChartPane)
        return found

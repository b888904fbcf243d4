"""Spectrum: singular values of the rolling windows of one source."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widget import Widget

from sedscope.analysis.spectra.rolling_spectra import SpectrumSeries
from sedscope.tui.plot.heatmap.heatmap_widget import HeatmapView
from sedscope.tui.tabs.analysis_tab import setting_keys
from sedscope.tui.tabs.panels import PanelTab
from sedscope.tui.tabs.reference_lines import bare, moments
from sedscope.tui.tabs.sourced_tab import SourcedTab
from sedscope.tui.tabs.spectrum.spectrum_charts import count_chart, gap_chart, sigma_chart, sigma_heatmap
from sedscope.tui.tabs.tab import Tab, TabHelp
from sedscope.tui.widgets.chart_pane import ChartPane
from sedscope.tui.worker.jobs import Job, SpectrumJob


class SpectrumTab(SourcedTab, inherit_bindings=False):
    """σ, gap, k* and the heatmap of the chosen source. Settings of couplings have no key and no line here."""

    NAME = "Spectrum"
    PAGE = TabHelp(
        "The last W recorded rows of one source at every step, taken apart by a singular value decomposition (rows"
        " neither centred nor normalised). σ far above the rest mean that the trajectory keeps to few directions.",
        (
            (
                "σ_1 … σ_W",
                "Singular values of the window, largest first, on a log axis. Faint where the window is still short."
                " A × on σ_K says that the top K are arbitrary there: the spectrum is flat.",
            ),
            (
                "k*, gap",
                "The edge: k* is the k with the largest σ_k/σ_k+1, the gap is that ratio. A gap near 1 means that no"
                " direction stands out, and then k* means little.",
            ),
            (
                "Participation",
                "(Σσ²)²/Σσ⁴: how many directions share the window's energy. 1: all in one; W: spread evenly.",
            ),
            (
                "Source",
                "gradient: what the optimizer received. update: θ at t+1 minus θ at t. displacement: θ at t minus θ at"
                " the recorded t before. adam/…: stages between gradient and update. fixed_gradient/task: on the same"
                " examples at every t, computed from the weights.",
            ),
        ),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        *Tab.BINDINGS,
        *PanelTab.BINDINGS,
        *SourcedTab.BINDINGS,
        *setting_keys("counts"),
        Binding("A", "again", "Ask again", show=False, tooltip="Compute what failed or was cancelled"),
    ]
    PANELS: ClassVar[tuple[str, ...]] = ("sigma", "gap", "heatmap", "count")
    DEFAULT_CSS = "SpectrumTab #deck { grid-size: 2 2; grid-columns: 3fr 2fr; grid-rows: 1fr 1fr; }"

    def __init__(self) -> None:
        super().__init__()
        self._series: SpectrumSeries | None = None
        self._answered: SpectrumJob | None = None
        """The question that the series answers."""

    def compose(self) -> ComposeResult:
        yield self.source_chips()
        yield from PanelTab.compose(self)

    def head(self) -> list[Widget]:
        """Leave the line of the views to them: pictures are never coarse."""
        return []

    def make_panel(self, name: str) -> Widget:
        return HeatmapView(look=self.shell.look) if name == "heatmap" else ChartPane(look=self.shell.look)

    def choices(self) -> tuple[str, ...]:
        return () if self.shell.data is None else self.shell.data.known_sources

    @property
    def has_answer(self) -> bool:
        return self._series is not None

    def forget(self) -> None:
        self._series = self._answered = None

    def missing(self) -> Job | None:
        data = self.shell.data
        if data is None or self.chosen is None:
            return None
        job = SpectrumJob(str(data.path), data.stamp, self.shell.settings, (self.chosen,))
        return None if job == self._answered else job

    def take(self, job: Job, value: Any, final: bool) -> None:
        assert isinstance(job, SpectrumJob)
        if value and job.sources == (self.chosen,):
            self._series, self._answered = value[0], job
            self.refresh_picture()

    def refused(self, reason: str) -> None:
        """Put the reason in the place of a picture, which would be one of another source or window."""
        self.forget()
        self.explain(reason)

    def refresh_picture(self) -> None:
        """Draw all panels; where the source has no window, say why. An older picture stays until the next comes."""
        self.keep_chosen()
        self.show_choices()
        data, series, job = self.shell.data, self._series, self._answered
        if data is None:
            self.explain(self.shell.run_problem or "Reading the run …")
        elif series is None or job is None:
            self.explain(f"Computing spectra of {self.chosen} …")
        elif series.undefined is not None:
            self.explain(series.undefined.reason)
        else:
            self.explain("")
            rank, named = job.settings.rank[0], moments(data)
            marks = bare(named)
            self.panel("sigma", ChartPane).chart = sigma_chart(series, rank, named)
            self.panel("gap", ChartPane).chart = gap_chart(series, marks)
            self.panel("count", ChartPane).chart = count_chart(series, rank, marks)
            self.panel("heatmap", HeatmapView).heatmap = sigma_heatmap(series)
            self.cursor_moved(self.shell.cursor)

"""Spectrum: singular values of the rolling windows of one source."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widget import Widget

from sedscope.analysis.spectra.spectrum_series import SpectrumSeries
from sedscope.tui.data.snapshot import RunData
from sedscope.tui.plot import HeatmapView
from sedscope.tui.tabs.analysis_tab import PATIENCE, ask_for_number
from sedscope.tui.tabs.panels import PanelTab
from sedscope.tui.tabs.reference_lines import bare, moments
from sedscope.tui.tabs.spectrum.spectrum_charts import count_chart, gap_chart, sigma_chart, sigma_heatmap
from sedscope.tui.tabs.tab import TabHelp
from sedscope.tui.widgets.chart_pane import ChartPane
from sedscope.tui.widgets.chips import Chips
from sedscope.tui.worker.jobs import SpectrumJob


class SpectrumTab(PanelTab):
    """σ, gap, k* and the heatmap of the chosen source."""

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
                " the recorded t before. adamw/…: stages between gradient and update. fixed_gradient/task: on the same"
                " examples at every t, computed from the weights.",
            ),
        ),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "next_source(1)", "Source", tooltip="Next source"),
        Binding("S", "next_source(-1)", "Previous source", show=False),
        Binding("W", "ask_for('window')", "Window", tooltip="Rows of a window"),
        Binding("K", "ask_for('rank')", "Rank", tooltip="Directions of a basis"),
    ]
    PANELS: ClassVar[tuple[str, ...]] = ("sigma", "gap", "heatmap", "count")
    DEFAULT_CSS = """
    SpectrumTab #deck { grid-size: 2 2; grid-columns: 3fr 2fr; grid-rows: 1fr 1fr; }
    SpectrumTab #sources { height: 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._source: str | None = None
        self._shown: SpectrumJob | None = None

    def compose(self) -> ComposeResult:
        """The sources above the panels."""
        yield Chips("s source", id="sources")
        yield from super().compose()

    def make_panel(self, name: str) -> Widget:
        """A plot, or the heatmap."""
        return HeatmapView(look=self.shell.look) if name == "heatmap" else ChartPane(look=self.shell.look)

    # --- what the viewer calls ---------------------------------------------------------------------------------------

    def run_changed(self, data: RunData | None) -> None:
        """Ask again; what is shown of the same run stays until the answer comes."""
        names = () if data is None else data.known_sources
        if self._source not in names:
            self._source = _preferred(names)
        self.query_one("#sources", Chips).show(names, names.index(self._source) if self._source else None)
        if data is None or self._shown is None or self._shown.path != str(data.path):
            waiting = self.shell.run_problem or "Reading the run …"
            self._clear(waiting if data is None else f"Computing spectra of {self._source} …")
            self._ask_worker()
        else:
            self.set_timer(PATIENCE, self._ask_worker)

    def settings_changed(self) -> None:
        """Another W or K."""
        self._ask_worker()

    def shown(self) -> None:
        """What changed while another tab was shown."""
        super().shown()
        self._ask_worker()

    def job_answered(self, number: int, value: Any, final: bool) -> None:
        """Draw what belongs to the source that is shown."""
        job = self._job()
        if job is not None and value and value[0].source == self._source:
            self._draw(value[0], job)

    def job_ended(self, number: int, error: str | None, cancelled: bool) -> None:
        """A reason stands where the picture would."""
        if error is not None or cancelled:
            self._clear(error or "cancelled: s or v asks again", keep=self._shown == self._job())

    # --- keys --------------------------------------------------------------------------------------------------------

    def action_next_source(self, direction: int) -> None:
        """The next source."""
        names = self.query_one("#sources", Chips).choices
        if names and self._source in names:
            self._choose(names[(names.index(self._source) + direction) % len(names)])

    def on_chips_choice_clicked(self, message: Chips.ChoiceClicked) -> None:
        """A source or a view was clicked."""
        if message.chips.id != "sources":
            super().on_chips_choice_clicked(message)
            return
        message.stop()
        self._choose(message.chips.choices[message.index])

    def action_ask_for(self, name: str) -> None:
        """Ask for W or K."""
        ask_for_number(self, name)

    # --- private -----------------------------------------------------------------------------------------------------

    def _choose(self, source: str) -> None:
        self._source = source
        chips = self.query_one("#sources", Chips)
        chips.show(chips.choices, chips.choices.index(source))
        self._ask_worker()

    def _job(self) -> SpectrumJob | None:
        data = self.shell.data
        if data is None or self._source is None:
            return None
        return SpectrumJob(str(data.path), data.stamp, self.shell.settings, (self._source,))

    def _ask_worker(self) -> None:
        """Show a answer answer, or ask for one."""
        job = self._job()
        if job is None or job == self._shown or not self.display:
            return
        answer = self.shell.answer_to(job)
        if answer is not None and answer[1]:
            self._draw(answer[0][0], job)
        else:
            self.shell.request(job, self.NAME)

    def _draw(self, series: SpectrumSeries, job: SpectrumJob) -> None:
        """All panels; where the source has no window, why."""
        if series.undefined is not None:
            self._clear(series.undefined.reason)
            return
        self._shown = job
        self.explain("")
        data, rank = self.shell.data, job.settings.rank[0]
        named = () if data is None else moments(data)
        self._pane("sigma").chart = sigma_chart(series, rank, named)
        marks = bare(named)
        self._pane("gap").chart = gap_chart(series, marks)
        self._pane("count").chart = count_chart(series, rank, marks)
        self._heatmap().heatmap = sigma_heatmap(series)
        self.cursor_moved(self.shell.cursor)

    def _clear(self, reason: str, *, keep: bool = False) -> None:
        """No picture, and why."""
        if keep:
            return
        self._shown = None
        self.explain(reason)

    def _pane(self, name: str) -> ChartPane:
        pane = self.panel(name)
        assert isinstance(pane, ChartPane)
        return pane

    def _heatmap(self) -> HeatmapView:
        heatmap = self.panel("heatmap")
        assert isinstance(heatmap, HeatmapView)
        return heatmap


def _preferred(names: tuple[str, ...]) -> str | None:
    """The update where there is one: it needs no model and is what the tool is about."""
    return next((name for name in ("update", "gradient") if name in names), names[0] if names else None)

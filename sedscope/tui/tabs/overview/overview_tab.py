"""Overview: the recorded metrics of a run as curves, and what it is in words."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.widget import Widget

from sedscope.tui.data.facts import sections
from sedscope.tui.data.snapshot import RunData
from sedscope.tui.plot.data import Chart
from sedscope.tui.tabs import metric_charts
from sedscope.tui.tabs.panels import PanelTab
from sedscope.tui.tabs.tab import TabHelp
from sedscope.tui.widgets.chart_pane import ChartPane
from sedscope.tui.widgets.facts_view import FactsView
from sedscope.tui.worker.jobs import VerdictJob

CHARTS = {
    "accuracy": metric_charts.accuracy,
    "loss": metric_charts.losses,
    "gradient": metric_charts.gradient_norms,
    "rate": metric_charts.rates,
}
_MISSING = {
    "accuracy": 'No accuracy was logged: add sedscope.log({"test_acc/<task>": value})',
    "loss": 'No loss is known: pass losses by sedscope.backward({"<task>": loss})',
    "gradient": "No gradient norm was recorded",
    "rate": "No learning rate was recorded",
}


class OverviewTab(PanelTab):
    """Four charts and the facts."""

    NAME = "Overview"
    PAGE = TabHelp(
        "The metrics of the selected run against t, the number of completed optimizer steps, and what the run is: the"
        " verdict on its gradients, what was recorded, the model, the optimizer, the command. The dotted line is the"
        " grok step of a task. A run that is still being recorded grows by itself.",
        (
            (
                "Accuracy",
                "Train and test accuracy as the script logged them. A test curve that rises long after the train curve"
                " reached 1 is grokking; the steps between are the delay.",
            ),
            (
                "Grok step",
                "The first evaluated t with test accuracy above chance, (accuracy − chance) / (1 − chance), ≥ 0.5 (and"
                " the same at 0.98). Memorised: train accuracy above chance ≥ 0.99. Where chance is unknown, of the"
                " accuracy as logged. The true crossing lies at most one evaluation earlier.",
            ),
            (
                "Loss, gradient norm",
                "Losses of every optimizer step, per task, log scale; the norm of the gradient that the optimizer"
                " received and, where the script clips it, of the gradient before that. Each dot column is the mean of"
                " the steps in it.",
            ),
            (
                "P",
                "How many weights are under study: the selected parameters, flattened into one row of length P. By"
                " default these are the attention projections.",
            ),
        ),
    )
    PANELS: ClassVar[tuple[str, ...]] = (*CHARTS, "facts")
    LEAST_FOR_ALL = (110, 28)
    DEFAULT_CSS = """
    OverviewTab #deck { grid-size: 3 2; grid-columns: 1fr 1fr 50; }
    OverviewTab #panel-facts { row-span: 2; border-left: vkey $border; }
    OverviewTab #deck.-single #panel-facts { row-span: 1; border-left: none; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._verdicts: tuple[str, ...] = ()
        self._question: VerdictJob | None = None
        self._number = -1

    def make_panel(self, name: str) -> Widget:
        return FactsView() if name == "facts" else ChartPane(look=self.shell.look)

    def run_changed(self, data: RunData | None) -> None:
        """Draw the run as it is now; zoom, scale and scroll stay."""
        self.explain("" if data is not None else self.shell.run_problem or "Reading the run …")
        for name, make in CHARTS.items():
            chart = Chart() if data is None else make(data)
            self.panel(name, ChartPane).chart = chart if chart.series or data is None else Chart(title=_MISSING[name])
        self._ask_for_verdicts(data)
        self._show_facts()
        self.cursor_moved(self.shell.cursor)

    def settings_changed(self) -> None:
        """Ask for the verdicts with the new settings."""
        self._ask_for_verdicts(self.shell.data)
        self._show_facts()

    def shown(self) -> None:
        """Ask again: another tab may have had the run analysed meanwhile."""
        super().shown()
        self.settings_changed()

    def job_answered(self, number: int, value: Any, final: bool) -> None:
        """Show the verdicts."""
        if number == self._number:
            self._verdicts = value
            self._show_facts()

    def _ask_for_verdicts(self, data: RunData | None) -> None:
        question = (
            None if data is None or not data.tasks else VerdictJob(str(data.path), data.stamp, self.shell.settings)
        )
        if question != self._question or not self._verdicts:
            self._question, self._verdicts = question, ()
            if question is not None:
                self._number = self.shell.request(question, self.NAME)

    def _show_facts(self) -> None:
        data = self.shell.data
        self.panel("facts", FactsView).show(() if data is None else sections(data, self._verdicts))

    def view_changed(self, view: str) -> None:
        """Order the grid: accuracy and loss above, the facts beside both rows."""
        deck = self.query_one("#deck")
        if view == "all" and deck.children[2].id != "panel-facts":
            deck.move_child(self.panel("facts", FactsView), before=2)

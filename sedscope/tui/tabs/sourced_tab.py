"""A tab that shows an analysis of the selected run, with a line of sources (or sets of them) above everything else.

Decides what happens to the picture when the run grows or is another one, how a source is chosen, and what stands in the
place of a picture that cannot be there. A subclass says which choices there are, draws, and forgets.
"""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from recorders.row_sources import GRADIENT, UPDATE
from sedscope.analysis.glossary import GLOSSARY
from sedscope.tui.data.snapshot import RunData
from sedscope.tui.tabs.analysis_tab import PATIENCE, AnalysisTab
from sedscope.tui.widgets.chips import Chips

_NO_PROBE = (
    "Coupling is unknown: the run has no probe. Add to the script\n\n"
    'sedscope.probe(model, task="…", inputs=(x,), targets=y)'
)


def glossary_entries(*names: str) -> tuple[tuple[str, str], ...]:
    """Return (title, what it is and what it does not show) of each name of the glossary that reports link to."""
    return tuple((GLOSSARY[name].title, f"{GLOSSARY[name].text} {GLOSSARY[name].limit}") for name in names)


class SourcedTab(AnalysisTab):
    """Sources above the settings."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "next_choice(1)", "Source", tooltip="Next source, or set of sources"),
        Binding("S", "next_choice(-1)", "Previous source", show=False),
    ]
    DEFAULT_CSS = "SourcedTab #sources { height: 1; }"
    CAPTION: ClassVar[str] = "s source"

    def __init__(self) -> None:
        super().__init__()
        self.chosen: str | None = None
        """The source, or the set of sources, that is shown."""
        self._path: str | None = None

    def compose(self) -> ComposeResult:
        yield self.source_chips()
        yield from super().compose()

    def source_chips(self) -> Chips:
        return Chips(self.CAPTION, "choose", self, id="sources")

    # --- for subclasses ----------------------------------------------------------------------------------------------

    def choices(self) -> tuple[str, ...]:
        """Return the names that can be chosen now."""
        raise NotImplementedError

    def forget(self) -> None:
        """Drop what is known of another run."""
        raise NotImplementedError

    def refresh_picture(self) -> None:
        """Draw what is known now."""
        raise NotImplementedError

    def keep_chosen(self) -> None:
        """Keep what is chosen where it is still there; else choose the update, which needs no model."""
        names = self.choices()
        if self.chosen not in names:
            self.chosen = next((name for name in (UPDATE, GRADIENT, *names) if name in names), None)

    def show_choices(self) -> None:
        names = self.choices()
        self.query_one("#sources", Chips).show(names, names.index(self.chosen) if self.chosen in names else None)

    def explain_absence(self) -> None:
        """Say, in the place of the picture, why there is none."""
        if self.shell.data is None:
            self.explain(self.shell.run_problem or "No run is selected.")
        elif self.features_of is None:
            self.explain(_NO_PROBE)
        else:
            self.explain("Computing the coupling … a coarse picture comes first.")

    # --- what the viewer calls ---------------------------------------------------------------------------------------

    def run_changed(self, data: RunData | None) -> None:
        """Ask again; what is shown of the same run stays until the answer comes."""
        path = None if data is None else str(data.path)
        if path != self._path:
            self._path = path
            self.forget()
        self.keep_task()
        self.refresh_picture()
        if self.has_answer:
            self.set_timer(PATIENCE, self.ask)
        else:
            self.ask()

    def settings_changed(self) -> None:
        """Show what is known of other settings, source or task at once, then ask for what is missing."""
        self.refresh_picture()
        self.ask()

    # --- choosing ----------------------------------------------------------------------------------------------------

    def action_next_choice(self, direction: int) -> None:
        names = self.choices()
        if self.chosen in names:
            self.action_choose(names[(names.index(self.chosen) + direction) % len(names)])

    def action_choose(self, name: str) -> None:
        self.chosen = name
        self.settings_changed()

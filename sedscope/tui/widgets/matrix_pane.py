"""A small matrix with numbers in its cells, and below it words about the cell at the cursor."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from sedscope.tui.plot.cursor import CellMoved
from sedscope.tui.plot.data import Look
from sedscope.tui.plot.heatmap.heatmap_data import Heatmap
from sedscope.tui.plot.heatmap.heatmap_widget import HeatmapView
from sedscope.tui.widgets.quiet_static import QuietStatic


class MatrixPane(Vertical):
    """A heatmap and a line or two of words."""

    DEFAULT_CSS = """
    MatrixPane { height: 1fr; width: 1fr; }
    MatrixPane HeatmapView { height: 1fr; }
    MatrixPane QuietStatic { height: auto; max-height: 4; padding: 0 1; }
    MatrixPane.-none HeatmapView { display: none; }
    MatrixPane.-none QuietStatic { max-height: 100%; }
    """

    def __init__(self, look: Look | None) -> None:
        super().__init__()
        self.view = HeatmapView(look=look)
        self._words = QuietStatic()
        self._cell_words: Mapping[tuple[int, int], str] = {}
        self._note = ""

    def compose(self) -> ComposeResult:
        yield self.view
        yield self._words

    def show(self, heatmap: Heatmap, words: Mapping[tuple[int, int], str], note: str = "") -> None:
        """Show another matrix; `note` stands below it where the cell at the cursor needs no words."""
        self._cell_words, self._note = words, note
        self.view.heatmap = heatmap
        self.remove_class("-none")
        self._say(self.view.cursor)

    def explain(self, title: str, reason: str) -> None:
        """Say, in the place of a matrix, why there is none."""
        self.view.heatmap = Heatmap(np.empty((0, 0)), title=title)
        self.add_class("-none")
        heading, words = Content.styled(title, "bold"), Content.styled(reason, "$foreground 70%")
        self._words.say(Content("\n\n").join([heading, words]))

    def on_cell_moved(self, message: CellMoved) -> None:
        self._say((message.row, message.column))

    def _say(self, cell: tuple[int, int] | None) -> None:
        text = self._cell_words.get(cell, self._note) if cell is not None else self._note
        self._words.say(Content.styled(text, "$foreground 70%"))

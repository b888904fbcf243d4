"""The stage walk as a table with bars: from the gradient to the displacement, what each stage does to the coupling."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from rich.cells import set_cell_size
from textual import events
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from recorders.row_sources import row_source
from sedscope.analysis.pipeline.results import Stage, StageTable
from sedscope.analysis.undefined import Undefined
from sedscope.tui.plot.figures import readable
from sedscope.tui.plot.heatmap.heatmap_data import Heatmap

_WIDTHS = (6, 8, 8, 8)
"""Cells of R̄, its factor, R^matched, its factor."""
_NAME, _LEAST_NAME = 17, 12


class StageWalk(VerticalScroll, can_focus=True):
    """A line per stage: R̄, its change, R^matched, its change."""

    DEFAULT_CSS = """
    StageWalk { height: 1fr; width: 1fr; padding: 0 1; scrollbar-size-vertical: 1; }
    StageWalk Static { height: auto; width: 1fr; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._table: StageTable | Undefined = Undefined("not computed yet")
        self._t: float | None = None
        self._text = Static("", markup=False)

    def compose(self) -> ComposeResult:
        yield self._text

    def show(self, table: StageTable | Undefined) -> None:
        self._table = table
        self._redraw()

    def set_cursor(self, t: float | None) -> None:
        """Show one step, or the mean over all of them."""
        self._t = t
        self._redraw()

    def on_resize(self, event: events.Resize) -> None:
        """Draw bars as long as there is room."""
        self._redraw()

    @property
    def picture(self) -> Heatmap | None:
        """The numbers, to be taken away."""
        if isinstance(self._table, Undefined):
            return None
        rows = [figures(stage, None) for stage in self._table.stages]
        names = tuple(short(stage) for stage in self._table.stages)
        columns = ("R̄", "R̄ / stage before", "R^matched", "R^matched / stage before")
        return Heatmap(np.array(rows), names, columns, title=title(self._table, None), scale="log")

    def _redraw(self) -> None:
        width = max(self.scrollable_content_region.width, 30)
        self._text.update(page(self._table, self._t, width))


def page(table: StageTable | Undefined, t: float | None, width: int) -> Content:
    """Return the table as text of so many cells a line."""
    if isinstance(table, Undefined):
        return Content.assemble(("Stage walk\n", "bold"), (f"undefined: {table.reason}", "$foreground 70%"))
    if not table.steps:
        reason = "at no checkpoint has every stage a full window and a ratio"
        return Content.assemble(("Stage walk\n", "bold"), (f"undefined: {reason}", "$foreground 70%"))
    index = nearest(table, t)
    name = min(max(width - sum(_WIDTHS) - 1, _LEAST_NAME), _NAME)
    bar = max(width - name - sum(_WIDTHS) - 2, 0)
    parts = [Content.styled(f"{title(table, index)}\n", "bold")]
    # R̄ takes one cell and two characters.
    heads = zip(("R̄ ", "×", "matched", "×"), _WIDTHS, strict=True)
    header = " " * (name + 1 + bar) + "".join(head.rjust(size) for head, size in heads)
    parts.append(Content.styled(f"{header}\n", "$foreground 55%"))
    rows = [figures(stage, index) for stage in table.stages]
    most = max(row[0] for row in rows)
    for stage, row in zip(table.stages, rows, strict=True):
        parts += list(_line(stage, row, most, name, bar, table))
    parts += [Content.styled(f"{line}\n", "$foreground 70%") for line in _notes(table)]
    return Content("").join(parts)


def figures(stage: Stage, index: int | None) -> tuple[float, float, float, float]:
    """Return R̄, its factor, R^matched, its factor: at a step of the table, or geometric means; NaN where undefined."""
    matched = np.array([np.nan]) if isinstance(stage.matched, Undefined) else stage.matched
    values = [_mean(stage.rbar, index), _mean(matched, index)]
    factors = [np.nan if isinstance(f, Undefined) else f for f in (stage.factor, stage.matched_factor)]
    return values[0], factors[0], values[1], factors[1]


def nearest(table: StageTable, t: float | None) -> int | None:
    """Place of the step of the table nearest to t."""
    if t is None or not table.steps:
        return None
    return min(range(len(table.steps)), key=lambda index: abs(table.steps[index] - t))


def title(table: StageTable, index: int | None) -> str:
    """Return what the numbers are about."""
    where = f"mean of {len(table.steps)} steps" if index is None else f"at t = {table.steps[index]}"
    return f"Stages of {table.task}, {where}"


def _line(
    stage: Stage, row: tuple[float, float, float, float], most: float, name: int, bar: int, table: StageTable
) -> Iterator[Content]:
    loses = stage.source == table.loses_most
    yield Content.styled(set_cell_size(short(stage), name), "bold $warning" if loses else "")
    # Lengths are logarithms, from 1 on: a random direction has none.
    length = 0 if not (row[0] > 1 and most > 1) else round(bar * np.log(row[0]) / np.log(most))
    yield (
        Content(" ") + Content.styled("█" * length, "$warning" if loses else "$primary") + Content(" " * (bar - length))
    )
    for at, value in enumerate(row):
        text = "·" if np.isnan(value) else f"×{readable(value)}" if at % 2 else readable(value)
        lost = at in (1, 3) and value < 1
        yield Content.styled(
            text.rjust(_WIDTHS[at]), "$foreground 60%" if at % 2 and not lost else "bold" if at % 2 else ""
        )
    yield Content("\n")


def _notes(table: StageTable) -> Iterator[str]:
    names = {stage.source: short(stage) for stage in table.stages}
    matched_loss = table.loses_most_matched
    if matched_loss != table.loses_most:
        lost = f"nothing ({matched_loss.reason})" if isinstance(matched_loss, Undefined) else names[matched_loss]
        yield f"R^matched loses most at: {lost}"
    for missing, equal_stage in table.merged:
        yield f"same here: {missing}, {equal_stage}"
    flat = [f"{short(stage)} {stage.flat}" for stage in table.stages if stage.flat]
    if flat:
        yield f"flat spectrum, of {len(table.steps)} steps: {', '.join(flat)}"


def short(stage: Stage) -> str:
    """Return a name of at most 17 cells."""
    row = row_source(stage.source)
    return stage.name if row is None else row.label


def _mean(values: np.ndarray[tuple[int], np.dtype[np.float64]], index: int | None) -> float:
    if index is not None and index < len(values):
        return float(values[index])
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.exp(np.mean(np.log(values)))) if len(values) else float("nan")

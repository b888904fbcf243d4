"""The strokes of figures: the colour and line of sources, tasks and interventions, intervals, bands, logarithmic axes.

Looks of sources stand in `recorders.row_sources`. Every colour has a contrast of at least 3 on white and on black, and
no two lines differ by colour alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from recorders.row_sources import OTHER_LOOK, Dash, LineLook, row_source
from sedscope.analysis.result_view.number_text import short
from sedscope.report.estimate import Estimate
from sedscope.report.plots.figure_canvas import BAND

_TREATMENT_DASHES: tuple[Dash, ...] = (
    "-",
    (0, (5, 2)),
    (0, (1, 1)),
    (0, (5, 1, 1, 1)),
    (0, (8, 2)),
    (0, (3, 1, 1, 1, 1, 1)),
)
TASKS = ("#2f7fd6", "#d07a1a", "#3a9a4c", "#d84a4a", "#8a6fd1", "#9a8a2f", "#1f9fb0", "#b05f95")


def look_of(source: str) -> LineLook:
    """Return the look of a source by its full name."""
    row = row_source(source)
    return OTHER_LOOK if row is None else row.look


def task_colour(index: int) -> str:
    """Return the colour of a task by its index in the run's order."""
    return TASKS[index % len(TASKS)]


def treatment_look(index: int) -> LineLook:
    """Return the line of an intervention by its index among those of a task: no two differ by colour alone."""
    return LineLook(task_colour(index), _TREATMENT_DASHES[index % len(_TREATMENT_DASHES)], "")


LABEL_LENGTH = 34
"""A longer name would push the figure out of its frame."""


def line(
    axes: Axes, points: Sequence[tuple[int, Estimate]], look: LineLook, label: str, *, longest: int = LABEL_LENGTH
) -> None:
    """Draw values over t with their intervals behind them."""
    if not points:
        return
    steps, values = [t for t, _ in points], [estimate.value for _, estimate in points]
    shown = clipped(label, longest)
    axes.plot(steps, values, color=look.colour, linestyle=look.dash, marker=look.marker, label=shown, zorder=3)
    intervals = [(t, estimate.ends) for t, estimate in points if estimate.ends is not None]
    if len(intervals) > 1:
        band(axes, intervals, look.colour, alpha=0.16)


def dimmed(axes: Axes, points: Sequence[tuple[int, Estimate]], look: LineLook) -> None:
    """Draw values of short windows: there, but not to be read like the others."""
    if points:
        axes.plot(
            [t for t, _ in points],
            [estimate.value for _, estimate in points],
            color=look.colour,
            linestyle=look.dash,
            linewidth=0.8,
            alpha=0.35,
            zorder=2,
        )


def band(
    axes: Axes,
    ends: Sequence[tuple[int, tuple[float, float]]],
    colour: str = BAND,
    *,
    alpha: float = 0.3,
    label: str | None = None,
) -> None:
    """Draw the stretch between two values at each t."""
    steps = [t for t, _ in ends]
    lows, highs = [low for _, (low, _) in ends], [high for _, (_, high) in ends]
    if len(steps) == 1:
        axes.plot(steps * 2, [lows[0], highs[0]], color=colour, alpha=alpha, linewidth=6, label=label, zorder=1)
        return
    axes.fill_between(steps, lows, highs, color=colour, alpha=alpha, linewidth=0, label=label, zorder=1)


def log_axis(axes: Axes, label: str) -> None:
    """Make the axis logarithmic, with plain numbers at its ticks."""
    axes.set_yscale("log")
    axes.set_ylabel(label)
    low, high = axes.get_ylim()
    few = high / low > 30
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0,) if high / low > 1000 else (1.0, 3.0) if few else (1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value, 1).removesuffix(".0")))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_minor_formatter(NullFormatter())


def clipped(label: str, longest: int = LABEL_LENGTH) -> str:
    """Return a name short enough for a legend; a leading underscore would hide it from matplotlib."""
    text = label if len(label) <= longest else label[: longest - 1] + "…"
    return f"\u200a{text}" if text.startswith("_") else text

"""The strokes of figures: a line with its interval, a grey band, a logarithmic axis with plain numbers."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from recorders.row_sources import LineLook
from sedscope.analysis.result_view.number_text import short
from sedscope.report.estimate import Estimate
from sedscope.report.plots.figure_canvas import BAND

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

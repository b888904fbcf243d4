"""Data of a plot: series, their axes, reference lines, and the part of it that is in view.

Data objects only: no widget, no run. Arrays are taken as given apart from order (x ascending) and type (float64);
a value that is not finite is a gap, and `reasons` can say why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from recorders.errors import UsageError
from sedscope.tui.plot.axis.scale import Floats, Scale

Bools: TypeAlias = NDArray[np.bool_]
Reduce: TypeAlias = Literal["mean", "last"]


@dataclass(frozen=True, eq=False)
class Series:
    """One curve of n points.

    Raises:
        UsageError: x is not one-dimensional, or another array is not as long as x.
    """

    label: str
    x: Floats
    """[n], any order; points whose x is not finite are left out."""
    y: Floats
    """[n]; NaN and infinite values are gaps."""
    low: Floats | None = None
    """[n] lower end of the band, None for no band."""
    high: Floats | None = None
    """[n] upper end of the band."""
    dimmed: Bools | None = None
    """[n] true where a point is drawn faint (a short window, say)."""
    marked: Bools | None = None
    """[n] true where a point carries a × (a flat spectrum, say)."""
    colour: int | None = None
    """Place in the palette and in the alphabet; None takes the place in the chart."""
    reasons: Mapping[float, str] = field(default_factory=dict)
    """x → why y is undefined there; shown where the value would stand."""

    def __post_init__(self) -> None:
        x = np.asarray(self.x, dtype=np.float64)
        if x.ndim != 1:
            raise UsageError(f"Series.x: must have one dimension, has {x.ndim}")
        order = np.argsort(x, kind="stable")
        order = order[np.isfinite(x[order])]
        object.__setattr__(self, "x", x[order])
        for name in ("y", "low", "high", "dimmed", "marked"):
            values: Any = getattr(self, name)
            if values is None:
                continue
            array = np.asarray(values, dtype=bool if name in ("dimmed", "marked") else np.float64)
            if array.shape != x.shape:
                raise UsageError(f"Series.{name}: must have the shape of x, {x.shape}, has {array.shape}")
            object.__setattr__(self, name, array[order])


@dataclass(frozen=True)
class Axis:
    """One axis; limits are in data units, None follows the data."""

    label: str = ""
    scale: Scale = "linear"
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Rule:
    """A horizontal reference line at y, always kept in view (the random direction's R = 1, say)."""

    y: float
    label: str = ""


@dataclass(frozen=True)
class Moment:
    """A vertical reference line at x (a grok step, say)."""

    x: float
    label: str = ""


@dataclass(frozen=True, eq=False)
class Chart:
    """Everything that one plot can show."""

    series: tuple[Series, ...] = ()
    x: Axis = Axis()
    y: Axis = Axis()
    title: str = ""
    rules: tuple[Rule, ...] = ()
    moments: tuple[Moment, ...] = ()
    reduce: Reduce = "mean"
    """Way in which the points of one dot column become one: their mean in axis units (geometric on a log axis), or the
    last of them."""

    @cached_property
    def steps(self) -> Floats:
        """[m] every x at which some series has a point, ascending: where the cursor can stand."""
        return np.unique(np.concatenate([np.empty(0), *(series.x for series in self.series)]))

    @cached_property
    def has_integer_steps(self) -> bool:
        """True where every x is a whole number, so that ticks between them would mean nothing."""
        return bool(self.steps.size) and bool(np.all(self.steps == np.round(self.steps)))

    def colour(self, index: int) -> int:
        """Return the place of a series in palette and alphabet."""
        own = self.series[index].colour
        return index if own is None else own

    def index(self, label: str) -> int | None:
        """Return the first series of that label, or None."""
        return next((i for i, series in enumerate(self.series) if series.label == label), None)


@dataclass(frozen=True)
class View:
    """The part of a chart that is in view; it outlives a change of the data."""

    low: float | None = None
    """Left end in data units, None for the axis's own."""
    high: float | None = None
    scale: Scale | None = None
    """Scale of the y axis, None for the axis's own."""
    picked: int | None = None
    """The series that stands out while the rest is faint; None shows all alike."""

    def y_scale(self, chart: Chart) -> Scale:
        """Return the scale that the y axis has in this view."""
        return self.scale or chart.y.scale

    def picking(self, step: int, count: int) -> View:
        """Return the next or previous pick in the ring: none, first, …, last."""
        ring = (-1 if self.picked is None else self.picked) + 1 + step
        ring %= count + 1
        return replace(self, picked=ring - 1 if ring else None)


@dataclass(frozen=True)
class Look:
    """Characters and colours that a plot may draw with."""

    glyphs: Literal["braille", "ascii"] = "braille"
    colours: Literal["full", "sixteen", "none"] = "full"

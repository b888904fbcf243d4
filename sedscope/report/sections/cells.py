"""Values as cells of a table: numbers with intervals, names, and what stands where there is none."""

from __future__ import annotations

from sedscope.analysis.pipeline.results import CouplingAt, CouplingSeries
from sedscope.analysis.result_view.number_text import between, count, signed
from sedscope.analysis.undefined import Undefined
from sedscope.report.document import FLAT, Cell, Column, Notes
from sedscope.report.estimate import Estimate
from sedscope.report.select import Kind, estimate

EMPTY = Cell("")


def name(text: str) -> Cell:
    """A source, task or metric."""
    return Cell(text, is_name=True)


def names_column(title: str) -> Column:
    """The first column of most tables."""
    return Column(title, "left")


def number(value: float | int | Undefined | None, notes: Notes) -> Cell:
    """A bare number; whole ones with thousands apart."""
    if value is None:
        return EMPTY
    if isinstance(value, Undefined):
        return notes.cell(value.reason)
    return Cell(count(value).replace("-", "−") if isinstance(value, int) else signed(float(value)))


def estimated(value: Estimate | Undefined, notes: Notes, *, mark: str = "") -> Cell:
    """A number with its interval."""
    if isinstance(value, Undefined):
        return notes.cell(value.reason)
    ends = "" if value.ends is None or value.is_exact else between(value.ends)
    return Cell(signed(value.value), detail=" ".join(filter(None, (ends, mark))))


def moment(series: CouplingSeries | None, part: str, notes: Notes, kind: Kind = "rbar") -> Cell:
    """The peak or the end of a series; empty where source and task were not put together."""
    if series is None:
        return EMPTY
    at = series.peak if part == "peak" else series.final
    point = series.at(at)
    if isinstance(at, Undefined) or point is None:
        return notes.cell(at.reason if isinstance(at, Undefined) else "there is no such checkpoint")
    return of_point(point, notes, kind)


def of_point(point: CouplingAt, notes: Notes, kind: Kind = "rbar") -> Cell:
    """One checkpoint, marked where the subspace is arbitrary."""
    value = estimate(point, kind)
    notes.flat |= point.flat is not None and isinstance(value, Estimate)
    return estimated(value, notes, mark=FLAT if point.flat is not None else "")

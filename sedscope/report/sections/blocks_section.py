"""The matrices that the directions lie in, and which of them couple."""

from __future__ import annotations

import numpy as np

from sedscope.analysis.arrays import Floats
from sedscope.analysis.pipeline.results import CouplingSeries
from sedscope.analysis.undefined import Undefined
from sedscope.report.document import CellNotes, ColumnHead, Content, Section, Table, TableCell, Term, Words
from sedscope.report.sections.cells import EMPTY, name, names_column
from sedscope.report.sections.run_section import RunAtBasis, not_measured


def blocks_section(basis: RunAtBasis) -> Section:
    """Return one table per task: shares of energy and coupling per matrix, at the end."""
    if not basis.run.blocks or not basis.series:
        reason = "the selection has no matrices" if not basis.run.blocks else "there is no coupling"
        return basis.section("Blocks", "blocks", not_measured("Energy and coupling per block", reason))
    tables: list[Content] = [_table(basis, task, index) for index, task in enumerate(basis.run.tasks)]
    return basis.section("Blocks", "blocks", *tables)


def _table(basis: RunAtBasis, task: str, index: int) -> Table:
    notes = CellNotes()
    rows = [
        row for series in basis.series if series.task == task for row in _rows(series, len(basis.run.blocks), notes)
    ]
    columns = (
        names_column("source"),
        ColumnHead("share of", "left"),
        *(ColumnHead(label) for label in labels(basis.run.blocks)),
    )
    listed = "; ".join(
        f"{label}: {block}" for label, block in zip(labels(basis.run.blocks), basis.run.blocks, strict=True)
    )
    caption: Words = (
        f"Centroids of {task}, at the last checkpoint, means over k: share of ", Term("energy", "energy and coupling"),
        f" per matrix. {listed}",
    )  # fmt: skip
    return Table(f"blocks-{index}", columns, tuple(rows), caption, tuple(notes.numbers))


def _rows(series: CouplingSeries, n_blocks: int, notes: CellNotes) -> list[tuple[TableCell, ...]]:
    point = series.at(series.final)
    energy = point if isinstance(point, Undefined) else point.energy
    coupling: Floats | Undefined = Undefined("it was not measured")
    if not isinstance(point, Undefined):
        coupling = next((block.A for block in series.blocks if block.t == point.t), coupling)
    return [
        (name(series.source), TableCell("energy"), *_shares(energy, n_blocks, notes)),
        (EMPTY, TableCell("coupling"), *_shares(coupling, n_blocks, notes)),
    ]


def _shares(values: Floats | Undefined, n_blocks: int, notes: CellNotes) -> list[TableCell]:
    """Return each block's share of the sum over blocks, of the mean over k."""
    if isinstance(values, Undefined):
        return [notes.cell(values.reason)] + [EMPTY] * (n_blocks - 1)
    means = values.mean(axis=0)
    total = float(means.sum())
    if not np.isfinite(total) or total <= 0.0:
        return [notes.cell("nothing to take shares of")] + [EMPTY] * (n_blocks - 1)
    return [TableCell(f"{100 * share:.0f} %", heat=float(share)) for share in means / total]


def labels(blocks: tuple[str, ...]) -> list[str]:
    """Return short heads of columns: the last word of a name, with its layer where that is not enough, else numbers."""
    for shorten in (_last, _last_of_layer):
        short = [shorten(block) for block in blocks]
        if len(set(short)) == len(short):
            return short
    return [str(number) for number in range(1, len(blocks) + 1)]


def _last_of_layer(block: str) -> str:
    """Return `0.q` of `layers.0.self_attn.in_proj_weight.q`."""
    layer = next((word for word in block.split(".") if word.isdigit()), "")
    return f"{layer}.{_last(block)}"


def _last(block: str) -> str:
    """Return `q` of `…in_proj_weight.q`, `out_proj` of `…out_proj.weight`."""
    words = [word for word in block.split(".") if word not in ("weight", "")]
    return words[-1] if words else block

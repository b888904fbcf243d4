"""Which matrices the directions lie in, and which of them couple."""

from __future__ import annotations

import numpy as np

from sedscope.analysis.arrays import Floats
from sedscope.analysis.pipeline.results import CouplingSeries
from sedscope.analysis.undefined import Undefined
from sedscope.report.document import Block, Cell, Column, Notes, Section, Table, Term, Words
from sedscope.report.sections.cells import EMPTY, name, names_column
from sedscope.report.sections.run_section import Part, not_measured


def blocks_section(part: Part) -> Section:
    """One table per task: shares of energy and coupling per matrix, at the end."""
    if not part.run.blocks or not part.series:
        reason = "the selection has no matrices" if not part.run.blocks else "there is no coupling"
        return part.section("Blocks", "blocks", not_measured("Energy and coupling per block", reason))
    tables: list[Block] = [_table(part, task, place) for place, task in enumerate(part.run.tasks)]
    return part.section("Blocks", "blocks", *tables)


def _table(part: Part, task: str, place: int) -> Table:
    notes = Notes()
    rows = [row for one in part.series if one.task == task for row in _rows(one, len(part.run.blocks), notes)]
    columns = (
        names_column("source"),
        Column("share of", "left"),
        *(Column(label) for label in labels(part.run.blocks)),
    )
    listed = "; ".join(
        f"{label}: {block}" for label, block in zip(labels(part.run.blocks), part.run.blocks, strict=True)
    )
    caption: Words = (
        f"Centroids of {task}, at the last checkpoint, means over k: share of ", Term("energy", "energy and coupling"),
        f" per matrix. {listed}",
    )  # fmt: skip
    return Table(f"blocks-{place}", columns, tuple(rows), caption, tuple(notes.reasons))


def _rows(series: CouplingSeries, n_blocks: int, notes: Notes) -> list[tuple[Cell, ...]]:
    point = series.at(series.final)
    energy: Floats | Undefined = Undefined("there is no final checkpoint")
    if point is not None:
        energy = point.energy
    elif isinstance(series.final, Undefined):
        energy = series.final
    found = next((one for one in series.blocks if point is not None and one.t == point.t), None)
    coupling = Undefined("it was not measured") if found is None else found.A
    return [
        (name(series.source), Cell("energy"), *_shares(energy, n_blocks, notes)),
        (EMPTY, Cell("coupling"), *_shares(coupling, n_blocks, notes)),
    ]


def _shares(values: Floats | Undefined, n_blocks: int, notes: Notes) -> list[Cell]:
    """Shares of their sum, of the mean over k."""
    if isinstance(values, Undefined):
        return [notes.cell(values.reason)] + [EMPTY] * (n_blocks - 1)
    means = values.mean(axis=0)
    total = float(means.sum())
    if not np.isfinite(total) or total <= 0.0:
        return [notes.cell("nothing to take shares of")] + [EMPTY] * (n_blocks - 1)
    return [Cell(f"{100 * share:.0f} %", heat=float(share)) for share in means / total]


def labels(blocks: tuple[str, ...]) -> list[str]:
    """Short heads of columns: what comes last in a name, with its layer where that is not enough, else numbers."""
    for shorten in (_last, _last_of_layer):
        short = [shorten(block) for block in blocks]
        if len(set(short)) == len(short):
            return short
    return [str(place + 1) for place in range(len(blocks))]


def _last_of_layer(block: str) -> str:
    """`0.q` of `layers.0.self_attn.in_proj_weight.q`."""
    layer = next((part for part in block.split(".") if part.isdigit()), "")
    return f"{layer}.{_last(block)}"


def _last(block: str) -> str:
    """`q` of `…in_proj_weight.q`, `out_proj` of `…out_proj.weight`."""
    parts = [one for one in block.split(".") if one not in ("weight", "")]
    return parts[-1] if parts else block

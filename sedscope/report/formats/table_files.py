"""The numbers as tables for other programs: one row per run, source, task, window, rank and step.

Decides the columns (`docs/report.md` lists them). What is undefined is null. In CSV, text that a spreadsheet would take
for a formula gets an apostrophe in front; Parquet holds it as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from io import BytesIO
from typing import Any

import polars as pl

from sedscope.analysis.pipeline.results import CheckpointCoupling, CouplingSeries, RunAnalysis
from sedscope.analysis.spectra.spectrum_series import WindowSpectrum
from sedscope.analysis.undefined import Undefined
from sedscope.report.estimate import Estimate
from sedscope.report.select import KINDS, estimate

Row = dict[str, Any]
Schema = dict[str, type[pl.DataType]]

_SERIES: Schema = {"source": pl.String, "task": pl.String, "window": pl.Int64, "rank": pl.Int64, "t": pl.Int64}


def tables(runs: Sequence[RunAnalysis]) -> dict[str, pl.DataFrame]:
    """Every table by name, with its columns also where it has no row."""
    return {
        name: pl.DataFrame([_of(run) | row for run in runs for row in rows(run)], schema=_RUN | schema)
        for name, (rows, schema) in _TABLES.items()
    }


def to_parquet(table: pl.DataFrame) -> bytes:
    """The file's bytes."""
    stream = BytesIO()
    table.write_parquet(stream, compression="zstd")
    return stream.getvalue()


def to_csv(table: pl.DataFrame) -> str:
    """The file's text, safe to open in a spreadsheet."""
    safe = [
        pl.when(pl.col(name).str.contains(r"^[=+\-@\t\r]")).then("'" + pl.col(name)).otherwise(pl.col(name)).alias(name)
        for name, kind in table.schema.items()
        if kind == pl.String
    ]
    return table.with_columns(safe).write_csv()


_RUN: Schema = {"run": pl.String, "path": pl.String}


def _of(run: RunAnalysis) -> Row:
    return {"run": run.name, "path": run.path}


def _milestones(run: RunAnalysis) -> Iterable[Row]:
    for one in run.metrics:
        grok, late = (None if isinstance(step, Undefined) else step.t for step in one.grokking.grok)
        memorised, delay = one.grokking.memorised, one.grokking.delay
        yield {
            "task": one.task,
            "grok_step": grok,
            "grok_step_098": late,
            "memorisation_step": None if isinstance(memorised, Undefined) else memorised.t,
            "delay": None if isinstance(delay, Undefined) else delay,
        }


def _coupling(run: RunAnalysis) -> Iterable[Row]:
    for series in run.coupling:
        for point in series.points:
            row = {"source": series.source, "task": series.task, "window": series.window, "rank": series.rank}
            yield row | {"t": point.t, "full": point.full, "n_rows": point.n_rows, "flat": point.flat} | _ratios(point)


def _ratios(point: CheckpointCoupling) -> Row:
    row: Row = {"participation": None if isinstance(point.participation, Undefined) else point.participation}
    for kind in KINDS:
        value = estimate(point, kind)
        known = value if isinstance(value, Estimate) else None
        low, high = (None, None) if known is None or known.ends is None else known.ends
        row |= {kind: None if known is None else known.value, f"{kind}_low": low, f"{kind}_high": high}
    aligned = None if isinstance(point.alignment, Undefined) else point.alignment.row
    known_row = None if aligned is None or isinstance(aligned, Undefined) else aligned.tolist()
    selected, everything = known_row or (None, None)
    return row | {
        "alignment_selected": selected,
        "alignment_all": everything,
        "spread_low": None if point.spread is None else point.spread.low,
        "spread_high": None if point.spread is None else point.spread.high,
    }


def _directions(run: RunAnalysis) -> Iterable[Row]:
    for series in run.coupling:
        for point in series.points:
            if isinstance(point.ratio, Undefined):
                continue
            for k, value in enumerate(point.ratio.R):
                row = {"source": series.source, "task": series.task, "window": series.window, "rank": series.rank}
                yield row | {"t": point.t, "k": k + 1, "R": float(value)}


def _rank90(run: RunAnalysis) -> Iterable[Row]:
    for series in run.rank90:
        for point in series.points:
            rank = None if isinstance(point.rank, Undefined) else point.rank
            yield {"task": series.task, "t": point.t, "rank90": rank, "n_probes": series.n_probes}


def _spectrum(run: RunAnalysis) -> Iterable[Row]:
    for series in run.spectra:
        for point in series.points:
            row: Row = {"source": series.source, "window": series.window, "t": point.t, "n_rows": point.n_rows}
            if isinstance(point.spectrum, WindowSpectrum):
                edge = point.spectrum
                row |= {
                    "k_star": None if isinstance(edge.k_star, Undefined) else edge.k_star,
                    "gap": None if isinstance(edge.gap, Undefined) else edge.gap,
                    "participation": edge.participation,
                }
            yield row | {"full": point.full}


def _blocks(run: RunAnalysis) -> Iterable[Row]:
    for series in run.coupling:
        found = {block.t: block.A for block in series.blocks}
        for point in series.points:
            coupling = found.get(point.t)
            if isinstance(point.energy, Undefined):
                continue
            for k, energies in enumerate(point.energy):
                for b, energy in enumerate(energies):
                    known = coupling is not None and not isinstance(coupling, Undefined) and k < len(coupling)
                    yield _block_row(series, point.t, k) | {
                        "block": run.blocks[b],
                        "energy": float(energy),
                        "A": float(coupling[k][b]) if known else None,  # type: ignore[index]
                    }


def _block_row(series: CouplingSeries, t: int, k: int) -> Row:
    return {
        "source": series.source,
        "task": series.task,
        "window": series.window,
        "rank": series.rank,
        "t": t,
        "k": k + 1,
    }


def _stages(run: RunAnalysis) -> Iterable[Row]:
    for table in run.stages:
        for stage in table.stages:
            for place, t in enumerate(table.steps):
                matched = None if isinstance(stage.matched, Undefined) else float(stage.matched[place])
                row = {"task": table.task, "window": table.window, "rank": table.rank, "stage": stage.name}
                yield row | {"source": stage.source, "t": t, "rbar": float(stage.rbar[place]), "rbar_matched": matched}


def _angles(run: RunAnalysis) -> Iterable[Row]:
    for series in run.angles:
        for point in series.points:
            if isinstance(point.cosines, Undefined):
                continue
            for place, cosine in enumerate(point.cosines):
                yield {
                    "first": series.first,
                    "second": series.second,
                    "floor": series.is_floor,
                    "window": series.window,
                    "rank": series.rank,
                    "t": point.t,
                    "angle": place + 1,
                    "cosine": float(cosine),
                    "flat": point.flat,
                }


_NUMBERS: Schema = dict.fromkeys(
    (
        "participation", *(f"{kind}{end}" for kind in KINDS for end in ("", "_low", "_high")),
        "alignment_selected", "alignment_all", "spread_low", "spread_high",
    ),
    pl.Float64,
)  # fmt: skip

_TABLES: dict[str, tuple[Callable[[RunAnalysis], Iterable[Row]], Schema]] = {
    "milestones": (
        _milestones,
        {"task": pl.String}
        | dict.fromkeys(("grok_step", "grok_step_098", "memorisation_step", "delay"), pl.Int64),
    ),
    "coupling": (_coupling, _SERIES | {"full": pl.Boolean, "n_rows": pl.Int64, "flat": pl.String} | _NUMBERS),
    "directions": (_directions, _SERIES | {"k": pl.Int64, "R": pl.Float64}),
    "rank90": (_rank90, {"task": pl.String, "t": pl.Int64, "rank90": pl.Int64, "n_probes": pl.Int64}),
    "spectrum": (
        _spectrum,
        {"source": pl.String, "window": pl.Int64, "t": pl.Int64, "n_rows": pl.Int64, "full": pl.Boolean,
         "k_star": pl.Int64, "gap": pl.Float64, "participation": pl.Float64},
    ),
    "blocks": (_blocks, _SERIES | {"k": pl.Int64, "block": pl.String, "energy": pl.Float64, "A": pl.Float64}),
    "stages": (
        _stages,
        {"task": pl.String, "window": pl.Int64, "rank": pl.Int64, "stage": pl.String, "source": pl.String,
         "t": pl.Int64, "rbar": pl.Float64, "rbar_matched": pl.Float64},
    ),
    "angles": (
        _angles,
        {"first": pl.String, "second": pl.String, "floor": pl.Boolean, "window": pl.Int64, "rank": pl.Int64,
         "t": pl.Int64, "angle": pl.Int64, "cosine": pl.Float64, "flat": pl.String},
    ),
}  # fmt: skip

"""The numbers as tables for other programs: one row per run, source, task, window, rank and step; and per treated run.

Decides the shape of the tables; the columns of results are those of the registry, and `docs/report.md` lists them all.
What is undefined is null. In CSV, text that a spreadsheet would take for a formula gets an apostrophe in front; Parquet
holds it as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from typing import Any

import polars as pl

from sedscope.analysis.interventions import InterventionComparison
from sedscope.analysis.pipeline.results import CouplingSeries, RunAnalysis
from sedscope.analysis.result_view.columns import CHECKPOINTS, MILESTONES, RANKS, SPECTRA
from sedscope.analysis.result_view.diagnostic_columns import (
    ANGLE_STEPS,
    BLOCKS,
    STAGE_STEPS,
    AngleAtStep,
    StageAtStep,
    block_rows,
)
from sedscope.analysis.result_view.intervention_columns import treated_run_columns, treated_runs
from sedscope.analysis.result_view.result_column import Reading, ResultColumn, Row, columns_for
from sedscope.analysis.result_view.run_view import RunView
from sedscope.analysis.undefined import Undefined

Record = dict[str, Any]
"""One row of a file, by the names of its columns."""
Schema = dict[str, type[pl.DataType]]

_POLARS_TYPES: dict[type, type[pl.DataType]] = {
    int: pl.Int64,
    float: pl.Float64,
    bool: pl.Boolean,
    str: pl.String,
}
_RUN: Schema = {"run": pl.String, "path": pl.String}
_OPTIONS: Schema = {
    **dict.fromkeys(("mode", "on"), pl.String),
    **dict.fromkeys(("rank", "window"), pl.Int64),
    **dict.fromkeys(("basis_source", "basis"), pl.String),
}
_TREATMENT: Schema = {
    **dict.fromkeys(("cohort", "task", "intervention"), pl.String),
    **_OPTIONS,
    "seed": pl.String,
}
_SERIES: Schema = {"source": pl.String, "task": pl.String, "window": pl.Int64, "rank": pl.Int64, "t": pl.Int64}


def tables(runs: Sequence[RunAnalysis], comparison: InterventionComparison | None = None) -> dict[str, pl.DataFrame]:
    """Return every table by name, with its columns also where it has no row."""
    by_run = {
        name: pl.DataFrame(
            [{"run": run.name, "path": run.path} | record for run in runs for record in records(run)],
            schema=_RUN | keys | schema_of(columns),
        )
        for name, (records, keys, columns) in _TABLES.items()
    }
    treated = () if comparison is None else _treated_runs(comparison)
    schema = _RUN | _TREATMENT | schema_of(treated_run_columns())
    return by_run | {"interventions": pl.DataFrame(list(treated), schema=schema)}


def _treated_runs(comparison: InterventionComparison) -> Iterator[Record]:
    columns = treated_run_columns()
    for cohort, task, group in comparison.groups():
        for row in treated_runs(group, task):
            run, seed = row.run, row.run.seed
            keys: Record = {"run": run.name, "path": run.path, "cohort": cohort.label, "task": task}
            options = {name: getattr(group.treatment, name) for name in _OPTIONS}
            keys |= {"intervention": group.label, **options, "seed": str(seed) if seed.is_known else None}
            yield keys | record_of(columns, row)


def to_parquet(table: pl.DataFrame) -> bytes:
    """Return the bytes of the Parquet file."""
    stream = BytesIO()
    table.write_parquet(stream, compression="zstd")
    return stream.getvalue()


def to_csv(table: pl.DataFrame) -> str:
    """Return the text of the CSV file, safe to open in a spreadsheet."""
    safe = [
        pl.when(pl.col(name).str.contains(r"^[=+\-@\t\r]")).then("'" + pl.col(name)).otherwise(pl.col(name)).alias(name)
        for name, kind in table.schema.items()
        if kind == pl.String
    ]
    return table.with_columns(safe).write_csv()


def schema_of(columns: Sequence[ResultColumn[Any]]) -> Schema:
    """Return the types of result columns; one with an interval has its ends beside it."""
    schema: Schema = {}
    for column in columns_for("tables", columns):
        kind = _POLARS_TYPES[column.value_type]
        schema |= dict.fromkeys(_column_names(column), kind)
    return schema


def _column_names(column: ResultColumn[Any]) -> tuple[str, ...]:
    return (column.name, *((f"{column.name}_low", f"{column.name}_high") if column.has_interval else ()))


def record_of(columns: Sequence[ResultColumn[Row]], row: Row) -> Record:
    """Return the values of result columns; null where there is none."""
    record: Record = {}
    for column in columns_for("tables", columns):
        reading = column.read(row)
        value, ends = (reading.value, reading.ends) if isinstance(reading, Reading) else (None, None)
        record |= dict(zip(_column_names(column), (value, *(ends or (None, None))), strict=False))
    return record


def _milestones(run: RunAnalysis) -> Iterator[Record]:
    for row in RunView(run).task_results:
        yield {"task": row.metrics.task} | record_of(MILESTONES, row)


def _series_keys(series: CouplingSeries) -> Record:
    return {"source": series.source, "task": series.task, "window": series.window, "rank": series.rank}


def _coupling(run: RunAnalysis) -> Iterator[Record]:
    for series in run.coupling:
        for point in series.points:
            yield _series_keys(series) | {"t": point.t} | record_of(CHECKPOINTS, point)


def _directions(run: RunAnalysis) -> Iterator[Record]:
    for series in run.coupling:
        for point in series.points:
            if isinstance(point.ratio, Undefined):
                continue
            for k, value in enumerate(point.ratio.R, 1):
                yield _series_keys(series) | {"t": point.t, "k": k, "R": float(value)}


def _rank90(run: RunAnalysis) -> Iterator[Record]:
    for series in run.rank90:
        for point in series.points:
            yield {"task": series.task, "t": point.t} | record_of(RANKS, point) | {"n_probes": series.n_probes}


def _spectrum(run: RunAnalysis) -> Iterator[Record]:
    for series in run.spectra:
        for point in series.points:
            yield {"source": series.source, "window": series.window, "t": point.t} | record_of(SPECTRA, point)


def _blocks(run: RunAnalysis) -> Iterator[Record]:
    for series in run.coupling:
        for point in series.points:
            if isinstance(point.energy, Undefined):
                continue
            for k, directions in enumerate(block_rows(series, point)[: len(point.energy)], 1):
                for block, row in zip(run.blocks, directions, strict=True):
                    yield _series_keys(series) | {"t": point.t, "k": k, "block": block} | record_of(BLOCKS, row)


def _stages(run: RunAnalysis) -> Iterator[Record]:
    for table in run.stages:
        for stage in table.stages:
            for index, t in enumerate(table.steps):
                keys = {"task": table.task, "window": table.window, "rank": table.rank, "stage": stage.name}
                yield keys | {"source": stage.source, "t": t} | record_of(STAGE_STEPS, StageAtStep(stage, index))


def _angles(run: RunAnalysis) -> Iterator[Record]:
    for series in run.angles:
        keys = {name: getattr(series, name) for name in ("first", "second", "window", "rank")}
        for point in series.points:
            for angle, cosine in enumerate(() if isinstance(point.cosines, Undefined) else point.cosines, 1):
                row = AngleAtStep(point, float(cosine))
                yield keys | {"floor": series.is_floor, "t": point.t, "angle": angle} | record_of(ANGLE_STEPS, row)


_TABLES: dict[str, tuple[Callable[[RunAnalysis], Iterator[Record]], Schema, Sequence[ResultColumn[Any]]]] = {
    "milestones": (_milestones, {"task": pl.String}, MILESTONES),
    "coupling": (_coupling, _SERIES, CHECKPOINTS),
    "directions": (_directions, _SERIES | {"k": pl.Int64, "R": pl.Float64}, ()),
    "rank90": (_rank90, {"task": pl.String, "t": pl.Int64, "n_probes": pl.Int64}, RANKS),
    "spectrum": (_spectrum, {"source": pl.String, "window": pl.Int64, "t": pl.Int64}, SPECTRA),
    "blocks": (_blocks, _SERIES | {"k": pl.Int64, "block": pl.String}, BLOCKS),
    "stages": (
        _stages,
        {"task": pl.String, "window": pl.Int64, "rank": pl.Int64, "stage": pl.String, "source": pl.String,
         "t": pl.Int64},
        STAGE_STEPS,
    ),
    "angles": (
        _angles,
        {"first": pl.String, "second": pl.String, "floor": pl.Boolean, "window": pl.Int64, "rank": pl.Int64,
         "t": pl.Int64, "angle": pl.Int64},
        ANGLE_STEPS,
    ),
}  # fmt: skip
"""The tables by name: records, columns that identify a record, and columns of the result."""

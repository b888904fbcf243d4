"""Sections of a run's milestones and of its windows: spectra, stages of the optimizer, blocks and angles."""

from __future__ import annotations

import numpy as np

from recorders.row_sources import CONTROL_SHUFFLED, RowSource, row_source
from sedscope.analysis.pipeline.results import AngleSeries, CouplingSeries, Stage, StageTable
from sedscope.analysis.result_view.columns import MILESTONES, SPECTRA
from sedscope.analysis.result_view.diagnostic_columns import ANGLES, BLOCKS, STAGES, BlockOfDirection, block_rows
from sedscope.analysis.result_view.number_text import count, signed
from sedscope.analysis.result_view.result_column import Reading, ResultColumn, Value, columns_for
from sedscope.analysis.result_view.run_view import last_window
from sedscope.analysis.spectra.rolling_spectra import SpectrumAtStep, SpectrumSeries, WindowSpectrum
from sedscope.analysis.undefined import Undefined
from sedscope.report.document import (
    ColumnHead,
    Content,
    Name,
    Paragraph,
    Section,
    Strong,
    Table,
    TableCell,
    Term,
    Words,
)
from sedscope.report.plots.run_figures import accuracy_figure, spectrum_figure
from sedscope.report.sections.contents import (
    Entry,
    RunAtBasis,
    figure,
    heads,
    not_measured,
    side_by_side,
    table_of,
    values,
    without_repeats,
)

_MOST_PAIRS = 40
"""The table of angles holds no more, since every two sources are a pair; the file of tables holds all."""


def milestones_section(basis: RunAtBasis) -> Section:
    """Return when each task was memorised and grokked, and its accuracy."""
    run = basis.view.run
    if not run.metrics:
        return basis.section("Metrics", "metrics", not_measured("Milestones", "the run names no task"))
    columns = columns_for("page", MILESTONES)
    rows = ((Name(row.metrics.task), *values(columns, row)) for row in basis.view.task_results)
    caption = (
        "First evaluated t with test accuracy above chance, (accuracy − chance) / (1 − chance), ≥ 0.5 and ≥ 0.98, with"
        " train accuracy above chance ≥ 0.99; where no chance is given, of the accuracy as logged, the published"
        " definition. Delay: grok step − memorisation step, where memorisation came first.",
    )
    table = table_of("milestones", ("task", *heads(columns)), rows, caption)
    name = f"{basis.anchor}-accuracy"
    alt = f"Train and test accuracy of {', '.join(run.tasks)} over t."
    drawn = figure(accuracy_figure(basis.facts, run.tasks, name), name, alt, ("Accuracy over training.",))
    return basis.section("Metrics", "metrics", table, side_by_side(drawn))


def spectra_section(basis: RunAtBasis) -> Section:
    """Return the figure and the last window of every source."""
    title = f"Spectra (W {basis.window})"
    spectra = [series for series in basis.view.run.spectra if series.window == basis.window]
    if not spectra:
        return basis.section(title, "spectra", not_measured("Spectra", "no source has rows"))
    columns = columns_for("page", SPECTRA)
    rows = (_spectrum(series, columns, basis) for series in spectra)
    table = table_of(
        "spectra", ("source", *heads(columns), f"flat for K {basis.rank}"), rows,
        ("The last window of each source; flat: of all full windows.",),
    )  # fmt: skip
    name = f"{basis.anchor}-w{basis.window}-spectrum"
    caption: Words = (
        Term("k_star", "Gap"), " and ", Term("participation", "participation ratio"),
        f" of full windows; below the dotted line, K = {basis.rank}, the top K is arbitrary.",
    )  # fmt: skip
    alt = "Spectral gap and participation ratio of every source over t."
    drawn = figure(spectrum_figure(spectra, basis.rank, name), name, alt, caption)
    return basis.section(title, "spectra", side_by_side(drawn), table)


def _spectrum(series: SpectrumSeries, columns: list[ResultColumn[SpectrumAtStep]], basis: RunAtBasis) -> list[Entry]:
    window = last_window(series)
    if isinstance(window, Undefined):
        return [Name(series.source), window, *[None] * len(columns)]
    rank_index = basis.view.run.settings.rank.index(basis.rank)
    full = [point.spectrum for point in series.points if point.full and isinstance(point.spectrum, WindowSpectrum)]
    flat = sum(spectrum.flat[rank_index] is not None for spectrum in full)
    return [Name(series.source), *values(columns, window), f"{flat} of {len(full)}"]


def stages_section(basis: RunAtBasis) -> Section:
    """Return one table and one sentence per task: what each stage of the optimizer leaves of the coupling."""
    tables = [each for each in basis.view.run.stages if (each.window, each.rank) == (basis.window, basis.rank)]
    contents: list[Content] = []
    for index, table in enumerate(tables):
        contents += [Paragraph(_loss_of_coupling(table)), _stages(table, index)]
    missing = not_measured("Where coupling is lost", "fewer than two stages have a coupling")
    return basis.section("Stages of the optimizer", "stages", *(contents or [missing]))


def _loss_of_coupling(table: StageTable) -> Words:
    """Say where most coupling is lost, by R̄_k and by R^matched."""
    subject: Words = ("Centroids of ", Strong(table.task), ": ")
    if isinstance(table.loses_most, Undefined):
        return (*subject, f"where most coupling is lost is not known ({table.loses_most.reason}).")
    stages = {stage.source: stage for stage in table.stages}
    lossy = stages[table.loses_most]
    words = (*subject, "most coupling is lost at ", Strong(lossy.name), f", {_left(lossy.factor)}")
    if isinstance(table.loses_most_matched, Undefined):
        return (*words, f"; by R^matched it is not known ({table.loses_most_matched.reason}).")
    matched = stages[table.loses_most_matched]
    if matched is lossy:
        return (*words, f"; by R^matched as well, {_left(matched.matched_factor)}.")
    return (*words, "; by R^matched at ", Strong(matched.name), f", {_left(matched.matched_factor)}.")


def _left(factor: float | Undefined) -> str:
    return "by an unknown factor" if isinstance(factor, Undefined) else f"to {signed(factor, 2)} of the stage before"


def _stages(table: StageTable, index: int) -> Table:
    columns = columns_for("page", STAGES)
    rows = (
        (TableCell(stage.name, detail=stage.source), *(_stage_value(stage, each) for each in columns))
        for stage in table.stages
    )
    steps = ", ".join(count(t) for t in table.steps[:6]) + (", …" if len(table.steps) > 6 else "")
    same = "".join(f" “{missing}” is “{there}” here." for missing, there in table.merged)
    caption: Words = (
        f"Geometric means over {len(table.steps)} checkpoints at which every stage has a full window (t = {steps})."
        f" Factor: over the stage before.{same}",
    )
    return table_of(f"stages-{index}", (Term("stages", "stage"), *heads(columns)), rows, caption)


def _stage_value(stage: Stage, column: ResultColumn[Stage]) -> Value:
    """Return what a column says; nothing of the first stage's factor, where there is nothing to explain."""
    value = column.read(stage)
    return None if isinstance(value, Undefined) and "none before it" in value.reason else value


def blocks_section(basis: RunAtBasis) -> Section:
    """Return one table per task: shares of energy and coupling of each matrix of the selection, at the end."""
    blocks, series = basis.view.run.blocks, basis.view.series(basis.window, basis.rank)
    if not blocks or not series:
        reason = "the selection has no matrices" if not blocks else "there is no coupling"
        return basis.section("Blocks", "blocks", not_measured("Energy and coupling per block", reason))
    tables = [_blocks(basis, task, index) for index, task in enumerate(basis.view.run.tasks)]
    return basis.section("Blocks", "blocks", *tables)


def _blocks(basis: RunAtBasis, task: str, index: int) -> Table:
    blocks = basis.view.run.blocks
    rows = [
        row for series in basis.view.series(basis.window, basis.rank, task) for row in _block_lines(series, len(blocks))
    ]
    titles = block_labels(blocks)
    listed = "; ".join(f"{label}: {block}" for label, block in zip(titles, blocks, strict=True))
    caption: Words = (
        f"Centroids of {task}, at the last checkpoint, means over k: share of ", Term("energy", "energy and coupling"),
        f" per matrix. {listed}",
    )  # fmt: skip
    return table_of(f"blocks-{index}", ("source", ColumnHead("share of", "left"), *titles), rows, caption)


def _block_lines(series: CouplingSeries, n_blocks: int) -> list[list[Entry]]:
    """Return a line of shares for each column of the table of blocks."""
    directions = block_rows(series, series.at(series.final))
    return [
        [Name(series.source) if index == 0 else None, column.title, *_shares(directions, column, n_blocks)]
        for index, column in enumerate(columns_for("page", BLOCKS))
    ]


def _shares(
    directions: list[list[BlockOfDirection]], column: ResultColumn[BlockOfDirection], n_blocks: int
) -> list[Entry]:
    """Return each block's share of the sum over blocks, of the mean over k."""
    readings = [[column.read(row) for row in direction] for direction in directions]
    first = readings[0][0]
    if isinstance(first, Undefined):
        return [first, *[None] * (n_blocks - 1)]
    numbers = [[each.value for each in row if isinstance(each, Reading)] for row in readings]
    means = np.array([row for row in numbers if row], dtype=np.float64).mean(axis=0)
    total = float(means.sum())
    if not np.isfinite(total) or total <= 0.0:
        return [Undefined("nothing to take shares of"), *[None] * (n_blocks - 1)]
    return [TableCell(f"{100 * share:.0f} %", heat=float(share)) for share in means / total]


def block_labels(blocks: tuple[str, ...]) -> list[str]:
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


def angles_section(basis: RunAtBasis) -> Section:
    """Return a table of angles between subspaces: floors, which are one source on another batch, then the pairs."""
    pairs = [each for each in basis.view.run.angles if (each.window, each.rank) == (basis.window, basis.rank)]
    if not pairs:
        return basis.section("Angles", "angles", not_measured("Principal angles", "two sources are needed"))
    columns = columns_for("page", ANGLES)
    rows = [
        (
            Name(series.first),
            "itself, another batch" if series.is_floor else Name(series.second),
            *without_repeats(values(columns, series)),
        )
        for series in sorted(pairs, key=_importance)[:_MOST_PAIRS]
    ]
    left_out = len(pairs) - len(rows)
    more = f" {left_out} more pairs are in tables/angles.csv." if left_out else ""
    caption: Words = (
        "Cosines of the ", Term("angles", "principal angles"), " between top-K subspaces, medians over the"
        f" checkpoints.{more}",
    )  # fmt: skip
    contents: list[Content] = [
        table_of("angles", ("source", ColumnHead("and", "left"), *heads(columns)), rows, caption)
    ]
    if not any(series.is_floor for series in pairs):
        contents.append(Paragraph(("The floor, another fixed batch of the same task, was not measured.",), "aside"))
    return basis.section("Angles", "angles", *contents)


def _importance(series: AngleSeries) -> int:
    """Return the place of a pair's kind: floors, then fixed gradients, then gradient against others, then the rest."""
    pair = (row_source(series.first), row_source(series.second))
    others = [row for row in pair if row is None or row.is_control or row.derived_from != "program"]
    if series.is_floor:
        return 0
    if len(others) == 2:
        return 4
    return 1 if not others else 2 if others[0] is not None and _is_reference(others[0]) else 3


def _is_reference(row: RowSource) -> bool:
    """Tell whether a gradient is read against this source first: the labels' control, and what the weights did."""
    return row.family == CONTROL_SHUFFLED or row.ends_at_t

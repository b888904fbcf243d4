"""What made the numbers: settings, versions, a paragraph for a paper, and the command that makes them again."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version

from sedscope.analysis.result_view.number_text import count
from sedscope.analysis.settings import Settings
from sedscope.analysis.statistics.interval import RESAMPLES
from sedscope.report.document import Block, Cell, Code, Column, Items, Paragraph, Section, Table
from sedscope.report.facts import Reported
from sedscope.report.sections.cells import name


def method_section(reported: Sequence[Reported], settings: Settings, command: str) -> Section:
    """Of the whole report."""
    blocks: list[Block] = [
        Paragraph(("Methods, to paste into a paper:",)),
        Code(paragraph(reported, settings), wraps=True),
        Paragraph(("The command that makes these files again:",)),
        Code(command),
    ]
    return Section("Methods", "methods", (*blocks, _settings(settings)))


def run_facts(one: Reported) -> Block:
    """What the run says about itself."""
    run, facts = one.analysis, one.facts
    rows = {
        "path": run.path,
        "state": run.state,
        "tasks": ", ".join(run.tasks) or "none named",
        "recorded": "no step yet"
        if run.steps is None
        else f"t {count(run.steps[0])}–{count(run.steps[1])}, every {count(facts.every)}",
        "selected": f"{facts.selection}; P = {count(run.n_selected)}",
        "seed": facts.seed,
        "optimizer": facts.optimizer,
        "training": facts.command or None,
        "commit": facts.git,
        "device": facts.device,
        "recorded with": ", ".join(f"{key} {value}" for key, value in facts.versions) or None,
    }
    cells = tuple((Cell(key), Cell("unknown" if value is None else value)) for key, value in rows.items())
    return Table("facts", (Column("run", "left"), Column("", "left")), cells)


def remarks(one: Reported) -> Block | None:
    """Notes and damage."""
    said = [(note,) for note in one.analysis.notes]
    said += [(f"Damaged: {damage}; the numbers are those of what is good.",) for damage in one.analysis.damage]
    return Items(tuple(said)) if said else None


def _settings(settings: Settings) -> Table:
    values = {
        "window W": ", ".join(map(str, settings.window)),
        "rank K": ", ".join(map(str, settings.rank)),
        "probes N": count(settings.probes),
        "random directions": count(settings.random),
        "windows": settings.align,
        "centroid": "target logit" if settings.centroid == "target" else "sum of logits",
        "derivative": "exact" if settings.method == "exact" else f"central difference, ε = {settings.epsilon:g}",
        "checkpoints": "all" if settings.checkpoints is None else count(settings.checkpoints),
        "fixed batch": f"{count(settings.batch)} examples, {count(settings.batches)} batch"
        f"{'' if settings.batches == 1 else 'es'}, drawn from {settings.part}",
        "draws of each control": count(settings.draws) if settings.evidence else "not asked for",
        "block probes": count(settings.block_probes),
        "precision": f"{settings.precision}; Gram matrices and ratios float64",
        "device": settings.device,
        "sedscope": version("sedscope"),
    }
    rows = tuple((name(key), Cell(value)) for key, value in values.items())
    return Table("settings", (Column("setting", "left"), Column("value", "left")), rows)


def paragraph(reported: Sequence[Reported], settings: Settings) -> str:
    """Prose with the settings in it; it claims what was done, not what was found."""
    n_probes = sorted({one.n_probes for run in reported for one in run.analysis.rank90 if one.n_probes})
    probes = " to ".join(count(n) for n in dict.fromkeys((n_probes[0], n_probes[-1]))) if n_probes else "no"
    window, rank = (_listed(values) for values in (settings.window, settings.rank))
    centroid = "the target logit" if settings.centroid == "target" else "the sum of logits"
    derivative = (
        "exactly, by double backward"
        if settings.method == "exact"
        else f"by central differences (ε = {settings.epsilon:g} of the norm of the selected weights)"
    )
    selections = sorted({f"{one.facts.selection} ({count(one.analysis.n_selected)} parameters)" for one in reported})
    text = (
        f"Parameter-space rows (gradients, optimizer steps and displacements) of the selected parameters"
        f" ({'; '.join(selections) or 'none'}) were recorded with sedscope {version('sedscope')}. At each checkpoint"
        f" the top K = {rank} right singular vectors of the {settings.align} window of W = {window} rows, neither"
        " centred nor normalised, were taken (arXiv 2604.25143). The centroid of a probe is the gradient of"
        f" {centroid} with respect to a displacement at the feature point (arXiv 2604.11962); the coupling A(v) of a"
        f" unit direction v is the mean over {probes} probes of the squared norm of the centroid's directional"
        f" derivative along v, computed {derivative}. R_k is A(v_k) divided by the median of A over {settings.random}"
        " random Gaussian directions that are the same at every checkpoint; R̄_k is its mean over k."
    )
    if settings.evidence:
        text += (
            f" As controls the same was done for fixed-batch gradients with permuted labels, of random cotangents and"
            f" of random combinations of per-example gradients ({settings.draws} draws each); R^logit replaces"
            " centroids by centred outputs, R^matched replaces the random directions by ones with v_k's norm in every"
            " matrix."
        )
    return text + (
        f" Intervals are 95 % percentile bootstrap intervals ({RESAMPLES:,} resamples) jointly over groups of probes"
        " and random directions, with the directions, the fixed batch and the peak's step held fixed; intervals of"
        " quotients are bounded by the ends of both intervals."
    )


def _listed(values: Sequence[int]) -> str:
    return ", ".join(map(str, values))

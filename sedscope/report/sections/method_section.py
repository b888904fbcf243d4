"""The making of the numbers: settings, versions, a paragraph for a paper, and the command that makes them again."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version

from sedscope.analysis.constants import GROK_ACCURACIES, MEMORISED_ACCURACY, RESAMPLES
from sedscope.analysis.pipeline.results import RunAnalysis
from sedscope.analysis.result_view.number_text import count
from sedscope.analysis.result_view.run_view import RunView
from sedscope.analysis.settings import Settings, setting_rows
from sedscope.report.document import Code, ColumnHead, Content, Items, Name, Paragraph, Section, Table
from sedscope.report.facts import Reported
from sedscope.report.sections.contents import table_of


def method_section(reported: Sequence[Reported], settings: Settings, command: str) -> Section:
    """Return the section that ends a report."""
    contents: list[Content] = [
        Paragraph(("Methods, to paste into a paper:",)),
        Code(paragraph(reported, settings), wraps=True),
        Paragraph(("The command that makes these files again:",)),
        Code(command),
    ]
    return Section("Methods", "methods", (*contents, _settings(settings)))


def run_facts(reported: Reported) -> Content:
    """Return what a run says about itself as a table."""
    run, facts = reported.analysis, reported.facts
    rows = {
        "path": run.path,
        "state": run.state,
        "tasks": ", ".join(run.tasks) or "none named",
        "recorded": f"{RunView(run).recorded_steps}, every {count(facts.every)}",
        "selected": f"{facts.selection}; P = {count(run.n_selected)}",
        "seed": facts.seed,
        "optimizer": facts.optimizer,
        "training": facts.command or None,
        "commit": facts.git,
        "device": facts.device,
        "recorded with": ", ".join(f"{key} {value}" for key, value in facts.versions) or None,
    }
    entries = ((key, "unknown" if value is None else value) for key, value in rows.items())
    return table_of("facts", ("run", ColumnHead("", "left")), entries)


def remark_items(run: RunAnalysis) -> tuple[Items, ...]:
    """Return notes and damage as a list, where there are any."""
    lines = [(text if kind == "note" else f"{kind.capitalize()}: {text}.",) for kind, text in RunView(run).remarks]
    return (Items(tuple(lines)),) if lines else ()


def _settings(settings: Settings) -> Table:
    values = {row.title: row.words(settings) for row in setting_rows()} | {"sedscope": version("sedscope")}
    rows = ((Name(key), value) for key, value in values.items())
    return table_of("settings", ("setting", ColumnHead("value", "left")), rows)


def paragraph(reported: Sequence[Reported], settings: Settings) -> str:
    """Return prose with the settings in it; it claims what was done, not what came out."""
    n_probes = sorted({ranks.n_probes for run in reported for ranks in run.analysis.rank90 if ranks.n_probes})
    probes = " to ".join(count(n) for n in dict.fromkeys((n_probes[0], n_probes[-1]))) if n_probes else "no"
    window, rank = (_listed(values) for values in (settings.window, settings.rank))
    derivative = (
        "exactly, by automatic differentiation"
        if settings.method == "exact"
        else f"by central differences (ε = {settings.epsilon:g} of the norm of the selected weights)"
    )
    selections = sorted({f"{run.facts.selection} ({count(run.analysis.n_selected)} parameters)" for run in reported})
    text = (
        f"Parameter-space rows (gradients, optimizer steps and displacements) of the selected parameters"
        f" ({'; '.join(selections) or 'none'}) were recorded with sedscope {version('sedscope')}. At each checkpoint"
        f" the top K = {rank} right singular vectors of the {settings.align} window of W = {window} rows, neither"
        " centred nor normalised, were taken (arXiv 2604.25143). The centroid of a probe is the gradient of"
        f" the {settings.words('centroid')} with respect to a displacement at the feature point (arXiv 2604.11962); the"
        f" coupling A(v) of a unit direction v is the mean over {probes} probes of the squared norm of the centroid's"
        f" directional derivative along v, computed {derivative}. R_k is A(v_k) divided by the median of A over"
        f" {settings.random} random Gaussian directions, the same at every checkpoint, direction j from"
        f" numpy.random.default_rng([{settings.draw_seed}, j]); R̄_k is its mean over k."
    )
    seed = f", {settings.draw_seed}" if settings.draw_seed else ""
    if settings.evidence:
        text += (
            " As controls the same was done for gradients of Σ_x loss(ℓ_x, y_π(x))/N with permuted labels, of"
            " Σ_x ⟨ξ_x, ℓ_x⟩/N with Gaussian ξ, and of Σ_x w_x·loss(ℓ_x, y_x)/N with Gaussian w, ℓ_x being the output"
            " and y_x the targets of example x, N their number; π, ξ and w of draw i, on fixed batch i, are from"
            f" numpy.random.default_rng([crc32(family), crc32(task), i{seed}]), and kept over the run. R^logit replaces"
            " centroids by centred outputs, R^matched replaces the random directions by ones with v_k's norm in every"
            " matrix."
        )
    return text + (
        f" Gradients at fixed examples were taken on {settings.batches} batches of {settings.batch:,} (all examples"
        " where there are fewer), and ratios are geometric means over the batches. Intervals are 95 %: percentile"
        f" bootstrap ({RESAMPLES:,} resamples) jointly over groups of probes and random directions; over several"
        " batches Student's t on the logarithms, whose variance is that over batches divided by their number plus the"
        " bootstrap's, with Welch and Satterthwaite's degrees of freedom. The peak's step is held fixed; intervals of"
        " quotients are paired, over the same draws and batches; the interval of a mean over checkpoints is the mean of"
        f" theirs. A task is grokked at the first evaluation after t = 0 with test accuracy ≥ {GROK_ACCURACIES[0]}, and"
        f" memorised at the first with train accuracy ≥ {MEMORISED_ACCURACY}, both taken as {settings.words('grok')}."
    )


def _listed(values: Sequence[int]) -> str:
    return ", ".join(map(str, values))

"""The whole report in order: finding, verdicts of checks, seeds, each run, methods, glossary."""

from __future__ import annotations

from collections.abc import Sequence

from sedscope.analysis.interventions import InterventionComparison
from sedscope.analysis.settings import Settings
from sedscope.report.document import Block, Document, Items, Name, Paragraph, Section, Strong, Words
from sedscope.report.facts import Reported
from sedscope.report.failure import Failure
from sedscope.report.finding import across_tasks, all_findings, headline_basis
from sedscope.report.groups import Group, group_labels, groups_of
from sedscope.report.sections.alignment_section import alignment_section
from sedscope.report.sections.angles_section import angles_section
from sedscope.report.sections.blocks_section import blocks_section
from sedscope.report.sections.coupling_section import coupling_section
from sedscope.report.sections.interventions_section import comparison_section, comparison_words
from sedscope.report.sections.measures_section import measures_section
from sedscope.report.sections.method_section import method_section, remarks, run_facts
from sedscope.report.sections.milestones_section import metrics_section
from sedscope.report.sections.run_section import Part
from sedscope.report.sections.seeds_section import seeds_section, seeds_words
from sedscope.report.sections.spectra_section import spectra_section
from sedscope.report.sections.stages_section import stages_section
from sedscope.report.select import bases

_BY_BASIS = (
    coupling_section,
    measures_section,
    stages_section,
    spectra_section,
    blocks_section,
    alignment_section,
    angles_section,
)


def compose(
    reported: Sequence[Reported],
    failures: Sequence[Failure],
    settings: Settings,
    command: str,
    verdicts: Section | None = None,
    comparison: InterventionComparison | None = None,
) -> Document:
    """The document of a report.

    Args:
        reported: The runs, in the order of the command line.
        failures: Those that could not be analysed.
        settings: What all were asked for.
        command: That makes the report again.
        verdicts: Of checks, where there were any.
        comparison: Of the runs; None where no run has an intervention.
    """
    groups = groups_of(reported)
    named = list(zip(groups, group_labels(groups), strict=True))
    sections = [_finding(reported, failures, comparison, named)]
    sections += [] if verdicts is None else [verdicts]
    if comparison is not None:
        sections.append(comparison_section(comparison, [one.analysis for one in reported]))
    sections += [seeds_section(group, place, label) for place, (group, label) in enumerate(named)]
    sections += [_run(one, f"run-{place + 1}") for place, one in enumerate(reported)]
    sections.append(method_section(reported, settings, command))
    names = ", ".join(one.analysis.name for one in reported) or "no run"
    return Document("sedscope report", names, tuple(sections))


def _finding(
    reported: Sequence[Reported],
    failures: Sequence[Failure],
    comparison: InterventionComparison | None,
    groups: Sequence[tuple[Group, str]],
) -> Section:
    blocks: list[Block] = [] if comparison is None else list(comparison_words(comparison))
    blocks += [Items(seeds_words(*each)) for each in groups]
    for one in reported:
        run = one.analysis
        together = across_tasks(run)
        if together is not None:
            name: Words = (Strong(run.name), ": ") if len(reported) > 1 else ()
            blocks.append(Paragraph((*name, *together), "lead"))
        for task, sentences in all_findings(run):
            label: Words = (Strong(run.name), " · ", Name(task)) if len(reported) > 1 else ("Task ", Name(task))
            if len(reported) > 1 or len(run.tasks) > 1:
                blocks.append(Paragraph((*label, ":")))
            blocks.append(Paragraph(sentences[0], "lead" if together is None else "plain"))
            blocks.append(Items(sentences[1:]))
        if headline_basis(run) is None:
            reason = "; ".join(run.notes) or "no task has a probe"
            blocks.append(Paragraph((Strong(run.name), f": coupling to features is not known ({reason}).")))
    blocks.append(Paragraph(_scope(reported, len(groups)), "aside"))
    blocks += [Paragraph((f"{one.path} could not be analysed: {one.reason}.",), "warning") for one in failures]
    return Section("Finding", "finding", tuple(block for block in blocks if block != Items(())))


def _scope(reported: Sequence[Reported], n_groups: int) -> Words:
    """What the sentences above do not cover."""
    bases_said = [headline_basis(one.analysis) for one in reported]
    known = next((one for one in bases_said if one is not None), None)
    basis = "" if known is None else f"W = {known[0]}, K = {known[1]}. "
    seeds = "" if n_groups or not reported else (
        "One training" if len(reported) == 1 else "No two of the runs above differ in the seed alone"
    ) + ": nothing here says how the numbers vary over seeds. "  # fmt: skip
    rules = (
        "Intervals hold directions and fixed batch fixed; those of quotients are bounded by the ends of both. Words"
        " follow fixed rules: above or below only where that interval leaves 1 out."
    )
    return (basis, seeds, rules)


def _run(one: Reported, anchor: str) -> Section:
    run = one.analysis
    found = bases(run) or ((run.settings.window[0], run.settings.rank[0]),)
    parts = [Part(run, one.facts, window, rank, anchor) for window, rank in found]
    sections = [metrics_section(parts[0])]
    for place, part in enumerate(parts):
        own = part if place == 0 else Part(run, one.facts, part.window, part.rank, f"{anchor}-{place + 1}")
        sections += [make(own) for make in _BY_BASIS]
    said = remarks(one)
    blocks: tuple[Block, ...] = (run_facts(one),) if said is None else (run_facts(one), said)
    return Section(f"Run {run.name}", anchor, blocks, tuple(sections))

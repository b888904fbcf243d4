"""The whole report in order: verdict on each run, verdicts of checks, seeds, each run, methods, glossary."""

from __future__ import annotations

from collections.abc import Sequence

from sedscope.analysis.interventions import InterventionComparison
from sedscope.analysis.result_view.run_view import RunView
from sedscope.analysis.result_view.verdict import headline_verdicts
from sedscope.analysis.settings import Settings
from sedscope.report.document import Content, Document, Items, Paragraph, Section, Strong, Words
from sedscope.report.facts import Failure, Reported
from sedscope.report.finding import finding
from sedscope.report.groups import SeedGroup, group_labels, groups_of
from sedscope.report.sections.contents import RunAtBasis
from sedscope.report.sections.coupling_sections import alignment_section, coupling_section, measures_section
from sedscope.report.sections.interventions_section import comparison_section, comparison_words
from sedscope.report.sections.method_section import method_section, remark_items, run_facts
from sedscope.report.sections.run_sections import (
    angles_section,
    blocks_section,
    milestones_section,
    spectra_section,
    stages_section,
)
from sedscope.report.sections.seeds_section import seeds_section, seeds_words

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
    """Return the document of a report.

    Args:
        reported: The runs, in the order of the command line.
        failures: Those that could not be analysed.
        settings: What all were asked for.
        command: Makes the report again.
        verdicts: The section of checks, where there were any.
        comparison: Of the runs; None where no run has an intervention.
    """
    groups = groups_of(reported)
    labelled = list(zip(groups, group_labels(groups), strict=True))
    sections = [_verdict(reported, failures, comparison, labelled)]
    sections += [] if verdicts is None else [verdicts]
    if comparison is not None:
        sections.append(comparison_section(comparison, [run.analysis for run in reported]))
    sections += [seeds_section(group, index, label) for index, (group, label) in enumerate(labelled)]
    sections += [_run(run, f"run-{number}") for number, run in enumerate(reported, 1)]
    sections.append(method_section(reported, settings, command))
    names = ", ".join(run.analysis.name for run in reported) or "no run"
    return Document("sedscope report", names, tuple(sections))


def _verdict(
    reported: Sequence[Reported],
    failures: Sequence[Failure],
    comparison: InterventionComparison | None,
    groups: Sequence[tuple[SeedGroup, str]],
) -> Section:
    contents: list[Content] = [] if comparison is None else list(comparison_words(comparison))
    contents += [Items(seeds_words(group, label)) for group, label in groups]
    for run in (each.analysis for each in reported):
        name: Words = (Strong(run.name), ": ") if len(reported) > 1 else ()
        for verdict in headline_verdicts(run):
            contents.append(Paragraph((*name, verdict.words), "lead"))
            contents.append(Items(finding(run, verdict)))
        view = RunView(run)
        if view.headline_basis is None:
            reason = view.why_no_coupling
            contents.append(Paragraph((Strong(run.name), f": coupling to features is not known ({reason}).")))
    contents.append(Paragraph(_scope(reported, len(groups)), "aside"))
    contents += [Paragraph((f"{each.path} could not be analysed: {each.reason}.",), "warning") for each in failures]
    return Section("Verdict", "verdict", tuple(content for content in contents if content != Items(())))


def _scope(reported: Sequence[Reported], n_groups: int) -> Words:
    """Say what the sentences above do not cover."""
    headlines = [basis for run in reported if (basis := RunView(run.analysis).headline_basis) is not None]
    basis_words = f"W = {headlines[0][0]}, K = {headlines[0][1]}. " if headlines else ""
    seeds = "" if n_groups or not reported else (
        "One training" if len(reported) == 1 else "No two of the runs above differ in the seed alone"
    ) + ": nothing here says how the numbers vary over seeds. "  # fmt: skip
    rules = (
        "Intervals hold directions fixed, and the batch where there is one alone; those of quotients are paired. Words"
        " follow fixed rules: above or below only where that interval leaves 1 out, and above every control to serve"
        " the task."
    )
    return (basis_words, seeds, rules)


def _run(reported: Reported, anchor: str) -> Section:
    run, view = reported.analysis, RunView(reported.analysis)
    run_bases = view.bases or ((run.settings.window[0], run.settings.rank[0]),)
    # Anchors are unique: the first W and K has that of the run, the others have a number behind it.
    subjects = [
        RunAtBasis(view, reported.facts, window, rank, f"{anchor}-{number}" if number > 1 else anchor)
        for number, (window, rank) in enumerate(run_bases, 1)
    ]
    sections = [milestones_section(subjects[0])]
    sections += [make(subject) for subject in subjects for make in _BY_BASIS]
    return Section(f"Run {run.name}", anchor, (run_facts(reported), *remark_items(run)), tuple(sections))

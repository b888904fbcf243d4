"""The page: claims with controls and verdicts, further measurements, cells that were not run, and how it was made.

Decides the order and the words. Every number comes from `measure`; nothing is written by hand but the published ones.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence
from math import fsum

from examples.reproduce.claims import rows
from examples.reproduce.figures import Picture
from examples.reproduce.markdown import table
from examples.reproduce.measure import Measurements, versions
from examples.reproduce.plan import Experiment, Scale
from examples.reproduce.published import DIFFERENCES
from examples.reproduce.recordings import NotRun, Recording
from examples.reproduce.sections import coupling, four, interventions
from examples.reproduce.verdict import RULES, tally
from sedscope.sweep.planned_cell import MISSING
from sedscope.sweep.training_job import cores

OUT = "runs/reproduction"
"""The folder as commands on the page name it."""


def page(measurements: Measurements, scale: Scale, pictures: Sequence[Picture], folder: str) -> str:
    """Return the page as Markdown.

    Args:
        measurements: Everything that was measured.
        scale: The plan.
        pictures: Those in the files `<folder>/<name>.svg`.
        folder: The folder of pictures, beside the page.
    """
    sections = (
        _head(measurements, scale),
        _claims(measurements, scale),
        interventions(measurements, pictures, folder),
        coupling(measurements, pictures, folder),
        four(measurements, pictures, folder),
        _not_run(measurements, scale),
        _differences() if scale.is_published else (),
        _method(measurements, scale),
    )
    return "\n".join(line for section in sections for line in (*section, "")).rstrip() + "\n"


def _head(measurements: Measurements, scale: Scale) -> Iterator[str]:
    planned = sum(len(experiment.sweep.cells()) for experiment in scale.experiments)
    done = planned - len(measurements.inventory.not_run)
    yield "# Reproduction"
    yield ""
    yield (
        "The published experiments of arXiv 2604.25143 (Xu 2026), run again and measured by sedscope, beside controls"
        " that were not published. This page is made by a program from recorded runs; nothing on it but the published"
        " numbers, and those measured before, is written by hand."
    )
    yield ""
    missing = (
        "" if done == planned else " The others are listed under [Not run](#not-run), and no number rests on them."
    )
    yield f"**{done} of {planned} planned trainings are recorded.**{missing}"
    if not scale.is_published:
        yield ""
        yield (
            f"This is the `{scale.name}` scale, p = {scale.modulus}: another recipe than the published one. Its numbers"
            " are not held against the published ones."
        )


def _claims(measurements: Measurements, scale: Scale) -> Iterator[str]:
    yield "## Published, measured, and what a control says"
    yield ""
    claims = rows(measurements, comparable=scale.is_published)
    shown = [row for row in claims if scale.is_published or row.is_measured]
    held = [row for row in shown if row.published != "–"]
    if any(row.is_measured for row in held):
        yield tally([row.verdict for row in held])
        yield ""
    head = ("quantity", "published", "measured before, seed 42", "ours [95 %]", "beside it", "verdict")
    yield from table(head, ((r.what, r.published, r.before, r.ours, r.beside, f"**{r.verdict}**") for r in shown))
    yield ""
    yield (
        "*Measured before*: another program on another machine, leading windows, central differences. Ours: the same,"
        " as the published code does it; all controls have trailing windows and the exact derivative, and so have the"
        " tables below. Grok steps are of test accuracy as logged, as published. R̄_k and R_1 are those of their peaks"
        " over the checkpoints; few checkpoints can miss a higher one. A peak at the first full window or at the last"
        " checkpoint is at an edge of what was seen: it may be higher beyond. A factor beside a coupling is ours over"
        " the control's at our peak; beside a"
        " speed-up it says how many times earlier than the control grokking came."
    )
    yield ""
    yield from (f"- {rule}" for rule in RULES)


# --- cells that were not run, and how the rest was made -------------------------------------------------------------


def _not_run(measurements: Measurements, scale: Scale) -> Iterator[str]:
    yield "## Not run"
    yield ""
    if not measurements.inventory.not_run and not measurements.failures:
        yield "Everything that was planned was run."
    for experiment in scale.experiments:
        cells = [cell for cell in measurements.inventory.not_run if cell.experiment == experiment.name]
        if cells:
            share = f"{len(cells)} of {len(experiment.sweep.cells())}"
            yield f"- {experiment.about} (`{experiment.name}/`), {share}: {_cells(cells, experiment)}"
    yield from (f"- could not be measured: {failure}" for failure in measurements.failures)


def _cells(missing: Sequence[NotRun], experiment: Experiment) -> str:
    """Return the names of the cells, or `all of them`; those that were begun are named in any case."""
    begun = ", ".join(f"`{cell.name}` ({cell.state})" for cell in missing if cell.state != MISSING)
    if len(missing) == len(experiment.sweep.cells()):
        return "all of them" + (f"; begun: {begun}" if begun else "")
    names = ", ".join(f"`{cell.name}`" for cell in missing if cell.state == MISSING)
    return "; ".join(filter(None, (names, f"begun: {begun}" if begun else "")))


def _differences() -> Iterator[str]:
    yield "## Where this recipe differs from the author's code"
    yield ""
    yield from table(("", "the author's code", "here"), DIFFERENCES)
    yield ""
    yield (
        "On one recording the author's own functions give the R_k that central differences give here, to three parts in"
        " a million."
    )


def _method(measurements: Measurements, scale: Scale) -> Iterator[str]:
    runs = [recording.run for recording in measurements.inventory.recordings]
    yield "## How this was made"
    yield ""
    yield (
        f"`python -m examples.reproduce {scale.name}` records what is missing, measures, and writes the page; the same"
        " command goes on where it was interrupted. `make reproduce` and `make reproduce-small` call it with as many"
        " jobs as there are cores. `--page-only` measures what is recorded so far; `--checkpoints` and"
        " `--checkpoints-four` say at how many steps. The sweeps are"
    )
    yield ""
    yield "```console"
    yield from (f"$ {experiment.command(OUT)}" for experiment in scale.experiments)
    yield "```"
    yield ""
    yield "A run that `sedscope record` made of the same script and settings, without a sweep, counts as a control."
    yield ""
    head = ("experiment", "trainings", "hours each", "hours together")
    yield from table(head, (_hours(entry, measurements.inventory.of(entry.name)) for entry in scale.experiments))
    yield ""
    every = scale.experiments[0].every
    for words, settings in (("One operation", scale.single), ("Several operations", scale.four)):
        yield (
            f"- {words}: W = {settings.window[0]}, K = {settings.rank[0]}, up to {settings.probes} probes,"
            f" {settings.random} random directions, {settings.checkpoints} checkpoints evenly spaced over the run,"
            f" {settings.batches} fixed batches of {settings.batch}, one draw of each control on each, a recorded step"
            f" every {every}."
        )
    yield f"- W, K and ε are varied on one run, at {scale.ablation_checkpoints} checkpoints."
    versioned = ", ".join(versions(runs)) or "unknown"
    devices = ", ".join(dict.fromkeys(run.manifest.device or "unknown" for run in runs)) or "none"
    yield f"- torch {versioned}; device {devices}; page made on {cores()} cores ({platform.machine()})."
    yield "- Hours are wall-clock times of recording, beside whatever else the machine did meanwhile."


def _hours(experiment: Experiment, recordings: Sequence[Recording]) -> tuple[str, ...]:
    hours = [recording.hours for recording in recordings if recording.hours is not None]
    return (
        f"`{experiment.name}/`",
        f"{len(recordings)} of {len(experiment.sweep.cells())}",
        f"{min(hours):.2f}–{max(hours):.2f}" if hours else "–",
        f"{fsum(hours):.2f}" if hours else "–",
    )

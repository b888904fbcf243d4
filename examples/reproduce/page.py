"""The page: published, ours, controls and verdicts; what else was measured; what was not run; how all of it was made.

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
from examples.reproduce.plan import Part, Scale
from examples.reproduce.recordings import NotRun, Recording, cores
from examples.reproduce.sections import coupling, four, interventions
from examples.reproduce.verdict import RULES, tally
from sedscope.sweep.planned_cell import MISSING

OUT = "runs/reproduction"
"""The folder as commands on the page name it."""


def page(found: Measurements, scale: Scale, pictures: Sequence[Picture], folder: str) -> str:
    """The page as Markdown.

    Args:
        found: What was measured.
        scale: What was planned.
        pictures: In files `<folder>/<name>.svg`.
        folder: Beside the page.
    """
    parts = (
        _head(found, scale),
        _claims(found, scale),
        interventions(found, pictures, folder),
        coupling(found, pictures, folder),
        four(found, pictures, folder),
        _not_run(found, scale),
        _made(found, scale),
    )
    return "\n".join(line for part in parts for line in (*part, "")).rstrip() + "\n"


def _head(found: Measurements, scale: Scale) -> Iterator[str]:
    planned = sum(len(part.sweep.cells()) for part in scale.parts)
    done = planned - len(found.found.not_run)
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


def _claims(found: Measurements, scale: Scale) -> Iterator[str]:
    yield "## Published, measured, and what a control says"
    yield ""
    told = [row for row in rows(found, comparable=scale.is_published) if scale.is_published or row.is_measured]
    held = [row for row in told if row.published != "–"]
    if any(row.is_measured for row in held):
        yield tally([row.verdict for row in held])
        yield ""
    head = ("quantity", "published", "measured before, seed 42", "ours [95 %]", "beside it", "verdict")
    yield from table(head, ((r.what, r.published, r.before, r.ours, r.beside, f"**{r.verdict}**") for r in told))
    yield ""
    yield (
        "*Measured before*: another program on another machine, leading windows, central differences. Ours: exact"
        " derivative; rows of one operation have leading windows, as the published code does, those of four operations"
        " and all controls trailing ones. R̄_k and R_1 are those of their peaks over the checkpoints; few checkpoints"
        " can miss a higher one. A peak at the last checkpoint may have been on its way up when the training stopped: a"
        " longer one may give more. A factor beside a coupling is ours over the control's at our peak; beside a"
        " speed-up it says how many times earlier than the control grokking came."
    )
    yield ""
    yield from (f"- {rule}" for rule in RULES)


# --- what is not there, and how the rest was made -------------------------------------------------------------------


def _not_run(found: Measurements, scale: Scale) -> Iterator[str]:
    yield "## Not run"
    yield ""
    if not found.found.not_run and not found.failures:
        yield "Everything that was planned was run."
    for part in scale.parts:
        mine = [one for one in found.found.not_run if one.part == part.name]
        if mine:
            yield f"- {part.about} (`{part.name}/`), {len(mine)} of {len(part.sweep.cells())}: {_cells(mine, part)}"
    yield from (f"- could not be measured: {failure}" for failure in found.failures)


def _cells(missing: Sequence[NotRun], part: Part) -> str:
    """Their names, or that it is all of them; what was begun is named in any case."""
    begun = ", ".join(f"`{one.name}` ({one.state})" for one in missing if one.state != MISSING)
    if len(missing) == len(part.sweep.cells()):
        return "all of them" + (f"; begun: {begun}" if begun else "")
    names = ", ".join(f"`{one.name}`" for one in missing if one.state == MISSING)
    return "; ".join(filter(None, (names, f"begun: {begun}" if begun else "")))


def _made(found: Measurements, scale: Scale) -> Iterator[str]:
    runs = [one.run for one in found.found.recordings]
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
    yield from (f"$ {part.command(OUT)}" for part in scale.parts)
    yield "```"
    yield ""
    yield "A run that `sedscope record` made of the same script and settings, without a sweep, counts as a control."
    yield ""
    head = ("part", "trainings", "hours each", "hours together")
    yield from table(head, (_hours(part, found.found.of(part.name)) for part in scale.parts))
    yield ""
    for words, settings in (("One operation", scale.single), ("Several operations", scale.four)):
        yield (
            f"- {words}: W = {settings.window[0]}, K = {settings.rank[0]}, up to {settings.probes} probes,"
            f" {settings.random} random directions, {settings.checkpoints} checkpoints evenly spaced over the run,"
            f" fixed batch of {settings.batch}, one draw of each control, a recorded step every {scale.parts[0].every}."
        )
    yield f"- W, K and ε are varied on one run, at {scale.ablation_checkpoints} checkpoints."
    versioned = ", ".join(versions(runs)) or "unknown"
    devices = ", ".join(dict.fromkeys(one.manifest.device or "unknown" for one in runs)) or "none"
    yield f"- torch {versioned}; device {devices}; page made on {cores()} cores ({platform.machine()})."
    yield "- Hours are wall-clock times of recording, beside whatever else the machine did meanwhile."


def _hours(part: Part, recordings: Sequence[Recording]) -> tuple[str, ...]:
    known = [hours for one in recordings if (hours := one.hours) is not None]
    each = f"{min(known):.2f}–{max(known):.2f}" if known else "–"
    return (
        f"`{part.name}/`",
        f"{len(recordings)} of {len(part.sweep.cells())}",
        each,
        f"{fsum(known):.2f}" if known else "–",
    )

"""The page: published, ours, controls and verdicts; what else was measured; what was not run; how all of it was made.

Decides the order and the words. Every number comes from `measure`; nothing is written by hand but the published ones.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator, Sequence
from math import fsum

from examples.reproduce.claims import rows, speedup_text, together
from examples.reproduce.figures import Picture
from examples.reproduce.measure import Coupled, Measurements, peak_of, series_of, versions
from examples.reproduce.plan import Part, Scale
from examples.reproduce.recordings import Recording, cores
from examples.reproduce.verdict import RULES
from sedscope.analysis.comparison import Group
from sedscope.analysis.comparison.averages import Average
from sedscope.analysis.undefined import Undefined
from sedscope.report.estimate import Estimate, between, signed
from sedscope.report.figures import count

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
        _interventions(found, pictures, folder),
        _coupling(found, pictures, folder),
        _four(found, pictures, folder),
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
    head = ("quantity", "published", "measured before, seed 42", "ours [95 %]", "beside it", "verdict")
    told = rows(found, comparable=scale.is_published)
    yield from table(head, ((r.what, r.published, r.before, r.ours, r.beside, f"**{r.verdict}**") for r in told))
    yield ""
    yield (
        "*Measured before*: another program on another machine, leading windows, central differences. Ours: exact"
        " derivative; rows of one operation have leading windows, as the published code does, those of four operations"
        " and all controls trailing ones. A factor beside a coupling is ours over the control's at our peak; beside a"
        " speed-up it says how many times earlier than the control grokking came."
    )
    yield ""
    yield from (f"- {rule}" for rule in RULES)


# --- interventions --------------------------------------------------------------------------------------------------


def _interventions(found: Measurements, pictures: Sequence[Picture], folder: str) -> Iterator[str]:
    yield "## Interventions"
    ops = dict.fromkeys(op for one in found.found.recordings for op in one.ops)
    tasks = [task for op in ops if (task := found.task(op)) is not None]
    tasks = [task for task in tasks if any(group.treatment.acts for group in task.groups)]
    if not tasks:
        yield ""
        yield "Not run."
    for task in tasks:
        yield ""
        yield f"### {task.task}"
        yield ""
        head = ("intervention", "seeds", "grok step", "at 0.98", "speed-up", "over freeze", "over random", "norm kept")
        yield from table(head, (_group(group) for group in task.groups))
    yield from _shown(pictures, "interventions", folder)


def _group(group: Group) -> tuple[str, ...]:
    beside = {one.kind: speedup_text(one.speedups[0])[0] for one in group.beside}
    kept = group.norm_kept
    return (
        group.label,
        str(group.reaching[0].n),
        *(_steps(one.mean) for one in group.reaching),
        speedup_text(group.speedups[0])[0] if group.speedups else "–",
        beside.get("freeze", "–"),
        beside.get("random", "–"),
        "–" if isinstance(kept, Undefined) else signed(kept[1]),
    )


def _steps(average: Average | Undefined) -> str:
    if isinstance(average, Undefined):
        return f"never: {average.reason}"
    ends = average.ends
    interval = "" if isinstance(ends, Undefined) else f" [{count(round(ends[0]))}–{count(round(ends[1]))}]"
    return f"{count(round(average.value))}{interval}"


# --- couplings ------------------------------------------------------------------------------------------------------


def _coupling(found: Measurements, pictures: Sequence[Picture], folder: str) -> Iterator[str]:
    yield "## One operation: every source beside its controls"
    yield ""
    if not found.single:
        yield "Not run."
        return
    yield "R̄_k at its peak [95 % over probes and random directions], trailing windows, exact derivative; 1: as random."
    yield ""
    yield from table(("source", *(one.recording.label for one in found.single)), _sources(found.single))
    yield from _shown(pictures, "coupling", folder)


def _sources(runs: Sequence[Coupled]) -> Iterator[tuple[str, ...]]:
    """A line for each source, its task's name left out so that operations stand side by side."""
    names = dict.fromkeys(
        series.source.removesuffix(f"/{series.task}") + ("/…" if series.source.endswith(f"/{series.task}") else "")
        for one in runs
        for series in one.trailing.coupling
    )
    for name in names:
        cells = []
        for one in runs:
            (task,) = one.recording.ops
            series = series_of(one.trailing, name.replace("…", task), task)
            cells.append(
                _peak(peak_of(series), series.peak.t if series and not isinstance(series.peak, Undefined) else 0)
            )
        yield (f"`{name}`", *cells)


def _peak(value: Estimate | None, t: int) -> str:
    if value is None:
        return "–"
    ends = "" if value.ends is None else f" [{between(value.ends)}]"
    return f"{signed(value.value)}{ends} at {count(t)}"


def _four(found: Measurements, pictures: Sequence[Picture], folder: str) -> Iterator[str]:
    yield "## Several operations on one encoder"
    yield ""
    if not found.four:
        yield "Not run."
        return
    seeds = ", ".join(str(one.recording.seed) for one in found.four)
    yield (
        "R̄_k at its peak of every source (rows) against the centroids of every operation (columns), trailing windows;"
        f" seed {seeds}. Several seeds: geometric mean [95 % over seeds]; one: [95 % over probes and random"
        " directions]. A task's own source stands on the diagonal; a source of no task is an aggregate."
    )
    yield ""
    ops = found.four[0].recording.ops
    yield from table(("source", *ops), _matrix(found.four, ops))
    yield from _shown(pictures, "four", folder)


def _matrix(runs: Sequence[Coupled], ops: Sequence[str]) -> Iterator[tuple[str, ...]]:
    analyses = [one.crossed for one in runs if one.crossed is not None], [one.trailing for one in runs]
    names = dict.fromkeys(series.source for group in analyses for one in group for series in one.coupling)
    for name in names:
        cells = []
        for op in ops:
            group = analyses[0] if any(series_of(one, name, op) for one in analyses[0]) else analyses[1]
            values = [value for one in group if (value := peak_of(series_of(one, name, op))) is not None]
            cells.append(_short(values))
        yield (f"`{name}`", *cells)


def _short(values: Sequence[Estimate]) -> str:
    if not values:
        return "–"
    one = together(values)
    return signed(one.value) + ("" if one.ends is None else f" [{between(one.ends)}]")


# --- what is not there, and how the rest was made -------------------------------------------------------------------


def _not_run(found: Measurements, scale: Scale) -> Iterator[str]:
    yield "## Not run"
    yield ""
    if not found.found.not_run and not found.failures:
        yield "Everything that was planned was run."
    for part in scale.parts:
        mine = [one for one in found.found.not_run if one.part == part.name]
        if mine:
            cells = ", ".join(f"`{one.name}`" + ("" if one.state == "missing" else f" ({one.state})") for one in mine)
            yield f"- {part.about} (`{part.name}/`), {len(mine)} of {len(part.sweep.cells())}: {cells}"
    yield from (f"- could not be measured: {failure}" for failure in found.failures)
    if scale.is_published:
        yield "- not part of the plan: the SVD of per-example gradients (sedscope has no such row source)"


def _made(found: Measurements, scale: Scale) -> Iterator[str]:
    runs = [one.run for one in found.found.recordings]
    yield "## How this was made"
    yield ""
    target = "reproduce" if scale.is_published else f"reproduce-{scale.name}"
    yield f"`make {target}` records what is missing, measures, and writes this page; the same command goes on where it"
    yield "was interrupted. `--page-only` after the program's name makes the page from what is recorded. The sweeps are"
    yield ""
    yield "```console"
    yield from (f"$ {part.command(OUT)}" for part in scale.parts)
    yield "```"
    yield ""
    head = ("part", "trainings", "hours each", "hours together")
    yield from table(head, (_hours(part, found.found.of(part.name), scale) for part in scale.parts))
    yield ""
    for words, settings in (("One operation", scale.single), ("Several operations", scale.four)):
        yield (
            f"- {words}: W = {settings.window[0]}, K = {settings.rank[0]}, up to {settings.probes} probes,"
            f" {settings.random} random directions, {settings.checkpoints} checkpoints evenly spaced over the run,"
            f" fixed batch of {settings.batch}, one draw of each control, a recorded step every {scale.parts[0].every}."
        )
    versioned = ", ".join(versions(runs)) or "unknown"
    devices = ", ".join(dict.fromkeys(one.manifest.device or "unknown" for one in runs)) or "none"
    yield f"- torch {versioned}; device {devices}; page made on {cores()} cores ({platform.machine()})."
    yield "- Hours are wall-clock times of recording, beside whatever else the machine did meanwhile."


def _hours(part: Part, recordings: Sequence[Recording], scale: Scale) -> tuple[str, ...]:
    known = [hours for one in recordings if (hours := one.hours) is not None]
    each = f"{min(known):.2f}–{max(known):.2f}" if known else "–"
    return (
        f"`{part.name}/`",
        f"{len(recordings)} of {len(part.sweep.cells())}",
        each,
        f"{fsum(known):.2f}" if known else "–",
    )


# --- Markdown -------------------------------------------------------------------------------------------------------


def table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> Iterator[str]:
    """A Markdown table."""
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for line in lines:
        yield f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |"


def _shown(pictures: Sequence[Picture], section: str, folder: str) -> Iterator[str]:
    for one in pictures:
        if one.section == section:
            yield ""
            yield f"![{one.caption}]({folder}/{one.name}.svg)"
            yield ""
            yield f"*{one.caption}.*"

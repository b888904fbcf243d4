"""A run described in lines of (name, value): recorded, model, optimizer, command, milestones, notes, damage.

Decides the words and their order. All values are printable already; nothing here is markup.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sedscope.analysis.undefined import Undefined
from sedscope.runs.text import printable_path
from sedscope.tui.data.listing import intervention_text, started
from sedscope.tui.data.run_table import counted_size
from sedscope.tui.data.snapshot import RunData

Fact = tuple[str, str]
"""A name ("" continues the one above) and its value."""
Section = tuple[str, tuple[Fact, ...]]


def sections(data: RunData, verdicts: Sequence[str] = ()) -> tuple[Section, ...]:
    """Return all sections of a run, what matters most first, without the empty ones.

    Args:
        data: The run.
        verdicts: What may be claimed of its gradients, in the words of every face; none before it was analysed.
    """
    unknown = ("not computed yet: open the tab Coupling",) if data.tasks else ()
    all_sections = (
        ("Verdict", tuple(("", line) for line in verdicts or unknown)),
        ("Damage", tuple(("", line) for line in data.damage)),
        ("Milestones", tuple(_milestones(data))),
        ("Recorded", tuple(_recorded(data))),
        ("Model", tuple(_model(data))),
        ("Optimizer", tuple(_optimizer(data))),
        ("Made by", tuple(_made_by(data))),
        ("Notes", tuple(("", line) for line in _notes(data))),
    )
    return tuple(section for section in all_sections if section[1])


def _milestones(data: RunData) -> Iterator[Fact]:
    """Yield the milestones of each task, two to a line, why it did not grok, and why no chance is taken off."""
    # The registry brings numpy along, which the first paint does not wait for.
    from sedscope.analysis.result_view.columns import MILESTONES, TaskResult
    from sedscope.analysis.result_view.result_column import Reading, columns_for

    columns = columns_for("viewer", MILESTONES)
    for metrics in data.milestones:
        row = TaskResult(metrics, None)
        values = [column.read(row) for column in columns]
        texts = [
            f"{column.title}: {value.text if isinstance(value, Reading) else '–'}"
            for column, value in zip(columns, values, strict=True)
        ]
        for first in range(0, len(texts), 2):
            yield "" if first else metrics.task, ", ".join(texts[first : first + 2])
        for value in (metrics.grokking.grok[0], metrics.grokking.chance):
            if isinstance(value, Undefined):
                yield "", value.reason


def _recorded(data: RunData) -> Iterator[Fact]:
    recording = data.manifest.recording
    if data.steps:
        yield (
            "steps",
            f"{len(data.steps):,} recorded, t = {data.steps[0]:,} to {data.steps[-1]:,}, every {recording.every}",
        )
    reason = "" if data.end_reason in (None, data.state) else str(data.end_reason)
    yield "state", " ".join(filter(None, (data.state, f"({data.holder})" if data.holder else reason)))
    if data.n_sessions > 1:
        yield "sessions", str(data.n_sessions)
    selection = ", ".join(data.manifest.spec) or "the default selection"
    yield "selection", f"{selection}: P = {data.manifest.P:,} in {len(data.manifest.blocks)} blocks"
    yield "weights", f"{data.n_checkpoints:,} checkpoints"
    yield "size", counted_size(data.size)
    for index, source in enumerate(data.sources):
        derived = "" if source.stored else ", from the weights"
        yield "sources" if index == 0 else "", f"{source.name}  {source.n_rows:,} rows{derived}"


def _model(data: RunData) -> Iterator[Fact]:
    parameters = data.manifest.parameters
    trainable = sum(parameter.size for parameter in parameters if parameter.trainable)
    yield (
        "parameters",
        f"{sum(parameter.size for parameter in parameters):,} in {len(parameters)} tensors, {trainable:,} trainable",
    )
    for index, parameter in enumerate(data.manifest.selected):
        shape = " × ".join(map(str, parameter.shape))
        yield "selected" if index == 0 else "", f"{parameter.name}  {shape}  {parameter.dtype}"
    for task in data.tasks:
        reason = data.unprobed.get(task)
        yield f"probe {task}", "feature program recorded" if reason is None else reason


def _optimizer(data: RunData) -> Iterator[Fact]:
    optimizer = data.manifest.optimizer
    if optimizer is None:
        return
    yield "class", optimizer.name
    for index, group in enumerate(optimizer.groups):
        shown_settings = ("lr", "betas", "momentum", "eps", "weight_decay")
        values = [
            f"{name} {_value(group.settings[name])}" for name in shown_settings if group.settings.get(name) is not None
        ]
        yield "settings" if len(optimizer.groups) == 1 else f"group {index}", "  ".join(values) or "not recorded"
    if text := intervention_text(data.manifest.intervention):
        yield "intervention", text


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "(" + ", ".join(map(_value, value)) + ")"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _made_by(data: RunData) -> Iterator[Fact]:
    manifest = data.manifest
    if manifest.command:
        yield "command", shlex.join(manifest.command)
    if isinstance(manifest.git, Mapping) and manifest.git.get("commit"):
        yield "commit", f"{str(manifest.git['commit'])[:12]}" + (" with changes" if manifest.git.get("dirty") else "")
    yield from (("started", f"{started(manifest.created)} UTC"),) if manifest.created else ()
    yield from (("seed", str(manifest.seed)),) if manifest.seed is not None else ()
    yield from (("device", manifest.device),) if manifest.device else ()
    if manifest.versions:
        yield "versions", "  ".join(f"{name} {version}" for name, version in manifest.versions.items())
    yield "folder", printable_path(data.path)


def _notes(data: RunData) -> Iterator[str]:
    yield from data.notes
    if not data.tasks:
        yield (
            "features are unknown: the run has no probe; add"
            ' sedscope.probe(model, task="…", inputs=(x,), targets=y) to the script'
        )

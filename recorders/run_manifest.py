"""A recording's account of itself at its start: the contents of `run.json`, and the lines that it prints."""

from __future__ import annotations

import math
import platform
import subprocess
from collections.abc import Collection, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

import torch
from torch import Tensor

from recorders.byte_size import size_text
from recorders.follow.binding import Binding
from recorders.follow.journal_notes import completed_steps
from recorders.follow.ownership import ends_in_torchs_own
from recorders.format import STEPS_BEFORE
from recorders.intervention import Intervention
from recorders.recording_options import RecordingOptions
from recorders.row_sources import REWRITE, ROW_SOURCES, RowSource

_PACKAGES: Final = ("sedscope", "torch", "numpy", "safetensors")
_GIT_SECONDS: Final = 3.0  # a repository on a network drive must not hold the first step up for longer
_UNSEEDED: Final = 67280421310721  # what torch.initial_seed() says in a process that was never seeded


def build_manifest(
    binding: Binding,
    options: RecordingOptions,
    *,
    name: str,
    command: Sequence[str],
    tasks: Sequence[str],
    first_t: int,
) -> dict[str, Any]:
    """Return `run.json` without its version, id and time, which the writer fills in."""
    selection = binding.selection
    seed = torch.initial_seed()
    completed = completed_steps(binding.optimizer)
    return {
        "name": name,
        "command": list(command),
        "git": git_state(),
        "versions": {"python": platform.python_version()} | _versions(),
        "device": str(selection.chosen[0].device),
        "tasks": list(tasks),
        "parameters": [
            {
                "name": parameter.name,
                "shape": list(parameter.tensor.shape),
                "dtype": str(parameter.tensor.dtype).removeprefix("torch."),
                "selected": parameter.offset is not None,
                "offset": parameter.offset,
                "trainable": parameter.tensor.requires_grad,
            }
            for parameter in selection.parameters
        ],
        "selection": {
            "spec": list(selection.spec),
            "P": selection.size,
            "row_dtype": str(selection.dtype).removeprefix("torch."),
        },
        "blocks": [asdict(block) | {"shape": list(block.shape)} for block in selection.blocks],
        "optimizer": {"class": type(binding.optimizer).__name__, "groups": _groups(binding)},
        "recording": {
            "every": options.every,
            "sources": list(options.sources),
            "weights_every": options.weights_cadence,
            "budget": options.budget,
            "probe_seed": options.probe_seed,
        },
        "intervention": None if options.intervention is None else options.intervention.describe(),
        "seed": None if seed == _UNSEEDED else seed,
        "parent": None,
        STEPS_BEFORE: None if completed is None else completed - first_t,
    }


def git_state() -> dict[str, Any] | None:
    """Commit of the working folder and whether anything differs from it; None outside a repository."""
    commit = _git("rev-parse", "HEAD")
    if commit is None:
        return None
    changes = _git("--no-optional-locks", "status", "--porcelain", "--untracked-files=no")
    return {"commit": commit.strip(), "dirty": bool(changes)}


def _git(*arguments: str) -> str | None:
    try:
        completed = subprocess.run(
            ["git", *arguments],
            capture_output=True,
            text=True,
            timeout=_GIT_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return None
    return completed.stdout if completed.returncode == 0 else None


def _versions() -> dict[str, str]:
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions


def _groups(binding: Binding) -> list[dict[str, Any]]:
    names = {id(parameter.tensor): parameter.name for parameter in binding.selection.parameters}
    omitted = {"params", "param_names"}
    if not ends_in_torchs_own(binding.optimizer):
        omitted.add("decoupled_weight_decay")  # what a step of its own does with the weight decay is not known
    return [
        {name: _plain(value) for name, value in group.items() if name not in omitted and _is_plain(value)}
        | {"parameters": [names[id(parameter)] for parameter in group["params"] if id(parameter) in names]}
        for group in binding.optimizer.param_groups
    ]


def _is_plain(value: Any) -> bool:
    """Return whether a setting is a number, a switch or a short tuple of them, and not, say, a schedule object."""
    if isinstance(value, list | tuple):
        return all(_is_plain(item) for item in value)
    return value is None or isinstance(value, bool | int | float | str) or _is_number(value)


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    number = float(value) if _is_number(value) else value
    return repr(number) if isinstance(number, float) and not math.isfinite(number) else number


def _is_number(value: Any) -> bool:
    return isinstance(value, Tensor) and value.numel() == 1


def describe(binding: Binding, options: RecordingOptions, tasks: Collection[str]) -> list[str]:
    """Return the lines to print when a recording starts, each complete.

    `tasks` are those known so far; a task that appears later adds a row of its own to each recorded step.
    """
    selection = binding.selection
    sources = _sources(binding, options, tasks)
    rows = len(sources) * selection.size * selection.dtype.itemsize
    state = sum(tensor.nbytes for tensor in binding.state().values())
    cadence = options.weights_cadence
    selected = f"{len(selection.chosen)} of {len(selection.parameters)} parameters of {type(binding.model).__name__}"
    lines = [
        f"selected {selected} ({', '.join(selection.spec)}), P = {selection.size:,}",
        f"every {options.every} steps {size_text(rows)} of rows ({', '.join(sources) or 'none'}); "
        + (
            f"every {cadence} steps {size_text(state)} of weights"
            if cadence
            else f"weights twice, {size_text(state)} each"
        ),
    ]
    if selection.untrained:
        size = sum(each.tensor.numel() for each in selection.parameters if each.name in set(selection.untrained))
        lines.append(
            f"not selected: {len(selection.untrained)} parameters ({size:,} numbers) that are frozen or that no"
            " optimizer steps; --select takes names"
        )
    if options.intervention is not None:
        lines.append(_changed(options.intervention, selection.size, resumed=options.resume))
    if options.steps is not None:
        states = (options.steps // cadence if cadence else 1) + 1
        total = (options.steps // options.every + 1) * rows + states * state
        lines.append(f"{options.steps:,} steps make about {size_text(total)}")
    return lines


def _sources(binding: Binding, options: RecordingOptions, tasks: Collection[str]) -> list[str]:
    raw_source = None if options.intervention is None else options.intervention.raw_source
    rows = [
        row
        for row in ROW_SOURCES
        if row.stored
        and row.pattern != REWRITE  # stored where it is not zero, which nobody knows beforehand
        and (not row.optimizers or row.pattern in binding.stages)
        and (row.raw_of is None or row.pattern == raw_source)
        # What follows from the weights is stored only where those are kept more rarely.
        and (row.derived_from is None or options.thins_weights)
    ]
    rows.sort(key=_print_order)
    names = (name for row in rows for name in (map(row.name, tasks) if row.has_own_task else [row.pattern]))
    return [name for name in names if options.wants(name)]


def _print_order(row: RowSource) -> tuple[bool | int, ...]:
    """Return a key that puts what every training has first, gradients before updates and the sum before its tasks."""
    return row.raw_of is not None, row.derived_from is not None, bool(row.optimizers), row.sign, row.has_own_task


def _changed(intervention: Intervention, size: int, *, resumed: bool) -> str:
    parts = [f"intervention: {intervention.summary()}"]
    if intervention.acts and intervention.unmodified_steps and not resumed:
        parts.append(f"{intervention.unmodified_steps:,} unmodified steps first")
    if window := intervention.window_bytes(size):
        parts.append(f"the window takes {size_text(window)}")
    return "; ".join(parts)

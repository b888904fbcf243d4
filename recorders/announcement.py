"""Lines that a recording prints at its start: what is selected, what a recorded step costs on disk, what is missing."""

from __future__ import annotations

from collections.abc import Collection

from recorders.byte_size import size_text
from recorders.follow.binding import Binding
from recorders.intervention import Intervention
from recorders.recording_options import RecordingOptions
from recorders.row_sources import ROW_SOURCES, RowSource


def describe(binding: Binding, options: RecordingOptions, tasks: Collection[str]) -> list[str]:
    """Return the lines to print when a recording starts, each complete.

    Args:
        binding: what is recorded.
        options: how.
        tasks: those known so far; a task that appears later adds a row of its own to each recorded step.
    """
    selection = binding.selection
    sources = _sources(binding, options, tasks)
    rows = len(sources) * selection.size * selection.dtype.itemsize
    state = sum(tensor.nbytes for tensor in binding.state().values())
    cadence = options.schedule.weights_every
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
        and (not row.optimizers or row.pattern in binding.stages)
        and (row.raw_of is None or row.pattern == raw_source)
        # What follows from the weights is stored only where those are kept more rarely.
        and (row.derived_from is None or options.schedule.thins_weights)
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

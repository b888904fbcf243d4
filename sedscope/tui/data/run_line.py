"""Words of the line below the tabs: the run, its state, the cursor, and work under way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from recorders.format import STATE_CRASHED, STATE_DAMAGED, STATE_FINISHED, STATE_RECORDING
from sedscope.tui.data.progress_text import JobProgress

if TYPE_CHECKING:
    from sedscope.tui.data.snapshot import RunData

SIGNS = {STATE_RECORDING: "●", STATE_FINISHED: "✓", STATE_CRASHED: "✗", STATE_DAMAGED: "▲"}
STYLES = {
    STATE_RECORDING: "$success",
    STATE_FINISHED: "$foreground 60%",
    STATE_CRASHED: "$warning",
    STATE_DAMAGED: "$error",
}
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"

StyledText = tuple[str, str]


def left(data: RunData | None, cursor: float | None, problem: str = "") -> tuple[StyledText, ...]:
    """Return (text, style) of what is known of the selected run."""
    if data is None:
        return ((f" {problem}", "$error"),) if problem else ((" no run selected", "$foreground 60%"),)
    parts: list[StyledText] = [
        (f" {SIGNS.get(data.state, '')} ", STYLES.get(data.state, "")),
        (f"{data.name} ", "bold"),
        (f" {data.state} ", STYLES.get(data.state, "")),
    ]
    if cursor is not None:
        parts.append((f" t = {cursor:,.0f} ", "bold $accent"))
    if data.steps:
        parts.append((f" recorded {data.steps[0]:,} to {data.steps[-1]:,} ", "$foreground 60%"))
    parts.append((f" P = {data.manifest.P:,} ", "$foreground 60%"))
    return tuple(parts)


def right(job: JobProgress | None, room: int, now: float) -> tuple[StyledText, ...]:
    """Return (text, style) of the job that is being done."""
    if job is None:
        return ()
    coarse = " (preview shown)" if job.coarse and room > 70 else ""
    spin = _SPINNER[int(now * 2) % len(_SPINNER)]
    return ((f" {spin} {job.text(room)}{coarse}", "$accent"), (" x cancels ", "$foreground 60%"))


def jump_targets(data: RunData) -> Sequence[tuple[str, str]]:
    """Return where `g` can jump: (step, words)."""
    choices = []
    for milestones in data.milestones:
        for name, reached in (
            ("grok step (test accuracy ≥ 0.5)", milestones.grokking.grok[0]),
            ("test accuracy ≥ 0.98", milestones.grokking.grok[1]),
            ("memorised (train accuracy ≥ 0.99)", milestones.grokking.memorised),
        ):
            t = getattr(reached, "t", None)
            if t is not None:
                choices.append((str(t), f"{t:>8,}  {milestones.task}: {name}"))
    return choices

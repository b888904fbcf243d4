"""Steps that the cursor can be told to jump to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sedscope.tui.data.snapshot import RunData


def jump_targets(data: RunData) -> Sequence[tuple[str, str]]:
    """Return where `g` can jump: (step, words)."""
    choices = []
    for milestones in data.milestones:
        accuracy = milestones.grokking.accuracy
        for name, reached in (
            (f"grok step (test {accuracy} ≥ 0.5)", milestones.grokking.grok[0]),
            (f"test {accuracy} ≥ 0.98", milestones.grokking.grok[1]),
            (f"memorised (train {accuracy} ≥ 0.99)", milestones.grokking.memorised),
        ):
            t = getattr(reached, "t", None)
            if t is not None:
                choices.append((str(t), f"{t:>8,}  {milestones.task}: {name}"))
    return choices


def wrong_step(answer: str) -> str | None:
    """Return what is wrong with a typed step, or None."""
    try:
        value = float(answer)
    except ValueError:
        return f"a number is required, found {answer!r}"
    return None if 0 <= value < float("inf") else f"a step of at least 0 is required, found {answer}"

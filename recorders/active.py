"""The recording that is active in this process: at most one, and none in a forked child.

States what the rest of the package may ask of the active recording, so that nothing here needs the recording's own
module, and a script that records nothing loads no torch.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from recorders.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor, nn

    from recorders.recording_options import RecordingOptions
    from recorders.recording_output import RecordingOutput
    from recorders.selection import Selection


class ActiveRecording(Protocol):
    """A recording as the API of a training script, its probes and its backward calls use it."""

    path: Path
    """The run directory."""
    t: int
    """Completed optimizer steps."""
    options: RecordingOptions
    output: RecordingOutput
    backward: Any
    """The observer that the script's backward calls go through."""
    captures: dict[Any, Any]
    """Feature programs by how they were captured, for tasks to share."""

    def guard(self, action: Callable[[], None]) -> None:
        """Run something of ours; what it raises ends the recording, not the training."""

    def log(self, metrics: Mapping[str, Any]) -> None:
        """Record metrics of the t completed so far."""

    def add_task(self, task: str) -> bool:
        """Take notice of a task that the script has named; False where it cannot be recorded by this name."""

    def adopt(self, model: nn.Module) -> bool:
        """Take the model that the script names, unless another one is being recorded already."""

    def wants_gradient_of(self, task: str) -> bool:
        """Return whether the task's gradient is needed in the step under way."""

    @property
    def selection(self) -> Selection | None:
        """Return the selected parameters, as soon as the model is known."""

    def guess_selection(self, losses: Iterable[Tensor]) -> Selection | None:
        """Return the selected parameters, guessed from losses about to be sent backward where the model is unknown."""

    def refuse_task_gradients(self, reason: str) -> None:
        """Record without the gradients of single tasks, which cannot be taken."""


_active: ActiveRecording | None = None


def current() -> ActiveRecording | None:
    """Return the recording of this process, or None."""
    return _active


def activate(recording: ActiveRecording) -> None:
    """Make this the recording of the process.

    Raises:
        UsageError: one is active already.
    """
    global _active
    if _active is not None:
        raise UsageError(f"record: one recording at a time; {_active.path} is being recorded already")
    _active = recording


def deactivate(recording: ActiveRecording) -> None:
    """End this recording's turn; without effect when another one has it."""
    if _active is recording:
        _forget()


def _forget() -> None:
    global _active
    _active = None


if hasattr(os, "register_at_fork"):
    # Once for each process, not a look at the process id for each call: a compiled step cannot look at that.
    os.register_at_fork(after_in_child=_forget)

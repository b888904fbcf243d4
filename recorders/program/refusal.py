"""The one error of a capture: the model cannot be stored as a program, and why."""

from __future__ import annotations

from recorders.errors import RefusedError


class ProgramRefused(RefusedError):
    """The model's forward cannot be stored; the message names the operation, the module or the argument."""

"""Every error that a user can cause or meet, and the exit status that each one carries.

The statuses are decided here and nowhere else; `sedscope.cli` turns an error into one line on stderr and exits with it.
"""

from __future__ import annotations

from typing import ClassVar

EXIT_OK = 0
EXIT_CHECK_FAILED = 1
EXIT_USAGE = 2
EXIT_DAMAGED = 4
EXIT_INPUT_OUTPUT = 7


class SedscopeError(Exception):
    """An error of ours. The message is one line: the parameter or path, what is required, what was found."""

    status: ClassVar[int] = EXIT_INPUT_OUTPUT


class UsageError(SedscopeError):
    """An argument or setting is not usable."""

    status = EXIT_USAGE


class NotARunError(SedscopeError):
    """The path is not a run directory that this version reads."""

    status = 3


class DamagedError(SedscopeError):
    """A committed part of the run is missing or not what its journal says."""

    status = EXIT_DAMAGED


class RefusedError(SedscopeError):
    """The content is unsafe or outside what we accept, and was not used."""

    status = 5


class ProgramRefused(RefusedError):
    """A model's forward cannot be stored as a program; the message names the operation, the module or the argument."""


class TooLittleDataError(SedscopeError):
    """The run is whole, but holds less than the question needs."""

    status = 6


class InputOutputError(SedscopeError):
    """Reading or writing failed: disk full, read-only, locked by another recorder."""

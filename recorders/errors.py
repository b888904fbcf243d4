"""Every error that a user can cause or meet, and the exit status that each one carries.

The statuses are decided here and nowhere else; `sedscope.cli` turns an error into one line on stderr and exits with it.
"""

from __future__ import annotations

from typing import ClassVar

EXIT_OK = 0
EXIT_CHECK_FAILED = 1
EXIT_USAGE = 2
EXIT_NOT_A_RUN = 3
EXIT_DAMAGED = 4
EXIT_REFUSED = 5
EXIT_TOO_LITTLE_DATA = 6
EXIT_INPUT_OUTPUT = 7


class SedscopeError(Exception):
    """An error of ours. The message is one line: the parameter or path, what is required, what was found."""

    status: ClassVar[int] = EXIT_INPUT_OUTPUT


class UsageError(SedscopeError):
    """An argument or setting is not usable."""

    status = EXIT_USAGE


class NotARunError(SedscopeError):
    """The path is not a run directory that this version reads."""

    status = EXIT_NOT_A_RUN


class DamagedError(SedscopeError):
    """A committed part of the run is missing or not what its journal says."""

    status = EXIT_DAMAGED


class RefusedError(SedscopeError):
    """The content is unsafe or outside what we accept, and was not used."""

    status = EXIT_REFUSED


class TooLittleDataError(SedscopeError):
    """The run is whole, but holds less than the question needs."""

    status = EXIT_TOO_LITTLE_DATA


class InputOutputError(SedscopeError):
    """Reading or writing failed: disk full, read-only, locked by another recorder."""

    status = EXIT_INPUT_OUTPUT

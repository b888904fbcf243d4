"""Ctrl-C, SIGTERM and SIGHUP while a sweep runs: noted at once, raised where nothing is half done.

A signal that raised in the middle of starting a process would leave that process behind, unknown to anybody.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any, Final

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_STATUS_OF_SIGNAL: Final = 128
"""A shell gives 128 plus the signal's number to a program that a signal ended."""


class Interrupts:
    """A context manager that owns the signals in the meantime, where this is the main thread.

    Signals that are ignored (`nohup`) stay so.
    """

    def __init__(self) -> None:
        self._caught: int | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Interrupts:
        """Take the signals over."""
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                if signal.getsignal(number) not in (signal.SIG_IGN, None):
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        """Give them back."""
        while self._before:
            signal.signal(*self._before.popitem())

    def check(self) -> None:
        """Raise KeyboardInterrupt, or SystemExit for another signal, where one came; the next one acts as ever."""
        if self._caught is None:
            return
        self.__exit__()
        if self._caught == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(_STATUS_OF_SIGNAL + self._caught)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._caught = number

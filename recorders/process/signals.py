"""SIGTERM and SIGHUP while a recording runs: it is committed and closed, then the process dies of the signal.

The handler may interrupt any line of ours, one that holds the writer's lock among them. So it writes nothing itself: a
thread does, while the training goes on for that moment without being recorded. A second signal kills at once.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


class ClosingSignals:
    """Handlers of the signals that nobody else handles, where this is the main thread.

    `terminate` stops recording at once, on the main thread; its result writes what is left, on any thread.
    """

    def __init__(self, terminate: Callable[[], Callable[[], None]]) -> None:
        self._terminate = terminate
        self._pid = os.getpid()
        self._closer: threading.Thread | None = None
        self._installed: list[signal.Signals] = []
        if threading.current_thread() is threading.main_thread():
            self._install()

    def remove(self) -> None:
        """Give the signals back, unless the script has taken them since."""
        for number in self._installed:
            if signal.getsignal(number) == self._handle and threading.current_thread() is threading.main_thread():
                signal.signal(number, signal.SIG_DFL)
        self._installed.clear()

    def wait(self) -> None:
        """Let a closing that has begun come to its end, and with it the process."""
        if self._closer is not None:
            self._closer.join()

    def _install(self) -> None:
        for number in _SIGNALS:
            if signal.getsignal(number) == signal.SIG_DFL:
                signal.signal(number, self._handle)
                self._installed.append(number)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        if os.getpid() != self._pid:  # a forked child inherits the handler: it dies as it would have
            os.kill(os.getpid(), number)
            return
        write = self._terminate()

        def close_and_die() -> None:
            try:
                write()
            finally:
                os.kill(os.getpid(), number)

        self._closer = threading.Thread(target=close_and_die, name="sedscope-closing")
        self._closer.start()

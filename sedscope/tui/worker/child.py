"""The analysis process itself: `python -m sedscope.tui.worker.child`, orders on stdin, events on stdout.

Decides when it ends: at once when the viewer's end of stdin closes, however the viewer ended, so that it is never an
orphan. A job that fails is an event; the process goes on.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, BinaryIO

from sedscope.tui.terminal.error_text import error_line
from sedscope.tui.worker.events import Answered, Begin, Event, Finished, Progressed, receive, send

if TYPE_CHECKING:
    from sedscope.analysis.progress import AnalysisProgress
    from sedscope.runs import Run

_RUNS_KEPT = 8
"""Runs that stay open: a comparison goes through several again and again."""
_NICENESS = 5
"""The screen goes before the numbers."""


class Cancelled(BaseException):
    """Raised from within progress; no `except Exception` of a job holds it up."""


class Orders:
    """Orders as they come in: jobs to do, and which of them were given up."""

    def __init__(self, pipe: BinaryIO) -> None:
        self._pipe = pipe
        self.waiting: SimpleQueue[Begin] = SimpleQueue()
        self._stopped: set[int] = set()

    def listen(self) -> None:
        """Take orders until the viewer is gone, then end the process from whatever it is doing."""
        with suppress(EOFError, OSError):
            while True:
                order = receive(self._pipe)
                if isinstance(order, Begin):
                    self.waiting.put(order)
                else:
                    self._stopped.add(order.number)
        os._exit(0)

    def is_stopped(self, number: int) -> bool:
        """Return whether a job was given up."""
        return number in self._stopped


@lru_cache(maxsize=_RUNS_KEPT)
def _opened(path: str) -> Run:
    from sedscope.runs import open_run

    return open_run(Path(path))


def serve(orders: Orders, answers: BinaryIO) -> None:
    """Do one job after the other, for as long as the process lives."""
    while True:
        order = orders.waiting.get()
        send(answers, _done(order, orders, answers))


def _done(order: Begin, orders: Orders, answers: BinaryIO) -> Event:
    """Do a job, tell of it on the way, and say how it ended."""

    def tell(progress: AnalysisProgress) -> None:
        if orders.is_stopped(order.number):
            raise Cancelled
        send(answers, Progressed(order.number, progress.stage, progress.done, progress.total))

    try:
        if orders.is_stopped(order.number):
            raise Cancelled
        run = _opened(order.job.path)
        run.refresh()
        for value, final in order.job.run(run, tell):
            send(answers, Answered(order.number, value, final))
            if orders.is_stopped(order.number):
                raise Cancelled
    except Cancelled:
        return Finished(order.number, cancelled=True)
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it was, the viewer says it in a line and the process goes on
        return Finished(order.number, error=error_line(error))
    return Finished(order.number)


def main() -> None:
    """Keep the pipes to ourselves, so that a print somewhere cannot break them, and serve."""
    orders, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(2, 1)
    with suppress(OSError):
        os.nice(_NICENESS)
    inbox = Orders(orders)
    Thread(target=inbox.listen, name="orders", daemon=True).start()
    try:
        serve(inbox, answers)
    except (BrokenPipeError, KeyboardInterrupt):
        os._exit(0)


if __name__ == "__main__":
    main()
    sys.exit(0)

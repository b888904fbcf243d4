"""Independent pieces of work on all cores, one core each.

The operations of a JVP are too small for two cores to share one, so pieces run side by side instead: two cores
are never slower than one, and every number is the same whatever the number of cores. Leaves to others: the pieces.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from threading import Event

import torch

Tick = Callable[[int], None]
"""Called by a piece with the units of work since its last call; raises when another piece has failed."""
Piece = Callable[[Tick], None]
"""A piece of work; it calls its tick after every unit."""


class _Stopped(BaseException):
    """Raised from within a piece's tick to end it; no `except Exception` of a piece holds it up."""


def worker_count(device: torch.device) -> int:
    """Return the number of pieces to run at a time: the cores that torch may use, one on an accelerator."""
    if device.type != "cpu":
        return 1
    return max(1, min(torch.get_num_threads(), len(os.sched_getaffinity(0))))


def run_pieces(pieces: Sequence[Piece], workers: int, on_tick: Tick) -> None:
    """Run every piece to its end, so many at a time (`workers`); they are independent, and begun in their order.

    `on_tick` is called for every unit, on this thread. An error in it, or Ctrl-C, stops the pieces at their next unit.

    Raises:
        Exception: The first one that a piece raised; the other pieces are stopped.
    """
    stop = Event()
    ticks: SimpleQueue[int | None] = SimpleQueue()

    def tick(count: int) -> None:
        if stop.is_set():
            raise _Stopped
        ticks.put(count)

    def work(piece: Piece) -> None:
        try:
            if not stop.is_set():
                piece(tick)
        except _Stopped:
            pass
        except BaseException:
            stop.set()
            raise
        finally:
            ticks.put(None)

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(workers, "sedscope", torch.set_num_threads, (1,)) as pool:
            futures = [pool.submit(work, piece) for piece in pieces]
            try:
                running = len(pieces)
                while running:
                    if (count := ticks.get()) is None:
                        running -= 1
                    else:
                        on_tick(count)
            finally:
                stop.set()
    finally:
        torch.set_num_threads(threads)
    for future in futures:
        future.result()

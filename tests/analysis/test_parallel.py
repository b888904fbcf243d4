"""Pieces on several cores: every unit is told once, and one failure or interrupt ends them all."""

from __future__ import annotations

import threading

import pytest
import torch

from sedscope.analysis.parallel import Tick, run_pieces


def test_every_unit_of_every_piece_is_told_on_the_calling_thread() -> None:
    told: list[threading.Thread] = []
    threads: list[int] = []

    def piece(tick: Tick) -> None:
        threads.append(torch.get_num_threads())
        for _ in range(3):
            tick(1)

    before = torch.get_num_threads()
    run_pieces([piece] * 5, 2, lambda _: told.append(threading.current_thread()))
    assert told == [threading.current_thread()] * 15
    assert threads == [1] * 5
    assert torch.get_num_threads() == before


def test_the_first_error_stops_the_other_pieces() -> None:
    begun: list[int] = []

    def failing(_: Tick) -> None:
        raise ValueError("no such node")

    def endless(tick: Tick) -> None:
        begun.append(1)
        while True:
            tick(1)

    with pytest.raises(ValueError, match="no such node"):
        run_pieces([endless, failing, endless], 2, lambda _: None)
    assert len(begun) == 1


def test_what_the_listener_raises_stops_the_pieces_at_their_next_unit() -> None:
    units: list[int] = []

    def endless(tick: Tick) -> None:
        while True:
            units.append(1)
            tick(1)

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    before = torch.get_num_threads()
    with pytest.raises(KeyboardInterrupt):
        run_pieces([endless, endless], 1, interrupt)
    assert torch.get_num_threads() == before
    assert threading.active_count() == 1 or all(not one.name.startswith("sedscope") for one in threading.enumerate())

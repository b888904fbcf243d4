"""The plot area as cells: who owns a cell, its character, and the runs that a row becomes.

A cell shows the thing of highest rank that set a dot in it. Curves of one rank share the cell's dots, so that crossings
stay whole; the cell's colour is that of the curve painted last.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sedscope.tui.plot import dots
from sedscope.tui.plot.data import Bools
from sedscope.tui.plot.dots import Codes, Grid

GRID, RULE, BAND, FAINT, CURVE, PICKED, MARK = range(1, 8)
"""Ranks, lowest first; 0 is an empty cell."""


class Canvas:
    """Cells under construction."""

    def __init__(self, grid: Grid) -> None:
        shape = (grid.height, grid.width)
        self.grid = grid
        self._bits: NDArray[np.uint8] = np.zeros(shape, dtype=np.uint8)
        self._codes: Codes = np.full(shape, ord(" "), dtype=np.uint32)
        self._rank: NDArray[np.int8] = np.zeros(shape, dtype=np.int8)
        self._key: NDArray[np.int16] = np.zeros(shape, dtype=np.int16)
        self._names: list[str] = ["plot"]

    def paint(self, mask: Bools, key: str, rank: int, glyph: str) -> None:
        """Set dots; an ASCII grid shows `glyph` in each cell that has one."""
        bits = dots.bits(self.grid, mask)
        some = bits > 0
        over = some & (rank > self._rank)
        beside = some & (rank == self._rank)
        self._bits[over] = bits[over]
        self._bits[beside] |= bits[beside]
        painted = over | beside
        self._codes[painted] = dots.braille(self._bits[painted]) if self.grid.down == 4 else ord(glyph)
        self._rank[painted] = rank
        self._key[painted] = self._number(key)

    def put(self, row: int, column: int, text: str, key: str, rank: int) -> None:
        """Put single-cell characters over whatever has a lower rank; what does not fit is cut."""
        for offset, character in enumerate(text[: max(self.grid.width - column, 0)]):
            place = (row, column + offset)
            if self._rank[place] < rank:
                self._codes[place] = ord(character)
                self._rank[place] = rank
                self._key[place] = self._number(key)

    def bare(self) -> Bools:
        """[height, width] cells with no more than background in them."""
        return self._rank <= RULE

    def codes(self) -> Codes:
        """[height, width] code points."""
        return self._codes

    def keys(self) -> tuple[tuple[str, ...], ...]:
        """[height][width] style keys."""
        names = self._names
        return tuple(tuple(names[k] for k in row) for row in self._key.tolist())

    def rows(self) -> list[list[tuple[str, str]]]:
        """Runs of each row; blanks join whatever they stand beside, for fewer and longer runs."""
        return [self._runs(row) for row in range(self.grid.height)]

    def _runs(self, row: int) -> list[tuple[str, str]]:
        text = self._codes[row].astype("<u4").tobytes().decode("utf-32-le")
        key = self._key[row]
        edges = [0, *(np.flatnonzero(key[1:] != key[:-1]) + 1).tolist(), len(text)]
        return [(text[a:b], self._names[key[a]]) for a, b in pairwise(edges)]

    def _number(self, key: str) -> int:
        if key not in self._names:
            self._names.append(key)
        return self._names.index(key)

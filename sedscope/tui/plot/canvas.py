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

_GROUNDS = 16
"""More than there are grounds: a style's number is that of its key times this, plus that of its ground."""
_LOWEST_BLOCK = 0x2581
"""The block that fills the lowest eighth of a cell; seven more follow it."""


class Canvas:
    """Cells under construction."""

    def __init__(self, grid: Grid) -> None:
        shape = (grid.height, grid.width)
        self.grid = grid
        self._bits: NDArray[np.uint8] = np.zeros(shape, dtype=np.uint8)
        self._codes: Codes = np.full(shape, ord(" "), dtype=np.uint32)
        self._rank: NDArray[np.int8] = np.zeros(shape, dtype=np.int8)
        self._key: NDArray[np.int16] = np.zeros(shape, dtype=np.int16)
        self._ground: NDArray[np.int8] = np.full(shape, -1, dtype=np.int8)
        self._half: NDArray[np.int8] = np.full(shape, -1, dtype=np.int8)
        self._edge: Bools = np.zeros(shape, dtype=bool)
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
        self._square(over)
        self._codes[painted] = dots.braille(self._bits[painted]) if self.grid.down == 4 else ord(glyph)
        self._rank[painted] = rank
        self._key[painted] = self._number(key)

    def shade(self, mask: Bools, hue: int) -> None:
        """Tint cells that the braille mask covers; its upper and lower edge are drawn in eighths of a cell."""
        bits = dots.bits(self.grid, mask)
        eighths, upper = dots.COUNTS[bits], (bits & dots.TOP_ROW) > 0
        edge = (eighths > 0) & (eighths < 8) & (self._rank < BAND) & (self._ground < 0)
        hanging = edge & upper
        self._edge |= edge
        self._half[eighths >= 4] = hue
        self._ground[(eighths == 8) | hanging | (~edge & (eighths >= 4))] = hue
        for cells, key, heights in ((edge & ~upper, f"ground.{hue}", eighths), (hanging, "cave", 8 - eighths)):
            self._codes[cells] = heights[cells].astype(np.uint32) + (_LOWEST_BLOCK - 1)
            self._rank[cells] = BAND
            self._key[cells] = self._number(key)

    def _square(self, cells: Bools) -> None:
        """Tint a cell whole or not at all where something is painted over a band's edge."""
        covered = cells & self._edge
        self._ground[covered] = self._half[covered]

    def put(self, row: int, column: int, text: str, key: str, rank: int) -> None:
        """Put single-cell characters over whatever has a lower rank; what does not fit is cut."""
        for offset, character in enumerate(text[: max(self.grid.width - column, 0)]):
            cell = (row, column + offset)
            if self._rank[cell] < rank:
                self._codes[cell] = ord(character)
                if self._edge[cell]:
                    self._ground[cell] = self._half[cell]
                self._rank[cell] = rank
                self._key[cell] = self._number(key)

    def is_free(self, row: int, column: int, cells: int) -> bool:
        """Return whether cells lie on the canvas and hold no curve."""
        inside = column >= 0 and column + cells <= self.grid.width
        return inside and bool((self._rank[row, column : column + cells] < FAINT).all())

    def cell(self, row: int, column: int) -> tuple[str, str, bool]:
        """Return a cell's character and style key, and whether it holds no more than background."""
        cell = (row, column)
        key = self._name(int(self._key[cell]), int(self._ground[cell]))
        return chr(self._codes[cell]), key, bool(self._rank[cell] <= BAND)

    def rows(self) -> list[list[tuple[str, str]]]:
        """Return each row's runs. A blank takes the style left of it on the same ground: fewer, longer runs."""
        styles = self._key.astype(np.int32) * _GROUNDS + self._ground + 1
        columns = np.arange(self.grid.width)
        own_style = self._rank > 0
        own_style[:, 1:] |= self._ground[:, 1:] != self._ground[:, :-1]
        styles = np.take_along_axis(styles, np.maximum.accumulate(np.where(own_style, columns, 0), axis=1), axis=1)
        breaks = styles[:, 1:] != styles[:, :-1]
        names = {style: self._name(style // _GROUNDS, style % _GROUNDS - 1) for style in np.unique(styles).tolist()}
        return [self._runs(row, styles[row], np.flatnonzero(breaks[row]) + 1, names) for row in range(len(styles))]

    def _runs(
        self, row: int, styles: NDArray[np.int32], inner: NDArray[np.intp], names: dict[int, str]
    ) -> list[tuple[str, str]]:
        text = self._codes[row].astype("<u4").tobytes().decode("utf-32-le")
        edges = [0, *inner.tolist(), len(text)]
        return [(text[a:b], names[s]) for (a, b), s in zip(pairwise(edges), styles[edges[:-1]].tolist(), strict=True)]

    def _name(self, key: int, ground: int) -> str:
        return self._names[key] if ground < 0 else f"{self._names[key]}/{ground}"

    def _number(self, key: str) -> int:
        if key not in self._names:
            self._names.append(key)
        return self._names.index(key)

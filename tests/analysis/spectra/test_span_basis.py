"""Directions of small windows, written in the basis of a large one, whatever stands in the rows beside them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from sedscope.analysis.spectra.window_svd import (
    SpanBasis,
    WindowSVD,
    combinations,
    combine_rows,
    decompose_window,
    span_basis,
)
from sedscope.analysis.spectra.windows import Window
from sedscope.analysis.undefined import Undefined

OUTER = Window(0, 0, 20, 20)
SPIKES = [10.0**exponent for exponent in range(3, 13)]


def rows_of(seed: int) -> NDArray[np.float64]:
    return np.random.default_rng(seed).standard_normal((20, 300)) * np.linspace(1.0, 3.0, 20)[:, None]


def basis_of(rows: NDArray[np.float64]) -> SpanBasis:
    with np.errstate(invalid="ignore"):
        basis = span_basis(rows @ rows.T, OUTER)
    assert isinstance(basis, SpanBasis)
    return basis


def differences(rows: NDArray[np.float64], windows: list[Window]) -> list[float]:
    """How far the directions by way of the basis are from the leading right singular vectors of the window's rows."""
    basis = basis_of(rows)
    vectors = combine_rows(basis.coefficients, rows)
    np.testing.assert_allclose(vectors @ vectors.T, np.eye(len(vectors)), atol=1e-9)
    lengths = []
    for window in windows:
        inside = rows[window.start : window.stop]
        plain = np.linalg.svd(inside, full_matrices=False)[2][:3]
        svd = decompose_window(inside @ inside.T)
        assert isinstance(svd, WindowSVD)
        expressed = basis.express(window, combinations(svd, 3))
        assert not isinstance(expressed, Undefined)
        found = expressed.T @ vectors
        signs = np.sign((found * plain[: len(found)]).sum(axis=1))
        lengths.append(float(np.abs(found * signs[:, None] - plain[: len(found)]).max()))
    return lengths


def windows_beside(position: int) -> list[Window]:
    """Windows of W = 1, 3 and 5 within the span that do not hold the row at the position."""
    starts = [(start, size) for size in (1, 3, 5) for start in range(21 - size)]
    return [Window(0, a, a + size, size) for a, size in starts if not a <= position < a + size]


@pytest.mark.parametrize("spike", SPIKES, ids="{:.0e}".format)
def test_a_huge_row_beside_a_window_leaves_its_directions_alone(spike: float) -> None:
    for position in range(20):
        rows = rows_of(position)
        rows[position] *= spike
        assert max(differences(rows, windows_beside(position))) < 1e-9


def test_a_tiny_row_has_its_direction() -> None:
    rows = rows_of(0)
    rows[7] *= 1e-12
    assert max(differences(rows, [Window(0, 7, 8, 1), Window(0, 6, 7, 1)])) < 1e-9


@pytest.mark.parametrize("bad", [np.nan, np.inf, 0.0])
def test_rows_without_a_direction_leave_windows_beside_them_defined(bad: float) -> None:
    for position in range(20):
        rows = rows_of(position)
        rows[position] = bad
        basis = basis_of(rows)
        assert basis.coefficients.shape == (20, 19)
        assert not basis.coefficients[position].any()
        assert max(differences(rows, windows_beside(position))) < 1e-9


def test_without_any_direction_there_is_no_basis() -> None:
    assert span_basis(np.zeros((3, 3)), Window(0, 0, 3, 3)) == Undefined("all 3 rows are zero")
    assert span_basis(np.full((3, 3), np.nan), Window(0, 0, 3, 3)) == Undefined("3 of 3 rows hold NaN or Inf")


def test_a_direction_outside_the_span_is_undefined() -> None:
    basis = basis_of(rows_of(0))
    twice_as_long = 2.0 * combinations(decompose_window(np.eye(1)))  # of one row: no unit direction of these rows
    lost = basis.express(Window(0, 4, 5, 1), twice_as_long)
    assert isinstance(lost, Undefined) and lost.reason.startswith("W 1 is lost to rounding among the 20 rows around it")

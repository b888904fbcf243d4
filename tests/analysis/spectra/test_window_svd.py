"""Spectra from the banded Gram matrix against a separate singular value decomposition of every window."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recorders.errors import UsageError
from sedscope.analysis.spectra.gram import banded_gram
from sedscope.analysis.spectra.window_svd import (
    WindowSVD,
    apply_combinations,
    combinations,
    decompose_window,
    flatness,
    subspace_cosines,
)
from sedscope.analysis.spectra.windows import Window, place_windows
from sedscope.analysis.undefined import Undefined


def decaying_rows(n_rows, n_columns, seed=0, decay=0.6):
    generator = np.random.default_rng(seed)
    rows = generator.standard_normal((n_rows, n_columns))
    return rows + 30 * decay ** np.arange(n_rows)[:, None] * generator.standard_normal(n_columns)


def reader(rows):
    return lambda start, stop, columns: rows[start:stop, columns]


def of(rows):
    found = decompose_window(np.asarray(rows, dtype=np.float64) @ np.asarray(rows, dtype=np.float64).T)
    assert isinstance(found, WindowSVD)
    return found


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("align", ["trailing", "leading"])
def test_every_window_against_numpy_svd(dtype, align):
    rows = decaying_rows(33, 700).astype(dtype)
    gram = banded_gram(reader(rows), 33, 700, 8, buffer_bytes=40_000)
    for window in place_windows(range(33), range(33), 8, align):
        block = rows[window.start : window.stop].astype(np.float64)
        found = decompose_window(gram.window(window.start, window.stop))
        assert isinstance(found, WindowSVD)
        _, sigma, right = np.linalg.svd(block, full_matrices=False)
        np.testing.assert_allclose(found.sigma, sigma, rtol=1e-8)
        directions = apply_combinations(reader(rows), window, combinations(found, 3), 700, buffer_bytes=9_000)
        k = len(directions)
        np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1.0, atol=1e-9)
        np.testing.assert_allclose(np.abs(np.sum(directions * right[:k], axis=1)), 1.0, atol=1e-8)


def test_smaller_windows_are_served_by_the_same_band():
    rows = decaying_rows(12, 50)
    gram = banded_gram(reader(rows), 12, 50, 6)
    np.testing.assert_allclose(gram.window(4, 8), rows[4:8] @ rows[4:8].T, rtol=1e-12)
    np.testing.assert_allclose(gram.window(11, 12), rows[11:] @ rows[11:].T, rtol=1e-12)
    with pytest.raises(UsageError, match="at most 6 of 12"):
        gram.window(0, 7)
    with pytest.raises(UsageError, match="at most 6 of 12"):
        gram.window(11, 13)


@pytest.mark.parametrize("buffer_bytes", [1, 3_000, 96 << 20])
def test_every_number_is_read_exactly_once(buffer_bytes):
    rows = decaying_rows(23, 61)
    times_read = np.zeros(rows.shape, dtype=int)

    def read(start, stop, columns):
        times_read[start:stop, columns] += 1
        return rows[start:stop, columns]

    gram = banded_gram(read, 23, 61, 5, buffer_bytes=buffer_bytes)
    assert (times_read == 1).all()
    np.testing.assert_allclose(gram.window(18, 23), rows[18:] @ rows[18:].T, rtol=1e-10)


def test_memory_stays_within_the_buffer():
    def read(start, stop, columns):
        return np.ones((stop - start, columns.stop - columns.start), dtype=np.float32)

    tracemalloc.start()
    banded_gram(read, 500, 20_000, 10, buffer_bytes=1 << 20)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    band_and_products = 8 * 500 * 19 + 8 * 20 * 29
    assert 0.2 * (1 << 20) < peak < (1 << 20) + 2 * band_and_products


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_bad_row_spoils_only_its_windows(value):
    rows = decaying_rows(10, 20)
    rows[4, 7] = value
    gram = banded_gram(reader(rows), 10, 20, 3)
    states = [decompose_window(gram.window(start, start + 3)) for start in range(8)]
    assert [isinstance(state, Undefined) for state in states] == [start in (2, 3, 4) for start in range(8)]
    assert states[2] == Undefined("1 of 3 rows hold NaN or Inf")


def test_undefined_windows_say_why():
    assert decompose_window(np.zeros((4, 4))) == Undefined("all 4 rows are zero")
    assert decompose_window(np.zeros((0, 0))) == Undefined("the window holds no rows")
    one = of([[3.0, 4.0]])
    assert one.sigma.tolist() == [5.0] and one.participation == 1.0
    assert one.k_star == one.gap == Undefined("a window of one row has no edge")
    assert of([[1.0, 0.0], [2.0, 0.0]]).k_star == Undefined("all 2 rows are parallel: σ_2 is zero to rounding")


def test_undefined_is_no_truth_value():
    with pytest.raises(TypeError, match="reason here"):
        bool(Undefined("reason here"))


def test_literal_spectrum():
    found = of(np.diag([8.0, 4.0, 1.0, 0.5]))
    np.testing.assert_allclose(found.sigma, [8.0, 4.0, 1.0, 0.5])
    assert (found.k_star, found.gap, found.rank) == (2, pytest.approx(4.0), 4)
    assert found.participation == pytest.approx(81.25**2 / (8**4 + 4**4 + 1 + 0.5**4))


def test_the_edge_ignores_the_drop_into_rounding():
    found = of(np.diag([8.0, 2.0, 1.0, 1e-9]))
    assert (found.rank, found.k_star, found.gap) == (3, 1, pytest.approx(4.0))
    assert combinations(found).shape == (4, 3)
    assert combinations(found, 4).shape == (4, 3)


def test_scale_does_not_matter():
    small, large = of(1e-150 * np.diag([8.0, 4.0, 1.0])), of(1e150 * np.diag([8.0, 4.0, 1.0]))
    assert small.k_star == large.k_star == 2
    assert small.participation == pytest.approx(large.participation)


@pytest.mark.parametrize(
    ("sigma", "rank", "reason"),
    [
        ([9.0, 3.0, 2.9, 0.1], 1, None),
        ([9.0, 8.8, 8.6, 0.1], 2, "σ_2/σ_3 = 1.02 is below 1.1"),
        ([9.0, 3.0, 2.9, 0.1], 2, "K = 2 exceeds the participation ratio 1.44"),
        ([9.0, 8.9, 8.8, 0.1], 3, "K = 3 exceeds the participation ratio 3"),
        ([9.0, 9.0, 9.0], 3, None),
    ],
)
def test_flat_spectra_say_why(sigma, rank, reason):
    assert flatness(of(np.diag(sigma)), rank) == reason


def test_a_basis_has_at_least_one_direction():
    with pytest.raises(UsageError, match="at least 1 direction; found 0"):
        combinations(of(np.eye(2)), 0)


@settings(deadline=None, max_examples=30)
@given(st.permutations(range(6)), st.integers(0, 5), st.floats(1e-6, 1e6))
def test_neither_the_order_nor_the_scale_of_rows_changes_the_subspace(order, seed, scale):
    rows = decaying_rows(6, 40, seed)
    window = Window(5, 0, 6, 6)
    bases = [
        apply_combinations(reader(x), window, combinations(of(x), 3), 40) for x in (rows, scale * rows[list(order)])
    ]
    np.testing.assert_allclose(subspace_cosines(bases[0] @ bases[1].T), 1.0, atol=1e-9)


def test_signs_are_settled():
    rows = decaying_rows(6, 40)
    left = of(rows).left
    largest = left[np.argmax(np.abs(left), axis=0), range(6)]
    assert (largest > 0).all()

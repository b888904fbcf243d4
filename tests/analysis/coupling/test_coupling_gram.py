"""Other windows and ranks from one coupling Gram matrix; the ceiling; random directions."""

from __future__ import annotations

import numpy as np
import pytest
from plain_gram import gram_of

from recorders.errors import UsageError
from sedscope.analysis.coupling.coupling_sums import coupling
from sedscope.analysis.coupling.response import CouplingGram, ceiling
from sedscope.analysis.features.centroid_jvp import exact_jvps
from sedscope.analysis.features.random_directions import RandomDirections
from sedscope.analysis.spectra.window_svd import (
    SpanBasis,
    WindowSVD,
    apply_combinations,
    combinations,
    decompose_window,
    span_basis,
)
from sedscope.analysis.spectra.windows import Window


def spectrum_of(rows):
    found = decompose_window(rows @ rows.T)
    assert isinstance(found, WindowSVD)
    return found


def test_smaller_windows_from_the_coupling_gram_of_a_larger_one(fixture_run):
    rows, model = fixture_run.gradients, fixture_run.model(20)
    outer = Window(500, 11, 21, 10)
    span = span_basis(rows[11:21] @ rows[11:21].T, outer)
    assert isinstance(span, SpanBasis)

    def read(start, stop, columns):
        return rows[start:stop, columns]

    basis = apply_combinations(read, outer, span.coefficients, rows.shape[1])
    gram = gram_of(exact_jvps(model, basis), len(basis), 96)
    for start, stop in ((11, 21), (16, 21), (20, 21)):
        inner = Window(500, start, stop, stop - start)
        own = combinations(spectrum_of(rows[start:stop]))
        directions = apply_combinations(read, inner, own, rows.shape[1])
        plain = coupling(exact_jvps(model, directions), len(directions), 96)
        np.testing.assert_allclose(gram.coupling(span.express(inner, own)).sums, plain.sums, rtol=1e-7)
    highest, strongest = ceiling(gram.B), np.linalg.eigh(gram.B)[1][:, -1]
    reached = coupling(exact_jvps(model, [strongest @ basis]), 1, 96).A
    np.testing.assert_allclose(reached, highest, rtol=1e-9)
    assert (np.diagonal(gram.B) <= highest).all()


@pytest.mark.parametrize("spike", [1e3, 1e6, 1e8, 1e12, np.nan])
def test_a_huge_or_broken_row_of_the_span_leaves_the_coupling_of_windows_beside_it_alone(fixture_run, spike):
    rows, model = fixture_run.gradients.astype(np.float64), fixture_run.model(20)
    rows[15] *= spike
    outer = Window(500, 11, 21, 10)
    span = span_basis(rows[11:21] @ rows[11:21].T, outer)
    assert isinstance(span, SpanBasis)

    def read(start, stop, columns):
        return rows[start:stop, columns]

    basis = apply_combinations(read, outer, span.coefficients, rows.shape[1])
    gram = gram_of(exact_jvps(model, basis), len(basis), 96)
    for start, stop in ((11, 15), (16, 21), (20, 21)):
        plain_directions = np.linalg.svd(rows[start:stop], full_matrices=False)[2][:3]
        plain = coupling(exact_jvps(model, plain_directions), len(plain_directions), 96)
        own = combinations(spectrum_of(rows[start:stop]), 3)
        expressed = span.express(Window(500, start, stop, stop - start), own)
        np.testing.assert_allclose(gram.coupling(expressed).sums, plain.sums, rtol=1e-6)


def test_windows_outside_are_refused():
    span = span_basis(np.eye(3), Window(0, 1, 4, 3))
    assert isinstance(span, SpanBasis)
    with pytest.raises(UsageError, match=r"rows 0:2 must lie within the computed 1:4"):
        span.express(Window(0, 0, 2, 2), np.ones((2, 1)))


def test_combinations_must_fit():
    with pytest.raises(UsageError, match="of 2 directions; found 3"):
        CouplingGram(np.zeros((1, 2, 2)), np.array([4])).coupling(np.ones((3, 1)))


def test_no_direction_of_the_span_exceeds_the_ceiling():
    generator = np.random.default_rng(0)
    basis, factor = np.linalg.qr(generator.standard_normal((9, 4)))[0].T, generator.standard_normal((9, 9))
    metric = factor @ factor.T
    found = ceiling(basis @ metric @ basis.T)
    tried = generator.standard_normal((20_000, 4)) @ basis
    quotients = np.einsum("ij,jk,ik->i", tried, metric, tried) / (tried**2).sum(1)
    assert 0.9 * found < quotients.max() <= found * (1 + 1e-12)


def test_a_ceiling_of_infinite_coupling_is_undefined():
    assert "NaN or Inf" in ceiling(np.full((2, 2), np.inf)).reason


def test_random_directions():
    few, more = RandomDirections(2, 500, seed=1), RandomDirections(20, 500, seed=1)
    np.testing.assert_array_equal(np.stack(few[:]), np.stack(more[:2]))
    np.testing.assert_array_equal(few[-1], few[1])
    assert len(few) == len(list(few)) == 2
    matrix = np.stack(list(more))
    np.testing.assert_allclose(np.linalg.norm(matrix, axis=1), 1.0)
    off_diagonal = matrix @ matrix.T - np.eye(20)
    assert np.abs(off_diagonal).max() < 0.25
    assert not np.array_equal(few[0], RandomDirections(1, 500, seed=2)[0])
    with pytest.raises(IndexError):
        few[2]


@pytest.mark.parametrize("arguments", [(0, 5, 0), (1, 0, 0), (1, 1, -1)])
def test_impossible_draws(arguments):
    with pytest.raises(UsageError, match="random"):
        RandomDirections(*arguments)

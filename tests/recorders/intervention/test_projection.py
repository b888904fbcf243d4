"""Keeping, removing and the rolling basis, by properties and against a plain SVD."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from recorders.intervention.projection import (
    RandomSubspaces,
    RollingWindow,
    Subspace,
    keep,
    remove,
    subspace_of,
    with_norm,
)

CPU = torch.device("cpu")


def drawn(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


subspaces = st.tuples(st.integers(0, 10**6), st.integers(1, 6), st.integers(0, 20)).map(
    lambda it: (subspace_of(drawn(it[0], it[1], it[1] + it[2])), drawn(it[0] + 1, it[1] + it[2]))
)


@settings(max_examples=60, deadline=None)
@given(subspaces, st.floats(1e-6, 1e6))
def test_a_projection_is_idempotent_splits_the_vector_and_never_adds_norm(
    given: tuple[Subspace, Tensor], size: float
) -> None:
    span, vector = given[0], given[1] * size
    kept, removed = keep(span, vector), remove(span, vector)
    whole = float(vector.norm())
    assert torch.allclose(keep(span, kept), kept, rtol=0, atol=1e-10 * whole)
    assert torch.allclose(remove(span, removed), removed, rtol=0, atol=1e-10 * whole)
    assert torch.allclose(kept + removed, vector, rtol=0, atol=1e-12 * whole)
    assert float((span.rows @ removed).abs().max() / span.rows.norm()) <= 1e-10 * whole
    assert float(kept.norm()) <= whole * (1 + 1e-12) and float(removed.norm()) <= whole * (1 + 1e-12)


def test_with_norm() -> None:
    assert with_norm(torch.tensor([3.0, 4.0]), 10.0).tolist() == [6.0, 8.0]
    assert with_norm(torch.zeros(2), 10.0).tolist() == [0.0, 0.0]


def projector(span: Subspace) -> np.ndarray:
    """The matrix [P, P] of keeping."""
    return np.stack([keep(span, unit).numpy() for unit in torch.eye(span.rows.shape[1], dtype=torch.float64)])


def svd_projector(rows: np.ndarray, rank: int) -> np.ndarray:
    """The oracle: the projector on the top right singular vectors, by a fresh SVD."""
    v = np.linalg.svd(rows, full_matrices=False)[2][:rank]
    return v.T @ v


@pytest.mark.parametrize("pushes", [7, 12, 40])
@pytest.mark.parametrize("rank", [1, 3, 7])
def test_the_rolling_basis_spans_what_a_fresh_svd_spans(pushes: int, rank: int) -> None:
    # Rows as they come in a training: one direction much larger than the others, and float32.
    rows = (drawn(pushes, pushes, 30) + 300 * drawn(1, 1, 30)).float().double()
    window = RollingWindow(7, 30, rank, CPU)
    for index, row in enumerate(rows):
        assert window.is_full == (index >= 7)
        assert window.push(row)
    top = window.top()
    assert top.rows.shape == (rank, 30)
    np.testing.assert_allclose(projector(top), svd_projector(rows[-7:].numpy(), rank), atol=1e-8)


def test_a_window_that_spans_less_than_the_rank_gives_what_there_is() -> None:
    window = RollingWindow(4, 10, 3, CPU)
    for factor in (1.0, -2.0, 0.0, 1e-3):
        window.push(factor * drawn(0, 10))
    top = window.top()
    assert top.rows.shape == (1, 10)
    np.testing.assert_allclose(projector(top), svd_projector(drawn(0, 1, 10).numpy(), 1), atol=1e-12)
    empty = RollingWindow(2, 10, 2, CPU)
    empty.push(torch.zeros(10, dtype=torch.float64))
    empty.push(torch.zeros(10, dtype=torch.float64))
    assert keep(empty.top(), drawn(0, 10)).tolist() == [0.0] * 10


def test_weak_directions_are_projected_on_exactly_too() -> None:
    directions = torch.linalg.qr(drawn(3, 3, 50).T)[0].T
    window = RollingWindow(3, 50, 3, CPU)
    for scale, direction in zip((1.0, 1e-3, 1e-6), directions, strict=True):
        window.push(scale * (direction + directions[0]))
    found = projector(window.top())
    np.testing.assert_allclose(found @ found, found, atol=1e-9)
    np.testing.assert_allclose(found, (directions.T @ directions).numpy(), atol=1e-5)


@pytest.mark.parametrize("odd", [float("nan"), float("inf")])
def test_a_row_that_is_not_finite_is_left_out(odd: float) -> None:
    window, rows = RollingWindow(2, 5, 2, CPU), drawn(0, 3, 5)
    window.push(rows[0])
    assert not window.push(torch.full((5,), odd, dtype=torch.float64))
    window.push(rows[1])
    assert window.is_full
    np.testing.assert_allclose(keep(window.top(), rows[1]).numpy(), rows[1].numpy(), atol=1e-12)


def test_random_subspaces_depend_on_seed_and_step_and_leave_the_scripts_numbers_alone() -> None:
    torch.manual_seed(1)
    np.random.seed(1)
    states = torch.get_rng_state(), np.random.get_state()[1].tolist()
    each = RandomSubspaces(3, 200, seed=4, once=False, device=CPU)
    first, second, again = (each.subspace(t).rows.clone() for t in (0, 1, 0))
    assert torch.equal(first, again) and not torch.equal(first, second)
    once = RandomSubspaces(3, 200, seed=4, once=True, device=CPU)
    assert torch.equal(once.subspace(7).rows.clone(), once.subspace(8).rows)
    assert not torch.equal(RandomSubspaces(3, 200, seed=5, once=False, device=CPU).subspace(0).rows, first)
    assert torch.equal(torch.get_rng_state(), states[0]) and np.random.get_state()[1].tolist() == states[1]


def test_random_subspaces_are_uniform() -> None:
    """A fixed direction keeps K/P of its squared norm on average: here 2/8, over 2,000 draws."""
    draws = RandomSubspaces(2, 8, seed=0, once=False, device=CPU)
    kept = [float(keep(draws.subspace(t), torch.eye(8, dtype=torch.float64)[3]).square().sum()) for t in range(2000)]
    assert np.mean(kept) == pytest.approx(0.25, abs=0.02)

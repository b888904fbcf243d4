"""rank-90 and principal components against a plain singular value decomposition."""

from __future__ import annotations

import numpy as np
import pytest

from recorders.errors import UsageError
from sedscope.analysis.features.centroid_spectrum import CentroidSpectrum, centroid_spectrum
from sedscope.analysis.undefined import Undefined


@pytest.mark.parametrize("shape", [(50, 12), (12, 50), (20, 20)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_against_a_singular_value_decomposition(shape, dtype):
    generator = np.random.default_rng(0)
    matrix = (5 + generator.standard_normal(shape) * 0.7 ** np.arange(shape[1])).astype(dtype)
    found = centroid_spectrum(matrix, block_bytes=1_000)
    assert isinstance(found, CentroidSpectrum)
    centred = matrix.astype(np.float64) - matrix.astype(np.float64).mean(0)
    variances = np.linalg.svd(centred, compute_uv=False) ** 2 / shape[0]
    np.testing.assert_allclose(found.variances, variances, rtol=1e-8, atol=1e-10 * variances[0])
    for share in (0.5, 0.9, 0.99):
        plain = next(k for k in range(1, 51) if variances[:k].sum() >= share * variances.sum())
        assert found.rank(share) == plain


def test_literal_ranks():
    matrix = np.vstack((np.diag([3.0, 3.0, 1.0]), -np.diag([3.0, 3.0, 1.0])))
    found = centroid_spectrum(matrix)
    assert isinstance(found, CentroidSpectrum)
    assert [found.rank(share) for share in (0.47, 0.48, 0.9, 0.95, 1.0)] == [1, 2, 2, 3, 3]
    np.testing.assert_allclose(found.variances, [3.0, 3.0, 1 / 3])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_equal_centroids_have_rank_zero(dtype):
    value = np.random.default_rng(1).standard_normal(30).astype(dtype)
    expected = Undefined("all centroids are equal to rounding: rank 0")
    assert centroid_spectrum(np.tile(value, (40, 1))) == expected
    assert centroid_spectrum(np.zeros((40, 3), dtype)) == expected


def test_other_undefined_states():
    assert centroid_spectrum(np.ones((1, 4))) == Undefined("the spectrum of centroids needs at least 2 probes; found 1")
    assert centroid_spectrum(np.array([[1.0], [np.nan]])) == Undefined("centroids hold NaN or Inf")


@pytest.mark.parametrize("share", [0.0, 1.5, float("nan")])
def test_impossible_shares(share):
    found = centroid_spectrum(np.eye(3))
    assert isinstance(found, CentroidSpectrum)
    with pytest.raises(UsageError, match="share"):
        found.rank(share)

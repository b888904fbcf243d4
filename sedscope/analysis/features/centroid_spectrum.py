"""The number of directions that a checkpoint's centroids occupy: principal components and rank-90.

Works on the centred matrix of centroids [N, D] through its smaller Gram matrix, in float64: only variances are asked
for, and eigenvalues of D × D cost a fraction of a decomposition of N × D. Leaves to others: the centroids themselves
(`centroid_jvp`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recorders.errors import UsageError
from sedscope.analysis.arrays import Floats, Rows
from sedscope.analysis.constants import RANK_SHARE
from sedscope.analysis.undefined import Undefined


@dataclass(frozen=True, slots=True)
class CentroidSpectrum:
    """Principal components of the centroids of one checkpoint."""

    variances: Floats
    """Variances of the components `[min(N, D)]`, descending; their sum is the total variance, summed over coordinates
    and divided by N."""
    n_probes: int

    def rank(self, share: float = RANK_SHARE) -> int:
        """Return the least number of components that hold `share` of the variance (rank-90 by default).

        Raises:
            UsageError: The share is not above 0 and at most 1.
        """
        if not 0.0 < share <= 1.0:
            raise UsageError(f"share: must be above 0 and at most 1; found {share}")
        cumulated = np.cumsum(self.variances)
        # A share that k components hold exactly must not ask for one more because their sum was rounded down.
        return int(np.searchsorted(cumulated, share * cumulated[-1] * (1.0 - 1e-12)) + 1)


def centroid_spectrum(centroids: Rows, *, block_bytes: int = 64 << 20) -> CentroidSpectrum | Undefined:
    """Compute the principal components of μ_x `[N, D]`, float32 or float64.

    `block_bytes` bounds the float64 copies held at once beside the Gram matrix. Undefined without probes, with NaN or
    Inf, and when all centroids are equal to rounding (rank 0).
    """
    n_probes, width = centroids.shape
    if n_probes < 2:
        return Undefined(f"the spectrum of centroids needs at least 2 probes; found {n_probes}")
    largest = float(np.max(np.abs(centroids))) if centroids.size else 0.0
    if not np.isfinite(largest):
        return Undefined("centroids hold NaN or Inf")
    gram = _smaller_gram(centroids, max(1, block_bytes // (8 * max(n_probes, width))))
    total = float(np.trace(gram))
    # Each centred entry of equal centroids is a difference of roundings: a few units in the last place.
    rounding = float(np.finfo(centroids.dtype).eps) * largest
    if total <= centroids.size * (4.0 * rounding) ** 2:
        return Undefined("all centroids are equal to rounding: rank 0")
    variances = np.maximum(np.linalg.eigvalsh(gram / total)[::-1], 0.0) * (total / n_probes)
    return CentroidSpectrum(variances, n_probes)


def _smaller_gram(centroids: Rows, lines: int) -> Floats:
    """Return M^T M or M M^T of the centred matrix M, whichever is smaller, from blocks of `lines` rows or columns."""
    n_probes, width = centroids.shape
    mean = centroids.mean(axis=0, dtype=np.float64)
    gram = np.zeros((min(n_probes, width),) * 2)
    if width <= n_probes:
        for first in range(0, n_probes, lines):
            block = centroids[first : first + lines] - mean
            gram += block.T @ block
    else:
        for first in range(0, width, lines):
            block = centroids[:, first : first + lines] - mean[first : first + lines]
            gram += block @ block.T
    return gram

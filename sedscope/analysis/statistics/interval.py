"""95 % intervals of R̄_k and of cosines: percentile bootstrap over groups of probes and random directions.

Both are resampled jointly: one draw of groups serves the SED directions and the baseline alike, and any two sources of
a checkpoint, so that the interval of their quotient is a paired one. v_k, the fixed batch
and the peak step are held fixed, so an interval says how well *these* directions were measured, not how they vary over
batches or seeds (docs/report.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from recorders.errors import UsageError
from sedscope.analysis.arrays import Floats, Ints
from sedscope.analysis.constants import BOOTSTRAP_SEED, LEVEL, RESAMPLES
from sedscope.analysis.statistics.probe_groups import GroupedCoupling
from sedscope.analysis.undefined import Undefined


@dataclass(frozen=True, slots=True)
class Interval:
    """A percentile interval and what it was drawn over."""

    low: float
    high: float
    level: float
    """0.95: the central share of the resampled values."""
    n_groups: int
    n_probes: int
    n_random: int
    """Random directions that were resampled; 0 where none take part."""
    resamples: int
    seed: int
    draws: Floats | None = field(default=None, repr=False, compare=False)
    """The resampled values in their order `[resamples]`; None in results that are kept, once quotients were taken."""


@dataclass(frozen=True, slots=True)
class RatioIntervals:
    """The intervals of one window."""

    R: tuple[Interval, ...]
    """One for each R_k."""
    rbar: Interval


def ratio_intervals(
    directions: GroupedCoupling, random: GroupedCoupling, *, resamples: int = RESAMPLES, seed: int = BOOTSTRAP_SEED
) -> RatioIntervals | Undefined:
    """Compute the intervals of R_k and R̄_k of one window.

    Args:
        directions: A of v_1 … v_K' per group.
        random: A of the random directions per group; the same groups.
        resamples: Bootstrap draws.
        seed: Seed of the draws. Equal seeds and sizes give equal draws, so differences between sources stay paired.

    Returns:
        Undefined with fewer than two groups or random directions, with NaN or Inf, or a resampled baseline of 0.

    Raises:
        UsageError: The two couplings were measured on different groups.
    """
    if not np.array_equal(directions.counts, random.counts):
        raise UsageError("interval: directions and baseline must be measured on the same groups of probes")
    reason = _why_undefined(directions, random)
    if reason is not None:
        return reason
    n_groups, n_random = directions.counts.size, len(random.sums)
    weights, _ = _draws(n_groups, n_random, resamples, seed)
    n_probes = weights @ directions.counts
    resampled = _resampled_baseline(random.sums.tobytes(), n_groups, resamples, seed) / n_probes
    if np.min(resampled) <= 0.0:
        return Undefined("a resampled baseline is zero")
    ratios = (weights @ directions.sums.T) / (n_probes * resampled)[:, None]
    columns = np.column_stack((ratios, ratios.mean(axis=1)))
    *R, rbar = _percentile_intervals(columns, directions.counts, n_random, seed)
    return RatioIntervals(tuple(R), rbar)


def matched_interval(
    directions: GroupedCoupling,
    random: GroupedCoupling,
    matched: Sequence[GroupedCoupling],
    plain: GroupedCoupling,
    *,
    resamples: int = RESAMPLES,
) -> Interval | Undefined:
    """Compute the interval of the mean R^matched of one window, over the same draws as `ratio_intervals`.

    Args:
        directions: A of v_1 … v_K' per group.
        random: A of the random directions per group; the same probes.
        matched: For each v_k, A of some random directions with its norm in every block, on the block probes.
        plain: A of the same random directions as they are, on the block probes.
        resamples: Bootstrap draws.
    """
    reason = _why_undefined(directions, random)
    if reason is not None:
        return reason
    n_groups, n_random, seed = directions.counts.size, len(random.sums), BOOTSTRAP_SEED
    weights, _ = _draws(n_groups, n_random, resamples, seed)
    # The same draws of groups; of the random directions, those that were taken block by block.
    _, block_picks = _draws(n_groups, len(plain.sums), resamples, seed)

    def medians(coupling: GroupedCoupling) -> Floats:
        return _row_medians(np.take_along_axis(weights @ coupling.sums.T, block_picks, axis=1))

    # Numbers of probes cancel: R_k has them above and below, and so has the quotient of the two medians.
    baselines = _resampled_baseline(random.sums.tobytes(), n_groups, resamples, seed)
    plain_medians = medians(plain)
    matched_medians = np.column_stack([medians(coupling) for coupling in matched])
    if min(baselines.min(), plain_medians.min(), matched_medians.min()) <= 0.0:
        return Undefined("a resampled baseline is zero")
    values = ((weights @ directions.sums.T) * (plain_medians / baselines)[:, None] / matched_medians).mean(axis=1)
    return _percentile_intervals(values[:, None], directions.counts, n_random, seed)[0]


def cosine_interval(
    along: Floats, squares: Floats, shift_squares: Floats, counts: Ints, *, resamples: int = RESAMPLES
) -> Interval | Undefined:
    """Compute the interval of the mean cosine of n directions with one shift of the centroids, over groups of probes.

    Args:
        along: ⟨J v, Δμ⟩ of each direction per group `[n, G]`.
        squares: ‖J v‖² `[n, G]`.
        shift_squares: ‖Δμ‖² `[G]`.
        counts: Probes in each group `[G]`.
        resamples: Bootstrap draws.
    """
    if counts.size < 2:
        return Undefined(f"an interval needs at least 2 groups of probes; found {counts.size}")
    weights, _ = _draws(counts.size, 1, resamples, BOOTSTRAP_SEED)
    lengths = np.sqrt((weights @ squares.T) * (weights @ shift_squares)[:, None])
    if not np.all(np.isfinite(lengths)) or lengths.min() <= 0.0:
        return Undefined("a resampled direction or shift is zero, NaN or Inf")
    return _percentile_intervals((weights @ along.T / lengths).mean(axis=1)[:, None], counts, 0, BOOTSTRAP_SEED)[0]


def quotient_ends(above: Interval, below: Interval) -> tuple[float, float] | Undefined:
    """Return the ends of the interval of one quantity over another of the same checkpoint and task.

    Draw by draw both are taken over the same groups of probes and random directions, so that what they have in common
    (in a quotient of R̄_k the whole baseline) cancels. Without draws the ends of both intervals bound it, whatever they
    have in common.
    """
    if above.draws is not None and below.draws is not None and len(above.draws) == len(below.draws):
        if np.min(below.draws) <= 0.0:
            return Undefined("a resampled divisor is zero")
        low, high = _central_share(above.draws / below.draws).tolist()
        return low, high
    if below.low <= 0.0:
        return Undefined("the divisor's interval holds zero")
    return above.low / below.high, above.high / below.low


def _central_share(values: Floats) -> Floats:
    """Return the ends between which the central 95 % of each column of resampled values lie `[2, …]`."""
    tail = 50.0 * (1.0 - LEVEL)
    return np.asarray(np.percentile(values, (tail, 100.0 - tail), axis=0))


def _percentile_intervals(values: Floats, counts: Ints, n_random: int, seed: int) -> list[Interval]:
    """Return the interval of each column of resampled values `[resamples, columns]`."""
    return [
        Interval(low, high, LEVEL, counts.size, int(counts.sum()), n_random, len(values), seed, np.array(draws))
        for (low, high), draws in zip(_central_share(values).T.tolist(), values.T, strict=True)
    ]


def _why_undefined(directions: GroupedCoupling, random: GroupedCoupling) -> Undefined | None:
    if directions.counts.size < 2:
        return Undefined(f"an interval needs at least 2 groups of probes; found {directions.counts.size}")
    if len(random.sums) < 2:
        return Undefined(f"an interval needs at least 2 random directions; found {len(random.sums)}")
    if len(directions.sums) == 0:
        return Undefined("the window has no direction")
    if not (np.all(np.isfinite(directions.sums)) and np.all(np.isfinite(random.sums))):
        return Undefined("the coupling is NaN or Inf")
    return None


@lru_cache(maxsize=8)
def _draws(n_groups: int, n_random: int, resamples: int, seed: int) -> tuple[Floats, Ints]:
    """Return how often each group is drawn `[resamples, G]`, and which random directions `[resamples, n_random]`."""
    generator = np.random.default_rng(seed)
    groups = generator.integers(n_groups, size=(resamples, n_groups))
    picks = generator.integers(n_random, size=(resamples, n_random))
    cells = (groups + n_groups * np.arange(resamples)[:, None]).ravel()
    weights = np.bincount(cells, minlength=resamples * n_groups).reshape(resamples, n_groups).astype(np.float64)
    # Every caller gets the cached arrays themselves.
    weights.setflags(write=False)
    picks.setflags(write=False)
    return weights, picks


@lru_cache(maxsize=64)
def _resampled_baseline(sums: bytes, n_groups: int, resamples: int, seed: int) -> Floats:
    """Return the median over the drawn random directions of Σ_x ‖·‖² over the drawn groups `[resamples]`.

    Most of an interval's time goes into it, and every source of a checkpoint and task has the same: it is cached by
    the bytes of the sums `[n_random, G]`, since arrays have no hash.
    """
    random = np.frombuffer(sums, dtype=np.float64).reshape(-1, n_groups)
    weights, picks = _draws(n_groups, len(random), resamples, seed)
    medians = _row_medians(np.take_along_axis(weights @ random.T, picks, axis=1))
    medians.setflags(write=False)
    return medians


def _row_medians(values: Floats) -> Floats:
    """Return the median of each row, the mean of the two middle values when there are two."""
    # Sorting short rows is several times faster than np.median, and this is where an interval spends its time.
    ordered, n = np.sort(values, axis=1), values.shape[1]
    return np.asarray(0.5 * (ordered[:, (n - 1) // 2] + ordered[:, n // 2]))

"""95 % intervals of R̄_k and of cosines, over groups of probes, random directions and fixed batches (docs/report.md).

Groups and random directions are resampled jointly: one draw of groups serves the SED directions and the baseline alike,
and any two sources of a checkpoint, so that the interval of their quotient is a paired one.

Of one batch, or of a source without any, the interval holds the middle 95 % of the resampled values. Of several, what
is covered is the mean of the logarithm of R̄_k over all batches of the pool. The estimate's variance has two terms: s²/B
of the B batches, with B − 1 degrees of freedom, and the variance of the resampled mean over these batches, for probes
and random directions are common to all of them and do not average out. The interval is Student's t on their sum, with
Welch and Satterthwaite's degrees of freedom (Welch 1947, Biometrika 34, 28–35). The peak's step and the seed are held
fixed.
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
from sedscope.analysis.statistics.survival import t_quantile
from sedscope.analysis.undefined import Undefined

_NO_GEOMETRIC_MEAN = Undefined("a batch does not move the centroids: a geometric mean with it has no interval")


@dataclass(frozen=True, slots=True)
class BatchDraws:
    """The values of one quantity by batch: as estimated, and of resampled groups of probes and random directions."""

    estimates: Floats
    """`[B]`."""
    resampled: Floats
    """`[resamples, B]`."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % interval and what it is over."""

    low: float
    high: float
    level: float
    """0.95."""
    n_groups: int
    n_probes: int
    n_random: int
    """Random directions that were resampled; 0 where none take part."""
    resamples: int
    seed: int
    n_batches: int = 1
    """Fixed batches, each with its own draw of a control, whose spread is in it; 1 where there is none."""
    draws: BatchDraws | None = field(default=None, repr=False, compare=False)
    """The values that it was made of; None in results that are kept, once quotients were taken."""


def rbar_interval(
    directions: GroupedCoupling,
    random: GroupedCoupling,
    n_batches: int = 1,
    *,
    resamples: int = RESAMPLES,
    seed: int = BOOTSTRAP_SEED,
) -> Interval | Undefined:
    """Compute the interval of R̄_k of one window, or of its geometric mean over batches.

    Args:
        directions: A of v_1 … v_K' per group, batch after batch.
        random: A of the random directions per group; the same groups.
        n_batches: B.
        resamples: Bootstrap draws.
        seed: Seed of the draws. Equal seeds and sizes give equal draws, so differences between sources stay paired.

    Returns:
        Undefined with fewer than two groups or random directions, with NaN or Inf, or a resampled baseline of 0; of
        several batches also where one does not move the centroids, for its logarithm does not exist.

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
    estimates = directions.A / np.median(random.A)
    return _interval(estimates, ratios, n_batches, directions.counts, n_random, seed)


def matched_interval(
    directions: GroupedCoupling,
    random: GroupedCoupling,
    matched: Sequence[GroupedCoupling],
    plain: GroupedCoupling,
    n_batches: int = 1,
    *,
    resamples: int = RESAMPLES,
) -> Interval | Undefined:
    """Compute the interval of the mean R^matched of one window, over the same draws as `rbar_interval`.

    Args:
        directions: A of v_1 … v_K' per group, batch after batch.
        random: A of the random directions per group; the same probes.
        matched: For each v_k, A of some random directions with its norm in every block, on the block probes.
        plain: A of the same random directions as they are, on the block probes.
        n_batches: B.
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
    values = (weights @ directions.sums.T) * (plain_medians / baselines)[:, None] / matched_medians
    factors = np.array([np.median(coupling.A) for coupling in matched]) / np.median(plain.A)
    estimates = directions.A / np.median(random.A) / factors
    return _interval(estimates, values, n_batches, directions.counts, n_random, seed)


def cosine_interval(
    along: Floats, squares: Floats, shift_squares: Floats, counts: Ints, *, resamples: int = RESAMPLES
) -> Interval | Undefined:
    """Compute the interval of the mean cosine of directions with one shift of the centroids.

    Args:
        along: ⟨J v, Δμ⟩ of each direction per group `[n, G]`; one of each batch.
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
    estimates = along.sum(axis=1) / np.sqrt(squares.sum(axis=1) * shift_squares.sum())
    ends = _ends(estimates, weights @ along.T / lengths, counts.size - 1)
    return Interval(*ends, LEVEL, counts.size, int(counts.sum()), 0, resamples, BOOTSTRAP_SEED, len(estimates))


def quotient_ends(above: Interval, below: Interval) -> tuple[float, float] | Undefined:
    """Return the ends of the interval of one quantity over another of the same checkpoint and task.

    Draw by draw and batch by batch both are taken over the same groups of probes, random directions and examples, so
    that what they have in common (in a quotient of R̄_k the whole baseline) cancels. Without draws the ends of both
    intervals bound it, whatever they have in common.
    """
    ours, theirs = above.draws, below.draws
    if ours is not None and theirs is not None:
        if min(theirs.estimates.min(), theirs.resampled.min()) <= 0.0:
            return Undefined("a resampled divisor is zero")
        # A source without batches is the same beside every batch of the other.
        quotients, resampled = ours.estimates / theirs.estimates, ours.resampled / theirs.resampled
        ends = _geometric_ends(quotients, resampled, min(above.n_groups, above.n_random) - 1)
        return _NO_GEOMETRIC_MEAN if ends is None else ends
    if below.low <= 0.0:
        return Undefined("the divisor's interval holds zero")
    return above.low / below.high, above.high / below.low


def _interval(
    estimates: Floats, resampled: Floats, n_batches: int, counts: Ints, n_random: int, seed: int
) -> Interval | Undefined:
    """Return the interval of the geometric mean over batches of the mean over k.

    Args:
        estimates: A ratio of each direction, batch after batch `[B·K']`.
        resampled: The same with resampled groups and random directions `[resamples, B·K']`.
        n_batches: B.
        counts: Probes in each group `[G]`.
        n_random: Random directions that were resampled.
        seed: Of the draws.
    """
    by_batch, values = (
        ratios.reshape(-1, n_batches, ratios.shape[-1] // n_batches).mean(axis=2) for ratios in (estimates, resampled)
    )
    ends = _geometric_ends(by_batch[0], values, min(counts.size, n_random) - 1)
    if ends is None:
        return _NO_GEOMETRIC_MEAN
    draws = BatchDraws(by_batch[0], values)
    return Interval(*ends, LEVEL, counts.size, int(counts.sum()), n_random, len(values), seed, n_batches, draws)


def _geometric_ends(estimates: Floats, resampled: Floats, freedom: int) -> tuple[float, float] | None:
    """Return the ends of a geometric mean's interval; None where a value is not above 0. Arguments as for `_ends`."""
    if len(estimates) == 1:
        return _ends(estimates, resampled, freedom)
    if min(estimates.min(), resampled.min()) <= 0.0:
        return None
    low, high = np.exp(_ends(np.log(estimates), np.log(resampled), freedom)).tolist()
    return low, high


def _ends(estimates: Floats, resampled: Floats, freedom: int) -> tuple[float, float]:
    """Return the ends of the interval of a mean over batches.

    Args:
        estimates: The value of each batch `[B]`.
        resampled: The same, of resampled groups and random directions `[resamples, B]`.
        freedom: Degrees of freedom of the resampled mean's variance.
    """
    n_batches = len(estimates)
    if n_batches == 1:
        tail = 50.0 * (1.0 - LEVEL)
        low, high = np.percentile(resampled[:, 0], (tail, 100.0 - tail)).tolist()
        return low, high
    of_batches, common = estimates.var(ddof=1) / n_batches, resampled.mean(axis=1).var(ddof=1)
    middle, variance = float(estimates.mean()), float(of_batches + common)
    if variance == 0.0:
        return middle, middle
    effective = variance**2 / (of_batches**2 / (n_batches - 1) + common**2 / freedom)
    # Whole degrees of freedom, rounded down: the interval is never narrower than it should be.
    half = t_quantile(LEVEL, max(1, int(effective))) * np.sqrt(variance)
    return middle - half, middle + half


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

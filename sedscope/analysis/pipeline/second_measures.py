"""The measures beside R at one checkpoint: R^matched, energy per block, alignment; means over the variants of a source.

R^matched of v_k is R_k divided by how much more (or less) the random directions couple once they are given v_k's norm
in every block; that quotient is taken over the probes and random directions of the block-wise products, R_k over all.
Where those are all, it is A(v_k) over the median of the matched directions, to the letter. Leaves to others: the
products.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sedscope.analysis.arrays import Floats
from sedscope.analysis.coupling.alignment import cosines, orientation, towards_mean
from sedscope.analysis.coupling.parameter_blocks import block_energies
from sedscope.analysis.coupling.response import Response, join_responses
from sedscope.analysis.pipeline.checkpoint_result import CheckpointResult, SpanResponse
from sedscope.analysis.pipeline.results import NOT_MEASURED, CheckpointAlignment, RandomAlignment
from sedscope.analysis.spectra.window_svd import WindowSVD
from sedscope.analysis.statistics.coupling_ratio import CouplingRatio, baseline, coupling_ratio
from sedscope.analysis.statistics.interval import Interval, cosine_interval, matched_interval
from sedscope.analysis.statistics.probe_groups import GroupedCoupling
from sedscope.analysis.undefined import Undefined


@dataclass(frozen=True, slots=True)
class VariantResult:
    """What is known of one variant's window at one checkpoint."""

    spectrum: WindowSVD
    answer: SpanResponse
    coefficients: Floats | None
    """`[m, K']` of the span's directions; None where those are the window's own."""
    response: Response
    """Of the window's K' directions."""
    flat: str | None


def measured_or_not(made: Sequence[VariantResult | Undefined]) -> list[VariantResult] | Undefined:
    """All variants, or the first reason why one is missing: a mean over fewer would not be what its name says."""
    absent = next((one for one in made if isinstance(one, Undefined)), None)
    return [one for one in made if isinstance(one, VariantResult)] if absent is None else absent


def energy(made: VariantResult) -> Floats:
    """‖v_k‖² within each block `[K', B]`."""
    return block_energies(made.answer.block_gram, made.coefficients)


def matched_ratio(
    made: Sequence[VariantResult], n_directions: int, found: CheckpointResult
) -> tuple[CouplingRatio | Undefined, Interval | Undefined]:
    """R^matched of each v_k, its mean over k, and the interval of that mean.

    Args:
        made: Every variant.
        n_directions: K' of all of them.
        found: The checkpoint, with the random directions.
    """
    if found.random_blocks is None or found.baseline is None:
        return NOT_MEASURED, NOT_MEASURED
    base = baseline(found.baseline.response.centroids.A)
    directions = join_responses([one.response.select(0, n_directions) for one in made]).centroids
    matched = [found.random_blocks.matched(shape) for one in made for shape in energy(one)[:n_directions]]
    plain = found.random_blocks.plain()
    whole, factors = coupling_ratio(directions.A, base), _matched_factors(matched, plain)
    if isinstance(whole, Undefined):
        return whole, whole
    if isinstance(factors, Undefined):
        return factors, factors
    values = whole.R / factors
    interval = matched_interval(directions, found.baseline.response.centroids, matched, plain)
    return CouplingRatio(values.reshape(len(made), -1).mean(axis=0), float(values.mean())), interval


def alignment(
    source: str, made: Sequence[VariantResult], n_directions: int, found: CheckpointResult
) -> CheckpointAlignment | Undefined:
    """a(v) of the window's directions and of the row at the checkpoint; means over the variants."""
    if found.next_t is None:
        return NOT_MEASURED if found.random_blocks is None else Undefined("no interval follows the last weights")
    assert found.baseline is not None
    shift = found.baseline.shift_squares
    if shift is None:
        return NOT_MEASURED
    rows, directions, responses = [], [], []
    for one in made:
        signs = orientation(source) * towards_mean(one.spectrum.left[:, :n_directions])
        directions.append(_signed(_cosines(one.response.select(0, n_directions), shift), signs))
        row = one.answer.row()
        missing = Undefined("the source has no row with a direction at the checkpoint")
        rows.append(missing if row is None else _cosines(row, shift))
        responses += [] if row is None else [row]
    at_t = _mean(rows)
    if isinstance(at_t, Undefined):
        return CheckpointAlignment(found.next_t, _mean(directions), at_t, at_t)
    return CheckpointAlignment(
        found.next_t, _mean(directions), at_t[0], _row_interval(join_responses(responses), shift)
    )


def random_alignment(task: str, measured: Sequence[CheckpointResult]) -> RandomAlignment:
    """Root mean square of a(r_j) at every checkpoint that an interval follows."""
    points: list[tuple[int, Floats | Undefined]] = []
    for found in measured:
        base = found.baseline
        if found.next_t is not None and base is not None and base.shift_squares is not None:
            values = _cosines(base.response, base.shift_squares)
            if not isinstance(values, Undefined):
                values = np.sqrt(np.mean(np.square(values), axis=0))
            points.append((found.t, values))
    return RandomAlignment(task, tuple(points))


def _matched_factors(matched: Sequence[GroupedCoupling], plain: GroupedCoupling) -> Floats | Undefined:
    """Median A of random directions with given norms in the blocks, over that of the same ones as they are."""
    medians = [baseline(one.A) for one in (plain, *matched)]
    absent = next((one for one in medians if isinstance(one, Undefined)), None)
    if absent is not None:
        return absent
    first, *others = [one for one in medians if not isinstance(one, Undefined)]
    return np.array(others) / first


def _row_interval(rows: Response, shift_squares: Floats) -> tuple[Interval, ...] | Undefined:
    """Of the mean over the variants, for each kind of shift."""
    assert rows.along is not None
    centroids = rows.centroids
    found = [
        cosine_interval(rows.along[:, kind], centroids.sums, shift_squares[kind], centroids.counts)
        for kind in range(len(shift_squares))
    ]
    absent = next((one for one in found if isinstance(one, Undefined)), None)
    return tuple(one for one in found if isinstance(one, Interval)) if absent is None else absent


def _cosines(response: Response, shift_squares: Floats) -> Floats | Undefined:
    if response.along is None:
        return NOT_MEASURED
    return cosines(response.along, response.centroids.sums, shift_squares)


def _signed(values: Floats | Undefined, signs: Floats) -> Floats | Undefined:
    return values if isinstance(values, Undefined) else values * signs[:, None]


def _mean(values: Sequence[Floats | Undefined]) -> Floats | Undefined:
    absent = next((one for one in values if isinstance(one, Undefined)), None)
    if absent is not None:
        return absent
    return np.asarray(np.mean([one for one in values if isinstance(one, np.ndarray)], axis=0))

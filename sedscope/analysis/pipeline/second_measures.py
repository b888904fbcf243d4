"""The measures beside R at one checkpoint: R^matched, a geometric mean over the variants of a source as R_k is, and
energy per block, alignment and effective examples.

R^matched of v_k is R_k divided by how much more (or less) the random directions couple once they are given v_k's norm
in every block; that quotient is taken over the probes and random directions of the block-wise products, R_k over all.
Where those are all, it is A(v_k) over the median of the matched directions, to the letter. Effective examples of a
batch are 1/Σw², w_x the share of example x in Σ_x ‖∂loss_x/∂ℓ_x‖, ℓ_x the model's output: as many equal examples would
carry the gradient. Leaves to others: the products.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from recorders.row_sources import FIXED_GRADIENT, POOL_GRADIENT, parse_source
from sedscope.analysis.arrays import Floats
from sedscope.analysis.cache import Key
from sedscope.analysis.coupling.parameter_blocks import block_energies
from sedscope.analysis.coupling.response import Response, cosines, join_responses, orientation, towards_mean
from sedscope.analysis.pipeline.analysis_context import AnalysisContext
from sedscope.analysis.pipeline.checkpoint_results import CheckpointResult
from sedscope.analysis.pipeline.measure import CheckpointMeasurement, LoadedCheckpoint, Shape, Tick, measure
from sedscope.analysis.pipeline.responses import SpanResponse
from sedscope.analysis.pipeline.results import (
    NOT_MEASURED,
    CheckpointAlignment,
    CheckpointCoupling,
    CouplingSeries,
    RandomAlignment,
)
from sedscope.analysis.pipeline.window_coupling import all_defined, mean_ratio
from sedscope.analysis.sources.variants import GradientKind, Variant
from sedscope.analysis.spectra.window_svd import WindowSVD
from sedscope.analysis.statistics.coupling_ratio import CouplingRatio, baseline, coupling_ratio
from sedscope.analysis.statistics.interval import Interval, cosine_interval, matched_interval
from sedscope.analysis.statistics.probe_groups import GroupedCoupling
from sedscope.analysis.undefined import Undefined


@dataclass(frozen=True, slots=True)
class VariantResult:
    """The response to one variant's window at one checkpoint, beside the span that it lies in."""

    spectrum: WindowSVD
    span: SpanResponse
    coefficients: Floats | None
    """v_k as combinations of the span's directions `[m, K']`; None where those are the window's own."""
    response: Response
    """Response of v_1 … v_K'."""


@dataclass(eq=False)
class ExampleShareMeasurement(CheckpointMeasurement[Floats]):
    """Sums of the examples' ‖∂loss_x/∂ℓ_x‖ and of their squares, of several batches `[2, B]`, scaled as a mean loss."""

    kind = "example-shares"
    result_type = Floats | Undefined

    kinds: tuple[GradientKind, ...]

    def key(self) -> Key:
        return {
            "weights": self.context.run.identity("weights", steps=[self.t]),
            "task": self.context.task_identity(self.task),
            "kinds": [[kind.family, kind.index] for kind in self.kinds],
            **self.context.settings.of_scope("rows"),
        }

    def shapes(self) -> list[Shape]:
        return [(2, len(self.kinds))]

    def compute(self, checkpoint: LoadedCheckpoint, tick: Tick) -> Floats:
        from sedscope.analysis.sources.batch_gradients import batches_of, loss_gradient_norms

        models, settings = self.context.models, self.context.settings
        sums = np.empty((2, len(self.kinds)))
        for examples, kinds in batches_of(models, settings, self.task, self.kinds):
            norms = loss_gradient_norms(examples, models.weights(self.t), at_once=settings.batch)
            norms /= examples.loss.count(examples.targets)
            for kind in kinds:
                sums[:, self.kinds.index(kind)] = norms.sum(), (norms**2).sum()
        tick(1)
        return sums


def with_effective_examples(context: AnalysisContext, series: Sequence[CouplingSeries]) -> tuple[CouplingSeries, ...]:
    """Return the series with the effective examples of gradients of a mean loss at every checkpoint that has one."""
    shares: dict[tuple[str, int], list[ExampleShareMeasurement]] = {}
    for source in dict.fromkeys(each.source for each in series):
        parsed = parse_source(source)
        is_of_mean_loss = parsed is not None and parsed.family in (FIXED_GRADIENT, POOL_GRADIENT)
        if parsed is None or not is_of_mean_loss or isinstance(context.rows(Variant(source)), Undefined):
            continue
        kinds = tuple(GradientKind(parsed.family, variant.index) for variant in context.variants(source))
        tasks = context.run.tasks if parsed.task is None else (parsed.task,)
        for t in context.checkpoints.tolist():
            shares[source, t] = [ExampleShareMeasurement(context, t, task, kinds) for task in tasks]
    measure(context, list(chain.from_iterable(shares.values())), "effective examples")

    def effective(source: str, t: int) -> Floats | Undefined | None:
        if (source, t) not in shares:
            return None
        # A sum over tasks is carried by the examples of all of them.
        of_tasks = all_defined([measurement.result() for measurement in shares[source, t]])
        if isinstance(of_tasks, Undefined):
            return of_tasks
        total, squares = np.sum(of_tasks, axis=0)
        return total**2 / squares if squares.all() else Undefined("the loss gradient of every example is zero")

    def with_examples(point: CheckpointCoupling, source: str) -> CheckpointCoupling:
        return replace(point, effective_examples=effective(source, point.t))

    return tuple(
        replace(each, points=tuple(with_examples(point, each.source) for point in each.points)) for each in series
    )


def energy(variant: VariantResult) -> Floats:
    """Return ‖v_k‖² within each block `[K', B]`."""
    return block_energies(variant.span.block_gram, variant.coefficients)


def matched_ratio(
    variants: Sequence[VariantResult], n_directions: int, result: CheckpointResult
) -> tuple[CouplingRatio | Undefined, Interval | Undefined]:
    """Return R^matched of each v_k, k ≤ K' = `n_directions`, with its mean over k, and the interval of that mean."""
    blocks, random = result.random_blocks, result.random
    if isinstance(blocks, Undefined):
        return blocks, blocks
    if isinstance(random, Undefined):
        return random, random
    directions = join_responses([variant.response.select(0, n_directions) for variant in variants]).centroids
    matched = [blocks.matched(shares) for variant in variants for shares in energy(variant)[:n_directions]]
    plain = blocks.plain()
    ratio, factors = coupling_ratio(directions.A, baseline(random.centroids.A)), _matched_factors(matched, plain)
    if isinstance(ratio, Undefined):
        return ratio, ratio
    if isinstance(factors, Undefined):
        return factors, factors
    values = ratio.R / factors
    interval = matched_interval(directions, random.centroids, matched, plain, len(variants))
    return mean_ratio(CouplingRatio(values, float(values.mean())), len(variants)), interval


def alignment(
    source: str, variants: Sequence[VariantResult], n_directions: int, result: CheckpointResult
) -> CheckpointAlignment | Undefined:
    """Return a(v) of the window's K' = `n_directions` directions and of the row at the checkpoint.

    Both are means over the variants. The source says whether its rows point the way of the weights.
    """
    shift = result.shift_squares
    if isinstance(shift, Undefined):
        return shift
    assert result.next_t is not None, "a shift goes to the next weights"
    of_rows, of_directions, responses = [], [], []
    for variant in variants:
        signs = orientation(source) * towards_mean(variant.spectrum.left[:, :n_directions])
        of_directions.append(_signed(_cosines(variant.response.select(0, n_directions), shift), signs))
        row = variant.span.row()
        no_row = Undefined("the source has no row with a direction at the checkpoint")
        of_rows.append(no_row if row is None else _cosines(row, shift))
        responses += [] if row is None else [row]
    mean_row = _mean(of_rows)
    if isinstance(mean_row, Undefined):
        return CheckpointAlignment(result.next_t, _mean(of_directions), mean_row, mean_row)
    interval = _row_interval(join_responses(responses), shift)
    return CheckpointAlignment(result.next_t, _mean(of_directions), mean_row[0], interval)


def random_alignment(task: str, results: Sequence[CheckpointResult]) -> RandomAlignment:
    """Return the root mean square of a(r_j) at every checkpoint that an interval follows."""
    points: list[tuple[int, Floats | Undefined]] = []
    for result in results:
        if not isinstance(result.random, Undefined) and not isinstance(result.shift_squares, Undefined):
            cosines_of_random = _cosines(result.random, result.shift_squares)
            if not isinstance(cosines_of_random, Undefined):
                cosines_of_random = np.sqrt(np.mean(np.square(cosines_of_random), axis=0))
            points.append((result.t, cosines_of_random))
    return RandomAlignment(task, tuple(points))


def _matched_factors(matched: Sequence[GroupedCoupling], plain: GroupedCoupling) -> Floats | Undefined:
    """Return the median A of random directions with given norms in the blocks, over that of the plain ones."""
    medians = all_defined([baseline(coupling.A) for coupling in (plain, *matched)])
    return medians if isinstance(medians, Undefined) else np.array(medians[1:]) / medians[0]


def _row_interval(rows: Response, shift_squares: Floats) -> tuple[Interval, ...] | Undefined:
    """Return the interval of the mean over the variants, for each kind of shift."""
    assert rows.along is not None
    centroids = rows.centroids
    intervals = all_defined(
        [
            cosine_interval(rows.along[:, kind], centroids.sums, shift_squares[kind], centroids.counts)
            for kind in range(len(shift_squares))
        ]
    )
    return intervals if isinstance(intervals, Undefined) else tuple(intervals)


def _cosines(response: Response, shift_squares: Floats) -> Floats | Undefined:
    if response.along is None:
        return NOT_MEASURED
    return cosines(response.along, response.centroids.sums, shift_squares)


def _signed(values: Floats | Undefined, signs: Floats) -> Floats | Undefined:
    return values if isinstance(values, Undefined) else values * signs[:, None]


def _mean(values: Sequence[Floats | Undefined]) -> Floats | Undefined:
    arrays = all_defined(values)
    return arrays if isinstance(arrays, Undefined) else np.asarray(np.mean(arrays, axis=0))

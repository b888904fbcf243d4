"""What stands beside R once it is known: coupling per block where a series is judged, angles between sources.

Decides the order of this work and what one missing piece disables. Leaves to others: R and the second measures that
come with it (`checkpoint_computer`), and the arithmetic (`block_couplings`, `angles`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count, groupby

from recorders.errors import SedscopeError
from sedscope.analysis.pipeline.analysis_context import AnalysisContext, Rolling
from sedscope.analysis.pipeline.angles import Angles, angle_series, pairs_of
from sedscope.analysis.pipeline.block_couplings import Asked, BlockCouplings
from sedscope.analysis.pipeline.results import AngleSeries, CouplingSeries
from sedscope.analysis.sources.variants import Variant


@dataclass(frozen=True)
class Diagnostics:
    """The second part of an analysis, over the windows of the first."""

    material: AnalysisContext
    rolling: Rolling

    def with_blocks(self, series: tuple[CouplingSeries, ...]) -> tuple[CouplingSeries, ...]:
        """The series with their coupling per block at the peak and at the end.

        Not where several W or K are asked for: those are answered without any product of their own.
        """
        material = self.material
        if not material.settings.measures_all or material.settings.through_gram:
            return series
        work = BlockCouplings(material.run, material.settings, material.cache, self.rolling, material.reading)
        missing = work.look_up(series)
        reasons = material.compute_rows(list(dict.fromkeys(one.variant for one in missing)))
        for one in missing:
            if one.variant in reasons:
                work.fail(one, reasons[one.variant])
        self._compute(work, sorted((one for one in missing if one.variant not in reasons), key=_t_of))
        return tuple(work.with_blocks(one) for one in series)

    def angles(
        self, sources: Sequence[str], floors: Sequence[Variant], checkpoints: Sequence[int]
    ) -> tuple[AngleSeries, ...]:
        """Between the subspaces of every two sources at the checkpoints; no model is needed for them.

        Args:
            sources: In their order.
            floors: Second batches of sources, each put against its first.
            checkpoints: Steps t.
        """
        material = self.material
        compared = pairs_of(sources, floors) if material.settings.measures_all else ()
        if not compared:
            return ()
        variants = list(dict.fromkeys(variant for pair in compared for variant in pair))
        work = Angles(material.run, material.settings, material.cache, self.rolling)
        found = [work.look_up(t, variants) for t in checkpoints]
        missing = [one for one in found if one.products is None]
        reasons = material.compute_rows(list(dict.fromkeys(span.variant for one in missing for span in one.known())))
        for done, one in enumerate(missing):
            work.compute(one, reasons)
            material.tell("angles", done + 1, len(missing))
        return tuple(angle_series(compared, found, self.rolling, material.settings))

    def _compute(self, work: BlockCouplings, missing: Sequence[Asked]) -> None:
        if not missing:
            return
        from sedscope.analysis.parallel import run_pieces

        done, total = count(), sum(work.n_products(one) for one in missing)
        pieces = [partial(self._compute_checkpoint, work, list(same)) for _, same in groupby(missing, _t_of)]
        material = self.material
        run_pieces(pieces, material.models.workers, lambda _: material.tell("blocks", next(done) + 1, total))

    def _compute_checkpoint(self, work: BlockCouplings, asked: Sequence[Asked], tick: Callable[[int], None]) -> None:
        """Every series at one checkpoint, whose weights are read once."""
        for one in asked:
            try:
                model = self.material.models.probed_model(one.t, one.task)
                work.compute(one, model, self.material.models.chunk_size(model, one.task), tick)
            except (SedscopeError, RuntimeError) as error:
                work.fail(one, self.material.reason(error))


def _t_of(asked: Asked) -> int:
    return asked.t

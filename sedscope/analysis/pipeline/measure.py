"""All checkpoints and tasks of a run: what the cache holds of them, then the rest computed, side by side.

Decides the order: by checkpoint, so that the weights of each are read once. Leaves to others: one checkpoint
(`checkpoint_computer`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import count, groupby

from recorders.errors import SedscopeError
from sedscope.analysis.pipeline.analysis_context import AnalysisContext, Rolling
from sedscope.analysis.pipeline.checkpoint_computer import CheckpointComputer
from sedscope.analysis.pipeline.checkpoint_result import CheckpointResult
from sedscope.analysis.sources.variants import variants_of
from sedscope.analysis.spectra.rolling_spectra import RollingSpectra


def measure(
    material: AnalysisContext, pairs: Sequence[tuple[str, str]], tasks: Sequence[str], rolling: Rolling
) -> dict[str, list[CheckpointResult]]:
    """Baseline, centroids and responses of every checkpoint, by task.

    Args:
        material: Of the analysis.
        pairs: Which source is put against the centroids of which task.
        tasks: Whose centroids.
        rolling: Windows of every source.
    """
    work = material.work(rolling)
    steps = material.checkpoints.tolist()
    measured: dict[str, list[CheckpointResult]] = {}
    for task in tasks:
        absent = material.no_model(task)
        sources = [source for source, other in pairs if other == task and absent is None]
        asked = [variant for source in sources for variant in variants_of(source, material.settings)]
        usable = [variant for variant in asked if isinstance(rolling[variant], RollingSpectra)]
        measured[task] = [CheckpointResult(t, task, {}, failure=absent) for t in steps]
        if absent is None:
            measured[task] = [work.look_up(t, task, usable) for t in steps]
    _compute(material, work, [measured[task][at] for at in range(len(steps)) for task in tasks])
    return measured


def _compute(material: AnalysisContext, work: CheckpointComputer, found: Sequence[CheckpointResult]) -> None:
    """Computes what is missing, and says at each checkpoint that it cannot where it cannot."""
    missing = [one for one in found if one.failure is None and not work.is_complete(one)]
    reasons = material.compute_rows(list(dict.fromkeys(found for one in missing for found in work.open_variants(one))))
    for one in missing:
        one.spans |= {variant: reason for variant, reason in reasons.items() if variant in one.spans}
    if not missing:
        return
    from sedscope.analysis.parallel import run_pieces

    total = sum(work.n_products(one) for one in missing)
    done = count()
    by_checkpoint = [list(same) for _, same in groupby(missing, key=lambda one: one.t)]
    pieces = [partial(_compute_checkpoint, material, work, same) for same in by_checkpoint]
    run_pieces(pieces, material.models.workers, lambda _: material.tell("JVPs", next(done) + 1, total))


def _compute_checkpoint(
    material: AnalysisContext, work: CheckpointComputer, found: Sequence[CheckpointResult], tick: Callable[[int], None]
) -> None:
    """All tasks of one checkpoint."""
    for one in found:
        try:
            model = material.models.probed_model(one.t, one.task)
            after = None if one.next_t is None else material.models.probed_model(one.next_t, one.task)
            work.compute(one, model, after, material.models.chunk_size(model, one.task), tick)
        except (SedscopeError, RuntimeError) as error:
            one.failure = material.reason(error)

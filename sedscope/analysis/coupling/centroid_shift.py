"""Δμ: how the centroids moved over the interval that follows a checkpoint, with some or all of the parameters.

Decides the two kinds, in the order of `alignment.SHIFT_KINDS`: the selected parameters at their next value and all
others where they were, and every parameter at its next value. Leaves to others: which interval.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from sedscope.analysis.arrays import Floats
from sedscope.analysis.features.centroids import centroid_chunk
from sedscope.analysis.features.probed_model import ProbedModel
from sedscope.analysis.statistics.probe_groups import group_bounds, sum_by_group


@dataclass(slots=True)
class CentroidShift:
    """Δμ of the probes, chunk by chunk; the last chunk stays in memory, for every direction of a chunk meets it."""

    before: ProbedModel
    """The model at θ_t."""
    after: ProbedModel
    """The model at the next θ with weights, with the same probes."""
    _last: tuple[slice, Tensor] | None = field(default=None, init=False)

    def __call__(self, probes: slice) -> Tensor:
        """Return Δμ of some probes `[n, 2, D]`, on the model's device, in float64."""
        if self._last is None or self._last[0] != probes:
            next_selected = {name: self.after.state[name] for name in self.before.selected}
            selected_alone = replace(self.before, state={**self.before.state, **next_selected})
            start = centroid_chunk(self.before, probes)
            ends = [centroid_chunk(model, probes) for model in (selected_alone, self.after)]
            self._last = probes, torch.stack([end - start for end in ends], dim=1).double()
        return self._last[1]

    def squares(self, chunk: int | None) -> Floats:
        """Return ‖Δμ‖² per kind and group of probes `[2, G]`."""
        bounds = group_bounds(self.before.n_probes)
        sums = np.zeros((2, len(bounds) - 1))
        for probes in self.before.chunks(chunk):
            squares = self(probes).square().sum(dim=2)
            sum_by_group(squares.T.cpu().numpy(), probes.start, bounds, sums)
        return sums

"""A model at one checkpoint together with the probes it is differentiated at: what every derivative starts from.

Decides how probes are cut into chunks, so that memory stays bounded, and how flat vectors map to parameters. Leaves to
others: where the model comes from (a feature program, a test's own module) and what is differentiated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from recorders.errors import UsageError
from sedscope.analysis.features.tangent.scored_program import ScoredProgram

Scores: TypeAlias = Callable[[Mapping[str, Tensor], Sequence[Tensor], Tensor], Tensor]
"""scores(state, examples, delta) → s `[n]`.

`state` holds every weight by name, `examples` a chunk of each of the probes' tensors `[n, …]`, and `delta` the
displacement `[n, *feature_shape]` that is added at the feature point. The score of one probe must not depend on the
others. Twice differentiable in `state` and `delta` (attention by the math kernel). Takes whatever is a tensor from its
arguments, so that one call's graph serves every chunk of that size and every checkpoint.
"""

ScoresAndOutput: TypeAlias = Callable[[Mapping[str, Tensor], Sequence[Tensor], Tensor], tuple[Tensor, Tensor]]
"""scores_and_output(state, examples, delta) → s `[n]` and the output z `[n, L]` of the same forward pass."""

Vector: TypeAlias = npt.NDArray[np.float64] | npt.NDArray[np.float32] | Tensor
"""A flat vector over the selected parameters `[P]`."""


@dataclass(frozen=True)
class ProbedModel:
    """One checkpoint, one task's score, N probes."""

    scores: Scores
    state: Mapping[str, Tensor]
    """Every weight and buffer by name, on one device, in the dtype of the computation."""
    selected: tuple[str, ...]
    """Names of the selected parameters in flattening order; tied parameters once."""
    examples: tuple[Tensor, ...]
    """Inputs and targets, all that `scores` needs of the probes: `[N, …]` each."""
    feature_shape: tuple[int, ...]
    """Shape at the feature point after the batch axis; D is its product."""
    scores_and_output: ScoresAndOutput | None = None
    """Set where derivatives of the output are computed beside those of the centroids, None elsewhere."""
    program: ScoredProgram | None = None
    """The feature program that the scores come from: its tangents are faster than double backward. None: unknown."""

    def __post_init__(self) -> None:
        """Refuse what cannot be differentiated.

        Raises:
            UsageError: Nothing is selected, a name is unknown or not floating point, or examples differ in length.
        """
        unknown = [name for name in self.selected if name not in self.state]
        if unknown or not self.selected:
            raise UsageError(f"selection: needs parameters of the model; found {unknown or 'none'}")
        if any(not self.state[name].is_floating_point() for name in self.selected):
            raise UsageError("selection: parameters must be floating point")
        if not self.examples or len({len(tensor) for tensor in self.examples}) != 1:
            raise UsageError(f"examples: must share one length; found {[len(tensor) for tensor in self.examples]}")

    @property
    def n_probes(self) -> int:
        """N."""
        return len(self.examples[0])

    @property
    def size(self) -> int:
        """P: numbers of the selected parameters."""
        return sum(self.state[name].numel() for name in self.selected)

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the computation: that of the first selected parameter, which δ shares."""
        return self.state[self.selected[0]].dtype

    @property
    def device(self) -> torch.device:
        """The device of the weights."""
        return self.state[self.selected[0]].device

    def chunks(self, chunk: int | None) -> Iterator[slice]:
        """Return consecutive probes, `chunk` at a time; None takes all at once.

        Raises:
            UsageError: chunk < 1.
        """
        step = self.n_probes if chunk is None else chunk
        if step < 1:
            raise UsageError(f"chunk: must be at least 1 probe; found {step}")
        return (slice(first, min(first + step, self.n_probes)) for first in range(0, self.n_probes, step))

    def at(self, probes: slice) -> tuple[Tensor, ...]:
        """Return the examples of some probes."""
        return tuple(tensor[probes] for tensor in self.examples)

    def zero_delta(self, n_probes: int) -> Tensor:
        """Return δ = 0 for a chunk `[n, *feature_shape]`."""
        return torch.zeros((n_probes, *self.feature_shape), dtype=self.dtype, device=self.device)

    def leaves(self) -> dict[str, Tensor]:
        """Return the state with its selected parameters as fresh leaves; the weights keep no derivative."""
        fresh = {name: self.state[name].detach().requires_grad_() for name in self.selected}
        return {**self.state, **fresh}

    def unflatten(self, vector: Vector) -> tuple[Tensor, ...]:
        """Split a flat vector `[P]` into one tensor per selected parameter, on its device and in its dtype.

        Raises:
            UsageError: The vector is not of size P.
        """
        if isinstance(vector, np.ndarray) and not vector.flags.writeable:
            vector = vector.copy()  # torch warns of arrays that it could write to
        flat = torch.as_tensor(vector).to(self.device)
        if flat.shape != (self.size,):
            raise UsageError(f"direction: must hold {self.size} numbers; found {list(flat.shape)}")
        weights = [self.state[name] for name in self.selected]
        pieces = torch.split(flat, [weight.numel() for weight in weights])
        return tuple(piece.view(w.shape).to(w.dtype) for piece, w in zip(pieces, weights, strict=True))

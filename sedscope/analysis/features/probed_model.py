"""A model at one checkpoint together with the probes it is looked at with: what every derivative starts from.

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

Scores: TypeAlias = Callable[[Mapping[str, Tensor], Sequence[Tensor], Tensor], Tensor]
"""scores(state, examples, delta) → s `[n]`.

`state` holds every weight by name, `examples` a chunk of each of the probes' tensors `[n, …]`, and `delta` the
displacement `[n, *feature_shape]` that is added at the feature point. The score of one probe must not depend on the
others. Twice differentiable in `state` and `delta` (attention by the math kernel). Takes whatever is a tensor from its
arguments, so that one call's graph serves every chunk of that size and every checkpoint.
"""

ScoresAndOutput: TypeAlias = Callable[[Mapping[str, Tensor], Sequence[Tensor], Tensor], tuple[Tensor, Tensor]]
"""The same with the output `[n, L]` that the scores were read from, of one forward pass."""

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
    """Inputs, targets, whatever `scores` needs of the probes: `[N, …]` each."""
    feature_shape: tuple[int, ...]
    """Shape at the feature point after the batch axis; D is its product."""
    scores_and_output: ScoresAndOutput | None = None
    """Where products of the output are wanted beside those of the centroids."""

    def __post_init__(self) -> None:
        """Refuse what cannot be differentiated.

        Raises:
            UsageError: nothing is selected, a name is unknown or not floating point, or examples differ in length.
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
    def width(self) -> int:
        """D: numbers of one centroid."""
        return int(np.prod(self.feature_shape, dtype=np.int64))

    @property
    def size(self) -> int:
        """P: numbers of the selected parameters."""
        return sum(self.state[name].numel() for name in self.selected)

    @property
    def dtype(self) -> torch.dtype:
        """Of the computation: that of the first selected parameter, which δ shares."""
        return self.state[self.selected[0]].dtype

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        return self.state[self.selected[0]].device

    def chunks(self, chunk: int | None) -> Iterator[slice]:
        """Consecutive probes, `chunk` at a time; None takes all at once.

        Raises:
            UsageError: chunk < 1.
        """
        step = self.n_probes if chunk is None else chunk
        if step < 1:
            raise UsageError(f"chunk: must be at least 1 probe; found {step}")
        return (slice(first, min(first + step, self.n_probes)) for first in range(0, self.n_probes, step))

    def at(self, probes: slice) -> tuple[Tensor, ...]:
        """The examples of some probes."""
        return tuple(tensor[probes] for tensor in self.examples)

    def zero_delta(self, n_probes: int) -> Tensor:
        """δ = 0 for a chunk `[n, *feature_shape]`."""
        return torch.zeros((n_probes, *self.feature_shape), dtype=self.dtype, device=self.device)

    def leaves(self) -> dict[str, Tensor]:
        """The state, its selected parameters as fresh leaves that record derivatives."""
        fresh = {name: self.state[name].detach().requires_grad_() for name in self.selected}
        return {**self.state, **fresh}

    def unflatten(self, vector: Vector) -> tuple[Tensor, ...]:
        """A flat vector `[P]` as one tensor per selected parameter, on its device and in its dtype.

        Raises:
            UsageError: the vector is not of size P.
        """
        if isinstance(vector, np.ndarray) and not vector.flags.writeable:
            vector = vector.copy()  # torch warns of arrays that it could write to
        flat = torch.as_tensor(vector).to(self.device)
        if flat.shape != (self.size,):
            raise UsageError(f"direction: must hold {self.size} numbers; found {list(flat.shape)}")
        parts = torch.split(flat, [self.state[name].numel() for name in self.selected])
        weights = (self.state[name] for name in self.selected)
        return tuple(part.view(w.shape).to(w.dtype) for part, w in zip(parts, weights, strict=True))

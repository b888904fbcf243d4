"""What an analysis can be asked for: every setting with its meaning, unit and default.

Decides the canonical settings and which values are usable. Leaves to `cache` which setting matters for which result.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import Literal

from recorders.errors import UsageError

Align = Literal["trailing", "leading"]
Centroid = Literal["target", "sum"]
Method = Literal["exact", "central"]
Precision = Literal["float32", "float64"]
Part = Literal["all", "train", "test"]

DEFAULT_CHECKPOINTS = 20
"""Checkpoints that are analysed unless more are asked for: the shape of a training, at a bearable cost."""

LEAST_BLOCK_PROBES = 32
"""One for each group of probes that an interval resamples."""

_DEVICE = re.compile(r"auto|cpu|cuda(:\d+)?")


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one analysis; validated when made.

    Raises:
        UsageError: A value is not usable; the message names the parameter, what it requires and what was found.
    """

    window: tuple[int, ...] = (20,)
    """W: rows of a window. Several values are all answered from one coupling Gram matrix."""
    rank: tuple[int, ...] = (3,)
    """K: directions of a basis; none above the least `window`. Several values: as for `window`."""
    probes: int = 1024
    """N: probe inputs over which A and the centroids are taken; all, where the run holds fewer."""
    random: int = 20
    """Gaussian directions of the baseline."""
    align: Align = "trailing"
    """Whether the window at t ends at t or starts there (the published code of the paper does the second)."""
    centroid: Centroid = "target"
    """The scalar whose gradient is the centroid: the target's logit, or the sum of all logits."""
    method: Method = "exact"
    """Exact derivative, or the paper's central difference."""
    epsilon: float = 0.005
    """Step of the central difference, as a fraction of the norm of the selected weights. Unused by `exact`."""
    checkpoints: int | None = DEFAULT_CHECKPOINTS
    """How many, evenly spaced over the recorded steps, the first and the last included; None: all of them."""
    batch: int = 512
    """Examples of the fixed batch."""
    batches: int = 1
    """Fixed batches: R of a fixed gradient is their mean and shown with their spread. The floor of the angles takes the
    second one in any case."""
    part: Part = "all"
    """Which examples fixed batches are drawn from: all of the pool, those trained on, or the others."""
    evidence: bool = True
    """Whether controls and second measures stand beside R, as they should."""
    second_measures: bool = True
    """Whether the evidence holds alignment, R^matched, coupling per block, the unclipped stage and angles too; a table
    on the terminal, which shows none of them, does not wait for them."""
    draws: int = 3
    """How often each control is drawn; its R is the mean of the draws and shown with their spread."""
    block_probes: int = 128
    """Probes of block-wise products, spread over those of the other ones; all, where there are fewer. At least 32."""
    device: str = "auto"
    """Where Jacobian-vector products run: cpu, cuda, cuda:<index>, or auto (cuda where there is one)."""
    precision: Precision = "float32"
    """Arithmetic of JVPs and fixed gradients. Gram matrices and ratios are float64 whatever this says."""

    def __post_init__(self) -> None:
        for name in ("window", "rank"):
            _require_counts(name, getattr(self, name))
        for name in ("probes", "random", "batch", "batches", "draws", "block_probes"):
            _require_count(name, getattr(self, name))
        if self.checkpoints is not None:
            _require_count("checkpoints", self.checkpoints)
        if max(self.rank) > min(self.window):
            raise UsageError(f"rank: at most the window, {min(self.window)}, is required, found {max(self.rank)}")
        if not (math.isfinite(self.epsilon) and self.epsilon > 0):
            raise UsageError(f"epsilon: a positive number is required, found {self.epsilon}")
        _require_one_of("align", self.align, ("trailing", "leading"))
        _require_one_of("centroid", self.centroid, ("target", "sum"))
        _require_one_of("method", self.method, ("exact", "central"))
        _require_one_of("precision", self.precision, ("float32", "float64"))
        _require_one_of("part", self.part, ("all", "train", "test"))
        if self.block_probes < LEAST_BLOCK_PROBES:
            raise UsageError(f"block_probes: at least {LEAST_BLOCK_PROBES} is required, found {self.block_probes}")
        if not _DEVICE.fullmatch(self.device):
            raise UsageError(f"device: auto, cpu, cuda or cuda:<index> is required, found {self.device!r}")

    def for_a_table(self) -> Settings:
        """The same without what only files show: second measures, and all draws of a control but one."""
        return replace(self, second_measures=False, draws=1)

    @property
    def measures_all(self) -> bool:
        """Whether the second measures are wanted."""
        return self.evidence and self.second_measures

    @property
    def through_gram(self) -> bool:
        """Whether several W or K are asked for, so that the coupling Gram matrix answers them."""
        return len(self.window) > 1 or len(self.rank) > 1


def _require_counts(name: str, values: tuple[int, ...]) -> None:
    if not values:
        raise UsageError(f"{name}: at least one whole number is required, found none")
    for value in values:
        _require_count(name, value)
    if len(set(values)) < len(values):
        raise UsageError(f"{name}: different numbers are required, found {', '.join(map(str, values))}")


def _require_count(name: str, value: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise UsageError(f"{name}: a whole number of at least 1 is required, found {value!r}")


def _require_one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise UsageError(f"{name}: one of {', '.join(known)} is required, found {value!r}")

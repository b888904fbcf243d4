"""What is kept of θ_t itself: the full state, the displacement since the last recorded t, and which parameters train.

Each t is kept once: a step that a GradScaler skips and the script repeats starts from the same θ.
"""

from __future__ import annotations

from torch import Tensor

from recorders.binding import Binding
from recorders.format import DISPLACEMENT
from recorders.options import Options
from recorders.output import Output


class ThetaKeeper:
    """Follows the parameters of one binding from recorded t to recorded t."""

    def __init__(self, binding: Binding, options: Options, output: Output) -> None:
        self._binding = binding
        self._options = options
        self._schedule = options.schedule
        self._output = output
        self._kept: int | None = None
        self._displaced: int | None = None
        self._previous: Tensor | None = None
        self._trainable: dict[str, bool] = {}

    def keep(self, t: int, *, last: bool = False) -> None:
        """θ_t is in place, at a recorded t or at the last one."""
        if self.is_due(t, last=last):
            self._kept = t
            self._output.weights(t, self._binding.state())
        self._displace(t)
        self._watch_trainable(t)

    def is_due(self, t: int, *, last: bool) -> bool:
        """Whether the full state at t is still to be kept."""
        return (last or self._schedule.keeps_weights(t)) and self._kept != t

    def _displace(self, t: int) -> None:
        """θ_t − θ_(previous recorded t), where it cannot be derived from weights."""
        if not self._schedule.thins_weights or not self._options.wants(DISPLACEMENT) or self._displaced == t:
            return
        theta = self._binding.theta()
        if self._previous is not None:
            self._output.rows(t, {DISPLACEMENT: theta - self._previous})
        self._previous, self._displaced = theta, t

    def _watch_trainable(self, t: int) -> None:
        for parameter in self._binding.selection.parameters:
            now = parameter.tensor.requires_grad
            if self._trainable.setdefault(parameter.name, now) != now:
                self._trainable[parameter.name] = now
                change = "trainable" if now else "frozen"
                self._output.note("parameter", f"{parameter.name} became {change} before t = {t}", t)

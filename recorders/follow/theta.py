"""Records of θ_t itself: the full state, the displacement since the last recorded t, and which parameters train.

Each t is kept once: a step that a GradScaler skips and the script repeats starts from the same θ.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from recorders.follow.binding import Binding
from recorders.follow.trace import ParameterTrace
from recorders.offload import state_to_host
from recorders.recording_options import RecordingOptions
from recorders.recording_output import RecordingOutput
from recorders.row_sources import DISPLACEMENT


class ThetaKeeper:
    """The parameters of one binding, followed from recorded t to recorded t."""

    def __init__(self, binding: Binding, options: RecordingOptions, output: RecordingOutput) -> None:
        self._binding = binding
        self._options = options
        self._schedule = options.schedule
        self._output = output
        self._weights_at: int | None = None
        self._displacement_at: int | None = None
        self._previous: Tensor | None = None
        self._trainable: dict[str, bool] = {}
        self._trace = ParameterTrace([parameter.tensor for parameter in binding.selection.parameters])

    def stepped(self) -> None:
        """Notice that a step has just left its θ: later changes of the parameters are the script's doing."""
        self._trace.take()

    def keep(self, t: int) -> None:
        """Keep θ_t, which is in place, at a recorded t."""
        self._keep(t, weights=self._schedule.keeps_weights(t))

    def keep_last(self, t: int) -> None:
        """Keep the last θ_t of a training that is over; the script may have replaced it since its last step."""
        if self._trace.is_broken():
            self._output.tell("parameter", _replaced_at(t), t)
        else:
            self._keep(t, weights=True)

    def copy_last(self, t: int) -> Callable[[], None] | None:
        """Copy the last θ_t in a signal handler; the function that is returned writes the copy, on any thread."""
        if self._trace.is_broken():
            return lambda: self._output.note("parameter", _replaced_at(t), t)
        if self._weights_at == t:
            return None
        state = state_to_host(self._binding.state())
        return lambda: self._output.copied_weights(t, state)

    def _keep(self, t: int, *, weights: bool) -> None:
        if weights and self._weights_at != t:
            self._weights_at = t
            self._output.weights(t, self._binding.state())
        self._displace(t)
        self._watch_trainable(t)

    def _displace(self, t: int) -> None:
        """Record θ_t − θ_(previous recorded t), where it cannot be derived from weights."""
        if not self._schedule.thins_weights or not self._options.wants(DISPLACEMENT) or self._displacement_at == t:
            return
        theta = self._binding.theta()
        if self._previous is not None:
            self._output.rows(t, {DISPLACEMENT: theta - self._previous})
        self._previous, self._displacement_at = theta, t

    def _watch_trainable(self, t: int) -> None:
        for parameter in self._binding.selection.parameters:
            now = parameter.tensor.requires_grad
            if self._trainable.setdefault(parameter.name, now) != now:
                self._trainable[parameter.name] = now
                change = "trainable" if now else "frozen"
                self._output.note("parameter", f"{parameter.name} became {change} before t = {t}", t)


def _replaced_at(t: int) -> str:
    """Return the note that a run holds in the place of its last weights."""
    return f"parameters were changed after step {t}: the weights of t = {t} are not stored"

"""Records of θ_t itself: the full state, the displacement since the last recorded t, and which parameters train.

Each t is kept once: a step that a GradScaler skips and the script repeats starts from the same θ. Where a script writes
to selected parameters between two steps, as in renormalising, pruning or swapping weights, θ_t is what it wrote, and a
row of the source `rewrite` has the difference. Before a recorded step that is looked for in a copy of θ as the step
before left it; before other steps, at no cost, in torch's own counts of writes, which miss what goes through `.data`;
at the end in a sample of values too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

import torch
from torch import Tensor

from recorders.follow.binding import Binding
from recorders.follow.ownership import parameters_of
from recorders.offload import state_to_host
from recorders.recording_options import RecordingOptions
from recorders.recording_output import RecordingOutput
from recorders.row_sources import DISPLACEMENT, REWRITE

_TENSORS_SAMPLED = 8
"""Tensors read after every step: enough to see a swap of all weights, few enough for each step to pay."""
_VALUES_SAMPLED = 8
"""Values read of each sampled tensor."""


class ParameterTrace:
    """A look at the selected parameters, which later tells whether they are the same."""

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        self._parameters = parameters
        count = min(_TENSORS_SAMPLED, len(parameters))
        spread = [parameters[index * len(parameters) // count] for index in range(count)]
        self._sampled = [tensor for tensor in spread if _can_be_sampled(tensor)]
        self._views: list[list[Tensor]] = []
        self._addresses: list[int] = []
        self._versions: list[tuple[int, int]] | None = None
        self._values: list[Tensor] = []

    def take(self) -> None:
        """Remember the parameters as a step has just left them: later changes are the script's doing."""
        self._versions, self._values = self._look(), self._read()

    def is_broken(self) -> bool:
        """Return whether something was written since `take`; False where nothing was ever taken."""
        if self._versions is None:
            return False
        same = all(torch.equal(_bits(now), _bits(then)) for now, then in zip(self._read(), self._values, strict=True))
        return self._versions != self._look() or not same

    def has_writes(self) -> bool:
        """Return whether torch has counted a write since `take`, without a look at any value."""
        return self._versions is not None and self._versions != self._look()

    def forget(self) -> None:
        """Forget the parameters: whatever was written since `take` has been seen."""
        self._versions = None

    def _look(self) -> list[tuple[int, int]]:
        return [(tensor.data_ptr(), tensor._version) for tensor in self._parameters]

    def _read(self) -> list[Tensor]:
        """Return a fresh vector of the sampled values for each device and dtype; nobody waits for a device."""
        addresses = [tensor.data_ptr() for tensor in self._sampled]
        if addresses != self._addresses:  # `.data` was set to another tensor: the views are of the old one
            self._addresses, self._views = addresses, _sample_views(self._sampled)
        return [torch.cat(views) for views in self._views]


def _sample_views(tensors: Sequence[Tensor]) -> list[list[Tensor]]:
    """Return views of a few values of each tensor, those together that can be read in one go."""
    ordered = sorted(tensors, key=_kind)
    return [[_few(tensor.detach()) for tensor in same] for _, same in groupby(ordered, _kind)]


def _few(tensor: Tensor) -> Tensor:
    """Return a view of a few values, whatever the strides: from the middle of the tensor, along its last axis."""
    if tensor.ndim == 0:
        return tensor.reshape(1)
    line = tensor[tuple(length // 2 for length in tensor.shape[:-1])]
    return line[:: max(1, len(line) // _VALUES_SAMPLED)][:_VALUES_SAMPLED]


def _can_be_sampled(tensor: Tensor) -> bool:
    return type(tensor.detach()) is Tensor and tensor.layout == torch.strided and tensor.numel() > 0


def _kind(tensor: Tensor) -> Any:
    return str(tensor.device), str(tensor.dtype)


def _bits(values: Tensor) -> Tensor:
    """Return the bytes of the values, as which a NaN equals itself."""
    return values.view(torch.uint8)


class ThetaKeeper:
    """The parameters of one binding, followed from recorded t to recorded t."""

    def __init__(self, binding: Binding, options: RecordingOptions, output: RecordingOutput) -> None:
        self.binding = binding
        """The model, and the optimizer that steps it now."""
        self._options = options
        self._output = output
        self._weights_at: int | None = None
        self._displacement_at: int | None = None
        self._previous: Tensor | None = None
        self._trainable: dict[str, bool] = {}
        self._told_of_untrained = False
        self._written_before = False
        self._left: Tensor | None = None
        self.trace = ParameterTrace(binding.selection.chosen)

    def keep(self, t: int, *, last: bool = False) -> None:
        """Keep θ_t, which is in place, at a recorded t; the last one always in full."""
        if (last or self._options.keeps_weights(t)) and self._weights_at != t:
            self._weights_at = t
            self._output.weights(t, self.binding.state())
        self._displace(t)
        self._watch_trainable(t)

    def finish_step(self, t: int) -> None:
        """Remember θ_t as a step has just left it: what is different when the next one starts was written between."""
        self.trace.take()
        is_looked_at = self._options.records(t) and self._options.wants(REWRITE)
        self._left = self.binding.theta() if is_looked_at else None

    def notice_rewrite(self, t: int) -> None:
        """Record what the script has written to the selected parameters since the last step, with θ_t in place.

        Of several steps in a row with such writes the first is noted.
        """
        if self._left is not None:
            written, where = self._store_rewrite(t), f"the row `{REWRITE}` at t = {t} has what changed"
        else:
            written, where = self.trace.has_writes(), f"`{REWRITE}` has rows at recorded t alone"
        if written and not self._written_before:
            message = f"the script wrote to selected parameters between the steps before t = {t}: {where}"
            self._output.tell("parameter", message, t)
        self._written_before = written
        self.trace.forget()

    def _store_rewrite(self, t: int) -> bool:
        """Record θ_t without what the last step left, where there is a copy of that, and return whether it differs."""
        left, self._left = self._left, None
        rewrite = None if left is None else self.binding.theta().sub_(left)
        if rewrite is None or not bool(rewrite.any()):
            return False
        self._output.rows(t, {REWRITE: rewrite})
        return True

    def keep_last(self, t: int) -> None:
        """Keep the last θ_t of a training that is over; where the script has changed it since, as it is now."""
        if self.trace.is_broken():
            self._output.tell("parameter", _changed_after(t), t)
            self._store_rewrite(t)
        self.keep(t, last=True)

    def copy_last(self, t: int) -> Callable[[], None] | None:
        """Copy the last θ_t in a signal handler; the function that is returned writes the copy, on any thread."""
        is_broken = self.trace.is_broken()
        state = None if self._weights_at == t else state_to_host(self.binding.state())
        if state is None and not is_broken:
            return None

        def write() -> None:
            if is_broken:
                self._output.note("parameter", _changed_after(t), t)
            if state is not None:
                self._output.copied_weights(t, state)

        return write

    def _displace(self, t: int) -> None:
        """Record θ_t − θ_(previous recorded t), where it cannot be derived from weights."""
        if not self._options.thins_weights or not self._options.wants(DISPLACEMENT) or self._displacement_at == t:
            return
        theta = self.binding.theta()
        if self._previous is not None:
            self._output.rows(t, {DISPLACEMENT: theta - self._previous})
        self._previous, self._displacement_at = theta, t

    def _watch_trainable(self, t: int) -> None:
        for parameter in self.binding.selection.parameters:
            now = parameter.tensor.requires_grad
            if self._trainable.setdefault(parameter.name, now) != now:
                self._trainable[parameter.name] = now
                change = "trainable" if now else "frozen"
                self._output.note("parameter", f"{parameter.name} became {change} before t = {t}", t)
        self._watch_untrained(t)

    def _watch_untrained(self, t: int) -> None:
        """Say once that parameters are trained now that the selection by default has left out."""
        if not self.binding.selection.untrained or self._told_of_untrained:
            return
        untrained, stepped = (
            set(self.binding.selection.untrained),
            {id(each) for each in parameters_of(self.binding.optimizer)},
        )
        names = [
            each.name
            for each in self.binding.selection.parameters
            if each.name in untrained and each.tensor.requires_grad and id(each.tensor) in stepped
        ]
        if names:
            self._told_of_untrained = True
            listed = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more parameters"
            self._output.tell(
                "parameter", f"trained from t = {t} on, and not selected: {listed}; --select takes names", t
            )


def _changed_after(t: int) -> str:
    """Return the note that the last weights are not those that the last step left."""
    return f"parameters were changed after the last step: the weights of t = {t} are those after the change"

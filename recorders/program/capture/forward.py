"""One forward as a capture sees it: inputs and δ in, the selected outputs out."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from recorders.errors import ProgramRefused
from recorders.program.capture import feature_point, outputs
from recorders.program.capture.feature_point import Calls, Run
from recorders.program.capture.outputs import Selector

MODEL = "model"
"""Name of the user's model inside `Forward`: the prefix of its weights."""


def call(model: nn.Module, *inputs: Tensor) -> Any:
    """Run a model as it is run unless told otherwise."""
    return model(*inputs)


class Forward(nn.Module):
    """The model with δ at its feature point. Called once without δ's effect by `rehearse`, then exported."""

    def __init__(self, model: nn.Module, point: str, run: Run, select: Selector | None) -> None:
        super().__init__()
        self.model = model
        self.point = point
        self._run = run
        self._select = select

    def forward(self, inputs: tuple[Tensor, ...], delta: Tensor) -> tuple[Tensor, ...]:
        """Return the outputs, in the order of `rehearse`."""
        return tuple(self.named(inputs, delta)[0].values())

    def named(self, inputs: tuple[Tensor, ...], delta: Tensor) -> tuple[dict[str, Tensor], Calls]:
        """Return the outputs by name, and the calls of the feature point."""
        with feature_point.displaced(self.model, self.point, inputs, delta) as (displaced_inputs, calls):
            returned = self._run(self.model, *displaced_inputs)
        return outputs.pick(returned, self._select), calls

    def rehearse(self, inputs: tuple[Tensor, ...]) -> tuple[tuple[str, ...], Calls]:
        """Return the outputs' names and the feature, from one real forward.

        Raises:
            ProgramRefused: the batch is not the first axis of the feature or of an output.
        """
        with torch.no_grad():
            outputs_by_name, calls = self.named(inputs, torch.zeros((), device=inputs[0].device))
        batch = inputs[0].shape[0]
        if calls.shape[:1] != (batch,):
            raise ProgramRefused(f"at: the feature's first axis must be the batch ({batch}), found {list(calls.shape)}")
        for name, tensor in outputs_by_name.items():
            if tensor.shape[:1] != (batch,):
                raise ProgramRefused(
                    f"output: the first axis of {name!r} must be the batch ({batch}), found {list(tensor.shape)}"
                )
        return tuple(outputs_by_name), calls

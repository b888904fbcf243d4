"""A script's call of `torch.autograd.grad`, read as a gradient on the selected parameters.

Such a call returns gradients and leaves `.grad` alone, so what it returns is what the script, or a library of gradient
surgery, works with. Where it asks for some of the model's parameters only, the selected rest is differentiated as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from recorders.selection import Selection

_MARK = "sedscope.taken"


class GradientCall:
    """The arguments of one call.

    Args:
        outputs: what is differentiated.
        inputs: with respect to what.
        grad_outputs: the cotangents of the outputs; batched ones have an axis of their own in front.
        batched: whether the call returns a gradient for each of several cotangents.
    """

    def __init__(
        self, outputs: Sequence[Any], inputs: Sequence[Any], grad_outputs: Sequence[Any], *, batched: bool = False
    ) -> None:
        self.outputs = outputs
        self._inputs = [_unwrapped(each) for each in inputs]
        self._transformed = any(each is not other for each, other in zip(self._inputs, inputs, strict=True))
        cotangents = [_unwrapped(each) for each in grad_outputs]
        self._cotangents = [each.sum(0) if batched and isinstance(each, Tensor) else each for each in cotangents]
        self._batched = batched
        self._done = self._differentiated()

    def asks_for(self, selection: Selection) -> bool:
        """Return whether the call is about parameters of the model, and not about its inputs or features alone."""
        return any(each is parameter.tensor for each in self._inputs for parameter in selection.parameters)

    def is_readable(self) -> bool:
        """Return whether the call is not inside a transformation, such as `vmap`, that hides its numbers."""
        tensors = [each for each in (*self.outputs, *self._cotangents) if isinstance(each, Tensor)]
        return not any("Batched" in str(torch._C._dispatch_keys(_unwrapped(each))) for each in tensors)

    def loss(self, task: str) -> Tensor | None:
        """Return the sum of the losses that are differentiated, weighted as in the call; None where it counts already.

        A loss that is differentiated several times, with respect to one layer after the other, counts once.
        """
        outputs = [_unwrapped(output) for output in self.outputs]
        if any(not isinstance(output, Tensor) or output.numel() != 1 for output in outputs) or self._done.get(task):
            return None
        weights = [1.0 if weight is None else weight.detach().reshape(()) for weight in self._cotangents]
        terms = [output.detach().reshape(()) * weight for output, weight in zip(outputs, weights, strict=True)]
        return torch.stack(terms).sum()

    def rest(self, task: str, selection: Selection) -> dict[int, Tensor]:
        """Differentiate with respect to the selected parameters that the call leaves out, where it names layers alone.

        Returns:
            Gradients by position in the selection. None at all where features are among the inputs: the script goes on
            from those.

        Raises:
            RuntimeError: the graph cannot be used again.
        """
        tensors = {id(parameter.tensor) for parameter in selection.parameters}
        if self._transformed or not all(id(each) in tensors for each in self._inputs):
            return {}
        chosen, skipped = selection.chosen, self._requested(selection).keys() | self._done.get(task, set())
        missing = {i: tensor for i, tensor in enumerate(chosen) if i not in skipped and tensor.requires_grad}
        if not missing:
            return {}
        gradients = torch.autograd.grad(
            self.outputs, list(missing.values()), self._cotangents, retain_graph=True, allow_unused=True
        )
        return {i: gradient for i, gradient in zip(missing, gradients, strict=True) if gradient is not None}

    def read(self, task: str, result: Any, selection: Selection) -> dict[int, Tensor]:
        """Return, of what the call returned, gradients by position in the selection; each loss counts once at each."""
        done = self._done.get(task, set())
        values = list(result.values()) if isinstance(result, Mapping) else list(result)
        gradients: dict[int, Tensor] = {}
        for i, position in self._requested(selection).items():
            gradient = _unwrapped(values[position])
            if gradient is not None and i not in done:
                gradients[i] = gradient.detach().sum(0) if self._batched else gradient.detach()
        return gradients

    def close(self, task: str, selection: Selection) -> None:
        """Note on the loss that it counts, now that the call is over."""
        self._done[task] = set(range(len(selection.chosen)))

    def _requested(self, selection: Selection) -> dict[int, int]:
        """Return the positions among the inputs of selected parameters, by their positions in the selection."""
        positions = {id(each): position for position, each in enumerate(self._inputs)}
        return {i: positions[id(tensor)] for i, tensor in enumerate(selection.chosen) if id(tensor) in positions}

    def _differentiated(self) -> dict[str, set[int]]:
        """Return the selected parameters that this loss was differentiated at before, by task, to be filled in."""
        output = self.outputs[0] if len(self.outputs) == 1 else None
        node: Any = output.grad_fn if isinstance(output, Tensor) and output.numel() == 1 else None
        return {} if node is None else node.metadata.setdefault(_MARK, {})


def _unwrapped(tensor: Any) -> Any:
    """Return the tensor that `torch.func.grad` differentiates at, as the script knows it."""
    functorch = torch._C._functorch
    while isinstance(tensor, Tensor) and functorch.is_gradtrackingtensor(tensor):
        tensor = functorch.get_unwrapped(tensor)
    return tensor

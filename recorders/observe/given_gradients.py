"""Gradients that a script computed itself, brought into the order of the selected parameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from recorders.errors import UsageError
from recorders.selection import Selection
from recorders.selection.parameter_selection import ModelParameter, clean


def flat_gradient(gradients: Any, selection: Selection) -> Tensor:
    """Return a task's gradient as a fresh vector [P].

    Args:
        gradients: a mapping from parameters, or their names, to gradients, zeros where one is not there; a sequence
            with a gradient or None for each parameter of the model, or for each that is trained, or for each selected
            one; or those as one vector.
        selection: the selected parameters.

    Raises:
        UsageError: gradients of other names, numbers or shapes.
    """
    if isinstance(gradients, Mapping):
        gradient_of = _from_mapping(gradients, selection)
    elif isinstance(gradients, Tensor):
        gradient_of = _from_vector(gradients, selection)
    elif isinstance(gradients, Iterable):
        gradient_of = _from_sequence(list(gradients), selection)
    else:
        raise UsageError(f"gradients must be tensors, found {type(gradients).__name__}")
    for parameter in selection.parameters:
        gradient, shape = gradient_of.get(parameter.name), list(parameter.tensor.shape)
        if gradient is not None and (not isinstance(gradient, Tensor) or list(gradient.shape) != shape):
            actual = f"shape {list(gradient.shape)}" if isinstance(gradient, Tensor) else type(gradient).__name__
            raise UsageError(f"the gradient of {parameter.name} must be a tensor of shape {shape}, found {actual}")
    return selection.flatten([gradient_of.get(each.name) for each in selection.parameters if each.offset is not None])


def _from_mapping(gradients: Mapping[Any, Any], selection: Selection) -> dict[str, Any]:
    names = {id(parameter.tensor): parameter.name for parameter in selection.parameters}
    gradient_of = {
        clean(key) if isinstance(key, str) else names.get(id(key)): value for key, value in gradients.items()
    }
    unknown = [key for key in gradient_of if key not in names.values()]
    if unknown:
        raise UsageError(
            f"gradients must be of the model's parameters ({', '.join(names.values())}), found {unknown[0]!r}"
        )
    return {str(name): gradient for name, gradient in gradient_of.items()}


def _from_sequence(gradients: list[Any], selection: Selection) -> dict[str, Any]:
    groups = _groups(selection)
    for group in groups.values():
        if [parameter.tensor.shape for parameter in group] == [
            parameter.tensor.shape if gradient is None else getattr(gradient, "shape", None)
            for parameter, gradient in zip(group, gradients, strict=False)
        ] and len(group) == len(gradients):
            return {parameter.name: gradient for parameter, gradient in zip(group, gradients, strict=True)}
    counts = ", or ".join(f"one for each of {len(group)} {kind} parameters" for kind, group in groups.items())
    raise UsageError(f"gradients must be {counts}, shaped alike; found {len(gradients)}")


def _from_vector(gradient: Tensor, selection: Selection) -> dict[str, Any]:
    groups = _groups(selection)
    for group in groups.values():
        sizes = [parameter.tensor.numel() for parameter in group]
        if gradient.shape == (sum(sizes),):
            pieces = zip(group, torch.split(gradient.detach(), sizes), strict=True)
            return {parameter.name: piece.view(parameter.tensor.shape) for parameter, piece in pieces}
    lengths = ", or ".join(
        f"[{sum(parameter.tensor.numel() for parameter in group)}] of the {kind} parameters"
        for kind, group in groups.items()
    )
    raise UsageError(f"a vector of gradients must have the shape {lengths}; found {list(gradient.shape)}")


def _groups(selection: Selection) -> dict[str, list[ModelParameter]]:
    """Return the lists of parameters that a script may have gradients of, each in the model's order."""
    return {
        "selected": [parameter for parameter in selection.parameters if parameter.offset is not None],
        "trained": [parameter for parameter in selection.parameters if parameter.tensor.requires_grad],
        "model's": list(selection.parameters),
    }

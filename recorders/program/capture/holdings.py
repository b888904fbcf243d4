"""Tensors that an exported program holds beside inputs and δ: weights by state-dict name, and constants.

Decides which tensors are weights (by identity, so that a tied one counts once, under its first name) and which are
constants: non-persistent buffers and what the forward made from literals.
"""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor, nn

from recorders.errors import ProgramRefused
from recorders.program.capture.forward import Forward
from recorders.program.storage.graph import TensorSpec
from recorders.selection.parameter_selection import clean, saved_tensors

MAX_CONSTANT_BYTES: Final = 256 << 20
"""Bytes that a model may hold beside its state dict; more is taken for a mistake."""


def dtype_name(dtype: torch.dtype) -> str:
    """Return torch's name of an element type, as programs write it."""
    return str(dtype).removeprefix("torch.")


class Holdings:
    """State and constants in the order in which the placeholders of an export ask for them."""

    def __init__(self, exported: Any, forward: Forward) -> None:
        self._exported = exported
        self._forward = forward
        self._names = _state_names(forward.model)
        self._state: dict[int, tuple[TensorSpec, Tensor]] = {}
        self._constants: dict[int, tuple[TensorSpec, Tensor]] = {}
        self._placeholders: list[tuple[str, int]] = []

    def ask(self, placeholder: str, target: str) -> None:
        """Take in the tensor that one placeholder stands for.

        Raises:
            ProgramRefused: it is not a tensor, or it is trained without being in the state dict.
        """
        tensor = self._tensor(target)
        name = self._names.get(id(tensor))
        if name is None and tensor.requires_grad:
            raise ProgramRefused(f"model: {target!r} is trained but is not in the model's state dict")
        home = self._constants if name is None else self._state
        stored_name = name if name is not None else f"c{len(self._constants)}"
        home.setdefault(id(tensor), (TensorSpec(stored_name, dtype_name(tensor.dtype), tuple(tensor.shape)), tensor))
        self._placeholders.append((placeholder, id(tensor)))

    def numbers(self, first: int) -> dict[str, int]:
        """Return the value number of every placeholder, counted from `first`."""
        order = [*self._state, *self._constants]
        return {placeholder: first + order.index(identity) for placeholder, identity in self._placeholders}

    @property
    def state(self) -> tuple[TensorSpec, ...]:
        """Return the entries that the program takes from the state dict."""
        return tuple(spec for spec, _ in self._state.values())

    @property
    def constants(self) -> tuple[TensorSpec, ...]:
        """Return the entries that are stored beside the program."""
        return tuple(spec for spec, _ in self._constants.values())

    def constant_values(self) -> dict[str, Tensor]:
        """Return the constants' values on the CPU.

        Raises:
            ProgramRefused: more of them than a model should hold.
        """
        size = sum(tensor.numel() * tensor.element_size() for _, tensor in self._constants.values())
        if size > MAX_CONSTANT_BYTES:
            raise ProgramRefused(f"model: at most {MAX_CONSTANT_BYTES} bytes of constants are stored, found {size}")
        return {
            spec.name: tensor.detach().to("cpu", copy=True).contiguous() for spec, tensor in self._constants.values()
        }

    def _tensor(self, target: str) -> Tensor:
        """Return the real tensor: from the model where it has it, for identity, else from the export."""
        owner, _, leaf = target.rpartition(".")
        try:
            tensor = getattr(self._forward.get_submodule(owner), leaf)
        except AttributeError:
            tensor = self._exported.constants.get(target)
        if not isinstance(tensor, Tensor):
            raise ProgramRefused(f"model: {target!r} is not a tensor and cannot be stored")
        return tensor


def _state_names(model: nn.Module) -> dict[int, str]:
    """Return, by identity of each tensor of the state dict, the first of its names, as a run names weights."""
    names: dict[int, str] = {}
    for name, tensor in saved_tensors(model):
        names.setdefault(id(tensor), clean(name))
    return names

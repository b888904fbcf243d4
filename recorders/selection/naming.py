"""The names that a run gives to parameters: those of the plain model, whatever it was wrapped in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from torch import nn

_T = TypeVar("_T")
_COMPILED = "_orig_mod"
_WRAPPERS = ("DistributedDataParallel", "DataParallel")


def unwrap(model: nn.Module) -> nn.Module:
    """Return the model inside `torch.compile` and data-parallel wrappers."""
    while (inner := _inner(model)) is not None:
        model = inner
    return model


def _inner(model: nn.Module) -> nn.Module | None:
    inner = getattr(model, "module" if type(model).__name__ in _WRAPPERS else _COMPILED, None)
    return inner if isinstance(inner, nn.Module) else None


def clean(name: str) -> str:
    """Return a name without the segments of compiled submodules: `h.0._orig_mod.attn.weight` → `h.0.attn.weight`."""
    return ".".join(segment for segment in name.split(".") if segment != _COMPILED)


def clean_names(values: Mapping[str, _T]) -> dict[str, _T]:
    """Return the same values under clean names."""
    return {clean(name): value for name, value in values.items()}

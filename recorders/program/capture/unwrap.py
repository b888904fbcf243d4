"""Takes the compiled submodules out of a model for the time of a capture."""

from __future__ import annotations

from torch import nn

from recorders.selection.naming import unwrap


def unwrap_children(model: nn.Module) -> None:
    """Put every wrapped submodule itself in its wrapper's place; `leave_no_trace` undoes it."""
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            module._modules[name] = unwrap(child)
        module.__dict__.pop("_compiled_call_impl", None)

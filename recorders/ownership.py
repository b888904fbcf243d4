"""Who owns what: the model that holds an optimizer's parameters, and the optimizers that hold the selected ones.

A script that was not changed hands us an optimizer and nothing else; its model is looked for once, among all live
objects. What cannot be recorded rightly is refused here, by name.
"""

from __future__ import annotations

import gc
import inspect
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from recorders.errors import RefusedError
from recorders.naming import unwrap

_NODES_VISITED = 1_000_000


def parameters_of(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    """Every parameter of every group."""
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def find_model(parameters: Iterable[Tensor]) -> nn.Module | None:
    """The outermost live module that holds most of these parameters, free of wrappers; None when none holds any."""
    wanted = {id(parameter) for parameter in parameters}
    counts = {module: _held(module, wanted) for module in _live(nn.Module)}
    most = max(counts.values(), default=0)
    if not most:
        return None
    candidates = [module for module, count in counts.items() if count == most]
    inner = {id(child) for module in candidates for child in module.modules() if child is not module}
    outermost = [module for module in candidates if id(module) not in inner]
    return unwrap(min(outermost, key=lambda module: sum(1 for _ in module.modules())))


def optimized_parameters() -> list[Tensor]:
    """The parameters of every live optimizer."""
    live = (optimizer for optimizer in _live(torch.optim.Optimizer) if hasattr(optimizer, "param_groups"))
    return [parameter for optimizer in live for parameter in parameters_of(optimizer)]


def leaves_of(loss: Tensor) -> list[Tensor]:
    """The parameters that a loss depends on, read off its autograd graph."""
    leaves: list[Tensor] = []
    seen: set[Any] = set()
    stack: list[Any] = [loss.grad_fn]
    while stack and len(seen) < _NODES_VISITED:
        node = stack.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            leaves.append(node.variable)
        stack += [parent for parent, _ in node.next_functions]
    return leaves


def refuse_unrecordable(optimizer: torch.optim.Optimizer, closure: Callable[[], Any] | None) -> None:
    """Raise `RefusedError` for an optimizer that evaluates the loss more than once in a step."""
    name = type(optimizer).__name__
    if isinstance(optimizer, torch.optim.LBFGS):
        raise RefusedError(
            f"optimizer: {name} evaluates its loss several times in one step, so a step has no one gradient"
        )
    if closure is not None and not is_torchs_own(optimizer):
        raise RefusedError(f"optimizer: {name} takes a closure, and how often it calls it in one step is not known")


def refuse_shared_selection(optimizer: torch.optim.Optimizer, selected: Collection[Tensor]) -> None:
    """Raise `RefusedError` when other live optimizers own selected parameters that this one does not own.

    An optimizer that holds the *same* parameters is let pass: it may be the inner one of a wrapper, or a discarded one.
    It is refused when it steps.
    """
    mine = {id(parameter) for parameter in parameters_of(optimizer)}
    wanted = {id(parameter) for parameter in selected} - mine
    others = [other for other in _live(torch.optim.Optimizer) if other is not optimizer and _owns(other, wanted)]
    if not others:
        return
    every = [optimizer, *others]
    names = ", ".join(sorted({type(each).__name__ for each in every}))
    if len(every) > 2 and all(len(parameters_of(each)) == 1 for each in every):
        raise RefusedError(
            f"optimizer: {len(every)} optimizers of one parameter each (optimizer-in-backward) step at different times;"
            " one optimizer must own the selected parameters"
        )
    raise RefusedError(
        f"optimizer: {len(every)} optimizers ({names}) share the selected parameters; one must own them all:"
        " choose with --select what one of them owns"
    )


def is_torchs_own(optimizer: torch.optim.Optimizer) -> bool:
    """Whether its step is one that torch.optim defines, not a subclass's."""
    return str(getattr(type(optimizer).step, "__module__", "")).startswith("torch.optim.")


def ends_in_torchs_own(optimizer: torch.optim.Optimizer) -> bool:
    """Whether its step is one that torch.optim defines, or a subclass's that calls `super().step()`."""
    for kind in type(optimizer).__mro__:
        step = vars(kind).get("step")
        if step is None:
            continue
        if str(getattr(step, "__module__", "")).startswith("torch.optim."):
            return True
        code = getattr(inspect.unwrap(step), "__code__", None)
        if code is None or not {"super", "step"} <= set(code.co_names):
            return False
    return False


def refuse_second(first: torch.optim.Optimizer, second: torch.optim.Optimizer, selected: Collection[Tensor]) -> None:
    """Raise `RefusedError` when a second optimizer steps selected parameters: rows would miss its steps."""
    if _owns(second, {id(parameter) for parameter in selected}):
        names = f"{type(first).__name__} and {type(second).__name__}"
        raise RefusedError(f"optimizer: two optimizers ({names}) share the selected parameters; one must own them")


def _owns(optimizer: torch.optim.Optimizer, wanted: Collection[int]) -> bool:
    groups = getattr(optimizer, "param_groups", ())  # absent on one that is still being built
    return any(id(parameter) in wanted for group in groups for parameter in group["params"])


def _held(module: nn.Module, wanted: Collection[int]) -> int:
    return sum(1 for parameter in module.parameters() if id(parameter) in wanted)


def _live(kind: type[Any]) -> Iterator[Any]:
    # By type, not isinstance: that asks foreign proxies for their class, and a dead weakref.proxy raises.
    return (thing for thing in gc.get_objects() if issubclass(type(thing), kind))

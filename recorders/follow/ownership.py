"""Who owns what: the model that holds an optimizer's parameters, and the optimizers that hold the selected ones.

A script that was not changed hands us an optimizer and nothing else; its model is looked for once, among all live
objects. Garbage is no candidate: wherever it could be one, it is collected first, as when that happens by itself is
chance. What cannot be recorded rightly is refused here, by name.
"""

from __future__ import annotations

import gc
import inspect
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from recorders.errors import RefusedError
from recorders.selection.parameter_selection import unwrap

_NODES_VISITED = 1_000_000
"""Autograd nodes looked at for a loss: a few seconds, once; a graph that is larger has shown its parameters by then."""


def parameters_of(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    """Return every parameter of every group."""
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def find_model(parameters: Iterable[Tensor]) -> nn.Module | None:
    """Return the outermost live module, without wrappers, that holds most of these parameters; None without one."""
    ids = {id(parameter) for parameter in parameters}
    candidates = _holders(ids)
    if len(candidates) > 1:
        candidates.clear()  # nothing of ours may keep alive what is to be collected
        gc.collect()
        candidates = _holders(ids)
    if not candidates:
        return None
    inner = {id(child) for module in candidates for child in module.modules() if child is not module}
    outermost = [module for module in candidates if id(module) not in inner]
    return unwrap(min(outermost, key=lambda module: sum(1 for _ in module.modules())))


def optimized_parameters() -> list[Tensor]:
    """Return the parameters of every live optimizer; one that waits for the garbage collection trains nothing."""
    gc.collect()
    return [parameter for optimizer in _live(torch.optim.Optimizer) for parameter in _parameters_if_built(optimizer)]


def leaves_of(loss: Tensor) -> list[Tensor]:
    """Return the parameters that a loss depends on, read off its autograd graph."""
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


def refuse_shared_selection(
    optimizer: torch.optim.Optimizer, selected: Collection[Tensor], *, after: torch.optim.Optimizer | None = None
) -> None:
    """Raise `RefusedError` when other live optimizers own selected parameters that this one does not own.

    An optimizer that holds the *same* parameters is let pass: it may be the inner one of a wrapper, or a discarded one.
    So is the one that this one comes `after`. Either is refused when it steps.
    """
    mine = {id(parameter) for parameter in parameters_of(optimizer)}
    foreign_ids = {id(parameter) for parameter in selected} - mine
    others = _other_owners((optimizer, after), foreign_ids)
    if others:
        others.clear()
        gc.collect()  # a discarded optimizer steps nothing
        others = _other_owners((optimizer, after), foreign_ids)
    if not others:
        return
    sharing = [optimizer, *others]
    names = ", ".join(sorted({type(owner).__name__ for owner in sharing}))
    if len(sharing) > 2 and all(len(parameters_of(owner)) == 1 for owner in sharing):
        raise RefusedError(
            f"optimizer: {len(sharing)} optimizers of one parameter each (optimizer-in-backward) step at different"
            " times; one optimizer must own the selected parameters"
        )
    raise RefusedError(
        f"optimizer: {len(sharing)} optimizers ({names}) share the selected parameters; one must own them all:"
        " choose with --select what one of them owns"
    )


def is_torchs_own(optimizer: torch.optim.Optimizer) -> bool:
    """Return whether its step is one that torch.optim defines, not a subclass's."""
    return str(getattr(type(optimizer).step, "__module__", "")).startswith("torch.optim.")


def ends_in_torchs_own(optimizer: torch.optim.Optimizer) -> bool:
    """Return whether its step is one that torch.optim defines, or a subclass's that calls `super().step()`."""
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


def refuse_successor(former: torch.optim.Optimizer, successor: torch.optim.Optimizer) -> None:
    """Raise `RefusedError` when a second optimizer takes the first one's place and is of another kind.

    A run's sources, and how weights decay in it, are those of one kind of optimizer.
    """
    decoupled = [
        {bool(group.get("decoupled_weight_decay", False)) for group in optimizer.param_groups}
        for optimizer in (former, successor)
    ]
    if type(former) is not type(successor) or decoupled[0] != decoupled[1]:
        names = type(former).__name__, type(successor).__name__
        raise RefusedError(
            f"optimizer: the script has made a new optimizer, {names[1]} after {names[0]}, which steps the selected"
            " parameters in another way; record what comes now into a run of its own"
        )


def owns(optimizer: torch.optim.Optimizer, parameters: Iterable[Tensor]) -> bool:
    """Return whether the optimizer steps any of these parameters."""
    return _owns(optimizer, {id(parameter) for parameter in parameters})


def _owns(optimizer: torch.optim.Optimizer, ids: Collection[int]) -> bool:
    return any(id(parameter) in ids for parameter in _parameters_if_built(optimizer))


def _other_owners(
    excluded: Collection[torch.optim.Optimizer | None], ids: Collection[int]
) -> list[torch.optim.Optimizer]:
    live = _live(torch.optim.Optimizer)
    return [other for other in live if not any(other is optimizer for optimizer in excluded) and _owns(other, ids)]


def _parameters_if_built(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    """Return the parameters of any live optimizer, one that is still being built, or never was, among them."""
    groups = getattr(optimizer, "param_groups", ())
    return [parameter for group in groups for parameter in group["params"]]


def _holders(ids: Collection[int]) -> list[nn.Module]:
    """Return the live modules that hold most of the parameters with these ids; none where none holds any."""
    counts = [(module, _held(module, ids)) for module in _live(nn.Module)]
    most = max((count for _, count in counts), default=0)
    return [module for module, count in counts if most and count == most]


def _held(module: nn.Module, ids: Collection[int]) -> int:
    try:
        return sum(1 for parameter in nn.Module.parameters(module) if id(parameter) in ids)
    except Exception:  # noqa: BLE001  any module of the process, one that was never built among them, is looked at here
        return 0


def _live(kind: type[Any]) -> Iterator[Any]:
    # By type, not isinstance: that asks foreign proxies for their class, and a dead weakref.proxy raises.
    return (instance for instance in gc.get_objects() if issubclass(type(instance), kind))

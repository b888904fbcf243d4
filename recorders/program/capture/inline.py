"""Bodies of `no_grad` and disabled autocast, put in line.

An export keeps such a block as an operation with a graph of its own, and its decompositions forget that no gradient
passed through. Here the body's nodes move into the main graph, and what leaves a `no_grad` body is detached.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import fx

from recorders.errors import ProgramRefused

_GRAD = "wrap_with_set_grad_enabled"
_AUTOCAST = "wrap_with_autocast"


def inline_bodies(module: fx.GraphModule) -> None:
    """Replace every block of the graph by its body, nested ones too.

    Raises:
        ProgramRefused: autocast that is switched on inside the forward.
    """
    while (block := _next(module)) is not None:
        _inline(module, block)
    module.graph.eliminate_dead_code()
    module.recompile()


def _next(module: fx.GraphModule) -> fx.Node | None:
    return next((node for node in module.graph.nodes if _name(node) in (_GRAD, _AUTOCAST)), None)


def _name(node: fx.Node) -> str:
    return str(getattr(node.target, "_name", "")) if node.op == "call_function" else ""


def _inline(module: fx.GraphModule, block: fx.Node) -> None:
    arguments: list[Any] = list(block.args)
    if _name(block) == _GRAD:
        detaches, (where, *operands) = not arguments[0], arguments[1:]
    else:
        if arguments[2]:
            raise ProgramRefused(f"model: autocast to {arguments[1]} inside the forward cannot be captured")
        detaches, (where, *operands) = False, arguments[4:]
    body = getattr(module, str(where.target))
    with module.graph.inserting_before(block):
        results = _copy(module, body, operands)
        if detaches:
            results = [_detached(module.graph, result) for result in results]
    for user in list(block.users):
        position: Any = user.args[1]
        user.replace_all_uses_with(results[position])
        module.graph.erase_node(user)
    module.graph.erase_node(block)


def _copy(module: fx.GraphModule, body: fx.GraphModule, operands: list[Any]) -> list[Any]:
    copies: dict[fx.Node, Any] = {}
    remaining = iter(operands)
    for node in body.graph.nodes:
        if node.op == "placeholder":
            copies[node] = next(remaining)
        elif node.op == "output":
            return [copies[result] if isinstance(result, fx.Node) else result for result in node.args[0]]
        elif node.op == "get_attr":
            name = f"_inlined_{len(module._modules)}_{node.target}"
            setattr(module, name, getattr(body, node.target))
            copies[node] = module.graph.get_attr(name)
        else:
            copies[node] = module.graph.node_copy(node, lambda old: copies[old])
    raise ProgramRefused("model: a block without a result cannot be captured")


def _detached(graph: fx.Graph, result: Any) -> Any:
    if not isinstance(result, fx.Node) or not isinstance(result.meta.get("val"), torch.Tensor):
        return result
    detached = graph.call_function(torch.ops.aten.detach.default, (result,))
    detached.meta = dict(result.meta)
    return detached

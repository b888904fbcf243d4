"""Blocks: the matrices of the selection as pieces of the flat vector; a stacked in-projection counts as q, k and v.

Decides where a stacked matrix is cut. A matrix that is stacked in a way that is not contiguous in the flat vector
(columns, or interleaved heads) stays one block with role `qkv`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Final

from torch import Tensor, nn

from recorders.selection.roles import kind_of, layer_of, owner_of, role_of

_QUERY_HEADS: Final = ("num_heads", "n_head", "n_heads", "num_attention_heads", "nhead", "heads")
_KEY_HEADS: Final = ("num_key_value_heads", "num_kv_heads", "n_kv_head", "n_kv_heads", "kv_heads", "n_query_groups")
_HEAD_SIZES: Final = ("head_dim", "d_head", "head_size", "dim_head")
_INTERLEAVED: Final = "query_key_value"


@dataclass(frozen=True)
class MatrixBlock:
    """A contiguous piece of the flat vector that is one matrix of the model."""

    name: str
    parameter: str
    offset: int
    """Index of the block's first number in the flat vector [P]."""
    size: int
    shape: tuple[int, ...]
    layer: int | None
    role: str | None


def blocks_of(model: nn.Module, own_name: str, name: str, parameter: Tensor, offset: int) -> list[MatrixBlock]:
    """Return the blocks of one selected parameter.

    Args:
        model: the module that `own_name` counts from.
        own_name: the parameter's name in `model.named_parameters()`.
        name: its name in the run.
        parameter: the parameter.
        offset: where it begins in the flat vector.
    """
    role = role_of(name, kind_of(model, own_name, parameter))
    layer = layer_of(name)
    shape = tuple(parameter.shape)
    heights = _heights(model, own_name, shape, role)
    if heights is None:
        return [MatrixBlock(name, name, offset, parameter.numel(), shape, layer, role)]
    blocks = []
    for stacked_role, height in heights:
        piece = (height, *shape[1:])
        blocks.append(MatrixBlock(f"{name}.{stacked_role}", name, offset, prod(piece), piece, layer, stacked_role))
        offset += prod(piece)
    return blocks


def _heights(model: nn.Module, own_name: str, shape: tuple[int, ...], role: str | None) -> list[tuple[str, int]] | None:
    """Return the rows of each stacked matrix, from the top, or None where the stack is not to be cut."""
    owner = owner_of(model, own_name)
    transposed = type(owner).__name__ == "Conv1D"
    if role not in ("qkv", "kv") or len(shape) < 2 or transposed or _INTERLEAVED in own_name:
        return None
    rows, width = shape[0], shape[1]
    if role == "kv":
        return None if rows % 2 else [("k", rows // 2), ("v", rows // 2)]
    keys = _key_rows(model, own_name, rows, width)
    return None if keys is None else [("q", rows - 2 * keys), ("k", keys), ("v", keys)]


def _key_rows(model: nn.Module, own_name: str, rows: int, width: int) -> int | None:
    """Return the rows of k (as many as of v) in a stack of q, k and v: by the module's numbers, else by its shape."""
    declared = _declared_key_rows(model, own_name, rows)
    if declared is not None:
        return declared
    if rows == 3 * width:
        return width
    # Grouped queries: q keeps the width, k and v share what is left, and whole groups must fit into q.
    keys = (rows - width) // 2
    return keys if 0 < keys < width and rows == width + 2 * keys and width % keys == 0 else None


def _declared_key_rows(model: nn.Module, own_name: str, rows: int) -> int | None:
    path = own_name.split(".")[:-1]
    for depth in range(len(path), -1, -1):
        module = model.get_submodule(".".join(path[:depth]))
        heads, groups = _number(module, _QUERY_HEADS), _number(module, _KEY_HEADS)
        if heads and groups and rows % (heads + 2 * groups) == 0:
            size = _number(module, _HEAD_SIZES) or rows // (heads + 2 * groups)
            return groups * size if (heads + 2 * groups) * size == rows else None
    return None


def _number(module: nn.Module, names: tuple[str, ...]) -> int | None:
    values = (getattr(module, name, None) for name in names)
    return next(
        (value for value in values if isinstance(value, int) and not isinstance(value, bool) and value > 0), None
    )

"""A parameter's purpose, told from its module and its name: attention, MLP or embedding; q, k, v or o; which layer.

Heuristics over the naming habits of PyTorch code live here and nowhere else. Where a name says nothing the answer is
None, never a guess. A stacked in-projection is cut into blocks of q, k and v; one that is stacked in a way that is not
contiguous in the flat vector (columns, or interleaved heads) stays one block with role `qkv`. Which parameters are
selected is decided in `parameter_selection`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import prod
from typing import Final

from torch import Tensor, nn

from recorders.format import RecordedBlock

ATTENTION: Final = "attention"
MLP: Final = "mlp"
EMBEDDING: Final = "embedding"

_PROJECTED: Final = r"(_?(proj|projection|lin|linear|layer|net|weight|fc))*"
_LED: Final = r"(w_?|to_|linear_|lin_|fc_|proj_)?"
_ROLES: Final = (
    ("q", re.compile(rf"{_LED}(q|query|queries){_PROJECTED}", re.I)),
    ("k", re.compile(rf"{_LED}(k|key|keys){_PROJECTED}", re.I)),
    ("v", re.compile(rf"{_LED}(v|value|values){_PROJECTED}", re.I)),
    ("o", re.compile(rf"{_LED}(o|out|output){_PROJECTED}", re.I)),
    ("kv", re.compile(rf"{_LED}kv{_PROJECTED}", re.I)),
    ("qkv", re.compile(rf"{_LED}(qkv|q_k_v|attn_qkv){_PROJECTED}|c_attn|in_proj(_weight)?|query_key_value", re.I)),
)
_SEPARATE: Final = ("q", "k", "v", "o", "kv")
_FUSED_ALONE: Final = re.compile(rf"c_attn|{_LED}qkv{_PROJECTED}|query_key_value", re.I)
_OUTPUT_INSIDE_ATTENTION: Final = re.compile(r"c_proj|proj|dense", re.I)
_ATTENTION_NAME: Final = re.compile(r"attn|attention|mha", re.I)
_MLP_NAME: Final = re.compile(
    r"mlp|ffn?|feed_?forward|fc_?\d*|lin(ear)?_?[12]|(gate|up|down|gate_up)_proj|w[123]|c_fc|intermediate"
    r"|dense_h_to_4h|dense_4h_to_h|experts?|wi(_\d)?|densereludense",
    re.I,
)
_MLP_CLASS: Final = re.compile(r"mlp|feed_?forward|ffn", re.I)
_EMBEDDING_NAME: Final = re.compile(r"emb|^w[tp]e$|^pos(ition(s|al)?)?$|cls_token", re.I)
_NOT_A_PROJECTION: Final = re.compile(r"bias|^b_|pos|norm|scale|temperature|emb", re.I)
_QUERY_HEADS: Final = ("num_heads", "n_head", "n_heads", "num_attention_heads", "nhead", "heads")
_KEY_HEADS: Final = ("num_key_value_heads", "num_kv_heads", "n_kv_head", "n_kv_heads", "kv_heads", "n_query_groups")
_HEAD_SIZES: Final = ("head_dim", "d_head", "head_size", "dim_head")
_INTERLEAVED: Final = "query_key_value"


def kind_of(model: nn.Module, name: str, parameter: Tensor) -> str | None:
    """Return `attention`, `mlp` or `embedding` for a *weight* of that kind; None for all else, biases and norms too.

    `name` is the parameter's name as `model.named_parameters()` gives it.
    """
    path = list(_path(model, name))
    owner, leaf = path[-1][1], name.rpartition(".")[2]
    if isinstance(owner, nn.Embedding) or (parameter.ndim >= 2 and _EMBEDDING_NAME.search(leaf)):
        return EMBEDDING
    if parameter.ndim < 2 or _NOT_A_PROJECTION.search(leaf) or "norm" in path[-1][0].lower():
        return None
    # From the leaf outwards: a block may hold an attention and an MLP, so the nearest word rules.
    kinds = [_kind_of_segment(leaf, None, owner)]
    kinds += [_kind_of_segment(*path[at], path[at - 1][1]) for at in range(len(path) - 1, 0, -1)]
    decided = next((kind for kind in kinds if kind is not None), None)
    return EMBEDDING if decided is None and _EMBEDDING_NAME.search(path[-1][0]) else decided


def role_of(name: str, kind: str | None) -> str | None:
    """Return `q`, `k`, `v`, `o`, `kv` or `qkv` from the name of an attention weight; None where it does not say."""
    if kind != ATTENTION:
        return None
    segments = [segment for segment in name.split(".") if not segment.isdigit()]
    if segments and segments[-1] == "weight":
        segments.pop()
    for segment in reversed(segments[-2:]):
        if (role := _named_role(segment)) is not None:
            return role
        if _OUTPUT_INSIDE_ATTENTION.fullmatch(segment):
            return "o"
    return None


def layer_of(name: str) -> int | None:
    """Return the first number on the path: `encoder.layers.3.self_attn.in_proj_weight` is in layer 3."""
    return next((int(segment) for segment in name.split(".") if segment.isdecimal()), None)


def _kind_of_segment(segment: str, module: nn.Module | None, parent: nn.Module) -> str | None:
    if _ATTENTION_NAME.search(segment):
        return ATTENTION
    if _MLP_NAME.fullmatch(segment) or (segment == "output" and hasattr(parent, "intermediate")):
        return MLP
    if _FUSED_ALONE.fullmatch(segment) or (_named_role(segment) in _SEPARATE and _has_queries_and_keys(parent)):
        return ATTENTION
    if module is None:
        return None
    if _is_innermost_attention(module):
        return ATTENTION
    return MLP if _MLP_CLASS.search(type(module).__name__) else None


def _named_role(segment: str) -> str | None:
    return next((role for role, pattern in _ROLES if pattern.fullmatch(segment)), None)


def _has_queries_and_keys(module: nn.Module) -> bool:
    """Return whether a module has layers for queries and keys: `value` alone may be the value head of an agent."""
    names = [name for name, _ in module.named_children()] + [name for name, _ in module.named_parameters(recurse=False)]
    return {"q", "k"} <= {_named_role(name) for name in names}


def _is_innermost_attention(module: nn.Module) -> bool:
    """Return whether a module is an attention, not an `AttentionBlock` that holds an attention of its own."""
    if not _ATTENTION_NAME.search(type(module).__name__):
        return False
    return not any(
        _ATTENTION_NAME.search(name.rpartition(".")[2]) or _ATTENTION_NAME.search(type(child).__name__)
        for name, child in module.named_modules()
        if name
    )


def _path(model: nn.Module, name: str) -> Iterator[tuple[str, nn.Module]]:
    """Yield (segment, module) from the model itself down to the module that owns the parameter."""
    module = model
    yield "", module
    for segment in name.split(".")[:-1]:
        module = getattr(module, segment)
        yield segment, module


def blocks_of(model: nn.Module, own_name: str, name: str, parameter: Tensor, offset: int) -> list[RecordedBlock]:
    """Return the blocks of one selected parameter.

    It is `own_name` in `model.named_parameters()` and `name` in the run; `offset` is its place in the flat vector [P].
    """
    role = role_of(name, kind_of(model, own_name, parameter))
    layer = layer_of(name)
    shape = tuple(parameter.shape)
    heights = _heights(model, own_name, shape, role)
    if heights is None:
        return [RecordedBlock(name, name, offset, parameter.numel(), shape, layer, role)]
    blocks = []
    for stacked_role, height in heights:
        piece = (height, *shape[1:])
        blocks.append(RecordedBlock(f"{name}.{stacked_role}", name, offset, prod(piece), piece, layer, stacked_role))
        offset += prod(piece)
    return blocks


def _heights(model: nn.Module, own_name: str, shape: tuple[int, ...], role: str | None) -> list[tuple[str, int]] | None:
    """Return the rows of each stacked matrix, from the top, or None where the stack is not to be cut."""
    *_, (_, owner) = _path(model, own_name)
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

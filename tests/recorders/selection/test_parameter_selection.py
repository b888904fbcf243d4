"""Which parameters presets and globs select, their order, and where stacked matrices are cut."""

from typing import Any

import pytest
import torch
from torch import nn

from recorders.errors import UsageError
from recorders.selection import select
from recorders.selection.parameter_selection import clean_names, unwrap


class Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.tok_emb = nn.Embedding(7, 8)
        self.pos_emb = nn.Parameter(torch.zeros(2, 8))
        self.encoder = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2, enable_nested_tensor=False
        )
        self.head = nn.Linear(8, 7)


class CausalSelfAttention(nn.Module):
    def __init__(self, kv_heads: int, told: bool) -> None:
        super().__init__()
        if told:
            self.n_head, self.n_kv_head = 4, kv_heads
        self.c_attn = nn.Linear(8, 8 + 4 * kv_heads)
        self.c_proj = nn.Linear(8, 8)


class Mlp(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.c_fc = nn.Linear(8, 32)
        self.c_proj = nn.Linear(32, 8)


class AttentionBlock(nn.Module):
    """Its name says attention, yet it holds an MLP too."""

    def __init__(self, kv_heads: int = 4, told: bool = False) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(8)
        self.attn = CausalSelfAttention(kv_heads, told)
        self.mlp = Mlp()


class Llama(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Module()])
        layer: Any = self.layers[0]
        for name, out in (("q_proj", 8), ("k_proj", 4), ("v_proj", 4), ("o_proj", 8)):
            layer.add_module(name, nn.Linear(8, out, bias=False))
        layer.gate_proj, layer.up_proj = nn.Linear(8, 16, bias=False), nn.Linear(8, 16, bias=False)
        layer.q_norm = nn.Linear(4, 4)


class Actor(nn.Module):
    """A value head is no attention."""

    def __init__(self) -> None:
        super().__init__()
        self.policy, self.value = nn.Linear(8, 2), nn.Linear(8, 1)


def names(model: nn.Module, *spec: str) -> list[str]:
    return [each.name for each in select(model, spec).parameters if each.offset is not None]


def roles(model: nn.Module, *spec: str) -> list[tuple[str, str | None, tuple[int, ...]]]:
    return [(block.name, block.role, block.shape) for block in select(model, spec).blocks]


def test_the_default_is_the_attention_projection_weights() -> None:
    layers = [f"encoder.layers.{layer}.self_attn" for layer in (0, 1)]
    assert names(Encoder()) == [f"{layer}.{kind}" for layer in layers for kind in ("in_proj_weight", "out_proj.weight")]


def test_presets() -> None:
    model = Encoder()
    linears = [f"encoder.layers.{layer}.linear{number}.weight" for layer in (0, 1) for number in (1, 2)]
    assert names(model, "mlp") == linears
    assert names(model, "embedding") == ["pos_emb", "tok_emb.weight"]
    assert names(model, "all") == [name for name, _ in model.named_parameters()]
    assert names(model, "head.*", "embedding") == ["pos_emb", "tok_emb.weight", "head.weight", "head.bias"]
    assert names(nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 2)), "mlp") == ["0.weight", "1.weight"]


@pytest.mark.parametrize("model", [nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)), Actor()])
def test_a_model_without_attention_is_selected_whole(model: nn.Module) -> None:
    assert select(model).spec == ("all",) and names(model) == [name for name, _ in model.named_parameters()]
    with pytest.raises(UsageError, match="'attention' matches no parameter; presets are attention, mlp"):
        select(model, ["attention"])


def test_blocks_tile_the_flat_vector_with_q_k_and_v_apart() -> None:
    selection = select(Encoder())
    assert [block.role for block in selection.blocks] == ["q", "k", "v", "o"] * 2
    assert [block.layer for block in selection.blocks] == [0] * 4 + [1] * 4
    assert [block.offset for block in selection.blocks] == list(range(0, 512, 64))
    assert selection.size == 512 == sum(block.size for block in selection.blocks)


@pytest.mark.parametrize(("kv_heads", "told", "rows"), [(4, False, 8), (4, True, 8), (2, True, 4), (1, True, 2)])
def test_fused_projections_are_cut_where_the_module_or_the_shape_says(kv_heads: int, told: bool, rows: int) -> None:
    assert roles(AttentionBlock(kv_heads, told)) == [
        ("attn.c_attn.weight.q", "q", (8, 8)),
        ("attn.c_attn.weight.k", "k", (rows, 8)),
        ("attn.c_attn.weight.v", "v", (rows, 8)),
        ("attn.c_proj.weight", "o", (8, 8)),
    ]


def test_stacks_that_cannot_be_cut_stay_whole() -> None:
    class Conv1D(nn.Module):  # as in Hugging Face's GPT-2: the weight is transposed
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(8, 24))

    transposed = nn.ModuleDict({"attn": nn.ModuleDict({"c_attn": Conv1D()})})
    assert roles(transposed) == [("attn.c_attn.weight", "qkv", (8, 24))]
    interleaved = nn.ModuleDict({"attention": nn.ModuleDict({"query_key_value": nn.Linear(8, 24)})})
    assert roles(interleaved) == [("attention.query_key_value.weight", "qkv", (24, 8))]


def test_projections_that_lie_beside_each_other() -> None:
    assert roles(Llama()) == [
        (f"layers.0.{role}_proj.weight", role, (size, 8)) for role, size in (("q", 8), ("k", 4), ("v", 4), ("o", 8))
    ]
    assert names(Llama(), "mlp") == ["layers.0.gate_proj.weight", "layers.0.up_proj.weight"]


def test_flattening_is_row_major_in_the_models_order_and_makes_a_copy() -> None:
    model = nn.Sequential(nn.Linear(2, 3, bias=False), nn.Linear(3, 1, bias=False)).double()
    selection = select(model, ["1.*", "0.*"])
    tensors = [torch.arange(6.0).reshape(2, 3).T, None]  # a transposed view: flattened by rows, not as it lies
    flat = selection.flatten(tensors)
    assert flat.tolist() == [0, 3, 1, 4, 2, 5, 0, 0, 0] and flat.dtype == torch.float64
    flat = selection.flatten([parameter.detach() for parameter in selection.chosen])
    flat.zero_()
    assert all(parameter.any() for parameter in selection.chosen)


def test_names_are_those_of_the_plain_model() -> None:
    model = nn.Sequential(nn.Linear(2, 2))
    assert unwrap(nn.DataParallel(torch.compile(model, backend="eager"))) is model
    assert clean_names({"module.a._orig_mod.w": 1, "module.b": 2}) == {"module.a.w": 1, "module.b": 2}

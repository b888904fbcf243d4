"""The models that a capture must hold, and the plain way to displace their feature.

Every entry of `zoo` builds (model, inputs, feature module or None for the input, arguments of `capture`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

N = 12
"""Examples that the tests run on; the capture itself takes 8."""


@dataclass
class Case:
    """A model with inputs and what is told to `capture`."""

    model: nn.Module
    inputs: tuple[Tensor, ...]
    feature: str | None
    arguments: dict[str, Any] = field(default_factory=dict)
    read: Callable[[Any], tuple[Tensor, ...]] = lambda returned: (returned,)
    """From what the model returns to the outputs in the program's order."""

    def outputs(self, inputs: tuple[Tensor, ...] | None = None) -> tuple[Tensor, ...]:
        return self.read(self.model(*(self.inputs if inputs is None else inputs)))

    @contextmanager
    def displaced(self, delta: Tensor) -> Iterator[tuple[Tensor, ...]]:
        """Inputs to run on while δ is added at the feature point."""
        if self.feature is None:
            yield (self.inputs[0] + delta, *self.inputs[1:])
            return
        handle = self.model.get_submodule(self.feature).register_forward_hook(lambda *given: given[-1] + delta)
        try:
            yield self.inputs
        finally:
            handle.remove()


class Encoder(nn.Module):
    """Two tokens, pre-norm GELU encoder, learned positions, head at position 0."""

    def __init__(self, size: int = 11, width: int = 16, heads: int = 2, wide: int = 32) -> None:
        super().__init__()
        self.tok_emb = nn.Embedding(size, width)
        self.pos_emb = nn.Parameter(torch.randn(2, width) * 0.1)
        layer = nn.TransformerEncoderLayer(
            width, heads, wide, dropout=0.1, activation="gelu", batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, size)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        x = self.tok_emb(torch.stack([a, b], dim=1)) + self.pos_emb
        return self.head(self.norm(self.encoder(x)[:, 0]))


class CausalBlock(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        n, t, d = x.shape
        q, k, v = self.qkv(self.norm1(x)).split(d, dim=2)
        q, k, v = (part.view(n, t, self.heads, d // self.heads).transpose(1, 2) for part in (q, k, v))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.proj(mixed.transpose(1, 2).contiguous().view(n, t, d))
        return x + self.down(F.gelu(self.up(self.norm2(x)), approximate="tanh"))


class Gpt(nn.Module):
    """Causal, learned positions, optionally a head tied to the embedding."""

    def __init__(self, *, tied: bool = False, size: int = 13, width: int = 16, length: int = 5) -> None:
        super().__init__()
        self.wpe = nn.Embedding(length, width)
        self.wte = nn.Embedding(size, width)
        self.blocks = nn.ModuleList(CausalBlock(width, 2) for _ in range(2))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, size, bias=False)
        if tied:
            self.head.weight = self.wte.weight

    def forward(self, idx: Tensor) -> Tensor:
        positions = self.wpe(torch.arange(idx.shape[1], device=idx.device))
        x = self.wte(idx) + positions
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


class RmsNorm(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width) + 0.1 * torch.randn(width))

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.weight


def rotated(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    left, right = x.chunk(2, dim=-1)
    return x * cos + torch.cat([-right, left], dim=-1) * sin


class RotaryBlock(nn.Module):
    """Grouped-query attention with rotary positions and an explicit mask; SiLU-GLU."""

    def __init__(self, width: int, heads: int, groups: int) -> None:
        super().__init__()
        self.heads, self.groups, self.size = heads, groups, width // heads
        self.norm1, self.norm2 = RmsNorm(width), RmsNorm(width)
        self.q_proj = nn.Linear(width, width, bias=False)
        self.k_proj = nn.Linear(width, groups * self.size, bias=False)
        self.v_proj = nn.Linear(width, groups * self.size, bias=False)
        self.o_proj = nn.Linear(width, width, bias=False)
        self.gate, self.up = nn.Linear(width, 2 * width, bias=False), nn.Linear(width, 2 * width, bias=False)
        self.down = nn.Linear(2 * width, width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, mask: Tensor) -> Tensor:
        n, t, d = x.shape
        h = self.norm1(x)
        q = self.q_proj(h).view(n, t, self.heads, self.size).transpose(1, 2)
        k, v = (p(h).view(n, t, self.groups, self.size).transpose(1, 2) for p in (self.k_proj, self.v_proj))
        k, v = (part.repeat_interleave(self.heads // self.groups, dim=1) for part in (k, v))
        scores = rotated(q, cos, sin) @ rotated(k, cos, sin).transpose(-2, -1) / math.sqrt(self.size)
        mixed = scores.masked_fill(mask, float("-inf")).softmax(dim=-1) @ v
        x = x + self.o_proj(mixed.transpose(1, 2).reshape(n, t, d))
        h = self.norm2(x)
        return x + self.down(F.silu(self.gate(h)) * self.up(h))


class Llama(nn.Module):
    """Rotary positions, RMSNorm, SiLU-GLU, grouped queries; angles in a buffer that the state dict does not hold."""

    def __init__(self, size: int = 13, width: int = 16, heads: int = 4, length: int = 5) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(size, width)
        self.layers = nn.ModuleList(RotaryBlock(width, heads, 2) for _ in range(2))
        self.norm = RmsNorm(width)
        self.lm_head = nn.Linear(width, size, bias=False)
        half = width // heads // 2
        inverse = 1.0 / (100.0 ** (torch.arange(half).float() / half))
        self.register_buffer("inverse", inverse, persistent=False)

    def forward(self, idx: Tensor) -> Tensor:
        t = idx.shape[1]
        angles = torch.outer(torch.arange(t, device=idx.device).to(self.inverse.dtype), self.inverse)
        angles = torch.cat([angles, angles], dim=-1)
        mask = torch.ones(t, t, dtype=torch.bool, device=idx.device).triu(1)
        x = self.embed_tokens(idx)
        for layer in self.layers:
            x = layer(x, angles.cos(), angles.sin(), mask)
        return self.lm_head(self.norm(x))


class ComplexRotary(nn.Module):
    """Rotary positions as a complex buffer, the way of the first Llama code."""

    def __init__(self, size: int = 13, width: int = 8, length: int = 5) -> None:
        super().__init__()
        self.emb, self.head = nn.Embedding(size, width), nn.Linear(width, size)
        angles = torch.outer(torch.arange(length).float(), 1.0 / 10.0 ** torch.arange(width // 2).float())
        self.register_buffer("turns", torch.polar(torch.ones_like(angles), angles), persistent=False)

    def forward(self, idx: Tensor) -> Tensor:
        x = self.emb(idx)
        pairs = torch.view_as_complex(x.reshape(*x.shape[:-1], -1, 2))
        return self.head(torch.view_as_real(pairs * self.turns.to(pairs.dtype)).flatten(2).tanh())


class SmallCnn(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6)
        self.conv2, self.bn2 = nn.Conv2d(6, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8)
        self.head = nn.Linear(8 * 2 * 2, 5)
        for norm in (self.bn1, self.bn2):
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.5, 2.0)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.gelu(self.bn1(self.conv1(x))), 2)
        x = F.adaptive_avg_pool2d(F.silu(self.bn2(self.conv2(x))), 2)
        return self.head(x.flatten(1))


class SharedTrunk(nn.Module):
    """One encoder, one head per task, a dictionary of logits."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = Encoder()
        self.trunk.head = nn.Identity()
        self.heads = nn.ModuleDict({"add": nn.Linear(16, 11), "mul": nn.Linear(16, 7)})

    def forward(self, a: Tensor, b: Tensor) -> dict[str, Tensor]:
        h = self.trunk(a, b)
        return {name: head(h) for name, head in self.heads.items()}


class Convnormed(nn.Module):
    """Old habits: in-place writes, integer arithmetic, a literal, positions by division."""

    def __init__(self) -> None:
        super().__init__()
        self.emb, self.head = nn.Embedding(9, 8), nn.Linear(8, 4)

    def forward(self, idx: Tensor) -> Tensor:
        scale = torch.arange(1, 1 + idx.shape[1]) / 3
        mask = torch.zeros(idx.shape[1], dtype=self.head.weight.dtype)
        mask[1:] = 1.0
        x = self.emb((idx * 2 + 1) % 9) * (scale * mask).unsqueeze(-1)
        x.add_(torch.tensor([0.5, 0.25] * 4))
        return self.head(x.mean(dim=1).tanh())


def _pairs(size: int) -> tuple[Tensor, Tensor]:
    return torch.randint(0, size, (N,)), torch.randint(0, size, (N,))


def _tokens(size: int, length: int = 5) -> tuple[Tensor]:
    return (torch.randint(0, size, (N, length)),)


def _mlp() -> Case:
    model = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 16), nn.GELU(), nn.Linear(16, 4))
    return Case(model, (torch.randn(N, 6),), None)


def _heads(select: str | None) -> Case:
    def read(returned: dict[str, Tensor]) -> tuple[Tensor, ...]:
        return tuple(returned.values()) if select is None else (returned[select],)

    return Case(SharedTrunk(), _pairs(11), "trunk.tok_emb", {"select": select}, read)


ZOO: dict[str, Callable[[], Case]] = {
    "encoder": lambda: Case(Encoder(), _pairs(11), "tok_emb"),
    "gpt": lambda: Case(Gpt(), _tokens(13), "wte"),
    "tied gpt": lambda: Case(Gpt(tied=True), _tokens(13), "wte"),
    "llama": lambda: Case(Llama(), _tokens(13), "embed_tokens"),
    "complex rotary": lambda: Case(ComplexRotary(), _tokens(13), "emb"),
    "mlp": _mlp,
    "mlp, inner feature": lambda: Case((case := _mlp()).model, case.inputs, "2", {"at": "2"}),
    "cnn": lambda: Case(SmallCnn(), (torch.randn(N, 3, 8, 8),), None),
    "shared trunk": lambda: _heads(None),
    "one head of a trunk": lambda: _heads("mul"),
    "in place": lambda: Case(Convnormed(), _tokens(9), "emb"),
    "lstm": lambda: Case(
        nn.LSTM(4, 6, batch_first=True), (torch.randn(N, 3, 4),), None, {"select": 0}, lambda returned: (returned[0],)
    ),
}

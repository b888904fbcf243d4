"""J v by the tangents of a feature program beside double backward: processor time of one thread, pairs interleaved.

Decides the models, their selections and the targets. Graph and plan are made before the clock runs: a checkpoint makes
them once and takes 23 directions or more. Both routes get the same directions, and their products are compared.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from statistics import median

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.analysing import example_module
from recorders.program import capture_program, load
from sedscope.analysis.constants import BLOCK_BYTES
from sedscope.analysis.features.centroid_jvp import JVPFunction, double_backward_jvp, tangent_jvp
from sedscope.analysis.features.checkpoint_models import centred_output, score
from sedscope.analysis.features.probed_model import ProbedModel
from sedscope.analysis.features.tangent.scored_program import ScoredProgram

TOLERANCE = 1e-5
"""Relative deviation of the two routes in float32."""


class Block(nn.Module):
    """A causal pre-norm block, as in nanoGPT."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output `[n, T, d]`."""
        n, length, width = x.shape
        q, k, v = (
            part.view(n, length, self.heads, -1).transpose(1, 2) for part in self.qkv(self.norm1(x)).split(width, dim=2)
        )
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.proj(mixed.transpose(1, 2).reshape(n, length, width))
        residual: Tensor = x + self.down(F.gelu(self.up(self.norm2(x))))
        return residual


class SmallGpt(nn.Module):
    """Four layers of width 256 over 64 characters; logits at every position."""

    def __init__(self, size: int = 65, width: int = 256, length: int = 64, layers: int = 4) -> None:
        super().__init__()
        self.wte, self.wpe = nn.Embedding(size, width), nn.Embedding(length, width)
        self.blocks = nn.Sequential(*(Block(width, 4) for _ in range(layers)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, size, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return logits `[n, T, size]`."""
        x = self.wte(tokens) + self.wpe(torch.arange(tokens.shape[1], device=tokens.device))
        logits: Tensor = self.head(self.norm(self.blocks(x)))
        return logits


def cnn() -> nn.Module:
    """Return a small convolutional classifier of 32 × 32 images."""
    layers: list[nn.Module] = []
    for before, after in ((3, 32), (32, 64), (64, 64)):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(64 * 4 * 4, 10))


def perceptron(width: int) -> nn.Module:
    """Return a perceptron with two hidden layers."""
    return nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, width), nn.GELU(), nn.Linear(width, 10))


@dataclass(frozen=True)
class Case:
    """A model with what is selected and asked of it."""

    name: str
    target: float
    """Least ratio of double backward's time to the tangents'."""
    model: Callable[[], nn.Module]
    inputs: Callable[[], tuple[Tensor, ...]]
    selected: tuple[str, ...]
    n_classes: int

    def probed_model(self) -> ProbedModel:
        """Return the model with its program, in float32."""
        torch.manual_seed(0)
        model, inputs = self.model().eval(), self.inputs()
        select = None if self.name != "p97" else "add"
        capture = capture_program(model, inputs, select=select)
        program = load(capture.program_json, capture.constants)
        state = model.state_dict()
        names = tuple(n for n, _ in model.named_parameters() if any(fnmatch(n, glob) for glob in self.selected))
        shape = program.run(state, inputs, torch.zeros(()))[0].shape
        targets = torch.randint(self.n_classes, shape[:-1])

        def read(output: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
            return score(output, targets, "target_logit"), centred_output(output, "target_logit")

        def scores_and_output(
            state: Mapping[str, Tensor], examples: Sequence[Tensor], delta: Tensor
        ) -> tuple[Tensor, Tensor]:
            *model_inputs, chosen = examples
            return read(program.run(state, model_inputs, delta)[0], chosen)

        def scores(state: Mapping[str, Tensor], examples: Sequence[Tensor], delta: Tensor) -> Tensor:
            return scores_and_output(state, examples, delta)[0]

        largest = program.check(inputs).largest
        scored = ScoredProgram(program, 0, None, read, max(1, BLOCK_BYTES * len(inputs[0]) // largest))
        return ProbedModel(scores, state, names, (*inputs, targets), program.feature_shape, scores_and_output, scored)


CASES = (
    Case(
        "p97",
        2.2,
        lambda: example_module().ModularTransformer(97, ["add"], 128, 4, 256, 2),
        lambda: (torch.randint(97, (1024,)), torch.randint(97, (1024,))),
        ("*self_attn*proj*weight",),
        97,
    ),
    Case("gpt", 1.7, SmallGpt, lambda: (torch.randint(65, (32, 64)),), ("*qkv.weight", "*proj.weight"), 65),
    Case("cnn", 1.7, cnn, lambda: (torch.randn(128, 3, 32, 32),), ("*weight", "*bias"), 10),
    Case("mlp", 1.0, lambda: perceptron(256), lambda: (torch.randn(1024, 64),), ("*weight",), 10),
    Case("tiny", 1.0, lambda: perceptron(16), lambda: (torch.randn(64, 64),), ("*weight",), 10),
)


def ratio(case: Case, rounds: int) -> tuple[float, float, float]:
    """Return seconds per direction of double backward and of the tangents, and the median ratio of neighbours.

    Raises:
        SystemExit: The two disagree.
    """
    model = case.probed_model()
    generator = torch.Generator().manual_seed(1)
    directions = [model.unflatten(torch.randn(model.size, generator=generator)) for _ in range(3)]
    probes = slice(0, model.n_probes)
    tangents = tangent_jvp(model, probes)
    if tangents is None:
        raise SystemExit(f"{case.name}: the tangents do not take this program")
    slow = double_backward_jvp(model, probes)
    for v in directions:
        for name, ours, theirs in zip(("J v", "output"), tangents(v), slow(v), strict=True):
            deviation = float((ours - theirs).norm() / theirs.norm())  # type: ignore[operator, union-attr]
            if not deviation <= TOLERANCE:
                raise SystemExit(f"{case.name}: the two routes disagree: {name} by {deviation:.1e}")
    pairs = []
    for index in range(rounds):
        v = directions[index % len(directions)]
        routes = (slow, tangents) if index % 2 == 0 else (tangents, slow)
        took = {route: _seconds(route, v) for route in routes}
        pairs.append((took[slow], took[tangents]))
    return median(a for a, _ in pairs), median(b for _, b in pairs), median(a / b for a, b in pairs)


def _seconds(route: JVPFunction, v: Sequence[Tensor]) -> float:
    begun = time.thread_time()
    route(v)
    return time.thread_time() - begun


def main() -> int:
    """Print the ratio of every case; return 1 where one misses its target."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tangents", description=__doc__)
    parser.add_argument("cases", nargs="*", help="default: all")
    parser.add_argument("--rounds", type=int, default=15, help="pairs of products per case (default 15)")
    args = parser.parse_args()
    torch.set_num_threads(1)
    missed = False
    for case in CASES:
        if args.cases and case.name not in args.cases:
            continue
        slow, fast, quotient = ratio(case, args.rounds)
        missed |= quotient < case.target
        verdict = "ok" if quotient >= case.target else "MISSED"
        print(
            f"{case.name:6} {quotient:5.2f}×   target {case.target:.1f}×   {verdict:7}"
            f" double backward {1e3 * slow:.1f} ms, tangents {1e3 * fast:.1f} ms per direction",
            flush=True,
        )
    return int(missed)


if __name__ == "__main__":
    raise SystemExit(main())

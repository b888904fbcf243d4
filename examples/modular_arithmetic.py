"""Modular arithmetic with a small transformer: one operation, or several on a shared encoder.

The script trains and prints; it never decides whether anything is recorded. Run it as it is,

    python examples/modular_arithmetic.py --ops add

or let sedscope write down the history of the same training:

    sedscope record examples/modular_arithmetic.py --ops add

The three sedscope calls below (`probe`, `backward`, `log`) do nothing extra when nobody records. The defaults are the
usual grokking recipe at p = 97 (two minutes for one operation on one core); smaller settings grok faster.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

import sedscope

OPERATIONS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "x2y2": lambda a, b: a * a + b * b,
}


class ModularTransformer(nn.Module):
    """Two tokens, a pre-norm encoder, and one linear head per operation, read out at position 0."""

    def __init__(self, modulus: int, ops: list[str], d_model: int, heads: int, d_ff: int, layers: int) -> None:
        super().__init__()
        self.tok_emb = nn.Embedding(modulus, d_model)
        self.pos_emb = nn.Parameter(0.02 * torch.randn(2, d_model))
        layer = nn.TransformerEncoderLayer(
            d_model, heads, d_ff, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(d_model)
        self.heads = nn.ModuleDict({op: nn.Linear(d_model, modulus) for op in ops})

    def forward(self, a: Tensor, b: Tensor) -> dict[str, Tensor]:
        """Logits [batch, modulus] of every operation for the pairs (a, b), each [batch]."""
        tokens = self.tok_emb(torch.stack((a, b), dim=1)) + self.pos_emb
        read_out = self.norm(self.encoder(tokens)[:, 0])
        return {op: head(read_out) for op, head in self.heads.items()}


@dataclass(frozen=True)
class Table:
    """Every pair of operands with its results, and which half is trained on."""

    a: Tensor
    """First operand, [pairs]."""
    b: Tensor
    """Second operand, [pairs]."""
    results: dict[str, Tensor]
    """For each operation the result modulo p, [pairs]."""
    is_train: Tensor
    """Which pairs are trained on, [pairs]."""

    @property
    def train(self) -> Tensor:
        """Positions of the training pairs."""
        return self.is_train.nonzero().flatten()

    @property
    def test(self) -> Tensor:
        """Positions of the others."""
        return self.is_train.logical_not().nonzero().flatten()


def make_table(ops: list[str], modulus: int, train_fraction: float, seed: int) -> Table:
    """Return all pairs, zeros left out where `mul` is among the operations, split by `seed`."""
    values = torch.arange(1 if "mul" in ops else 0, modulus)
    a, b = torch.cartesian_prod(values, values).unbind(1)
    order = torch.randperm(len(a), generator=torch.Generator().manual_seed(seed))
    is_train = torch.zeros(len(a), dtype=torch.bool)
    is_train[order[: round(train_fraction * len(a))]] = True
    results = {op: OPERATIONS[op](a, b) % modulus for op in ops}
    return Table(a, b, results, is_train)


def losses_of(model: nn.Module, table: Table, pairs: Tensor) -> dict[str, Tensor]:
    """Mean cross-entropy of every operation on the given pairs."""
    logits = model(table.a[pairs], table.b[pairs])
    return {op: nn.functional.cross_entropy(logits[op], table.results[op][pairs]) for op in logits}


@torch.no_grad()
def evaluate(model: nn.Module, table: Table) -> dict[str, float]:
    """Accuracy and loss of every operation on both halves, under the names that are logged."""
    model.eval()
    metrics = {}
    for half, pairs in (("train", table.train), ("test", table.test)):
        for op, logits in model(table.a[pairs], table.b[pairs]).items():
            targets = table.results[op][pairs]
            metrics[f"{half}_acc/{op}"] = (logits.argmax(-1) == targets).double().mean().item()
            metrics[f"{half}_loss/{op}"] = nn.functional.cross_entropy(logits, targets).item()
    model.train()
    return metrics


def describe(t: int, metrics: dict[str, float], seconds: float) -> str:
    """Return a line of progress: the step, and train/test accuracy of every operation."""
    accuracies = "   ".join(
        f"{name.removeprefix('test_acc/')} {metrics[name.replace('test_', 'train_')]:.2f}/{value:.2f}"
        for name, value in metrics.items()
        if name.startswith("test_acc/")
    )
    return f"step {t:6d}   train/test accuracy: {accuracies}   {seconds:5.0f} s"


def train(args: argparse.Namespace) -> None:
    """Train by the recipe: AdamW, clipped gradients, stop once every operation has generalised for a while."""
    torch.manual_seed(args.seed)
    table = make_table(args.ops, args.modulus, args.train_fraction, args.seed)
    model = ModularTransformer(args.modulus, args.ops, args.d_model, args.heads, args.d_ff, args.layers)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=args.lr, weight_decay=args.weight_decay, betas=(args.beta1, args.beta2)
    )
    for op in args.ops:
        inputs, targets = (table.a, table.b), table.results[op]
        sedscope.probe(model, task=op, inputs=inputs, targets=targets, at="tok_emb", output=op, train=table.is_train)
    train_pairs = table.train
    begun, solved = time.monotonic(), 0
    for t in range(args.steps + 1):
        if t % args.eval_every == 0 or t == args.steps:
            metrics = evaluate(model, table)
            sedscope.log(metrics)
            solved += all(metrics[f"test_acc/{op}"] >= args.stop_at for op in args.ops)
            done = t == args.steps or solved >= args.stop_after
            if done or t % args.print_every == 0:
                print(describe(t, metrics, time.monotonic() - begun), flush=True)
            if done:
                return
        batch = train_pairs[torch.randperm(len(train_pairs))[: args.batch]]
        optimizer.zero_grad()
        sedscope.backward(losses_of(model, table, batch))
        nn.utils.clip_grad_norm_(model.parameters(), args.clip)
        optimizer.step()


def parse_ops(text: str) -> list[str]:
    """Read `add,mul` as `["add", "mul"]`; unknown and repeated names are refused."""
    ops = text.split(",")
    if unknown := sorted(set(ops) - set(OPERATIONS)):
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}; there are {', '.join(OPERATIONS)}")
    if len(set(ops)) < len(ops):
        raise argparse.ArgumentTypeError(f"each operation once, found {text}")
    return ops


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Train a small transformer on modular arithmetic.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--ops", type=parse_ops, default="add", help=f"one or several of {','.join(OPERATIONS)}")
    add("--modulus", type=int, default=97, help="p; results are taken modulo p")
    add("--steps", type=int, default=10_000, help="optimizer steps at most")
    add("--seed", type=int, default=42, help="of the split, the initial weights and the batches")
    add("--train-fraction", type=float, default=0.5, help="part of the pairs that is trained on")
    add("--d-model", type=int, default=128, help="width of the encoder")
    add("--heads", type=int, default=4, help="attention heads")
    add("--d-ff", type=int, default=256, help="width of the feed-forward layers")
    add("--layers", type=int, default=2, help="encoder layers")
    add("--lr", type=float, default=1e-3, help="learning rate of AdamW")
    add("--weight-decay", type=float, default=1.0, help="decoupled weight decay")
    add("--beta1", type=float, default=0.9, help="of AdamW")
    add("--beta2", type=float, default=0.98, help="of AdamW")
    add("--batch", type=int, default=512, help="pairs in a batch (all training pairs where there are fewer)")
    add("--clip", type=float, default=1.0, help="largest norm of the gradient")
    add("--eval-every", type=int, default=25, help="steps between evaluations")
    add("--stop-at", type=float, default=0.98, help="test accuracy that counts as solved")
    add("--stop-after", type=int, default=20, help="stop after this many solved evaluations")
    add("--print-every", type=int, default=500, help="steps between progress lines")
    return parser.parse_args()


if __name__ == "__main__":
    train(parse_args())

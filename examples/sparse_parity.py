"""Sparse parity with a multilayer perceptron: an example without attention and without AdamW.

The label is two parities, each of a few hidden bits among many; the network memorises its training set first and finds
the hidden bits later. Run it as it is,

    python examples/sparse_parity.py

or let sedscope write down the history; without attention in the model, all of its parameters are recorded:

    sedscope record examples/sparse_parity.py
"""

from __future__ import annotations

import argparse

import torch
from torch import Tensor, nn

import sedscope

TEST_EXAMPLES = 2_000


class Perceptron(nn.Module):
    """Two hidden layers of ReLU units and one logit for each combination of parities."""

    def __init__(self, bits: int, width: int, classes: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(bits, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.head = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits [batch, classes] for signs x [batch, bits]."""
        logits: Tensor = self.head(self.mlp(x))
        return logits


def make_examples(count: int, bits: int, parities: int, parity_of: int, seed: int) -> tuple[Tensor, Tensor]:
    """Draw random signs [count, bits] and labels [count]: the parities of the first bits, read as a binary number."""
    x = torch.randint(0, 2, (count, bits), generator=torch.Generator().manual_seed(seed)) * 2 - 1
    odd = x[:, : parities * parity_of].reshape(count, parities, parity_of).prod(2) < 0
    return x.float(), (odd * 2 ** torch.arange(parities)).sum(1)


@torch.no_grad()
def evaluate(model: nn.Module, x: Tensor, y: Tensor, is_train: Tensor) -> dict[str, float]:
    """Accuracy on the training examples and on the others, under the names that are logged."""
    right = (model(x).argmax(-1) == y).double()
    return {"train_acc/parity": right[is_train].mean().item(), "test_acc/parity": right[~is_train].mean().item()}


def train(args: argparse.Namespace) -> None:
    """SGD with momentum on a fixed training set, long enough for the parity to be found."""
    torch.manual_seed(args.seed)
    x, y = make_examples(args.train_examples + TEST_EXAMPLES, args.bits, args.parities, args.parity_of, args.seed)
    is_train = torch.arange(len(x)) < args.train_examples
    model = Perceptron(args.bits, args.width, 2**args.parities)
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9, weight_decay=args.weight_decay)
    sedscope.probe(model, task="parity", inputs=(x,), targets=y, train=is_train)

    for t in range(args.steps + 1):
        if t % args.eval_every == 0:
            metrics = evaluate(model, x, y, is_train)
            sedscope.log(metrics)
            if t % args.print_every == 0:
                print(f"step {t:6d}   " + "   ".join(f"{name} {value:.2f}" for name, value in metrics.items()))
        if t < args.steps:
            batch = torch.randint(0, args.train_examples, (args.batch,))
            optimizer.zero_grad()
            sedscope.backward({"parity": nn.functional.cross_entropy(model(x[batch]), y[batch])})
            optimizer.step()


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Train a multilayer perceptron on sparse parity.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--bits", type=int, default=30, help="length of an input")
    add("--parities", type=int, default=2, help="how many parities make up the label")
    add("--parity-of", type=int, default=3, help="how many bits each of them looks at")
    add("--train-examples", type=int, default=800, help="size of the training set")
    add("--width", type=int, default=40, help="hidden units in each of the two layers")
    add("--steps", type=int, default=2_500, help="optimizer steps")
    add("--batch", type=int, default=64, help="examples in a batch")
    add("--lr", type=float, default=0.05, help="learning rate of SGD with momentum 0.9")
    add("--weight-decay", type=float, default=5e-3, help="coupled weight decay")
    add("--seed", type=int, default=42, help="of the data, the initial weights and the batches")
    add("--eval-every", type=int, default=25, help="steps between evaluations")
    add("--print-every", type=int, default=500, help="steps between progress lines")
    return parser.parse_args()


if __name__ == "__main__":
    train(parse_args())

"""The published numbers, and those measured before with another program, as data with their words.

Decides nothing: numbers as their authors state them. `published` is from the abstract of arXiv 2604.25143 (Xu 2026) and
the notes beside its code; `before` is one seed (42) of the same recipe, measured on a CPU by a program of its own, with
leading windows, 40 checkpoints (several tasks: 10) and central differences.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Published:
    """One published quantity."""

    what: str
    """The quantity, in words."""
    words: str
    """The number as it was published; empty where it was not."""
    low: float | None = None
    """The least that the words allow; None where nothing was published."""
    high: float | None = None
    """The most that they allow."""
    before: str = ""
    """The number measured before, in words."""


def _single_number(what: str, value: float, before: str = "", unit: str = "") -> Published:
    return Published(what, f"{value:g}{unit}", value, value, before)


DISPLACEMENT: Final = Published(
    "R̄_k of displacement rows, one operation",
    "3–9",
    3.0,
    9.0,
    "add: peak 9.2, final 5.8; mul: peak 8.4, final 5.6",
)
FIXED: Final = Published(
    "R̄_k of fixed-batch gradient rows, one operation, at its peak",
    "100–330",
    100.0,
    330.0,
    "add: peak 109, final 108; mul: peak 130, final 118",
)
OVER_DISPLACEMENT: Final = Published(
    "fixed-batch gradient over displacement, one operation", "one or two orders of magnitude", 10.0, 100.0
)
WINDOWS: Final = {
    1: _single_number("R_1 of the fixed gradient at W = 1 (add, seed 42)", 648),
    20: _single_number("R_1 at W = 20", 212),
    40: _single_number("R_1 at W = 40", 140),
}
RANKS: Final = {
    rank: Published(f"R̄_k of the K = {rank} first directions at W = 20 (add, seed 42)", "") for rank in (1, 3, 10, 20)
}
EPSILONS: Final = {
    0.001: _single_number("R_1 by central difference, ε = 0.001 (add, seed 42)", 221),
    0.005: _single_number("R_1 by central difference, ε = 0.005", 212),
    0.05: _single_number("R_1 by central difference, ε = 0.05", 74),
}
EXACT: Final = Published("R_1 by the exact derivative", "", before="5–19 % above ε = 0.005")
RANK_90: Final = Published(
    "rank-90 of the centroids of add: start / largest / end", "", before="62 / 96 (in the middle) / 51"
)
PER_EXAMPLE: Final = {
    "start": _single_number("R̄_k of the SVD of per-example gradients, add: at the start", 27),
    "middle": _single_number("in the middle of the run", 92),
    "end": _single_number("at its end, after grokking", 431),
}
FOUR_DISPLACEMENT: Final = Published(
    "R̄_k of displacement rows, four operations", "≤ 1", 0.0, 1.0, "1.4–2.6 (3.8 at step 0)"
)
FOUR_OWN: Final = Published(
    "R̄_k of each task's fixed gradient, four operations", "20–45 (12–45 after grokking)", 12.0, 45.0, "19–38"
)
FOUR_AGGREGATED: Final = Published("R̄_k of the aggregated fixed gradient, four operations", "", before="13–30")
GROK: Final = _single_number("grok step of the control, add", 3358, "2,875")

_BEFORE: Final = {
    ("gradient", "keep-sed", "applied"): "3.5× (825)",
    ("gradient", "keep-sed", "raw"): "1.10× (2,625)",
    ("gradient", "keep-random", None): "3.3× (875)",
    ("gradient", "remove-sed", "applied"): "1.03× (2,800)",
    ("gradient", "remove-random", None): "0.99× (2,900)",
    ("update", "keep-sed", "applied"): "3.2× (900)",
    ("update", "keep-random", None): "3.5× (825)",
    ("update", "remove-sed", "applied"): "1.34× (2,150)",
    ("update", "remove-random", None): "1.00× (2,875)",
}
_FACTORS: Final = {
    ("gradient", "keep-sed", "applied"): "2.20",
    ("gradient", "keep-random", None): "2.36",
    ("gradient", "remove-sed", "applied"): "1.02",
    ("gradient", "remove-random", None): "1.00",
    ("update", "keep-sed", "applied"): "2.3",
    ("update", "keep-random", None): "2.3",
    ("update", "remove-sed", "applied"): "1.21",
    ("update", "remove-random", None): "1",
}
FREEZE: Final = Published(
    "attention frozen from the first step", "", before="3.5× (825); add, seed 137: 3.6×; mul, seed 42: 3.8×"
)


def intervention(on: str, mode: str, basis: str | None) -> Published:
    """Return the published speed-up of grokking on addition, by what is projected, mode and basis."""
    what = f"speed-up by {mode}, rank 3, on the {on}" + ("" if basis is None else f", basis {basis}")
    key = (on, mode, basis)
    words, before = _FACTORS.get(key, ""), _BEFORE.get(key, "")
    if not words:
        return Published(what, "", before=before)
    return Published(what, f"{words}×", float(words), float(words), before)


DIFFERENCES: Final = (
    ("initial position embedding, standard deviation", "1/√128 = 0.088", "0.02"),
    ("training batches, probes, examples of a fixed batch", "drawn with replacement", "drawn without replacement"),
    ("checkpoints behind a peak of R̄_k, one operation", "40", "10"),
)
"""Points in which the recipes differ: the quantity, in the author's code, here."""

"""The settings of an analysis: one row for each, which every face of the analysis reads.

Decides the canonical settings, which values are usable, and what is said about each: its flag, its key in the viewer,
its words in the report, and which cached results depend on it. To add a setting, add its row here and the code that
uses it. Leaves to others: how a face looks.
"""

# A row is the field itself: `setting` returns the field, which ruff takes for a shared default.
# ruff: noqa: RUF009

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from recorders.errors import UsageError

Align = Literal["trailing", "leading"]
Centroid = Literal["target", "sum"]
Method = Literal["exact", "central"]
Precision = Literal["float32", "float64"]
Part = Literal["all", "train", "test"]
GrokDefinition = Literal["above-chance", "published"]

Kind = Literal["counts", "count", "count or all", "choice", "positive", "switch", "device"]
"""Values that a setting takes: whole numbers, one of them, one or None for all, a word, a number > 0, yes or no."""
Scope = Literal["features", "jvps", "blocks", "rows"]
"""Pieces that are cached: features at a checkpoint, Jacobian-vector products, block-wise ones, computed rows."""

DEFAULT_CHECKPOINTS = 20
"""Checkpoints that are analysed unless more are asked for: the shape of a training, at a bearable cost."""

LEAST_BLOCK_PROBES = 32
"""One for each group of probes that an interval resamples."""

_DEVICE = re.compile(r"auto|cpu|cuda(:\d+)?")


@dataclass(frozen=True, slots=True)
class ViewerKey:
    """The key by which the viewer changes a setting."""

    key: str
    label: str
    """The setting in one word."""
    tooltip: str
    question: str = ""
    """What is asked where the setting is a number; "" where the key turns to the other of two words."""
    unit: str = ""
    """Word behind the value on the line of settings."""
    in_footer: bool = False


@dataclass(frozen=True, slots=True)
class SettingRow:
    """Everything that is known of one setting beside its value."""

    kind: Kind
    title: str
    """Its name in the report's methods."""
    help: str
    """Its line in `sedscope report --help`; "" where it has no flag."""
    choices: Mapping[str, str] = field(default_factory=dict)
    """The words that it can be, each with what the report calls it."""
    least: int = 1
    viewer: ViewerKey | None = None
    scopes: tuple[Scope, ...] = ()
    """Cached pieces that depend on it; a whole analysis depends on every setting."""
    used_with: tuple[str, object] | None = None
    """Another setting and its value, without which this one changes nothing."""
    remark: str = ""
    """What the report says behind the value."""
    may_differ: bool = False
    """True where it decides what stands beside R and not R itself, so that a baseline may have another value."""
    name: str = ""
    default: object = None

    @property
    def flag(self) -> str | None:
        """The flag of `sedscope report`; None for settings of the Python interface alone."""
        return f"--{self.name.replace('_', '-')}" if self.help else None

    def check(self, value: Any) -> None:
        """Refuse a value that is not usable.

        Raises:
            UsageError: The message names the setting, what it requires and what was found.
        """
        if self.kind == "counts":
            self._check_counts(value)
        elif self.kind == "count" or (self.kind == "count or all" and value is not None):
            self._check_count(value)
        elif self.kind == "choice" and value not in self.choices:
            raise UsageError(f"{self.name}: one of {', '.join(self.choices)} is required, found {value!r}")
        elif self.kind == "positive" and not (math.isfinite(value) and value > 0):
            raise UsageError(f"{self.name}: a positive number is required, found {value}")
        elif self.kind == "device" and not _DEVICE.fullmatch(value):
            raise UsageError(f"{self.name}: auto, cpu, cuda or cuda:<index> is required, found {value!r}")

    def is_used(self, settings: Settings) -> bool:
        """Return whether the setting changes anything beside the others."""
        return self.used_with is None or getattr(settings, self.used_with[0]) == self.used_with[1]

    def words(self, settings: Settings) -> str:
        """Return the value as the report's methods state it."""
        value = getattr(settings, self.name)
        if not self.is_used(settings):
            return "not used"
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, int):
            return f"{value:,}"
        text = ", ".join(map(str, value)) if isinstance(value, tuple) else self.word(value)
        return self.choices.get(text, text) + self.remark

    def word(self, value: object) -> str:
        """Return a value as one word of a command line."""
        if value is None:
            return "all"
        if isinstance(value, tuple):
            return ",".join(map(str, value))
        return f"{value:g}" if isinstance(value, float) else str(value)

    def _check_counts(self, values: tuple[int, ...]) -> None:
        if not values:
            raise UsageError(f"{self.name}: at least one whole number is required, found none")
        for value in values:
            self._check_count(value)
        if len(set(values)) < len(values):
            raise UsageError(f"{self.name}: different numbers are required, found {', '.join(map(str, values))}")

    def _check_count(self, value: object) -> None:
        least = min(1, self.least)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise UsageError(f"{self.name}: a whole number of at least {least} is required, found {value!r}")
        if value < self.least:
            raise UsageError(f"{self.name}: at least {self.least} is required, found {value}")


def setting(default: Any, kind: Kind, title: str, help: str = "", **details: Any) -> Any:
    """Return the field of a setting with its row; arguments as the fields of `SettingRow`."""
    return field(default=default, metadata={"row": SettingRow(kind, title, help, **details)})


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one analysis; validated when made.

    Raises:
        UsageError: A value is not usable; the message names the parameter, what it requires and what was found.
    """

    window: tuple[int, ...] = setting(
        (20,),
        "counts",
        "window W",
        "W: rows of a window. Several: all from one coupling Gram matrix.",
        viewer=ViewerKey("W", "Window", "Rows of a window", "W: rows of a window", in_footer=True),
    )
    rank: tuple[int, ...] = setting(
        (3,),
        "counts",
        "rank K",
        "K: directions of a basis. Several: as for --window.",
        viewer=ViewerKey("K", "Rank", "Directions of a basis", "K: directions of a basis", in_footer=True),
    )
    """None is above the least `window`."""
    probes: int = setting(
        1024,
        "count",
        "probes N",
        "N: probe inputs.",
        viewer=ViewerKey(
            "N", "Probes", "How many probes", "N: probes over which A and the centroids are taken", "probes"
        ),
        scopes=("features",),
    )
    """All, where the run holds fewer."""
    random: int = setting(20, "count", "random directions", "Random directions of the baseline.")
    align: Align = setting(
        "trailing",
        "choice",
        "windows",
        "The window at t ends at t, or starts there.",
        choices={"trailing": "trailing", "leading": "leading"},
        viewer=ViewerKey("a", "Alignment", "Windows end at t (trailing) or start there"),
    )
    """The published code of the paper uses leading windows."""
    centroid: Centroid = setting(
        "target",
        "choice",
        "centroid",
        "Gradient of the target's logit, or of the sum of logits.",
        choices={"target": "target logit", "sum": "sum of logits"},
        viewer=ViewerKey("d", "Centroid", "Of the target's logit, or of their sum"),
        scopes=("features",),
    )
    method: Method = setting(
        "exact",
        "choice",
        "derivative",
        "Exact derivative, or central difference.",
        choices={"exact": "exact", "central": "central difference"},
        viewer=ViewerKey("m", "Method", "Exact derivative, or central difference"),
        scopes=("jvps",),
    )
    epsilon: float = setting(
        0.005,
        "positive",
        "ε of the central difference",
        "Step of the central difference, relative to the norm of the selected weights.",
        scopes=("jvps",),
        used_with=("method", "central"),
    )
    checkpoints: int | None = setting(
        DEFAULT_CHECKPOINTS,
        "count or all",
        "checkpoints",
        "How many, evenly spaced over the run.",
        viewer=ViewerKey(
            "k",
            "Checkpoints",
            "How many checkpoints",
            "checkpoints, evenly spaced over the run; a number, or all",
            "points",
        ),
    )
    """The first and the last recorded step are among them."""
    batch: int = setting(
        512, "count", "examples of a fixed batch", "Examples of a fixed batch; the whole pool, where it is smaller.",
        scopes=("rows",),
    )  # fmt: skip
    batches: int = setting(
        5,
        "count",
        "fixed batches",
        "Fixed batches, each with its own draw of every control: R is their geometric mean.",
    )
    """Disjoint as far as the pool goes; the floor of the angles takes the second one in any case."""
    draw_seed: int = setting(
        0, "count", "seed of the draws",
        "Redraw probes, fixed batches, controls and random directions; 0 keeps the recorded draw.",
        least=0, scopes=("features", "rows"),
    )  # fmt: skip
    part: Part = setting(
        "all",
        "choice",
        "fixed batches drawn from",
        "Which examples of the pool the fixed batches are drawn from.",
        choices={"all": "all", "train": "train", "test": "test"},
        scopes=("rows",),
    )
    evidence: bool = setting(True, "switch", "controls and second measures", may_differ=True)
    second_measures: bool = setting(True, "switch", "second measures", used_with=("evidence", True))
    """Alignment, coupling per block, the unclipped stage and angles; a table on the terminal, which shows
    none of them, does not wait for them."""
    block_probes: int = setting(128, "count", "block probes", least=LEAST_BLOCK_PROBES, scopes=("blocks",))
    """Probes of block-wise products, spread over those of the other ones; all, where there are fewer."""
    grok: GrokDefinition = setting(
        "above-chance",
        "choice",
        "grok and memorisation step",
        "Thresholds of accuracy above chance, or of the accuracy itself as published.",
        choices={
            "above-chance": "(accuracy − chance) / (1 − chance); the accuracy itself where chance is unknown",
            "published": "accuracy as logged (the published definition)",
        },
    )
    device: str = setting(
        "auto",
        "device",
        "device",
        "Where Jacobian-vector products run.",
        scopes=("features", "rows"),
        may_differ=True,
    )
    precision: Precision = setting(
        "float32",
        "choice",
        "precision",
        choices={"float32": "float32", "float64": "float64"},
        scopes=("features", "rows"),
        remark="; Gram matrices and ratios float64",
    )

    def __post_init__(self) -> None:
        for row in setting_rows():
            row.check(getattr(self, row.name, row.default))
        if max(self.rank) > min(self.window):
            raise UsageError(f"rank: at most the window, {min(self.window)}, is required, found {max(self.rank)}")

    def for_a_table(self) -> Settings:
        """Return the settings without the second measures, which only files show; R is the same."""
        return replace(self, second_measures=False)

    def of_scope(self, *scopes: Scope) -> dict[str, Any]:
        """Return the values that cached pieces depend on, by name."""
        return {
            row.name: getattr(self, row.name)
            for row in setting_rows()
            if set(scopes) & set(row.scopes) and row.is_used(self)
        }

    def words(self, name: str) -> str:
        """Return the value of one setting as the report's methods state it."""
        return next(row for row in setting_rows() if row.name == name).words(self)

    @property
    def measures_all(self) -> bool:
        """True where the second measures are wanted."""
        return self.evidence and self.second_measures

    @property
    def through_gram(self) -> bool:
        """True where several W or K are asked for, so that the coupling Gram matrix answers them."""
        return len(self.window) > 1 or len(self.rank) > 1


def setting_rows() -> tuple[SettingRow, ...]:
    """Return the row of every setting, in the order in which they are shown."""
    return tuple(
        replace(column.metadata["row"], name=column.name, default=column.default) for column in fields(Settings)
    )


def flags(settings: Settings, sources: Sequence[str] | None, tasks: Sequence[str] | None, crossed: bool) -> list[str]:
    """Return what to write behind `sedscope report RUNS` so that it gives the same numbers.

    Args:
        settings: What the analysis was asked for.
        sources: Full names; None for every one.
        tasks: None for every one.
        crossed: Every source against every task.
    """
    words: list[str] = []
    for row in setting_rows():
        value = getattr(settings, row.name)
        if row.flag is not None and value != row.default:
            words += [row.flag, row.word(value)]
    for name, names in (("--sources", sources), ("--tasks", tasks)):
        words += [] if names is None else [name, ",".join(names)]
    return words + (["--crossed"] if crossed else [])

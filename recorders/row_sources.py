"""Row sources: what a vector of length P at a recorded t can be, with one row of the registry for each of them.

Everything that lists, orders, names, draws or computes sources reads `ROW_SOURCES`: what a recorder can store, the
order of every table, the sign of an alignment, the optimizer's stages, colours and lines. Computing the rows is left to
`recorders.follow` (stored ones), `sedscope.runs.derived` (from weights), `sedscope.analysis.sources` (from the feature
program, and from other rows). Needs the standard library alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, TypeAlias

TASK: Final = "<task>"
"""Stands for a task's name in a pattern."""

FIXED_GRADIENT: Final = "fixed_gradient"
POOL_GRADIENT: Final = "pool_gradient"
CONTROL_SHUFFLED: Final = "control/shuffled"
CONTROL_COTANGENT: Final = "control/cotangent"
CONTROL_PER_EXAMPLE: Final = "control/per_example"
RAW_GRADIENT: Final = "raw/gradient"
GRADIENT: Final = "gradient"
UNCLIPPED: Final = "stage/unclipped"
ADAM_MOMENTUM: Final = "adam/momentum"
SGD_MOMENTUM: Final = "sgd/momentum"
ADAM_ADAPTIVE: Final = "adam/adaptive"
ADAM_WEIGHT_DECAY: Final = "adam/weight_decay"
DECAYED: Final = "stage/decayed"
UPDATE: Final = "update"
REWRITE: Final = "rewrite"
DISPLACEMENT: Final = "displacement"

Origin: TypeAlias = Literal["weights", "program", "rows"]
"""What a derived row is computed from: stored weights, the feature program run again, or rows of other sources."""
Dash: TypeAlias = str | tuple[int, tuple[float, ...]]
"""A line's style as matplotlib takes it: "-", or an offset and the lengths of dashes and gaps in points."""


@dataclass(frozen=True, slots=True)
class LineLook:
    """A line's colour, dashes and marker, the same in every figure of a report."""

    colour: str
    """Hexadecimal RGB, with a contrast of at least 3 on white and on black."""
    dash: Dash = "-"
    marker: str = "o"
    """One of matplotlib's markers: no two sources may differ by colour alone."""


OTHER_LOOK: Final = LineLook("#8f6f5f", (0, (2, 1)), "*")
"""The look of sources that have none of their own, and of names that the registry does not know."""
OTHER_HUE: Final = 7
"""The same in the viewer's palette."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowSource:
    """One row source, or the same source of every task."""

    pattern: str
    """The full name; `<task>` at its end stands for the name of a task."""
    label: str
    """What it is in at most 17 characters."""
    description: str
    """The vector in one line of Markdown."""
    tasks: Literal["own", "all", "none"] = "all"
    """Whose loss is in it: that of the task in its name, of all tasks together, or none in particular."""
    stored: bool = False
    """Whether a recorder can store it."""
    derived_from: Origin | None = None
    """What it is computed from where it is not stored; None where it cannot be."""
    sign: Literal[-1, 1] = -1
    """The way in which the weights go along it: 1 where it is added to them, −1 for gradients and their averages."""
    is_control: bool = False
    """Whether it knows less than a gradient does, so that other sources are read against it."""
    is_headline: bool = False
    """Whether it is shown first, where there is room for a few sources only."""
    on_request: bool = False
    """Whether it costs so much that only those get it who name it."""
    varied_by: Literal["draws", "batches"] | None = None
    """What tells apart the variants of a source that is computed several times over; a new draw is on a new batch."""
    ends_at_t: bool = False
    """Whether its row at t is about the interval that ends at t; the others belong to the step that leaves t."""
    stage: str | None = None
    """Its name in the walk over the optimizer's stages, which goes in the order of the registry; None: no stage."""
    optimizers: tuple[str, ...] = ()
    """The classes of `torch.optim` whose state it is read from, subclasses included."""
    needs_option: str | None = None
    """The option of a parameter group without which the optimizer's state does not hold it."""
    is_momentum: bool = False
    """Whether it is the average of gradients that the optimizer steps along."""
    raw_of: str | None = None
    """The source that an intervention changes, where it is stored under one alone, as it was before the change."""
    made_of: tuple[str, ...] = ()
    """The sources whose rows it is made of; there is nothing to show of it without the first."""
    same_as: str | None = None
    """The stage that it is under another name, in a run where its rows are not derived because they do not differ."""
    look: LineLook = OTHER_LOOK
    """How a report's figures draw it."""
    hue: int = OTHER_HUE
    """Which of the viewer's colours, and with it which letter, it has."""

    @property
    def family(self) -> str:
        """The name without its task."""
        return self.pattern.removesuffix(f"/{TASK}")

    @property
    def has_own_task(self) -> bool:
        """True where there is one such source for each task."""
        return self.tasks == "own"

    def name(self, task: str | None) -> str:
        """Return the full name, of this task where there is one for each."""
        return f"{self.family}/{task}" if self.has_own_task else self.pattern


ROW_SOURCES: tuple[RowSource, ...] = (
    RowSource(
        pattern="fixed_gradient/<task>",
        label="fixed gradient",
        description="gradient of the task's mean loss on a fixed batch, in eval mode, unclipped, at θ_t",
        tasks="own",
        derived_from="program",
        is_headline=True,
        varied_by="batches",
        look=LineLook("#2f7fd6"),
        hue=0,
    ),
    RowSource(
        pattern="fixed_gradient",
        label="fixed gradients",
        description="sum of `fixed_gradient/<task>` over the tasks, where there are several",
        derived_from="program",
        varied_by="batches",
        look=LineLook("#6f7fa6", (0, (5, 1, 1, 1)), "p"),
        hue=0,
    ),
    RowSource(
        pattern="pool_gradient/<task>",
        label="pool gradient",
        description="gradient of the task's mean loss over its whole pool, in eval mode, unclipped, at θ_t",
        tasks="own",
        derived_from="program",
        on_request=True,
        look=LineLook("#24508a", (0, (8, 2)), "h"),
        hue=0,
    ),
    RowSource(
        pattern="control/shuffled/<task>",
        label="shuffled labels",
        description="the fixed gradient with the labels of the batch permuted",
        tasks="own",
        derived_from="program",
        is_control=True,
        varied_by="draws",
    ),
    RowSource(
        pattern="control/cotangent/<task>",
        label="random cotangents",
        description="∇ Σ_x ⟨ξ_x, ℓ_x⟩ / (number of targets), ξ Gaussian, ℓ_x the model's whole output",
        tasks="own",
        derived_from="program",
        is_control=True,
        varied_by="draws",
    ),
    RowSource(
        pattern="control/per_example/<task>",
        label="mixed examples",
        description="∇ Σ_x w_x·loss_x / (number of targets), w Gaussian: a random mixture of examples",
        tasks="own",
        derived_from="program",
        is_control=True,
        varied_by="draws",
    ),
    RowSource(
        pattern="raw/gradient",
        label="raw gradient",
        description="under an intervention on the gradient: what was projected, before it was",
        stored=True,
        raw_of=GRADIENT,
    ),
    RowSource(
        pattern="gradient/<task>",
        label="task gradient",
        description="gradient of the task's loss as the script passes it, AMP scale removed, unclipped",
        tasks="own",
        stored=True,
        is_headline=True,
        stage="gradient of the task",
        look=LineLook("#1f9fb0", (0, (5, 2)), "s"),
        hue=2,
    ),
    RowSource(
        pattern="stage/unclipped",
        label="all tasks' sum",
        description="`gradient` (under an intervention on it `raw/gradient`) divided by the step's clip coefficient",
        derived_from="rows",
        stage="gradient of all tasks",
        made_of=(GRADIENT,),
        same_as=GRADIENT,
        look=LineLook("#6b8e23", (0, (4, 2, 1, 2)), "<"),
        hue=2,
    ),
    RowSource(
        pattern="gradient",
        label="received gradient",
        description="what the optimizer received: all tasks, AMP scale removed, after clipping",
        stored=True,
        is_headline=True,
        stage="gradient the optimizer received",
        look=LineLook("#5f8f95", (0, (2, 2)), "d"),
        hue=2,
    ),
    RowSource(
        pattern="adam/momentum",
        label="momentum m̂",
        description="m̂ of Adam and its like, from the optimizer's state",
        stored=True,
        stage="m̂",
        optimizers=("Adam",),
        is_momentum=True,
        look=LineLook("#8a6fd1", (0, (3, 1.5)), "^"),
        hue=4,
    ),
    RowSource(
        pattern="sgd/momentum",
        label="momentum",
        description="the momentum buffer of SGD; coupled weight decay is inside",
        stored=True,
        stage="momentum",
        optimizers=("SGD",),
        needs_option="momentum",
        is_momentum=True,
        look=LineLook("#8a6fd1", (0, (3, 1.5)), "^"),
        hue=4,
    ),
    RowSource(
        pattern="adam/adaptive",
        label="adaptive step",
        description="−lr·m̂/(√v̂ + ε) of Adam and its like, from the optimizer's state",
        stored=True,
        sign=1,
        stage="adaptive step",
        optimizers=("Adam",),
        look=LineLook("#3a9a4c", (0, (1, 1)), "v"),
        hue=5,
    ),
    RowSource(
        pattern="adam/weight_decay",
        label="weight decay",
        description="−lr·λ·θ_t of decoupled weight decay",
        tasks="none",
        derived_from="weights",
        sign=1,
        look=LineLook("#9a8a2f", (0, (1, 2)), "P"),
        hue=6,
    ),
    RowSource(
        pattern="stage/decayed",
        label="+ decay",
        description="`adam/adaptive` + `adam/weight_decay`, where that is not `update` to rounding",
        derived_from="rows",
        sign=1,
        stage="+ decay",
        made_of=(ADAM_ADAPTIVE, ADAM_WEIGHT_DECAY),
        same_as=UPDATE,
        look=LineLook("#b05f95", (0, (6, 1)), ">"),
        hue=6,
    ),
    RowSource(
        pattern="raw/update",
        label="raw update",
        description="under an intervention on the update: what was projected, before it was",
        stored=True,
        raw_of=UPDATE,
    ),
    RowSource(
        pattern="update",
        label="update",
        description="θ_{t+1} − θ_t",
        stored=True,
        sign=1,
        is_headline=True,
        stage="update",
        look=LineLook("#d07a1a", (0, (4, 1, 1, 1)), "D"),
        hue=1,
    ),
    RowSource(
        pattern="rewrite",
        label="rewrite",
        description="θ at the start of a step − θ after the step before it, where a script wrote to it between them",
        tasks="none",
        stored=True,
        sign=1,
        ends_at_t=True,
        look=LineLook("#7a5c3e", (0, (1, 3)), "x"),
    ),
    RowSource(
        pattern="displacement",
        label="displacement",
        description="θ_t − θ of the recorded t before it; stored where weights are kept more rarely than rows",
        stored=True,
        derived_from="weights",
        sign=1,
        is_headline=True,
        ends_at_t=True,
        stage="sum over the interval: displacement",
        look=LineLook("#d84a4a", "-", "X"),
        hue=3,
    ),
)
"""From the gradient at fixed examples to what the weights did: the order in which the optimizer makes them, and in
which they are listed everywhere."""


class Source(NamedTuple):
    """A source's name taken apart: `gradient/add` is family `gradient`, task `add`; `update` has no task."""

    family: str
    task: str | None

    @property
    def name(self) -> str:
        """The full name, as results and shards give it."""
        return self.family if self.task is None else f"{self.family}/{self.task}"


def row_source(name: str) -> RowSource | None:
    """Return the registry's row for a full source name; None for a name that it does not know."""
    for row in ROW_SOURCES:
        if row.has_own_task:
            prefix = f"{row.family}/"
            if name.startswith(prefix) and len(name) > len(prefix):
                return row
        elif name == row.pattern:
            return row
    return None


def parse_source(name: str) -> Source | None:
    """Take a full source name apart; None for one that the registry does not know. A task's name may hold slashes."""
    row = row_source(name)
    if row is None:
        return None
    return Source(row.family, name.removeprefix(f"{row.family}/") if row.has_own_task else None)


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Return names in the order in which sources are always shown, each once; unknown ones last."""
    patterns = [row.pattern for row in ROW_SOURCES]

    def position(name: str) -> tuple[int, str]:
        row = row_source(name)
        return len(patterns) if row is None else patterns.index(row.pattern), name

    return tuple(sorted(dict.fromkeys(names), key=position))


def names_of(rows: Iterable[RowSource], tasks: Sequence[str]) -> Iterator[str]:
    """Yield the full names of registry rows for these tasks; what is over all tasks needs more than one to differ."""
    for row in rows:
        if row.has_own_task:
            yield from (row.name(task) for task in tasks)
        elif row.tasks == "none" or len(tasks) > 1:
            yield row.pattern


def current_name(name: str) -> str:
    """Return today's name, or glob, for one of run format 1 or report version 1; every other name as it is."""
    if name == "adamw/decay":
        return ADAM_WEIGHT_DECAY
    # What follows is a name's slash or a glob's sign: a source that merely begins alike keeps its name.
    return f"adam{name[5:]}" if name.startswith(("adamw/", "adamw*", "adamw?", "adamw[")) else name


def stored_name(name: str, format_version: int) -> str:
    """Return the name that a stored source has in a run of this format version."""
    is_old = format_version == 1 and name.startswith("adam/")
    return f"adamw/{name.removeprefix('adam/')}" if is_old else name

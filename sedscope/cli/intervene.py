"""The flags of `sedscope record` that change the training, in a section of their own of its help."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import click

from recorders.errors import UsageError
from recorders.format import GRADIENT, UPDATE
from recorders.intervention.intervention_settings import (
    APPLIED,
    DEFAULT_RANK,
    DEFAULT_WINDOW,
    EACH_STEP,
    MODES,
    ONCE,
    RAW,
    Intervention,
)

_TITLE: Final = "Interventions"
_TEXT: Final = """Change what the optimizer may do to the selected weights, and record what comes of it.

\b
  sedscope record --out runs/sed    --intervene keep-sed --on update --rank 3 train.py
  sedscope record --out runs/frozen --intervene freeze train.py
  sedscope record --out runs/plain  --intervene control train.py

keep-… lets only a subspace of K dimensions through, remove-… takes one out: that of the last W rows (sed), or a random
one. keep-random-norm stretches the kept part to the full norm. freeze: the selected weights stand still. decay-only:
they get no gradient, only weight decay. Show every keep result beside freeze: only then it tells a subspace from no
movement.
"""

_FIELDS: Final = {
    "on": "on",
    "rank": "rank",
    "window": "window",
    "stride": "stride",
    "warm_up": "warm_up",
    "basis_source": "basis_source",
    "basis": "basis",
    "redraw": "redraw",
    "subspace_seed": "seed",
}
"""Flag → the field of `Intervention` that it sets."""

F = TypeVar("F", bound=Callable[..., Any])


class _Option(click.Option):
    """An option that the help lists under interventions."""


class RecordCommand(click.Command):
    """A command whose help shows the interventions apart."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Two lists; the second opens with what interventions are."""
        options = [each for each in self.get_params(ctx) if isinstance(each, click.Option)]
        own = [each for each in options if not isinstance(each, _Option)]
        changing = [each for each in options if isinstance(each, _Option)]
        with formatter.section("Options"):
            formatter.write_dl(_lines(own, ctx))
        with formatter.section(_TITLE):
            formatter.write_text(_TEXT)
            formatter.write_paragraph()
            formatter.write_dl(_lines(changing, ctx))


def intervention_options(command: F) -> F:
    """The flags, in the order of the help."""
    options = [
        _option("--intervene", type=click.Choice(MODES), metavar="MODE", help=f"One of {', '.join(MODES)}."),
        _option(
            "--on",
            type=click.Choice([GRADIENT, UPDATE]),
            help="Project the gradient, before the optimizer's step (after clipping, unscaled), or the update, after it"
            f" and written back into the weights.  [default: {GRADIENT}]",
        ),
        _option("--rank", type=int, metavar="K", help=f"Dimensions; 0 freezes.  [default: {DEFAULT_RANK}]"),
        _option(
            "--window",
            type=int,
            metavar="W",
            help=f"Rows that make the SED basis; steps are unmodified until there are W.  [default: {DEFAULT_WINDOW}]",
        ),
        _option("--stride", type=int, metavar="n", help="Steps from one row of the window to the next.  [default: 1]"),
        _option("--warm-up", type=int, metavar="STEPS", help="Natural steps at the start, if more.  [default: 0]"),
        _option(
            "--basis-source",
            metavar="SOURCE",
            help="What the rows are: gradient, gradient/<task>, update, momentum.  [default: as --on]",
        ),
        _option(
            "--basis",
            type=click.Choice([APPLIED, RAW]),
            help="Rows after projection (the published way: the subspace soon stands still) or before it."
            f"  [default: {APPLIED}; {RAW} for the gradient of one task]",
        ),
        _option(
            "--redraw",
            type=click.Choice([EACH_STEP, ONCE]),
            help=f"Draw a random subspace at each step or once.  [default: {EACH_STEP}]",
        ),
        _option("--subspace-seed", type=int, metavar="N", help="Seed for drawing random subspaces.  [default: 0]"),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def intervention_of(flags: Mapping[str, Any]) -> Intervention | None:
    """The intervention that the flags ask for; None where they ask for none.

    Raises:
        UsageError: settings without a mode, or unusable ones.
    """
    given = {name: flags[name] for name in _FIELDS if flags[name] is not None}
    mode = flags["intervene"]
    if mode is not None:
        return Intervention(mode, **{_FIELDS[name]: value for name, value in given.items()})
    if given:
        raise UsageError(f"{next(iter(given)).replace('_', '-')}: needs --intervene; modes are {', '.join(MODES)}")
    return None


def _option(name: str, **settings: Any) -> Callable[[F], F]:
    return click.option(name, cls=_Option, **settings)


def _lines(options: Sequence[click.Parameter], ctx: click.Context) -> list[tuple[str, str]]:
    records = (each.get_help_record(ctx) for each in options)
    return [record for record in records if record is not None]

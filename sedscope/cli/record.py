"""`sedscope record`: its flags, and one hand-off to `recorders.process.script_launch`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from recorders.byte_size import parse_size
from recorders.errors import UsageError
from recorders.recording_options import DEFAULT_EVERY, RecordingOptions, split_names
from sedscope.cli.intervene import RecordCommand, intervention_of, intervention_options

_HELP = """Run a training script and write down its history.

The script runs unchanged in this process, as `python SCRIPT ARGUMENTS…` would run it: same numbers, same output, same
exit status. Options of sedscope stand before the script, the script's own after it. What sedscope has to say goes to
stderr.

\b
  sedscope record train.py --lr 1e-3
  sedscope record --out runs/wide --every 10 --select attention,mlp train.py
  sedscope record -m package.train

An unchanged script gives the gradient, the update, the optimizer's stages and the weights. Three calls in the script
give the rest, and do nothing when nobody records:

\b
  sedscope.probe(model, task="add", inputs=(a, b), targets=y)      features: once, before the training
  sedscope.backward({"add": loss_add, "mul": loss_mul})            gradients and losses of each task
  sedscope.log({"test_acc/add": accuracy})                         metrics
"""
_EPILOG = "Then: sedscope report RUN for the numbers, sedscope check RUN to see that it is whole."


@click.command(
    cls=RecordCommand,
    help=_HELP,
    epilog=_EPILOG,
    context_settings={"ignore_unknown_options": False, "allow_interspersed_args": False},
    options_metavar="[OPTIONS]",
)
@click.option("-m", "module", is_flag=True, help="SCRIPT is a module's name, as in python -m.")
@click.option("--out", type=click.Path(path_type=Path), help="The run directory.  [default: runs/<script>-<UTC time>]")
@click.option("--every", type=int, default=DEFAULT_EVERY, show_default=True, help="Steps between two recorded ones.")
@click.option(
    "--select",
    multiple=True,
    metavar="NAMES",
    help="Parameters to study: attention, mlp, embedding, all, or globs over names, with commas or repeated."
    "  [default: attention; all where there is none]",
)
@click.option(
    "--sources",
    multiple=True,
    metavar="NAMES",
    help="Row sources to store, names or globs: gradient, gradient/<task>, update, raw/*, adamw/*, sgd/momentum,"
    " displacement."
    "  [default: all that apply]",
)
@click.option(
    "--weights-every",
    type=int,
    help="Steps between two full states, a multiple of --every; 0: the first and the last.  [default: as --every]",
)
@click.option("--budget", metavar="SIZE", help="Stop rows and weights at this size, such as 2GB; scalars go on.")
@click.option("--probe-seed", type=int, default=0, show_default=True, help="Seed for drawing probes and fixed batches.")
@click.option("--steps", type=int, help="How many steps the training makes, to project the size.")
@click.option("--force", is_flag=True, help="Replace the run in --out.")
@click.option("--resume", is_flag=True, help="Go on with the run in --out; t comes from the optimizer's state.")
@click.option("--first-step", type=int, help="t of the first step, where the optimizer's state does not say it.")
@intervention_options
@click.argument("script")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def record(
    module: bool,
    out: Path | None,
    every: int,
    select: tuple[str, ...],
    sources: tuple[str, ...],
    weights_every: int | None,
    budget: str | None,
    probe_seed: int,
    steps: int | None,
    force: bool,
    resume: bool,
    first_step: int | None,
    script: str,
    arguments: tuple[str, ...],
    **intervention: Any,
) -> None:
    """Checks the flags and runs the script."""
    from recorders.process.script_launch import default_path, launch

    options = RecordingOptions(
        every=every,
        select=split_names(select),
        sources=split_names(sources),
        weights_every=weights_every,
        budget=None if budget is None else parse_size(budget),
        probe_seed=probe_seed,
        steps=steps,
        force=force,
        resume=resume,
        first_step=first_step,
        intervention=intervention_of(intervention),
    )
    if resume and out is None:
        raise UsageError("resume: --out must name the run to go on with")
    launch([script, *arguments], module=module, path=out or default_path(script, module=module), options=options)

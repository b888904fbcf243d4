"""`sedscope record`: its flags, and one hand-off to `recorders.process.script_launch`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from recorders.errors import UsageError
from recorders.recording_options import RECORDING_OPTIONS, recording_options
from sedscope.cli.option_flags import RecordCommand, intervention_of, intervention_options, option_flags

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
@option_flags(RECORDING_OPTIONS)
@intervention_options
@click.argument("script")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def record(
    module: bool,
    out: Path | None,
    script: str,
    arguments: tuple[str, ...],
    **flags: Any,
) -> None:
    """Check the flags and run the script."""
    from recorders.process.script_launch import default_path, launch

    options = recording_options(**flags | {"intervene": intervention_of(flags)})
    if options.resume and out is None:
        raise UsageError("resume: --out must name the run to go on with")
    launch([script, *arguments], module=module, path=out or default_path(script, module=module), options=options)

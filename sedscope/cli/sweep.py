"""`sedscope sweep`: its flags, and one hand-off to `sedscope.sweep`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

import click

from recorders.errors import EXIT_CHECK_FAILED, EXIT_OK
from recorders.intervention.intervention_settings import INTERVENTION_OPTIONS
from recorders.intervention.modes import CONTROL, MODES
from recorders.recording_options import RECORDING_OPTIONS, recording_options
from sedscope.cli.option_flags import option_flags
from sedscope.sweep.engines import ENGINES, engine_of

_HELP = """Run one training script under several interventions, seeds and arguments, and record every run.

Each combination is a cell with a run directory of its own in the folder --out. The same command again runs what is
missing there and nothing else; further interventions, seeds or values add cells. Options of sedscope stand before
the script, the script's own after it: {seed} in them stands for the cell's seed.

\b
  sedscope sweep --interventions control,freeze,keep-sed --seeds 42,137,2024 \\
    --out runs/exp --jobs 4 -- train.py --seed {seed}
  sedscope sweep --seeds 42,137 --vary "--ops=add,mul" --dry-run -- train.py --seed {seed}
  sedscope sweep --vary "lr=1e-3,3e-4" -- train.py --lr {lr}

\b
An intervention can carry settings; one that is given twice makes two, and the flags below count for all modes:
  --interventions control,freeze,keep-sed:on=update,rank=1,rank=3,basis=raw
  --interventions control,freeze,keep-sed,keep-random --on gradient,update --rank 1,3,10

Random subspaces are drawn from the cell's seed, so that no two seeds share them.

\b
Exit status: 0 every cell is finished; 1 some are not (the others are, and the log of each says why);
2 wrong usage; 5 the folder holds another sweep; 7 it cannot be written, or a sweep is running there; 130 Ctrl-C.
"""
_EPILOG = "Then: sedscope report DIR compares the cells. docs/sweeps.md tells about clusters."

_SETTINGS: Final = tuple(row for row in INTERVENTION_OPTIONS if row.field != "seed")
"""Settings whose values make cells; random subspaces are drawn from the cell's seed."""
_OF_ONE_CELL: Final = tuple(row for row in RECORDING_OPTIONS if not row.of_one_run)


@click.command(
    help=_HELP,
    epilog=_EPILOG,
    context_settings={"ignore_unknown_options": False, "allow_interspersed_args": False},
    options_metavar="[OPTIONS]",
)
@click.option(
    "--interventions",
    multiple=True,
    metavar="LIST",
    help=f"Modes, of {', '.join(MODES)}; repeatable.  [default: {CONTROL}]",
)
@click.option("--seeds", metavar="LIST", help="Values of {seed}.  [default: the script's own]")
@click.option(
    "--vary",
    multiple=True,
    metavar="ARG=LIST",
    help="An argument of the script and its values, with commas, or with ; where a value holds one; repeatable."
    " It goes where {ARG} stands, or behind the others.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="The sweep's folder.  [default: runs/<script>-sweep]"
)
@click.option(
    "--jobs", type=int, help="Trainings at a time; here they share the cores.  [default: 1; elsewhere no limit]"
)
@click.option(
    "--engine",
    type=click.Choice(ENGINES),
    default=ENGINES[0],
    show_default=True,
    help="Where: processes here, jobs of a Slurm cluster (by submitit), tasks of a Ray cluster.",
)
@click.option(
    "--engine-option",
    "engine_options",
    multiple=True,
    metavar="KEY=VALUE",
    help="For Slurm of submitit (timeout_min=120, slurm_partition=gpu, gpus_per_node=1), for Ray of its tasks"
    " (num_cpus=2, num_gpus=1); repeatable.",
)
@click.option("--dry-run", is_flag=True, help="List cells, commands and disk space, and run none of them.")
@option_flags(_SETTINGS, {row.field: {"type": str, "metavar": "LIST"} for row in _SETTINGS})
@click.option("-m", "module", is_flag=True, help="SCRIPT is a module's name, as in python -m.")
@option_flags(
    _OF_ONE_CELL,
    {
        "budget": {"help": "Of one cell: stop rows and weights at this size, such as 2GB; scalars go on."},
        "steps": {
            "help": "How many steps a training makes, for remaining time and for the disk space of --dry-run, which"
            " then starts one cell for a moment."
        },
    },
)
@click.argument("script")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def sweep(
    interventions: tuple[str, ...],
    seeds: str | None,
    vary: tuple[str, ...],
    out: Path | None,
    jobs: int | None,
    engine: str,
    engine_options: tuple[str, ...],
    dry_run: bool,
    module: bool,
    script: str,
    arguments: tuple[str, ...],
    **flags: Any,
) -> int:
    """Check the flags and run the cells that are missing."""
    from sedscope.sweep.grammar import parse_interventions, parse_seeds, parse_values, parse_vary
    from sedscope.sweep.sweep import Sweep, default_folder

    common = {row.flag: parse_values(flags[row.field]) for row in _SETTINGS}
    planned = Sweep(
        arguments=(script, *arguments),
        interventions=parse_interventions(interventions or CONTROL, common),
        seeds=() if seeds is None else parse_seeds(seeds),
        vary=parse_vary(vary),
        recording=recording_options(**{row.field: flags[row.field] for row in _OF_ONE_CELL}),
        module=module,
    )
    out = out or default_folder(script, module=module)
    if dry_run:
        from sedscope.sweep.dry_run import list_cells

        return list_cells(planned, out, sys.stdout)
    from sedscope.sweep.display import reporter_for
    from sedscope.sweep.display.board import FINISHED
    from sedscope.sweep.run import run_sweep

    board = run_sweep(planned, out, engine_of(engine, jobs, engine_options, out), reporter_for(sys.stderr))
    return EXIT_OK if len(board.in_state(FINISHED)) == len(board.lines) else EXIT_CHECK_FAILED

"""`python -m examples.reproduce full|small|tiny`: record what is missing, measure it, write the page.

Decides the flags, the order, and the progress that is shown. Run it in the project's folder.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from examples.reproduce.figures import Picture, pictures
from examples.reproduce.measure import Measurements, measure
from examples.reproduce.page import page
from examples.reproduce.plan import EXPERIMENTS, SCALES, Scale, folder
from examples.reproduce.recordings import find
from recorders.errors import EXIT_INPUT_OUTPUT, SedscopeError
from recorders.store import durable
from sedscope.sweep import run_sweep
from sedscope.sweep.display.board import Reporter
from sedscope.sweep.engines.engine import LocalEngine

EVERY_S = 5.0
"""Seconds between two lines of progress."""
INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""


class ProgressLines:
    """Writes progress to stderr, now and then."""

    def __init__(self) -> None:
        self._written_at = 0.0

    def __call__(self, words: str) -> None:
        """Write the words, unless a line was written a moment ago."""
        if time.monotonic() - self._written_at >= EVERY_S:
            self._written_at = time.monotonic()
            print(words, file=sys.stderr, flush=True)


def record(scale: Scale, out: Path, only: str | None, jobs: int) -> int:
    """Run every sweep, or only one, and return the number of trainings that are missing afterwards."""
    left = 0
    for experiment in scale.experiments:
        if only in (None, experiment.name):
            print(f"--- {experiment.name}: {experiment.about}", file=sys.stderr, flush=True)
            engine, reporter = LocalEngine(jobs), Reporter(sys.stderr)
            board = run_sweep(experiment.sweep, folder(out, experiment), engine, reporter)
            left += len(board.lines) - board.counts()["finished"]
    return left


def write(measurements: Measurements, scale: Scale, target: Path) -> None:
    """Write the page, and its pictures into a folder of its name beside it; pictures of an earlier page go."""
    shown = list(pictures(measurements))
    beside = target.parent / target.stem
    beside.mkdir(parents=True, exist_ok=True)
    _clear(beside, shown)
    for picture in shown:
        (beside / f"{picture.name}.svg").write_text(picture.svg, encoding="utf-8")
    durable.write_file(target, [page(measurements, scale, shown, target.stem).encode()])


def _clear(beside: Path, shown: Sequence[Picture]) -> None:
    for path in beside.glob("*.svg"):
        if path.stem not in {picture.name for picture in shown}:
            path.unlink()


def with_checkpoints(scale: Scale, single: int | None, four: int | None) -> Scale:
    """Return the scale with other numbers of checkpoints, where they are given."""
    return replace(
        scale,
        single=replace(scale.single, checkpoints=single or scale.single.checkpoints),
        four=replace(scale.four, checkpoints=four or scale.four.checkpoints),
    )


def parse_args(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m examples.reproduce", description=__doc__)
    add = parser.add_argument
    add("scale", choices=SCALES, help="how much: hours, minutes, seconds")
    add("--out", type=Path, help="folder of the runs (runs/reproduction, for other scales with its name behind)")
    add("--page", type=Path, help="the page to write (in the folder of the runs)")
    add("--jobs", type=int, default=1, help="trainings at a time")
    add("--only", choices=EXPERIMENTS, help="record this experiment alone")
    add("--page-only", action="store_true", help="record nothing: measure what is there")
    add("--checkpoints", type=int, help="checkpoints that are measured, of one operation")
    add("--checkpoints-four", type=int, help="checkpoints that are measured, of several operations")
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> int:
    """Return 0 where everything is there; 1 where trainings are missing, which the page lists."""
    args = parse_args(words)
    scale = with_checkpoints(SCALES[args.scale], args.checkpoints, args.checkpoints_four)
    suffix = "" if scale.is_published else f"-{scale.name}"
    out = args.out or Path(f"runs/reproduction{suffix}")
    target = args.page or out / "reproduction.md"
    try:
        left = 0 if args.page_only else record(scale, out, args.only, args.jobs)
        inventory = find(out, scale)
        write(measure(inventory, scale, ProgressLines()), scale, target)
    except SedscopeError as error:
        print(f"reproduce: {error}", file=sys.stderr)
        return error.status
    except OSError as error:
        print(f"reproduce: {error}", file=sys.stderr)
        return EXIT_INPUT_OUTPUT
    except KeyboardInterrupt:
        print("reproduce: interrupted; the same command goes on from here", file=sys.stderr)
        return INTERRUPTED
    print(f"{target}: {len(inventory.recordings)} recordings, {len(inventory.not_run)} not run", file=sys.stderr)
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())

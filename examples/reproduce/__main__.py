"""`python -m examples.reproduce full|small|tiny`: record what is missing, measure it, write the page.

Decides the flags, the order, and the progress that is shown. Run it in the project's folder.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from examples.reproduce.duration import expected_hours, time_paces
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


class Beside:
    """Measures the runs that are there beside the trainings, so that no core waits for the last cells of a sweep.

    It fills the caches of the runs, in a process of the lowest priority; the page itself is made at the end.
    """

    def __init__(self, command: Sequence[str]) -> None:
        """Keep the arguments that measure; nothing runs yet."""
        self._command = ["nice", "-n", "19", sys.executable, "-m", "examples.reproduce", *command]
        self._process: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        """Measure what is there by now, unless the last measurement still goes on."""
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self) -> Beside:
        """Return this."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it: every checkpoint that it finished is kept."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()


def record(scale: Scale, out: Path, only: str | None, jobs: int, measuring: Beside) -> int:
    """Run every sweep, or only one, and return the number of trainings that are missing afterwards."""
    left = 0
    for experiment in scale.experiments:
        if only in (None, experiment.name):
            print(f"--- {experiment.name}: {experiment.about}", file=sys.stderr, flush=True)
            engine, reporter = LocalEngine(jobs), Reporter(sys.stderr)
            board = run_sweep(experiment.sweep, folder(out, experiment), engine, reporter)
            left += len(board.lines) - board.counts()["finished"]
            measuring.begin()
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


def _record_and_measure(scale: Scale, out: Path, args: argparse.Namespace) -> int:
    numbers = {"--checkpoints": args.checkpoints, "--checkpoints-four": args.checkpoints_four}
    given = [word for flag, value in numbers.items() if value for word in (flag, str(value))]
    with tempfile.TemporaryDirectory(prefix="sedscope-reproduce-") as scratch:
        command = (scale.name, "--out", str(out), "--page", f"{scratch}/page.md", "--page-only", *given)
        with Beside(command) as measuring:
            return record(scale, out, args.only, args.jobs, measuring)


def main(words: Sequence[str] | None = None) -> int:
    """Return 0 where everything is there; 1 where trainings are missing, which the page lists."""
    args = parse_args(words)
    scale = with_checkpoints(SCALES[args.scale], args.checkpoints, args.checkpoints_four)
    suffix = "" if scale.is_published else f"-{scale.name}"
    out = args.out or Path(f"runs/reproduction{suffix}")
    target = args.page or out / "reproduction.md"
    try:
        if scale.is_published and not args.page_only:
            print("reproduce: timing a few steps and a checkpoint first, some minutes", file=sys.stderr, flush=True)
            hours = expected_hours(scale, find(out, scale), time_paces(scale, args.jobs), args.jobs)
            print(f"reproduce: {hours}", file=sys.stderr, flush=True)
        left = 0 if args.page_only else _record_and_measure(scale, out, args)
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

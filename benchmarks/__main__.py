"""The command: which cases, how long, and the table of targets beside what was measured.

Exit status 1 where a median misses its target.
"""

from __future__ import annotations

import argparse
import os
import sys

import torch

from benchmarks.cases import CASES
from benchmarks.measure import ratios, summary
from benchmarks.reporting import FIRST_SECONDS, SECOND_SECONDS, report_seconds

REPORT = "report"
TARGET_SECONDS = (FIRST_SECONDS, SECOND_SECONDS)


def main() -> int:
    args = _arguments()
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # inherited by every process that is measured
    print(f"torch {torch.__version__}, {os.cpu_count()} cores, {args.steps} steps, {args.repeats} pairs per case")
    lines, missed = [], False
    for case in CASES:
        if args.cases and case.name not in args.cases:
            continue
        pairs = ratios(case, args.steps, args.repeats, _progress)
        middle, least, largest = summary([pair.wall for pair in pairs])
        processor, *_ = summary([pair.processor for pair in pairs])
        missed |= middle > case.target
        lines.append(
            f"{case.name:12} {middle:6.3f} ({least:.3f}–{largest:.3f})   {processor:14.3f}   target {case.target:.2f} "
            f"per {case.of:8} {_verdict(middle, case.target):7} {case.says}"
        )
    print("case         median (least–largest)   processor time", *lines, sep="\n")
    if not args.cases or REPORT in args.cases:
        for call, seconds, target in zip(("first", "second"), report_seconds(), TARGET_SECONDS, strict=True):
            missed |= seconds > target
            print(f"{REPORT:12} {seconds:6.1f} s   target {target:.0f} s, {call} call   {_verdict(seconds, target)}")
    return int(missed)


def _verdict(measured: float, target: float) -> str:
    return "ok" if measured <= target else "MISSED"


def _progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="What recording costs, as ratios.")
    parser.add_argument("cases", nargs="*", choices=[*(case.name for case in CASES), REPORT], help="default: all")
    parser.add_argument("--steps", type=int, default=1_000, help="optimizer steps of each training (default 1000)")
    parser.add_argument("--repeats", type=int, default=3, help="pairs of trainings per case (default 3)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

"""Records `sample_runs/` again: three small trainings, each under its name; `make sample-runs` calls this.

Recording is deterministic on one machine; another one gives the same picture with other last digits.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parent
SAMPLE_RUNS = EXAMPLES.parent / "sample_runs"

# One encoder layer, so that three runs with every source stored stay small enough to be committed.
TRANSFORMER = "modular_arithmetic.py --modulus 23 --layers 1 --d-model 32 --d-ff 32 --lr 3e-3 --batch 128"
RUNS = {
    "addition": f"--every 80 {TRANSFORMER} --ops add --train-fraction 0.7 --steps 2400",
    "four_tasks": f"--every 100 {TRANSFORMER} --ops add,sub,mul,x2y2 --train-fraction 0.9 --steps 3000",
    "perceptron": "--every 75 --sources gradient,update sparse_parity.py",
}
"""Name → what follows `sedscope record --out sample_runs/<name>`, run inside `examples/`."""


def main() -> None:
    """Replaces every run, one after the other."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    for name, words in RUNS.items():
        print(f"--- {name}: sedscope record {words}", flush=True)
        shutil.rmtree(SAMPLE_RUNS / name, ignore_errors=True)
        command = [sys.executable, "-m", "sedscope", "record", "--out", str(SAMPLE_RUNS / name), *words.split()]
        subprocess.run(command, cwd=EXAMPLES, env=environment, check=True)


if __name__ == "__main__":
    main()

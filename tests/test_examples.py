"""Every example runs: as a plain script, recorded, and to the same last line either way."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from sedscope import open_run

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
TINY_TRANSFORMER = ("--modulus=7", "--steps=6", "--d-model=8", "--heads=2", "--d-ff=8", "--eval-every=2")

CASES = {
    "one operation": ("modular_arithmetic.py", "--ops=add", *TINY_TRANSFORMER),
    "four operations": ("modular_arithmetic.py", "--ops=add,sub,mul,x2y2", *TINY_TRANSFORMER),
    "perceptron": ("sparse_parity.py", "--steps=6", "--eval-every=2", "--print-every=2"),
}
SELECT = {"perceptron": ("--select=mlp",)}
TASKS = {"one operation": {"add"}, "four operations": {"add", "sub", "mul", "x2y2"}, "perceptron": {"parity"}}


def python(*arguments: str, cwd: Path) -> str:
    """Standard output of a fresh interpreter in which warnings are errors."""
    command = [sys.executable, "-W", "error", *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def without_times(text: str) -> str:
    return re.sub(r" +\d+ s$", "", text, flags=re.MULTILINE)


def test_every_script_is_covered() -> None:
    scripts = {path.name for path in EXAMPLES.glob("*.py")}
    assert scripts == {arguments[0] for arguments in CASES.values()} | {"make_sample_runs.py"}


@pytest.mark.parametrize("case", CASES)
def test_an_example_trains_alike_with_and_without_a_recorder(case: str, tmp_path: Path) -> None:
    script, *arguments = CASES[case]
    plain = python(str(EXAMPLES / script), *arguments, cwd=tmp_path)
    assert plain.startswith("step      0")
    assert not list(tmp_path.iterdir()), "a plain script writes nothing"

    record = ("-m", "sedscope", "record", "--out=run", "--every=2", *SELECT.get(case, ()))
    recorded = python(*record, str(EXAMPLES / script), *arguments, cwd=tmp_path)
    assert without_times(plain) in without_times(recorded)

    run = open_run(tmp_path / "run")
    assert set(run.tasks) == TASKS[case]
    assert run.damage == ()
    assert run.weight_steps().tolist() == [0, 2, 4, 6]
    assert {f"gradient/{task}" for task in run.tasks} | {"gradient", "update", "displacement"} <= set(run.sources())
    assert all(run.probe(task).program is not None for task in run.tasks), "every example's forward can be captured"
    assert {f"metric/test_acc/{task}" for task in run.tasks} <= set(run.scalars()["name"])


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [(("--ops=add,div",), "unknown: div"), (("--ops=add,add",), "each operation once")],
)
def test_operations_that_cannot_be_are_named(flags: tuple[str, ...], complaint: str, tmp_path: Path) -> None:
    command = [sys.executable, str(EXAMPLES / "modular_arithmetic.py"), *flags]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert complaint in done.stderr

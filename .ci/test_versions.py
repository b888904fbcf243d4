"""Run the tests with the lowest versions of the dependencies that pyproject.toml declares, or with the newest.

    .venv/bin/python .ci/test_versions.py lowest|newest [--torch VERSION] [TESTS …]

The environment is made in build/versions/ and kept for the next call. Lowest are those of the direct dependencies and
of the extras; everything below them is as in constraints.txt. A torch that pip could only get as a CUDA build of
several GB is not fetched unasked: then torch is the one of constraints.txt, and that is said.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
CONSTRAINTS = ROOT / ".ci" / "constraints.txt"
TESTS = ("tests/recorders", "tests/runs", "tests/analysis", "tests/report", "tests/sweep", "tests/tui", "tests/cli")
TOOLS = ("pytest", "pytest-xdist", "pytest-timeout", "hypothesis", "psutil", "pexpect", "pyte", "markdown-it-py")
"""Of the dev group, what the tests above need."""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("which", choices=("lowest", "newest"))
    parser.add_argument("--torch", metavar="VERSION", help="this torch, whatever its size")
    parser.add_argument("tests", nargs="*", default=TESTS)
    arguments = parser.parse_args()
    python = make_environment(ROOT / "build" / "versions" / arguments.which)
    torch = arguments.torch or torch_at_hand(python, arguments.which)
    install(python, arguments.which, torch)
    print("tested with", ", ".join(f"{name} {installed(python, name)}" for name in direct_dependencies()), flush=True)
    # Old versions of a dependency may warn about each other; only with the newest is that ours to hear.
    warnings = ["-o", "filterwarnings=default"] if arguments.which == "lowest" else []
    environment = os.environ | {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"), "PYTHONPATH": str(ROOT)}
    command = [str(python), "-m", "pytest", "-n", "2", "-q", "-p", "no:cacheprovider", *warnings, *arguments.tests]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def direct_dependencies() -> dict[str, str]:
    """Return the lowest declared version of each dependency and extra, by name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = [
        *project["dependencies"],
        *(line for extra in project["optional-dependencies"].values() for line in extra),
    ]
    pairs = [re.fullmatch(r"([\w-]+)>=([\d.]+)", line) for line in declared]
    assert all(pairs), f"a dependency is declared as name>=version; found {declared}"
    return {pair[1]: pair[2] for pair in pairs if pair}


def make_environment(folder: Path) -> Path:
    """Create the environment where there is none; return its interpreter."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    pip(python, "install", "-c", str(CONSTRAINTS), "pip", "hatchling", "editables")
    return python


def torch_at_hand(python: Path, which: str) -> str:
    """Return the version of torch to test with: the wanted one, if pip has it as a build of moderate size."""
    lowest = direct_dependencies()["torch"]
    wanted = f"torch=={lowest}" if which == "lowest" else "torch"
    report = pip(
        python, "install", "--dry-run", "--ignore-installed", "--no-deps", "--report", "-", wanted, capture=True
    )
    metadata = json.loads(report)["install"][0]["metadata"]
    version = str(metadata["version"]).partition("+")[0]
    requirements = [Requirement(line) for line in metadata.get("requires_dist", [])]
    needed = [
        requirement.name
        for requirement in requirements
        if not requirement.marker or requirement.marker.evaluate({"extra": ""})
    ]
    if not any(name.startswith(("nvidia-", "cuda-")) for name in needed):
        return version
    pinned = re.search(r"^torch==(\S+)$", CONSTRAINTS.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert pinned is not None, "constraints.txt names no torch"
    print(
        f"NOT TESTED: torch {version}, the {which}: pip offers it here as a CUDA build alone, several GB. torch is"
        f" {pinned[1]} instead; --torch {version} fetches it, as does an index of CPU builds in PIP_EXTRA_INDEX_URL."
    )
    return pinned[1]


def install(python: Path, which: str, torch: str) -> None:
    """Install the project with its extras, its dependencies in the wanted versions, and what the tests need."""
    direct = direct_dependencies()
    if which == "newest":
        pip(python, "install", f"torch=={torch}")
        others = [name for name in direct if name != "torch"]
        pip(python, "install", "--upgrade", "--upgrade-strategy", "eager", f"torch=={torch}", *others, *TOOLS)
    else:
        pins = [f"{name}=={torch if name == 'torch' else version}" for name, version in direct.items()]
        constraints = python.parent.parent / "constraints.txt"
        lines = CONSTRAINTS.read_text(encoding="utf-8").splitlines()
        names = {name.lower() for name in direct}
        kept = [line for line in lines if line.partition("==")[0].lower() not in names]
        constraints.write_text("\n".join(kept) + "\n", encoding="utf-8")
        pip(python, "install", "-c", str(constraints), *pins, *TOOLS)
    pip(python, "install", "--no-deps", "--no-build-isolation", "-e", str(ROOT))
    pip(python, "check")


def installed(python: Path, name: str) -> str:
    """Return the version of a package in the environment."""
    code = f"from importlib.metadata import version; print(version({name!r}))"
    return subprocess.run([str(python), "-c", code], check=True, text=True, stdout=subprocess.PIPE).stdout.strip()


def pip(python: Path, *arguments: str, capture: bool = False) -> str:
    """Run pip; return what it printed, where that is asked for."""
    command = [str(python), "-m", "pip", *arguments[:1], "--quiet", "--disable-pip-version-check", *arguments[1:]]
    done = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE if capture else None)
    return done.stdout or ""


if __name__ == "__main__":
    sys.exit(main())

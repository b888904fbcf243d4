"""The architecture, executable: who may import whom, and what an import may load."""

import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ("textual", "rich", "polars", "matplotlib", "click", "platformdirs")
LOAD_API = "import sedscope; sedscope.probe; sedscope.backward; sedscope.task; sedscope.log; sedscope.record"


def run_python(code: str) -> str:
    """What a fresh interpreter prints for `code`, in which warnings are errors."""
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def modules_after(code: str) -> set[str]:
    """Names in `sys.modules` of a fresh interpreter after `code`."""
    return set(run_python(f"{code}\nimport sys\nprint(*sys.modules)").split())


def test_imports_point_downwards() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("code", ["import sedscope.runs", "import recorders", LOAD_API])
def test_reader_and_recording_api_load_no_torch_and_nothing_heavy(code: str) -> None:
    assert not modules_after(code) & {"torch", *HEAVY}


def test_a_recording_loads_torch_and_nothing_heavy() -> None:
    loaded = modules_after(
        "import sedscope, recorders.recording_session, recorders.probes, recorders.process.script_launch"
    )
    assert "torch" in loaded
    assert not loaded & set(HEAVY)
    assert not [name for name in loaded if name.startswith("sedscope.")]


def test_the_recording_api_adds_under_50_ms_beyond_torch() -> None:
    code = f"""
from time import process_time
begun = process_time(); import torch; torch_there = process_time(); {LOAD_API}; api_there = process_time()
print(torch_there - begun, api_there - torch_there)
"""
    pairs = [tuple(map(float, run_python(code).split())) for _ in range(3)]
    # Alone on its cores torch takes a second: on a crowded machine both stretch, and so does what is allowed.
    assert min(added - max(0.050, 0.05 * torch) for torch, added in pairs) < 0


def test_help_loads_no_torch_and_no_command() -> None:
    loaded = modules_after("from sedscope.cli.main import run\nassert run(['--help']) == 0")
    assert not loaded & {"torch", "numpy", "safetensors", "textual", "rich", "polars"}
    assert not [name for name in loaded if name.startswith("sedscope.cli.") and name != "sedscope.cli.main"]


def test_help_is_there_within_300_ms() -> None:
    def seconds(*arguments: str) -> float:
        """Least processor time of three calls: what other processes do to the clock is not ours."""
        found = []
        for _ in range(3):
            begun = os.times()
            subprocess.run([sys.executable, *arguments], capture_output=True, timeout=60, check=True)
            ended = os.times()
            found.append(ended.children_user - begun.children_user + ended.children_system - begun.children_system)
        return min(found)

    # A bare interpreter takes 20 ms where cores are free; where it takes longer, so does everything.
    assert seconds("-m", "sedscope", "--help") < max(0.3, 15 * seconds("-c", ""))


def test_both_ways_to_call_the_command_are_one() -> None:
    script = str(Path(sys.executable).with_name("sedscope"))
    printed = [
        subprocess.run([*command, "--version"], capture_output=True, text=True, timeout=60, check=True).stdout
        for command in ([sys.executable, "-m", "sedscope"], [script])
    ]
    assert printed == [f"sedscope {version('sedscope')}\n"] * 2


def test_every_path_on_the_page_of_the_architecture_exists() -> None:
    """Paths stand in full, or below the folder that the line "Paths from `…`" of their section names."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    missing, named = [], 0
    for section in page.split("\n## "):
        base = re.search(r"^Paths from `([^`]+)`", section, flags=re.MULTILINE)
        for path in re.findall(r"`([\w./]+(?:\.py|/))`", section):
            named += 1
            folders = (ROOT, ROOT / base[1]) if base else (ROOT,)
            missing += [] if any((folder / path).exists() for folder in folders) else [path]
    assert named > 100 and missing == []

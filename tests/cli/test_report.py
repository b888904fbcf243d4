"""`sedscope report` from the outside: what it prints, what it writes, and how it ends on bad input."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recorders.format import FORMAT_VERSION
from sedscope.analysis.features import centroid_jvp
from sedscope.cli.main import run
from sedscope.report import report
from sedscope.report.formats import report_json
from sedscope.runs import find

QUICK = ["--window", "10", "--checkpoints", "2", "--random", "5", "--sources", "update"]


@pytest.fixture
def folder(fixture_folder: Path, tmp_path: Path) -> Path:
    """A folder that holds one good run, `runs/good`."""
    shutil.copytree(fixture_folder, tmp_path / "runs" / "good")
    return tmp_path / "runs"


def shard(path: Path) -> Path:
    return sorted((path / "shards").iterdir())[1]


def test_a_run_gives_its_table_and_the_next_command(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["report", str(folder / "good"), *QUICK]) == 0
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    assert lines[0].startswith("modular-addition  tasks add · t 0–975 · P 8,192 · finished")
    tables = [line.split()[0] for line in lines if line.startswith(("update", "source"))]
    assert tables == ["source", "update", "source", "update"], "the peaks, then the phases"
    assert "  (report.html)" in lines[-1]
    assert " ".join(lines[-1].split()[1:-1]) == (
        f"sedscope report {folder}/good --window 10 --random 5 --checkpoints 2 --sources update --out report"
    )
    assert shown.err == ""


def test_report_json_holds_the_table_and_is_written_again_byte_by_byte(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    command = ["report", str(folder), *QUICK, "--out", str(out)]
    assert run(command) == 0
    written = (out / "report.json").read_bytes()
    (analysed,) = json.loads(written)["runs"]
    (coupling,) = analysed["coupling"]
    cell = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("update"))
    assert float(cell.split()[1]) == pytest.approx(coupling["peak"], rel=5e-3)
    monkeypatch.setattr(centroid_jvp, "exact_jvps", None)
    assert run(command) == 0
    assert (out / "report.json").read_bytes() == written
    names = {path.name for path in out.iterdir()}
    assert names == {"report.html", "report.md", "report.json", "figures", "tables"}


def test_a_folder_with_bad_runs_reports_the_rest_and_lists_them(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(folder / "good", folder / "truncated")
    os.truncate(sorted((folder / "truncated" / "shards").iterdir())[3], 100)
    (folder / "newer").mkdir()
    (folder / "newer" / "run.json").write_text('{"format_version": 99}')
    assert run(["report", str(folder), *QUICK, "--out", str(tmp_path / "out")]) == 4
    shown = capsys.readouterr()
    assert shown.out.count("modular-addition  tasks add") == 2
    assert "· damaged" in shown.out
    assert f"sedscope: {folder}/newer: format 99, but this version reads up to {FORMAT_VERSION}" in shown.err
    assert f"sedscope: {folder}/truncated: damaged: shards/" in shown.err
    document = json.loads((tmp_path / "out" / "report.json").read_text())
    assert [one["state"] for one in document["runs"]] == ["finished", "damaged"]
    assert [(one["path"], one["status"]) for one in document["failed"]] == [(f"{folder}/newer", 3)]


@pytest.mark.parametrize(
    ("place", "error"),
    [
        ("open", OSError(5, "Input/output error")),
        ("analyse", MemoryError("Unable to allocate 7 EiB")),
        ("facts", ValueError("a value that no recorder wrote")),
        ("print", TypeError("unexpected")),
        ("outcome", RecursionError("too deep")),
        ("render", OverflowError("too large")),
    ],
)
def test_any_error_of_one_run_is_its_line_and_the_others_are_reported(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    place: str, error: Exception,
) -> None:  # fmt: skip
    shutil.copytree(folder / "good", folder / "bad")
    module, name = {
        "open": (find, "Run"),
        "analyse": (report, "analyse"),
        "facts": (report.RunFacts, "of"),
        "print": (report, "print_run"),
        "outcome": (report, "outcome_of"),
        "render": (report_json, "_run"),
    }[place]
    real = getattr(module, name)

    def fails(subject: Any, *arguments: Any, **options: Any) -> Any:
        path = getattr(subject, "path", subject)
        if Path(path).name == "bad":
            raise error
        return real(subject, *arguments, **options)

    monkeypatch.setattr(module, name, fails)
    status = run(["report", str(folder), *QUICK, "--sources", "update", "--out", str(tmp_path / "out")])
    shown = capsys.readouterr()
    reason = error.strerror if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
    (line,) = [line for line in shown.err.splitlines() if str(reason) in line]
    assert line.startswith(f"sedscope: {folder}/bad: ")
    document = json.loads((tmp_path / "out" / "report.json").read_text())
    assert f"{folder}/good" in [one["path"] for one in document["runs"]]
    assert status == 4
    assert [(one["path"], one["status"]) for one in document["failed"]] == [(f"{folder}/bad", 4)]


def test_a_link_that_leads_to_itself_hides_no_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "loop").symlink_to("loop")
    assert run(["report", str(folder), *QUICK, "--sources", "update"]) == 0
    assert "modular-addition" in capsys.readouterr().out


def flip(path: Path) -> None:
    """One bit of the rows: only the CRC can tell."""
    data = bytearray(shard(path).read_bytes())
    data[len(data) // 2] ^= 1
    shard(path).write_bytes(data)


def zero(path: Path) -> None:
    shard(path).write_bytes(bytes(shard(path).stat().st_size))


def break_journal(path: Path) -> None:
    journal = path / "journal" / "0001.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    lines[20] = lines[20].replace(b'"', b"'", 1)
    journal.write_bytes(b"".join(lines))


def drop_probe(path: Path) -> None:
    next((path / "probes").iterdir()).unlink()


def test_damage_that_leaves_too_little_is_status_4_too(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shard(folder / "good").unlink()
    assert run(["report", str(folder / "good"), *QUICK]) == 4
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == (
        f"sedscope: {folder}/good: damaged: shards/0001-000001.safetensors: missing; good: t = 0–175;"
        " update: a window of 10 rows was asked for; found 8\n"
    )


@pytest.mark.parametrize(
    ("harm", "good"),
    [
        (flip, "good: t = 0–175"),
        (zero, "good: t = 0–175"),
        (lambda path: shard(path).unlink(), "good: t = 0–175"),
        (break_journal, "good: t = 0–"),
        (drop_probe, "good: t = 0–975"),
    ],
    ids=["bit", "zeros", "missing", "journal", "probe"],
)
def test_damage_is_status_4_with_the_good_part_shown(
    folder: Path, harm: Callable[[Path], None], good: str, capsys: pytest.CaptureFixture[str]
) -> None:
    harm(folder / "good")
    assert run(["report", str(folder / "good"), "--window", "5", "--checkpoints", "2", "--random", "5"]) == 4
    shown = capsys.readouterr()
    assert "modular-addition  tasks add · t 0–" in shown.out
    assert "· damaged" in shown.out
    assert f"sedscope: {folder}/good: damaged: " in shown.err
    assert good in shown.err
    assert "Traceback" not in shown.err


def test_a_missing_checkpoint_is_only_a_note(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sorted((folder / "good" / "weights").iterdir())[3].unlink()
    assert run(["report", str(folder / "good"), *QUICK]) == 0
    assert "no checkpoint at t = 75" in capsys.readouterr().out.replace("\n       ", " ")


@pytest.mark.parametrize(
    ("flags", "status", "message"),
    [
        (["--window", "0"], 2, "window: a whole number of at least 1 is required, found 0"),
        (["--window", "-5"], 2, "window: a whole number of at least 1 is required, found -5"),
        (["--window", "5,x"], 2, "--window: a whole number is required, found 'x'"),
        (["--window", "5,"], 2, "--window: names separated by commas are required, found '5,'"),
        (["--rank", "0"], 2, "rank: a whole number of at least 1 is required, found 0"),
        (["--rank", "21"], 2, "rank: at most the window, 20, is required, found 21"),
        (["--checkpoints", "none"], 2, "--checkpoints: a whole number is required, found 'none'"),
        (["--epsilon", "nan"], 2, "epsilon: a positive number is required, found nan"),
        (["--device", "tpu"], 2, "device: auto, cpu, cuda or cuda:<index> is required, found 'tpu'"),
        (["--device", "cuda:99"], 2, "device: one of cpu is required here, found 'cuda:99'"),
        (["--tasks", "mul"], 2, "tasks: one of add is required, found 'mul'"),
        (["--sources", "up"], 2, "sources: one of fixed_gradient/add, pool_gradient/add, control/shuffled/add, "),
        (["--window", "41"], 6, "fixed_gradient/add: a window of 41 rows was asked for; found 40"),
        (["--out", "/proc/nothing"], 7, "/proc/nothing: cannot be written: No such file or directory"),
    ],
)
def test_unusable_flags_are_one_line(
    folder: Path, flags: list[str], status: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["report", str(folder / "good"), *flags]) == status
    shown = capsys.readouterr()
    assert shown.out == ""
    (line,) = shown.err.splitlines()
    assert line.startswith("sedscope: ")
    assert message in line


@pytest.mark.parametrize(
    ("make", "status", "message"),
    [
        (lambda path: None, 3, "no such folder"),
        (lambda path: path.write_text(""), 3, "no such folder"),
        (lambda path: path.mkdir(), 3, "not a run"),
    ],
    ids=["missing", "file", "empty"],
)
def test_what_is_no_run_is_status_3(
    tmp_path: Path, make: Callable[[Path], object], status: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    make(tmp_path / "x\x1b[2Jy")
    assert run(["report", str(tmp_path / "x\x1b[2Jy")]) == status
    shown = capsys.readouterr()
    (line,) = shown.err.splitlines()
    assert line.startswith(f"sedscope: {tmp_path}/x\\x1b[2Jy: ")
    assert message in line
    assert shown.out == ""


def test_a_run_given_twice_is_reported_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["report", str(folder), str(folder / "good"), *QUICK]) == 0
    assert capsys.readouterr().out.count("modular-addition  tasks") == 1


def test_a_pipe_that_is_closed_is_quiet_and_the_files_are_written(folder: Path, tmp_path: Path) -> None:
    run(["report", str(folder / "good"), *QUICK, "--out", str(tmp_path / "before")])  # else progress is told
    out = tmp_path / "out"
    command = [sys.executable, "-m", "sedscope", "report", str(folder / "good"), *QUICK, "--out", str(out)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait() == 7
    assert (out / "report.json").exists()


def test_a_closed_stdout_still_writes_the_files(folder: Path, tmp_path: Path) -> None:
    run(["report", str(folder / "good"), *QUICK, "--out", str(tmp_path / "before")])  # else progress is told
    flags = " ".join(QUICK)
    command = f"{sys.executable} -m sedscope report {folder}/good {flags} --out {tmp_path}/out >&-"
    done = subprocess.run(["sh", "-c", command], stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "out" / "report.json").exists()


def test_a_run_that_cannot_be_written_to_is_reported_all_the_same(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    before = {path: path.stat().st_mtime_ns for path in (folder / "good").rglob("*")}
    (folder / "good").chmod(0o500)
    assert run(["report", str(folder / "good"), *QUICK]) == 0
    assert {path: path.stat().st_mtime_ns for path in (folder / "good").rglob("*")} == before
    assert list((tmp_path / "cache").rglob("*.safetensors"))


def test_ctrl_c_is_one_line_and_leaves_the_cache_whole(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    flags = ["--window", "10", "--checkpoints", "all", "--sources", "update"]
    command = [sys.executable, "-m", "sedscope", "report", str(folder / "good"), *flags]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        wait_for(lambda: len(list((tmp_path / "cache").rglob("baseline-*"))) >= 3 or process.poll() is not None)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert process.returncode == 130
    assert out == ""
    assert err.splitlines()[-1] == "sedscope: interrupted"
    assert "Traceback" not in err
    kept = {path for path in (tmp_path / "cache" / "sedscope").rglob("*") if path.is_file()}
    assert not any(path.name.endswith(".part") for path in kept)
    stamps = {path: path.stat().st_mtime_ns for path in kept}
    assert run(["report", str(folder / "good"), *flags, "--random", "20"]) == 0
    assert {path: path.stat().st_mtime_ns for path in kept} == stamps


def test_hostile_names_are_shown_as_they_are(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hostile = folder / "a\x1b]52;c;eA==\x07[/b]"
    shutil.copytree(folder / "good", hostile)
    assert run(["report", str(hostile), *QUICK]) == 0
    assert run(["report", str(hostile), *QUICK, "--tasks", "mul"]) == 2
    shown = capsys.readouterr()
    assert "\x1b" not in shown.out + shown.err
    assert "a\\x1b]52;c;eA==\\x07[/b]" in shown.out
    assert "a\\x1b]52;c;eA==\\x07[/b]: tasks: one of add is required" in shown.err


def wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)

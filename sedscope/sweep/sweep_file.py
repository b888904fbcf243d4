"""`sweep.json`: the cells and the recording options of a sweep's folder, so that no other sweep is mixed into it
unnoticed.

Decides its members, and what two sweeps in one folder must have in common: the script with its arguments, and the
options that rows depend on. Cells may be added. It does not say which cells are done: the run
directories do.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from recorders.errors import InputOutputError, NotARunError, RefusedError
from recorders.recording_options import RECORDING_OPTIONS, RecordingOptions
from recorders.row_sources import current_name
from recorders.store import durable, strictjson
from sedscope.runs.files.folder import MissingError, RunFolder
from sedscope.runs.files.members import Members
from sedscope.runs.text import printable, printable_path
from sedscope.sweep.cell import SweepCell
from sedscope.sweep.sweep import Sweep

SWEEP_FILE: Final = "sweep.json"
SWEEP_VERSION: Final = 1
"""Raised when an older sedscope would take a newer file for something else."""
_MOST_BYTES: Final = 64 << 20
"""A cell takes some 500 bytes: more than 64 MiB is no sweep that somebody runs."""
_LONGEST: Final = 300

SweepManifest = dict[str, Any]


def merged(out: Path, sweep: Sweep, cells: Sequence[SweepCell]) -> tuple[SweepManifest, bool]:
    """Return the folder's manifest with these cells in it, and whether it has to be written.

    Raises:
        RefusedError: The folder holds another sweep.
        NotARunError: Its manifest is not one that this version reads.
        DamagedError: It is not JSON.
    """
    earlier = _read(out)
    if earlier is None:
        return _new(sweep, cells), True
    where = f"{printable_path(out)}/{SWEEP_FILE}"
    _check_common(where, earlier, sweep)
    by_name = {cell["name"]: cell for cell in earlier["cells"]}
    described = [cell.described() for cell in cells]
    for cell in described:
        if (old := by_name.get(cell["name"], cell)) != cell:
            raise RefusedError(_refusal(where, f"cell {cell['name']}", _text(old), _text(cell)))
    added = [cell for cell in described if cell["name"] not in by_name]
    return earlier | {"cells": [*earlier["cells"], *added]}, bool(added)


def write(out: Path, manifest: SweepManifest) -> None:
    """Write all of it or nothing."""
    text = json.dumps(manifest, indent=1, ensure_ascii=True, allow_nan=False) + "\n"
    try:
        durable.write_file(out / SWEEP_FILE, [text.encode("ascii")])
    except OSError as error:
        raise InputOutputError(f"{out / SWEEP_FILE}: cannot be written: {error.strerror}") from error


def _new(sweep: Sweep, cells: Sequence[SweepCell]) -> SweepManifest:
    return {
        "format_version": SWEEP_VERSION,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "sedscope": version("sedscope"),
        "module": sweep.module,
        "arguments": list(sweep.arguments),
        "recording": _recording(sweep.recording),
        "cells": [cell.described() for cell in cells],
    }


def _recording(options: RecordingOptions) -> dict[str, Any]:
    """Return the options that the rows of every cell depend on; `steps` changes nothing but projections."""
    fields = [row.field for row in RECORDING_OPTIONS if not row.of_one_run and row.field != "steps"]
    values = {name: getattr(options, name) for name in fields}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def _read(out: Path) -> SweepManifest | None:
    folder = RunFolder(out)
    try:
        text = folder.read(SWEEP_FILE, _MOST_BYTES) if folder.exists() else None
    except MissingError:
        return None
    if text is None:
        return None
    where = folder.where(SWEEP_FILE)
    members = Members(strictjson.loads(text, where), where)
    if (version_read := members.integer("format_version", 1)) > SWEEP_VERSION:
        raise NotARunError(
            f"{where}: format {version_read}, but this version reads up to {SWEEP_VERSION}: update sedscope"
        )
    members.boolean("module")
    members.texts("arguments")
    members.object("recording")
    for cell in members.objects("cells"):
        cell.text("name")
    return members.value


def _check_common(where: str, earlier: SweepManifest, sweep: Sweep) -> None:
    new = _new(sweep, ())
    for member in ("module", "arguments"):
        if earlier[member] != new[member]:
            raise RefusedError(_refusal(where, "arguments", _command(earlier), _command(new)))
    for name, value in new["recording"].items():
        old = earlier["recording"].get(name)
        if name == "sources" and isinstance(old, list):  # of a version that called some of them otherwise
            old = [current_name(str(source)) for source in old]
        if old != value:
            raise RefusedError(_refusal(where, name.replace("_", "-"), _text(old), _text(value)))


def _refusal(where: str, what: str, old: str, new: str) -> str:
    difference = f"{what} must be {printable(old, _LONGEST)}, found {printable(new, _LONGEST)}"
    return f"{where}: this folder holds another sweep: {difference}; choose another --out"


def _command(manifest: SweepManifest) -> str:
    return shlex.join([*(["-m"] if manifest["module"] else []), *manifest["arguments"]])


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)

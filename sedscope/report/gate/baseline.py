"""An earlier `report.json` against this report: which numbers moved by more than was allowed.

Decides what is compared (R̄_k at its peak and end, rank-90 at the end, milestones) and that only what was made with the
same settings can be. The earlier file is somebody's: it is read with limits and every
string made printable.
"""

from __future__ import annotations

import json
import math
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from recorders.errors import InputOutputError, RefusedError, UsageError
from recorders.row_sources import current_name
from sedscope.analysis.settings import setting_rows
from sedscope.analysis.undefined import Undefined
from sedscope.report.estimate import Estimate, at_edge
from sedscope.report.formats.report_json import FORMAT
from sedscope.report.gate.verdict import Verdict
from sedscope.runs.text import printable_json, printable_path

READABLE = (1, 2)
"""Versions of report.json: in the first, `adam/…` is called `adamw/…`."""
LARGEST = 512 << 20
"""Bytes of an earlier report."""

Json = dict[str, Any]
Values = dict[str, "Estimate | Undefined"]


@dataclass(frozen=True, slots=True)
class GateAnswer:
    """The verdicts of a gate, and notes on what the baseline does not hold."""

    verdicts: tuple[Verdict, ...]
    notes: tuple[str, ...]


def read_report(path: Path) -> Json:
    """Read an earlier report.

    Raises:
        InputOutputError: It cannot be read.
        RefusedError: It is not a `report.json` that this version reads.
    """
    shown = printable_path(path)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise RefusedError(f"{shown}: a report.json is required, found no regular file")
        if status.st_size > LARGEST:
            raise RefusedError(f"{shown}: at most {LARGEST >> 20} MiB are read")
        value = json.loads(path.read_bytes())
    except OSError as error:
        raise InputOutputError(f"{shown}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise RefusedError(f"{shown}: a report.json is required, found no JSON") from error
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise RefusedError(f"{shown}: a report.json is required, found another file")
    if value.get("version") not in READABLE:
        versions = " or ".join(map(str, READABLE))
        raise RefusedError(f"{shown}: version {versions} is required, found {value.get('version')!r}")
    report: Json = printable_json(value)
    return report


def parse_change(text: str) -> float:
    """Read `10%` or `0.1` as a share.

    Raises:
        UsageError: Neither.
    """
    number, percent, rest = text.strip().partition("%")
    try:
        share = float(number) / (100.0 if percent else 1.0)
    except ValueError:
        share = math.nan
    if rest or not (math.isfinite(share) and share >= 0.0):
        raise UsageError(f"--max-change: a share such as 10% or 0.1 is required, found {text!r}")
    return share


def compare_reports(old: Json, new: Json, allowed: float) -> GateAnswer:
    """Compare every number of the earlier report with the same one of this.

    Args:
        old: From `read_report`.
        new: This report, as its JSON.
        allowed: Largest relative change.
    """
    different = _different_settings(old.get("settings"), new["settings"])
    if different:
        reason = Undefined(f"made with other settings: {different}")
        return GateAnswer((Verdict("baseline", "same settings", reason, reason, passed=False),), ())
    mine, earlier = ({name: _numbers(run) for name, run in _by_name(report).items()} for report in (new, old))
    verdicts: list[Verdict] = []
    notes: list[str] = []
    for name, numbers in earlier.items():
        if name not in mine:
            gone = Undefined("the run is not in this report")
            verdicts.append(Verdict(name, "in both reports", Estimate.exact(1.0), gone, passed=False))
            continue
        for what, before in numbers.items():
            after = mine[name].get(what, Undefined("it is not in this report"))
            text, is_near = f"{what} within {100 * allowed:g} % of the baseline", False
            if isinstance(before, Estimate) and isinstance(after, Estimate):
                is_near = abs(after.value - before.value) <= allowed * abs(before.value)
            if isinstance(before, Estimate) or isinstance(after, Estimate):
                verdicts.append(Verdict(name, text, after, before, is_near))
        notes += [f"{name}: not in the baseline: {what}" for what in mine[name] if what not in numbers]
    notes += [f"{name}: not in the baseline" for name in mine if name not in earlier]
    return GateAnswer(tuple(verdicts), tuple(notes))


def _different_settings(old: object, new: Mapping[str, Any]) -> str:
    if not isinstance(old, dict):
        return "the baseline states none"
    # Reports that do not state the definition of the grok step are older than the choice.
    old = {"grok": "published", **old}
    names = [row.name for row in setting_rows() if not row.may_differ and row.name in old]
    return "; ".join(f"{name} {old[name]!r} there, {new[name]!r} here" for name in names if old[name] != new[name])


def _by_name(report: Json) -> dict[str, Json]:
    """Return the runs of a report; of several with one name, the later ones are numbered in their order."""
    runs: dict[str, Json] = {}
    for run in _objects(report.get("runs")):
        name = str(run.get("name"))
        n = sum(earlier.get("name") == run.get("name") for earlier in runs.values())
        runs[f"{name} ({n + 1})" if n else name] = run
    return runs


def _numbers(run: Json) -> Values:
    """Return every number of a run that is compared, by what it is."""
    values: Values = {}
    for entry in _objects(run.get("coupling")):
        arguments = f'source="{current_name(str(entry.get("source")))}", task="{entry.get("task")}"'
        arguments += f", window={entry.get('window')}, rank={entry.get('rank')}"
        ends = entry.get("interval") if isinstance(entry.get("interval"), dict) else {}
        for moment in ("peak", "final"):
            values[f"{moment}(rbar, {arguments})"] = _number(entry.get(moment), entry, moment, (ends or {}).get(moment))
    for entry in _objects(run.get("rank90")):
        ranks = entry.get("rank90")
        last = ranks[-1] if isinstance(ranks, list) and ranks else None
        values[f'final(rank90, task="{entry.get("task")}")'] = _number(last, entry, "rank90")
    for entry in _objects(run.get("metrics")):
        for what in ("grok_step", "memorisation_step"):
            values[f'{what}(task="{entry.get("task")}")'] = _number(entry.get(what), entry, what.removesuffix("_step"))
    return values


def _number(value: object, entry: Json, what: str, ends: object = None) -> Estimate | Undefined:
    if not _is_number(value):
        reasons = [str(each.get("reason")) for each in _objects(entry.get("undefined")) if each.get("what") == what]
        return Undefined(reasons[0] if reasons else "it is not in the report")
    edge = entry.get(f"{what}_edge")
    remark = at_edge(edge) if isinstance(edge, str) else ""
    if isinstance(ends, list) and len(ends) == 2 and all(map(_is_number, ends)):
        return Estimate(float(value), (float(ends[0]), float(ends[1])), remark)
    return Estimate(float(value), remark=remark)


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _objects(value: object) -> Sequence[Json]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []

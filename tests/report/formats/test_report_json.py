"""`report.json`: every documented field is there, and what is undefined is null with its reason."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from comparison_samples import paper

from sedscope.analysis.interventions import compare
from sedscope.analysis.pipeline.results import CouplingSeries, RunAnalysis
from sedscope.analysis.settings import setting_rows
from sedscope.report.facts import Failure
from sedscope.report.formats.json_interventions import comparison_json
from sedscope.report.formats.report_json import render_json

DOCUMENTATION = Path(__file__).parents[3] / "docs" / "report-json.md"


def rendered(*runs: RunAnalysis, failures: list[Failure] | None = None) -> Any:
    text = render_json(list(runs), failures or [], runs[0].settings)
    return json.loads(text, parse_constant=lambda found: pytest.fail(f"{found} is not JSON"))


def test_the_top_says_what_the_file_is(one_task: RunAnalysis) -> None:
    document = rendered(one_task, failures=[Failure("runs/bad", "not a run", 3)])
    assert (document["format"], document["version"]) == ("sedscope-report", 2)
    assert document["settings"]["window"] == [20]
    assert document["failed"] == [{"path": "runs/bad", "reason": "not a run", "status": 3}]
    (run,) = document["runs"]
    assert (run["name"], run["path"], run["tasks"], run["steps"]) == (
        "add", "runs/add", ["add"], {"first": 0, "last": 2000},
    )  # fmt: skip


def test_a_coupling_holds_its_series_and_reasons(one_task: RunAnalysis) -> None:
    coupling = rendered(one_task)["runs"][0]["coupling"][1]
    expected = {
        "source": "update", "task": "add", "window": 20, "rank": 3, "align": "trailing", "centroid": "target",
        "method": "exact", "route": "directions", "steps": [0, 500, 1000, 2000], "n_rows": [0, 5, 20, 20],
        "full": [False, False, True, True], "baseline": [2.0] * 4, "rbar": [None, 14.02, 28.04, 21.5],
        "peak": 28.04, "peak_step": 1000, "final": 21.5, "final_step": 2000,
        "flat": [None, None, "K = 3 exceeds the participation ratio 1.4", None],
    }  # fmt: skip
    assert {name: coupling[name] for name in expected} == expected
    assert coupling["R"][0] is None
    assert coupling["R"][2] == pytest.approx([29.04, 28.04, 27.04])
    assert coupling["A"][2] == pytest.approx([58.08, 56.08, 54.08])
    interval = coupling["interval"]
    assert interval["peak"] == pytest.approx([28.04 * 0.9, 28.04 * 1.1])
    assert interval["final"] == pytest.approx([21.5 * 0.9, 21.5 * 1.1])
    assert (interval["level"], interval["groups"], interval["n_random"], interval["rbar"][0]) == (0.95, 32, 20, None)
    reason = "there is no row on this side of the checkpoint"
    assert coupling["undefined"][:3] == [
        {"what": what, "reason": reason, "steps": [0]} for what in ("A", "rbar", "interval")
    ]


def test_a_window_with_fewer_directions_ends_in_nulls(one_task: RunAnalysis) -> None:
    short = replace(one_task.coupling[0], rank=5)
    coupling = rendered(replace(one_task, coupling=(short,)))["runs"][0]["coupling"][0]
    assert coupling["R"][2] == [110.0, 109.0, 108.0, None, None]


def test_an_undefined_series_is_null_throughout(
    one_task: RunAnalysis, undefined_series: Callable[[str, str, str], CouplingSeries]
) -> None:
    run = replace(one_task, coupling=(undefined_series("gradient", "add", "no probe"),))
    coupling = rendered(run)["runs"][0]["coupling"][0]
    assert (coupling["peak"], coupling["final"], coupling["rbar"], coupling["A"]) == (
        None,
        None,
        [None] * 2,
        [None] * 2,
    )
    assert {"what": "peak", "reason": "no probe", "steps": []} in coupling["undefined"]
    assert coupling["interval"]["groups"] is None


def test_metrics_ranks_and_spectra_are_there(four_tasks: RunAnalysis) -> None:
    run = rendered(four_tasks)["runs"][0]
    mul = run["metrics"][2]
    assert (mul["task"], mul["grok_step"], mul["memorisation_step"], mul["delay"]) == ("mul", None, 200, None)
    assert mul["undefined"][0]["what"] == "grok"
    assert run["metrics"][0]["grok"][0] == {"t": 2000, "threshold": 0.5, "cadence": 25}
    assert run["rank90"][0]["rank90"] == [62, 70, 96, 51]
    (spectrum,) = run["spectrum"]
    assert (spectrum["k_star"], spectrum["gap"], spectrum["sigma"]) == ([None, 1], [None, 2.0], [None, [4.0, 2.0, 1.0]])
    assert spectrum["flat"] == {"3": [None, None]}


def test_every_field_is_documented(four_tasks: RunAnalysis) -> None:
    documented = set(re.findall(r"`([a-zA-Z_0-9]+)`", DOCUMENTATION.read_text()))

    def names(value: Any) -> set[str]:
        if isinstance(value, list):
            return set().union(*map(names, value))
        if isinstance(value, dict):
            return {key for key in value if not key.isdigit()}.union(*map(names, value.values()))
        return set()

    document = rendered(four_tasks, failures=[Failure("p", "r", 4)])
    document["comparison"] = comparison_json(compare(paper()), [replace(four_tasks, path="runs/freeze-add-42")])
    assert names(document) - documented == set()


def test_the_documentation_has_a_row_for_each_setting_in_order() -> None:
    section = DOCUMENTATION.read_text().partition("## Settings")[2].partition("\n## ")[0]
    meanings = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", section, re.MULTILINE))
    assert list(meanings) == [row.name for row in setting_rows()]
    for row in setting_rows():
        assert [word for word in row.choices if f"`{word}`" not in meanings[row.name]] == []

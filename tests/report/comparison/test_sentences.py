"""What a comparison says in words, on the terminal and in report.json, word for word."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import pytest
from comparison_samples import outcome, paper
from report_samples import HOSTILE, measured
from rich.console import Console

from sedscope.analysis.interventions import Outcome, compare
from sedscope.analysis.pipeline.results import RunAnalysis
from sedscope.report.comparison.sentences import comparison_findings
from sedscope.report.document import plain
from sedscope.report.formats.json_interventions import comparison_json
from sedscope.report.formats.terminal import print_comparison

KEEP = "keep-sed K 3 on gradient, basis applied"
REMOVE = "remove-sed K 3 on gradient, basis applied"


def said(*outcomes: Outcome) -> list[str]:
    return [plain(words) for _, _, found in comparison_findings(compare(outcomes)) for words in found]


def drawn(*outcomes: Outcome, width: int = 80) -> list[str]:
    stream = io.StringIO()
    print_comparison(compare(outcomes), Console(file=stream, width=width, highlight=False))
    return [line.rstrip() for line in stream.getvalue().splitlines()]


def test_the_paper_in_sentences() -> None:
    assert said(*paper()) == [
        "freeze reaches 0.5 in test accuracy above chance 3.60× earlier than control (n = 3, 3.3–4.2).",
        f"{KEEP} reaches 0.5 in test accuracy above chance 3.46× earlier than control (n = 3, 2.9–4.2); freeze is 3.60×"
        " earlier than control: the comparison cannot tell the subspace from no movement (1.04× later than freeze, n ="
        " 3, 0.84–1.3).",
        f"{REMOVE} reaches 0.5 in test accuracy above chance in 2 of 3 seeds, control in 3: neither earlier nor later"
        " than control as far as the interval tells: < 0.938× (n = 3, 0–2.0).",
    ]


def test_a_kept_subspace_is_never_shown_without_freeze() -> None:
    runs = [*paper(freeze=False), outcome("keep-random", "42", 900), outcome("keep-random-norm", "42", None)]
    for sentence in said(*runs):
        kept = sentence.startswith("keep")
        assert kept == ("freeze was not run beside it: the comparison cannot tell a subspace from no move" in sentence)


@pytest.mark.parametrize(
    ("runs", "words"),
    [
        ([("keep-sed", 500, 520), ("freeze", 2000, 2100)], "what is kept does more than no movement"),
        ([("keep-sed", 2000, 2100), ("freeze", 500, 500)], "what is kept gains nothing"),
        ([("keep-sed", 500), ("freeze", 500)], "with one seed the comparison cannot tell the subspace from no"),
        ([("keep-sed", None), ("freeze", None)], "is not known (no run got there up to t = 5,000, to which both"),
        ([("remove-sed", 900, 1000), ("remove-random", 800, 1000)], "do not tell the removed subspace from a random"),
        ([("keep-sed", 500, 500), ("keep-random", 3000, 3100)], "it is 6.10× earlier than keep-random K 3 on gradient"),
        ([("decay-only", 3000, 3300)], "neither earlier nor later than control as far as the interval tells"),
        ([("decay-only", 6000, 6600)], "2.00× later than control (n = 2"),
        ([("decay-only", 1500)], "2.00× earlier than control (n = 1, no interval)."),
        ([("decay-only", 1500, 1600, 99)], "(n = 2, 1.7–2.5), without seed 2 (no control has its seed)."),
    ],
)
def test_each_rule_has_its_words(runs: list[tuple[Any, ...]], words: str) -> None:
    outcomes = [outcome("control", str(seed), t, end=9000) for seed, t in enumerate((3000, 3300))]
    outcomes += [
        outcome(mode, str(seed), t, end=5000 if t is None else 9000)
        for mode, *steps in runs
        for seed, t in enumerate(steps)
    ]
    mode = runs[0][0]
    (sentence,) = (one for one in said(*outcomes) if one.startswith(f"{mode} "))
    assert words in sentence


def test_a_run_that_has_just_begun_is_no_second_seed() -> None:
    runs = [outcome(mode, "1", t) for mode, t in (("control", 3000), ("keep-sed", 500), ("freeze", 500))]
    runs += [outcome("control", "2", 3000), outcome("keep-sed", "2", None, end=400), outcome("freeze", "2", 600)]
    sentence = next(one for one in said(*runs) if one.startswith("keep-sed"))
    assert "in 1 of 2 seeds, control in 2: neither earlier nor later than control as far as the interval" in sentence
    assert "the comparison cannot tell the subspace from no movement (< 1.22× earlier than freeze, n = 2" in sentence


def test_the_terminal_shows_bounds_and_says_why() -> None:
    lines = drawn(*paper())
    assert lines[:13] == [
        "interventions  task add",
        "  thresholds: of test accuracy above chance; speed-up: grok step of the control",
        "  of the same seed / own, 95 % interval over seeds; >, <, ≥: bounds, a run never",
        "  got there",
        "    reached 0.5  mean t             speed-up        at 0.98         norm kept",
        "  control",
        "    3 of 3       3,000 2,335–3,657  1               1",
        "  freeze",
        "    3 of 3       833 658–977        3.60× 3.3–4.2   3.09× 2.9–3.5   0",
        f"  {KEEP}",
        "    3 of 3       867 692–1,010      3.46× 2.9–4.2   3.00× 2.6–3.6   0.050",
        f"  {REMOVE}",
        "    2 of 3       ≥ 3,367 0–5,000    < 0.938× 0–2.0  < 0.951× 0–1.9  0.90",
    ]
    assert max(map(len, lines)) <= 80
    alone = drawn(outcome("freeze", "1", 900), outcome("freeze", "2", None))
    assert "    1 of 2       ≥ 2,950 0–5,000  — [1]     — [1]    — [2]" in alone
    assert "  [1] undefined: no control is among the runs" in alone
    one = drawn(outcome("control", "1", 3000), outcome("freeze", "1", 1000))
    assert any("3.00× one seed" in line for line in one)


def test_a_speed_up_without_any_bound() -> None:
    runs = [outcome("control", "1", 3000), outcome("control", "2", None)]
    runs += [outcome("decay-only", "1", None), outcome("decay-only", "2", 1000)]
    (sentence,) = said(*runs)
    assert "in 1 of 2 seeds, control in 1: neither earlier nor later than control as far as" in sentence
    assert "restricted to t = 5,000)" in sentence


def test_nothing_was_done_and_nothing_is_said() -> None:
    assert said(outcome("control", "1", 3000), outcome("control", "2", 3000)) == []
    assert not compare([outcome("control", "1", 3000)]).has_intervention


def as_json(*outcomes: Outcome, analyses: tuple[RunAnalysis, ...] = ()) -> Any:
    text = json.dumps(comparison_json(compare(outcomes), analyses), allow_nan=False)
    return json.loads(text)


def test_json_holds_seeds_quotients_bounds_and_reasons() -> None:
    document = as_json(*paper())
    assert document["cohorts"] == [{"label": "", "command": ["train.py"], "notes": []}]
    control, _, keep, remove = document["groups"]
    assert (control["speedup"], control["undefined"][0]["what"]) == ([], "norm_kept")
    early = keep["speedup"][0]
    assert (early["threshold"], early["reference"], early["censored"], early["bound"]) == (0.5, "control", False, None)
    assert early["average"]["value"] == pytest.approx((2900 / 900 * 2800 / 800 * 3300 / 900) ** (1 / 3))
    assert early["verdict"] == "earlier"
    assert early["pairs"][0] == {
        "seed": "42",
        "reference": {"t": 2900.0, "reached": True},
        "own": {"t": 900.0, "reached": True},
        "ratio": {"low": 2900 / 900, "high": 2900 / 900},
    }
    assert [(one["kind"], one["speedup"][0]["verdict"]) for one in keep["beside"]] == [("freeze", "alike")]
    assert keep["norm_kept"] == {"low": 0.05, "median": 0.05, "high": 0.05}
    assert keep["intervention"]["basis"] == "applied" and keep["accuracy"]["n"] == 3
    late = remove["speedup"][0]
    assert late["censored"] and late["average"]["horizon"] is None
    assert late["bound"] == {"low": None, "high": late["average"]["value"]}
    assert late["average"]["value"] == pytest.approx((2900 / 2500 * 2800 / 2600 * 3300 / 5000) ** (1 / 3))
    assert late["average"]["interval"][0] == 0.0 and late["verdict"] == "alike"
    assert late["pairs"][2]["ratio"] == {"low": None, "high": 0.66}
    assert remove["runs"][2]["grok"] == [None, None] and remove["runs"][2]["followed_to"] == 5000
    assert remove["runs"][2]["undefined"][0]["reason"].startswith("test accuracy of add above chance never reached")


def test_one_seed_says_that_it_has_no_interval() -> None:
    speedup = as_json(outcome("control", "1", 3000), outcome("freeze", "1", 1000))["groups"][1]["speedup"][0]
    assert speedup["average"] == {"value": pytest.approx(3.0), "interval": None, "n": 1, "horizon": None}
    assert speedup["undefined"][0] == {"what": "average interval", "reason": "one seed has no interval", "steps": []}


def test_final_ratios_stand_beside_by_run(one_task: RunAnalysis) -> None:
    runs = [outcome("freeze", seed, 900) for seed in ("1", "2")]
    analyses = [
        replace(one_task, path=one.path, coupling=(measured("update", (5.0, value)),))
        for one, value in zip(runs, (8.0, 12.0), strict=True)
    ]
    (rbar,) = as_json(*runs, analyses=tuple(analyses))["groups"][0]["rbar"]
    assert (rbar["source"], rbar["final"], rbar["mean"], rbar["interval"]) == (
        "update",
        [8.0, 12.0],
        10.0,
        [0.0, pytest.approx(35.4, abs=0.1)],
    )
    (rbar,) = as_json(*runs, analyses=(analyses[0],))["groups"][0]["rbar"]
    assert rbar["final"] == [8.0, None] and rbar["mean"] is None
    assert [one["reason"] for one in rbar["undefined"]] == [
        "undefined for 1 of 2 seeds; first: the run could not be analysed",
        "the run could not be analysed",
    ]


def test_foreign_names_stay_text() -> None:
    done = replace(outcome("freeze", "1", 900, task=HOSTILE, command=(HOSTILE,)), name=HOSTILE)
    text = "\n".join(drawn(done, width=400))
    assert HOSTILE in text and "\x1b" not in text

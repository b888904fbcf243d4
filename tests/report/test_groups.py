"""Which runs belong together, and what a mean over seeds carries."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sedscope.analysis.pipeline.results import RunAnalysis
from sedscope.analysis.settings import Settings
from sedscope.analysis.undefined import Undefined
from sedscope.report.facts import Reported, RunFacts
from sedscope.report.groups import group_labels, groups_of, over_seeds


def test_runs_of_one_recipe_and_different_seeds(one_task: RunAnalysis, facts: RunFacts) -> None:
    first, second = Reported(one_task, facts), Reported(one_task, replace(facts, seed="137"))
    (group,) = groups_of([first, second])
    assert group.seeds == ("42", "137")


@pytest.mark.parametrize(
    "change", [{"seed": "42"}, {"seed": None}, {"seed": "1", "recipe": "other.py"}], ids=["same", "unknown", "recipe"]
)
def test_others_are_no_group(one_task: RunAnalysis, facts: RunFacts, change: dict[str, str | None]) -> None:
    other = replace(facts, **change)  # type: ignore[arg-type]
    assert groups_of([Reported(one_task, facts), Reported(one_task, other)]) == ()


def test_other_settings_or_selections_are_no_group(one_task: RunAnalysis, facts: RunFacts) -> None:
    other = replace(facts, seed="1")
    for change in ({"settings": Settings(probes=5)}, {"n_selected": 7}, {"tasks": ("mul",)}):
        changed = replace(one_task, **change)  # type: ignore[arg-type]
        assert groups_of([Reported(one_task, facts), Reported(changed, other)]) == ()


def test_groups_are_told_apart_by_intervention_and_command(one_task: RunAnalysis, facts: RunFacts) -> None:
    def group(treatment: str, op: str) -> list[Reported]:
        own = replace(facts, treatment=treatment, recipe=f"{treatment} {op}")
        seeds = [replace(own, seed=seed, command=f"train.py --ops={op} --seed {seed}") for seed in ("1", "2")]
        return [Reported(one_task, one) for one in seeds]

    plain, frozen, mul = group("control", "add"), group("freeze", "add"), group("control", "mul")
    assert group_labels(groups_of(plain)) == ("",)
    assert group_labels(groups_of([*plain, *frozen])) == ("control", "freeze")
    assert group_labels(groups_of([*plain, *mul])) == ("--ops=add", "--ops=mul")


def test_mean_over_seeds() -> None:
    found = over_seeds([1.0, 2.0, 6.0])
    assert not isinstance(found, Undefined)
    assert found.value == 3.0 and found.ends is not None
    half = 4.302653 * np.std([1.0, 2.0, 6.0], ddof=1) / np.sqrt(3)
    assert found.ends == pytest.approx((max(0.0, 3.0 - half), 3.0 + half))
    equal = over_seeds([500, 500], [25, 25])
    assert not isinstance(equal, Undefined) and equal.ends is not None
    half = 12.7062 * 25 / np.sqrt(12) / np.sqrt(2)
    assert equal.ends == pytest.approx((500 - np.hypot(half, 25), 500 + half), rel=1e-5)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([1.0], "an interval over seeds needs at least 2; found 1"),
        ([1.0, Undefined("never")], "undefined for 1 of 2 seeds; first: never"),
    ],
)
def test_no_mean_without_every_seed(values: list[float | Undefined], reason: str) -> None:
    assert over_seeds(values) == Undefined(reason)

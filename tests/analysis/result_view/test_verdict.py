"""The verdict, clause by clause: each category, and each thing that can be missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from report_samples import compared, interval, measured

from sedscope.analysis.pipeline.results import CouplingSeries, Quotient, RunAnalysis
from sedscope.analysis.result_view.verdict import SourceVerdict, headline_verdicts, verdicts
from sedscope.analysis.settings import Settings
from sedscope.analysis.undefined import Undefined

ABSENT = Undefined("no probe")
BARE = RunAnalysis(
    path="runs/add", name="add", state="finished", tasks=("add",), n_selected=8, steps=(0, 2000), settings=Settings(),
    metrics=(), rank90=(), spectra=(), coupling=(),
)  # fmt: skip
GRADIENT = measured("fixed_gradient/add", (70.0, 72.0), matched=32.0)
DISPLACEMENT = measured("displacement", (7.0, 5.0), matched=8.0)
WEAK = {"cotangent": 10.0, "per_example": 20.0}
"""Controls that couple less than the gradient, beside the shuffled labels."""


def controls(**values: float) -> list[CouplingSeries]:
    return [measured(f"control/{family}/add", (value, value)) for family, value in values.items()]


def verdict(*series: CouplingSeries) -> SourceVerdict:
    (found,) = headline_verdicts(compared(BARE, *series))
    return found


def clauses(*series: CouplingSeries) -> list[str]:
    return verdict(*series).words.partition(": ")[2].split("; ")


def without_interval(series: CouplingSeries) -> CouplingSeries:
    return replace(series, points=tuple(replace(one, interval=ABSENT) for one in series.points))


def undefined(series: CouplingSeries) -> CouplingSeries:
    points = tuple(replace(one, ratio=ABSENT, matched=ABSENT, logit=ABSENT) for one in series.points)
    return replace(series, points=points, peak=ABSENT, final=ABSENT)


def test_the_whole_line() -> None:
    found = verdict(GRADIENT, *controls(shuffled=124.0, **WEAK), DISPLACEMENT)
    assert found.words == (
        "fixed_gradient/add at t = 2,000: 0.58× [0.48–0.71] of shuffled labels, the strongest of 3 controls: no"
        " evidence that it serves the task; 14× [12–18] displacement, of which 4.0× [3.3–4.9] is left after norms are"
        " matched"
    )
    assert found.claim == "not above every control"


@pytest.mark.parametrize(
    ("series", "claim", "words"),
    [
        (
            controls(shuffled=36.0, **WEAK),
            "above every control",
            "2.0× [1.6–2.4] of shuffled labels, the strongest of 3 controls, and above each: a difference that goes"
            " with the task, of no more than this factor",
        ),
        (
            controls(shuffled=36.0, cotangent=80.0, per_example=20.0),
            "not above every control",
            "0.90× [0.74–1.1] of random cotangents, the strongest of 3 controls: no evidence that it serves the task",
        ),
        (
            controls(shuffled=36.0),
            "not known",
            "2.0× [1.6–2.4] of shuffled labels, but random cotangents and mixed examples not measured: not known"
            " whether it serves the task",
        ),
        (
            [without_interval(each) for each in controls(shuffled=36.0, **WEAK)],
            "not above every control",
            "2.0× (no interval: no probe) of shuffled labels, the strongest of 3 controls: no evidence that it serves"
            " the task",
        ),
        (
            [undefined(each) for each in controls(shuffled=36.0, **WEAK)],
            "not known",
            "no control was measured (control/shuffled/add: no probe), so nothing says whether it serves the task",
        ),
        (
            [],
            "not known",
            "no control was measured (control/shuffled/add was not analysed), so nothing says whether it serves the"
            " task",
        ),
    ],
    ids=["above each", "not above one", "one alone", "open", "undefined", "absent"],
)
def test_controls(series: list[CouplingSeries], claim: str, words: str) -> None:
    found = verdict(GRADIENT, *series, DISPLACEMENT)
    assert found.claim == claim
    assert clauses(GRADIENT, *series, DISPLACEMENT)[0] == words


def test_a_wide_control_that_is_not_the_strongest_takes_the_claim_away() -> None:
    wide = measured("control/cotangent/add", (30.0, 30.0), spread=(5.0, 100.0))
    found = verdict(GRADIENT, *controls(shuffled=36.0, per_example=20.0), wide, DISPLACEMENT)
    assert not isinstance(found.strongest, Undefined)
    assert found.strongest[0] == "control/shuffled/add"
    assert found.strongest[1].relation == "above"
    assert found.claim == "not above every control"


@pytest.mark.parametrize(
    ("below", "words"),
    [
        (measured("displacement", (70.0, 72.0)), ["1.0× [0.82–1.2] displacement, which it is not told apart from"]),
        (measured("update", (700.0, 720.0)), ["0.10× [0.082–0.12] update, which is more"]),
        (without_interval(DISPLACEMENT), ["14× (no interval: no probe) displacement"]),
        (undefined(DISPLACEMENT), ["against displacement not known (displacement: no probe)"]),
        (None, ["against displacement not known (displacement was not analysed)"]),
        (
            measured("displacement", (7.0, 5.0), matched=32.0),
            ["14× [12–18] displacement, of which nothing certain is left after norms are matched (1.0× [0.82–1.2])"],
        ),
        (
            measured("displacement", (7.0, 5.0), matched=1.0),
            ["14× [12–18] displacement, and 32× [26–39] after norms are matched"],
        ),
        (
            measured("displacement", (7.0, 5.0), matched=320.0),
            ["14× [12–18] displacement, which turns round after norms are matched (0.10× [0.082–0.12])"],
        ),
        (
            replace(DISPLACEMENT, points=tuple(replace(one, matched=ABSENT) for one in DISPLACEMENT.points)),
            ["14× [12–18] displacement, not known after norms are matched (displacement: no probe)"],
        ),
    ],
    ids=["equal", "below", "open", "undefined", "absent", "nothing left", "more left", "turns round", "not matched"],
)
def test_movement(below: CouplingSeries | None, words: list[str]) -> None:
    assert clauses(GRADIENT, *([] if below is None else [below]))[1:] == words


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.5, "R̄_k 0.500 [0.45–0.55], no more than random directions"),
     (1.04, "R̄_k 1.04 [0.94–1.1], no more than random directions"),
     (2.0, None)],
)  # fmt: skip
def test_random_directions(value: float, words: str | None) -> None:
    first = clauses(measured("fixed_gradient/add", (value,)), DISPLACEMENT)[0]
    assert first == words if words else first.startswith("no control")


def test_a_source_without_a_number_has_no_verdict() -> None:
    found = verdict(undefined(GRADIENT), *controls(shuffled=36.0, **WEAK), DISPLACEMENT)
    assert found.words == "fixed_gradient/add: no verdict (no probe)"


def test_the_headline_is_the_first_gradient_with_a_number_and_its_task_is_said() -> None:
    assert verdict(undefined(GRADIENT), measured("gradient/add", (50.0,)), DISPLACEMENT).source == "gradient/add"
    assert verdict(measured("gradient", (50.0,)), DISPLACEMENT).words.startswith("gradient on add at t = 1,000: ")


def test_every_gradient_source_has_one_and_nothing_else_has() -> None:
    others = [measured(name, (50.0,)) for name in ("adam/momentum", "adam/adaptive", "update", "raw/gradient")]
    gradients = [measured(name, (50.0,)) for name in ("gradient", "gradient/add", "fixed_gradient")]
    found = verdicts(compared(BARE, *others, *gradients, GRADIENT, DISPLACEMENT))
    sources = [each.source for each in found]
    assert sources[0] == "fixed_gradient/add"
    assert sorted(sources) == ["fixed_gradient", "fixed_gradient/add", "gradient", "gradient/add"]


def test_several_tasks_have_one_each() -> None:
    series = [measured(f"fixed_gradient/{task}", (50.0,), task=task) for task in ("add", "sub")]
    found = headline_verdicts(compared(replace(BARE, tasks=("add", "sub")), *series))
    assert [each.source for each in found] == ["fixed_gradient/add", "fixed_gradient/sub"]


def test_a_quotient_of_another_checkpoint_says_which() -> None:
    early = replace(DISPLACEMENT, points=DISPLACEMENT.points[:1])
    expected = (
        "10× [8.2–12] (at t = 1,000) displacement, of which 4.0× [3.3–4.9] (at t = 1,000) is left after norms are"
    )
    assert clauses(GRADIENT, early)[-1] == f"{expected} matched"


def test_the_range_over_all_shared_checkpoints_is_beside_it() -> None:
    quotient = verdict(GRADIENT, *controls(shuffled=36.0), DISPLACEMENT).over_movement
    assert isinstance(quotient, Quotient)
    assert (quotient.t, quotient.n) == (2000, 2)
    assert (quotient.lowest, quotient.highest) == pytest.approx((10.0, 14.4))


def test_an_interval_that_reaches_zero_never_reads_as_above() -> None:
    wide = replace(GRADIENT, points=tuple(replace(one, interval=interval(0.0, 99.0)) for one in GRADIENT.points))
    assert clauses(wide, DISPLACEMENT)[-1].endswith("which it is not told apart from")
    nothing = replace(DISPLACEMENT, points=tuple(replace(one, interval=interval(0.0, 9.0)) for one in GRADIENT.points))
    assert "(no interval: the divisor's interval holds zero)" in clauses(GRADIENT, nothing)[-1]


CHANGES: list[Callable[[CouplingSeries], CouplingSeries]] = [undefined, without_interval]


@pytest.mark.parametrize("change", CHANGES)
def test_series_without_a_shared_checkpoint_are_not_compared(
    change: Callable[[CouplingSeries], CouplingSeries],
) -> None:
    late = replace(DISPLACEMENT, points=(replace(DISPLACEMENT.points[0], t=5000),))
    assert clauses(GRADIENT, late)[-1] == "against displacement not known (they share no checkpoint with full windows)"
    assert "not known" in clauses(GRADIENT, change(late))[-1]

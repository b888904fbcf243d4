"""Which runs are put beside which, and what the groups say: by hand, and from run directories."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from comparison_samples import outcome, paper
from hypothesis import given, settings
from hypothesis import strategies as st
from run_directory import manifest

from recorders.intervention.intervention_settings import Intervention
from recorders.store.run_writer import RunWriter
from sedscope.analysis.interventions import InterventionComparison, TreatmentGroup, compare, compare_runs
from sedscope.analysis.interventions.compare import Curve
from sedscope.analysis.interventions.outcome import Outcome, Recipe, Seed, stated_seed, without_seed
from sedscope.analysis.interventions.speedup import QuotientBounds, verdict
from sedscope.analysis.undefined import Undefined
from sedscope.runs import open_run


def groups(*outcomes: Outcome) -> dict[str, TreatmentGroup]:
    return {group.label: group for _, _, group in compare(outcomes).groups()}


def mode(mode: str, *outcomes: Outcome) -> TreatmentGroup:
    (found,) = (group for group in groups(*outcomes).values() if group.treatment.mode == mode)
    return found


def test_groups_of_the_paper_by_hand() -> None:
    found = groups(*paper())
    assert list(found) == [
        "control", "freeze", "keep-sed K 3 on gradient, basis applied", "remove-sed K 3 on gradient, basis applied",
    ]  # fmt: skip
    keep = found["keep-sed K 3 on gradient, basis applied"]
    early, late = keep.speedups
    assert early.reference == "control" and [pair.seed for pair in early.pairs] == ["42", "137", "7"]
    assert not isinstance(early.average, Undefined) and not early.is_censored
    assert early.average.value == pytest.approx((2900 / 900 * 2800 / 800 * 3300 / 900) ** (1 / 3))
    assert not isinstance(late.average, Undefined) and late.threshold == 0.98
    assert late.average.value == pytest.approx((3100 / 1100 * 3000 / 1000 * 3500 / 1100) ** (1 / 3))
    assert (keep.reaching[0].n, keep.reaching[0].reached, keep.reaching[0].median) == (3, 3, 900.0)
    assert keep.norm_kept == (0.05, 0.05, 0.05) and keep.no_freeze is None
    assert found["control"].speedups == () and isinstance(found["control"].norm_kept, Undefined)


def test_a_run_that_never_got_there_is_a_bound_and_stays_in_the_mean() -> None:
    remove = mode("remove-sed", *paper())
    early = remove.speedups[0]
    assert [pair.quotient for pair in early.pairs][2] == QuotientBounds(None, pytest.approx(3300 / 5000))
    assert early.is_censored and not isinstance(early.average, Undefined) and early.average.bound == "<"
    assert early.average.value == pytest.approx((2900 / 2500 * 2800 / 2600 * 3300 / 5000) ** (1 / 3))
    reaching = remove.reaching[0]
    assert (reaching.n, reaching.reached, reaching.median) == (3, 2, 2600.0)
    assert not isinstance(reaching.mean, Undefined) and reaching.mean.value == pytest.approx(10100 / 3)


def test_keep_stands_beside_freeze_and_beside_a_random_subspace() -> None:
    random = [outcome("keep-random", seed, t) for seed, t in (("42", 800), ("137", 900), ("7", 800))]
    keep = mode("keep-sed", *paper(), *random)
    freeze, other = keep.beside
    assert (freeze.kind, freeze.speedups[0].reference) == ("freeze", "freeze")
    assert (other.kind, other.speedups[0].reference) == ("random", "keep-random K 3 on gradient")
    assert verdict(freeze.speedups[0].average) == "alike"
    assert [one.kind for one in mode("keep-random", *paper(), *random).beside] == ["freeze"]
    alone = mode("keep-sed", *paper(freeze=False))
    assert alone.beside == () and alone.no_freeze is not None and "no movement" in alone.no_freeze.reason
    rank_0 = [outcome("keep-sed", "42", 900), outcome("keep-random", "42", 800, rank=0)]
    assert [one.speedups[0].reference for one in mode("keep-sed", *rank_0).beside] == ["keep-random K 0"]
    for other, expected in (({"window": 20}, "keep-random K 0"), ({"window": 40}, "freeze")):
        both = [
            outcome("keep-sed", "42", 900),
            outcome("freeze", "42", 700),
            outcome("keep-random", "42", 800, rank=0, **other),
        ]
        assert [one.speedups[0].reference for one in mode("keep-sed", *both).beside] == [expected]
    elsewhere = [outcome("keep-sed", "42", 900), outcome("freeze", "42", 800, selection="mlp")]
    assert mode("keep-sed", *elsewhere).no_freeze is not None


@pytest.mark.parametrize(
    ("own", "reference", "said"),
    [
        ((500, 520), (2000, 2100), "earlier"),
        ((2000, 2100), (500, 520), "later"),
        ((900, 800), (800, 900), "alike"),
        ((900,), (300,), "open"),
        ((None, None), (None, None), "unknown"),
    ],
)
def test_verdicts_beside_freeze(own: tuple[Any, ...], reference: tuple[Any, ...], said: str) -> None:
    runs = [outcome("keep-sed", str(seed), t) for seed, t in enumerate(own)]
    runs += [outcome("freeze", str(seed), t) for seed, t in enumerate(reference)]
    (beside,) = mode("keep-sed", *runs).beside
    assert verdict(beside.speedups[0].average) == said


def test_seeds_without_a_partner_are_named() -> None:
    runs = [outcome("control", "1", 3000), outcome("freeze", "1", 1000), outcome("freeze", "2", 1000)]
    runs += [outcome("freeze", None, 1000), replace(outcome("freeze", "3", 1000), tasks=())]
    freeze = mode("freeze", *runs)
    speedup = freeze.speedups[0]
    assert [pair.seed for pair in speedup.pairs] == ["1"]
    assert speedup.unpaired == (
        ("2", "no control has its seed"),
        ("unknown", "its seed is unknown, so nothing can be paired with it"),
    )
    assert [one.name for one in freeze.without_task] == ["freeze-add-3"]
    assert freeze.reaching[0].n == 3


def test_runs_are_paired_with_what_shares_their_command() -> None:
    add, mul = ("train.py", "--ops=add"), ("train.py", "--ops=mul")
    runs = [outcome("control", "1", 3000, command=add), outcome("control", "1", 2000, command=mul, task="mul")]
    runs += [outcome("freeze", "1", 1000, command=add), outcome("freeze", "1", 500, command=mul, task="mul")]
    found = compare(runs)
    assert [cohort.label for cohort in found.cohorts] == ["--ops=add", "--ops=mul"]
    ratios = [group.speedups[0].pairs[0].quotient for _, _, group in found.groups() if group.treatment.acts]
    assert ratios == [QuotientBounds(3.0, 3.0), QuotientBounds(4.0, 4.0)]
    lonely = mode("freeze", outcome("control", "1", 3000), outcome("freeze", "1", 100, command=("train.py", "--out=f")))
    average = lonely.speedups[0].average
    assert isinstance(average, Undefined)
    assert average.reason == "no control has the same command: --out=f here, nothing in the nearest control"
    none = mode("freeze", outcome("freeze", "1", 1000)).speedups[0].average
    assert none == Undefined("no control is among the runs")
    ended = replace(outcome("control", "1", 3000), tasks=())
    early = mode("freeze", outcome("freeze", "1", 1000), ended).speedups[0].average
    assert early == Undefined("the control names no task add")


@settings(max_examples=20)
@given(st.permutations(range(12)))
def test_the_order_of_the_runs_does_not_matter(order: list[int]) -> None:
    runs = paper()
    there, here = groups(*runs), groups(*(runs[place] for place in order))
    assert list(there) == list(here)
    for label, group in there.items():
        for one, other in zip(group.speedups, here[label].speedups, strict=True):
            assert not isinstance(one.average, Undefined) and not isinstance(other.average, Undefined)
            assert one.average.value == pytest.approx(other.average.value)
            assert one.average.ends == pytest.approx(other.average.ends)


def test_the_seed_may_stand_in_other_words_of_the_command() -> None:
    def runs(*words: str) -> list[Outcome]:
        return [
            outcome(mode, seed, t, command=("train.py", *(word.format(seed=seed) for word in words)))
            for seed in ("1", "2")
            for mode, t in (("control", 3000), ("freeze", 1000))
        ]

    (cohort,) = compare(runs("--save", "ckpt/{seed}.pt", "--layers=1")).cohorts
    assert len(cohort.tasks[0].groups[1].speedups[0].pairs) == 2
    assert cohort.command == ("train.py", "--save", "ckpt/{seed}.pt", "--layers=1")
    assert len(compare(runs("--save", "ckpt/{seed}1.pt")).cohorts) == 2
    whole = [replace(one, recipe=Recipe(("train.py", f"--lr={rate}"), "")) for rate in (1, 2) for one in runs()]
    assert [cohort.label for cohort in compare(whole).cohorts] == ["--lr=1", "--lr=2"]


def test_options_make_groups() -> None:
    runs = [outcome("keep-sed", "1", 900, basis=basis) for basis in ("applied", "raw")]
    runs += [outcome("keep-sed", "1", 900, on="update"), outcome("keep-sed", "1", 900, rank=10, window=30)]
    runs += [outcome("keep-random", seed, 900) for seed in ("1", "2")]
    assert [(label, len(group.runs)) for label, group in groups(*runs).items()] == [
        ("keep-sed K 3 on gradient, basis applied", 1),
        ("keep-sed K 3 on gradient, basis raw", 1),
        ("keep-sed K 10 on gradient, basis applied, W 30", 1),
        ("keep-sed K 3 on update, basis applied", 1),
        ("keep-random K 3 on gradient", 2),
    ]


def test_what_is_not_fair_is_noted() -> None:
    runs = [outcome("control", "1", 3000), outcome("freeze", "1", 1000), outcome("freeze", "1", 4000)]
    runs[1] = replace(runs[1], origin=(("commit", "feed"), ("torch", "2.13.0")), state="recording")
    (cohort,) = compare(runs).cohorts
    assert cohort.notes == (
        "the runs do not share their commit: 0123abc, feed",
        "freeze-add-1 is still being recorded: it counts with as long as it was followed",
        "2 runs of freeze have seed 1: they count as one, by their geometric mean",
    )
    many = [replace(outcome("freeze", str(n), 900), origin=(("commit", f"c{n}"),)) for n in range(5)]
    assert "the runs do not share their commit: c0, c1, c2 and 2 more" in compare(many).cohorts[0].notes
    (_, freeze) = cohort.tasks[0].groups
    assert freeze.speedups[0].pairs[0].quotient == QuotientBounds(pytest.approx(1.5), pytest.approx(1.5))


def test_a_run_that_was_stopped_is_noted() -> None:
    runs = [outcome("control", "1", 3000), replace(outcome("freeze", "1", None), end_reason="interrupted")]
    (cohort,) = compare(runs).cohorts
    assert cohort.notes == ("freeze-add-1 is stopped (interrupted): it counts with as long as it was followed",)


def test_other_weights_make_another_intervention_of_the_same_seed() -> None:
    runs = [outcome("control", "1", 3000), outcome("freeze", "1", 900), outcome("freeze", "1", 900, selection="mlp")]
    assert compare(runs).cohorts[0].notes == ()


def test_curves_end_where_the_first_run_ends() -> None:
    curve = mode("freeze", outcome("freeze", "1", 200, end=300), outcome("freeze", "2", 100, end=500)).curve
    assert isinstance(curve, Curve)
    assert curve.t.tolist() == [0, 100, 200, 300] and curve.n == 2
    assert curve.mean.tolist() == pytest.approx([0.0, 0.3, 0.6, 0.795])
    assert (curve.low.tolist(), curve.high.tolist()) == ([0.0, 0.0, 0.6, 0.6], pytest.approx([0.0, 0.6, 0.6, 0.99]))


@pytest.mark.parametrize(
    ("command", "seed", "rest"),
    [
        (("t.py", "--seed", "1", "--lr", "2"), "1", ["t.py", "--lr", "2"]),
        (("t.py", "--seed=1"), "1", ["t.py"]),
        (("t.py", "seed=7", "x"), "7", ["t.py", "x"]),
        (("t.py", "seed", "--seeds", "1"), None, ["t.py", "seed", "--seeds", "1"]),
        (("t.py", "--seed", "seed=3"), "3", ["t.py"]),
        (("t.py", "--random-seed", "1", "data.seed=2", "--seed_every", "3"), "1, 2", ["t.py", "--seed_every", "3"]),
        (("reseed.py", "--reseed=1", "--seed"), "--seed", ["reseed.py", "--reseed=1"]),
    ],
)
def test_a_command_and_its_seed(command: tuple[str, ...], seed: str | None, rest: list[str]) -> None:
    assert (stated_seed(command), without_seed(command)) == (seed, rest)
    assert str(Seed("42", seed)) == (seed or "42")


def trained(path: Path, grok: int, intervention: Intervention | None, **changes: Any) -> Path:
    """A finished run whose test accuracy rises at `grok`, evaluated every second step."""
    writer = RunWriter.create(
        path,
        manifest(name=path.name, intervention=None if intervention is None else intervention.describe(), **changes),
    )
    writer.weights(0, {"w": np.zeros((2, 3), np.float32), "b": np.zeros(3, np.float32)})
    for t in range(20):
        scalars = {"metric/test_acc/add": float(t >= grok), "metric/train_acc/add": 1.0} if t % 2 == 0 else {}
        if intervention is not None and intervention.acts:
            scalars["norm_kept"] = 1.0 if t < 4 else 0.1 * (t % 3)
        writer.scalars(t, scalars)
    writer.close("finished")
    return path


def compared(folder: Path) -> InterventionComparison:
    return compare_runs([open_run(path) for path in sorted(folder.iterdir())])


def test_from_run_directories(tmp_path: Path) -> None:
    for seed in (1, 2):
        said: dict[str, Any] = {"seed": seed, "command": ["train.py", "--seed", str(seed)]}
        trained(tmp_path / f"a{seed}", 12, None if seed == 1 else Intervention("control"), **said)
        trained(tmp_path / f"b{seed}", 4, Intervention("freeze"), **said)
        trained(tmp_path / f"c{seed}", 99 if seed == 2 else 6, Intervention("keep-random", seed=seed), **said)
    (cohort,) = compared(tmp_path).cohorts
    assert cohort.command == ("train.py",) and cohort.notes == ()
    control, freeze, keep = cohort.tasks[0].groups
    assert [len(one.runs) for one in (control, freeze, keep)] == [2, 2, 2]
    assert [pair.quotient for pair in freeze.speedups[0].pairs] == [QuotientBounds(3.0, 3.0)] * 2
    assert [pair.quotient for pair in keep.speedups[0].pairs] == [
        QuotientBounds(2.0, 2.0),
        QuotientBounds(None, 12 / 18),
    ]
    assert freeze.speedups[0].pairs[0].own.cadence == 2.0
    assert keep.norm_kept == (pytest.approx(0.1),) * 3  # median of 0.1, 0.2, 0, … since t = 4


@pytest.mark.parametrize("stated", ["odd", {"kind": "x"}, {"mode": 3, "rank": "many"}, [1], {"mode": ["a"]}])
def test_an_intervention_of_another_kind_is_a_group_of_its_own(tmp_path: Path, stated: Any) -> None:
    trained(tmp_path / "a", 12, None)
    writer = RunWriter.create(tmp_path / "b", manifest(intervention=stated, git="x", versions=[1]))
    writer.scalars(0, {"metric/test_acc/add": 0.0})
    writer.close("finished")
    control, other = compared(tmp_path).cohorts[0].tasks[0].groups
    assert other.treatment.acts and other.label and control.label == "control"
    assert other.no_freeze is None and isinstance(other.norm_kept, Undefined)

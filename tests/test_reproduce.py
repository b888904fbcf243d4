"""The reproduction: its plan, its verdicts, and the smallest of it from the first training to the page."""

from __future__ import annotations

import math
import re
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from threading import Lock

import numpy as np
import pytest
from comparison_samples import outcome, paper
from sweeping import write_run

from examples.reproduce import __main__ as reproduce
from examples.reproduce import plan, published
from examples.reproduce.__main__ import main
from examples.reproduce.claims import ClaimRow, rows
from examples.reproduce.duration import Pace, expected_hours, time_paces
from examples.reproduce.measure import Measurements, measure
from examples.reproduce.page import page
from examples.reproduce.per_example import example_gradients, leading_directions
from examples.reproduce.plan import FOUR, FULL, SCALES, SINGLE, TINY
from examples.reproduce.recordings import Inventory, NotRun, find, settings_of
from examples.reproduce.sections import _group
from examples.reproduce.summary import averaged, together
from examples.reproduce.verdict import NO_NUMBER, NOT_RUN, NOTHING_PUBLISHED, REPEATS, Control, tally, verdict
from recorders.row_sources import FIXED_GRADIENT
from sedscope.analysis.features.checkpoint_models import CheckpointModels
from sedscope.analysis.interventions import Outcome, compare
from sedscope.analysis.settings import Settings
from sedscope.analysis.sources.batch_gradients import checkpoint_gradients
from sedscope.analysis.sources.variants import GradientKind
from sedscope.report.estimate import Estimate
from sedscope.runs import open_run

ROOT = Path(__file__).resolve().parent.parent


# --- the plan -------------------------------------------------------------------------------------------------------


def test_the_plan_is_the_whole_paper() -> None:
    cells = {experiment.name: len(experiment.sweep.cells()) for experiment in FULL.experiments}
    assert cells == {
        "single": 4 * 3,
        "gradient": 9 * 2 * 3,
        "four": 3,
        "update": 6 * 2 * 3,
        "update-repeats": 3 * 5,
        "rank": 5 * 3,
    }


def test_cells_keep_the_names_of_recordings_that_exist() -> None:
    names = {experiment.name: [cell.name for cell in experiment.sweep.cells()] for experiment in FULL.experiments}
    assert names["single"][0] == "control-ops=add-seed=42"
    assert {"freeze-ops=add-seed=42", "keep-sed-basis=raw-ops=mul-seed=2024"} <= set(names["gradient"])
    assert "keep-sed-on=update-ops=add-seed=42" in names["update"]
    assert "keep-sed-rank=30-window=40-ops=add-seed=42" in names["rank"]


@pytest.mark.parametrize(
    "experiment",
    [experiment for scale in SCALES.values() for experiment in scale.experiments],
    ids=lambda experiment: experiment.name,
)
def test_the_command_on_the_page_is_the_sweep_that_is_run(experiment: plan.Experiment) -> None:
    from sedscope.sweep import Sweep, parse_interventions
    from sedscope.sweep.grammar import parse_seeds, parse_values, parse_vary

    options, _, script = experiment.command("runs/x").removeprefix("sedscope sweep ").partition(" -- ")
    words = options.split()
    said = dict(zip(words[::2], words[1::2], strict=True))
    common = {flag: parse_values(said[f"--{flag}"]) for flag in ("on", "window") if f"--{flag}" in said}
    again = Sweep(
        script.split(),
        interventions=parse_interventions(said["--interventions"], common),
        seeds=parse_seeds(said["--seeds"]),
        vary=parse_vary([said["--vary"]] if "--vary" in said else []),
        recording=replace(experiment.sweep.recording, every=int(said.get("--every", "25"))),
    )
    assert again.cells() == experiment.sweep.cells() and again.recording == experiment.sweep.recording


# --- how long it takes ----------------------------------------------------------------------------------------------


def test_hours_are_what_is_missing_times_what_was_timed() -> None:
    experiments = (FULL.experiment(SINGLE), FULL.experiment(FOUR))
    scale = replace(FULL, experiments=experiments)
    missing = [NotRun(SINGLE, "a", "missing"), NotRun(SINGLE, "b", "crashed"), NotRun(FOUR, "c", "missing")]
    paces = {False: Pace(5.0, 0.05, 30.0), True: Pace(7.0, 0.2, 200.0)}
    hours = expected_hours(scale, Inventory((), tuple(missing)), paces, jobs=2)
    single, four = experiments
    assert hours.trainings == 3
    recording = 2 * (5.0 + single.steps * 0.05) + 7.0 + four.steps * 0.2
    assert hours.recording == pytest.approx(recording / 2 / 3600)
    checkpoints = (scale.single.checkpoints, scale.four.checkpoints)
    assert checkpoints == (10, 4)
    assert hours.measuring == pytest.approx((12 * 1.5 * 10 * 30.0 + 3 * 2.0 * 4 * 200.0) / 3600)
    assert str(hours).startswith(f"about {hours.recording + hours.measuring:.1f} hours here: 3 trainings take ")
    assert expected_hours(scale, Inventory((), ()), paces, jobs=2).recording == 0.0


def test_the_pace_is_timed_on_trainings_of_the_plan_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    paces = time_paces(TINY, 1)
    assert set(paces) == {False}
    assert paces[False].start > 0.0 and paces[False].checkpoint > 0.0 and paces[False].step > 0.0
    assert list(tmp_path.glob("sedscope-*")) == []


def test_the_hours_are_said_before_anything_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(SCALES, "full", replace(TINY, is_published=True))
    monkeypatch.setattr(reproduce, "time_paces", lambda scale, jobs: {False: Pace(3600.0, 0.0, 0.0)})
    monkeypatch.setattr(reproduce, "record", lambda *_: print("recorded", file=sys.stderr) or 0)
    main(["full", "--out", str(tmp_path / "runs"), "--page", str(tmp_path / "page.md")])
    said = capsys.readouterr().err
    assert said.index("about 2.0 hours here: 2 trainings take 2.0") < said.index("recorded")


def test_what_is_recorded_is_measured_beside_the_trainings(tmp_path: Path) -> None:
    done = tmp_path / "done"
    with reproduce.Beside(()) as measuring:
        measuring._command = [sys.executable, "-c", f"open({str(done)!r}, 'w').close(); import time; time.sleep(600)"]
        measuring.begin()
        first = measuring._process
        measuring.begin()
        assert measuring._process is first is not None
        while not done.exists():
            assert first.poll() is None
    assert first.returncode is not None


# --- which recordings count -----------------------------------------------------------------------------------------


def test_finished_cells_count_and_the_others_are_listed(tmp_path: Path) -> None:
    experiment = FULL.experiment(SINGLE)
    first, second, *others = experiment.sweep.cells()
    write_run(first, tmp_path / SINGLE)
    write_run(second, tmp_path / SINGLE, reason=None)
    found = find(tmp_path, replace(FULL, experiments=(experiment,)))
    assert [(one.ops, one.seed, one.treatment.mode) for one in found.recordings] == [(("add",), 42, "control")]
    assert [one.name for one in found.not_run] == [cell.name for cell in (second, *others)]
    assert found.not_run[0].state == "crashed"


def test_a_plain_recording_is_a_control_where_its_settings_are_the_plans(tmp_path: Path) -> None:
    experiment = replace(FULL.experiment(SINGLE), ops=("add",), seeds=(42,))
    (cell,) = experiment.sweep.cells()
    script = "/elsewhere/modular_arithmetic.py"
    for name, arguments in (("plain", ("--ops=add",)), ("other", ("--ops=add", "--lr", "0.1"))):
        words = (script, "--seed", "42", *arguments)
        write_run(replace(cell, name=name, arguments=words), tmp_path / SINGLE)
    found = find(tmp_path, replace(FULL, experiments=(experiment,)))
    assert [one.run.path.name for one in found.recordings] == ["plain"]
    assert found.not_run == ()


def test_a_flag_is_the_same_however_it_is_written() -> None:
    assert settings_of(["a/train.py", "--lr", "1", "--ops=add", "--fast"]) == settings_of(
        ["train.py", "--ops", "add", "--fast", "--lr=1"]
    )
    assert settings_of(["train.py", "--lr=1"]) != settings_of(["train.py", "--lr=2"])


# --- verdicts -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ours", "words"),
    [
        (None, NOT_RUN),
        (Estimate(2.0), "agrees"),
        (Estimate(2.2 * 1.24), "agrees"),
        (Estimate(3.5), "undecided: ours is higher, and one seed has no interval"),
        (Estimate(3.5, (3.0, 4.0)), "disagrees: ours is higher"),
        (Estimate(3.5, (2.0, 5.0)), "undecided: ours is higher, and our interval reaches it"),
        (Estimate(1.0, (0.9, 1.1)), "disagrees: ours is lower"),
    ],
)
def test_a_number_against_a_published_one(ours: Estimate | None, words: str) -> None:
    assert verdict(2.2, 2.2, ours) == words


def test_nothing_published_is_no_agreement() -> None:
    assert verdict(None, None, Estimate(2.0)) == NOTHING_PUBLISHED
    assert verdict(None, None, None) == NOT_RUN


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (Estimate(1.3), "agrees; told apart from freeze on one seed"),
        (Estimate(1.2), "cannot be told apart from freeze; the number itself agrees"),
        (Estimate(0.9), "cannot be told apart from freeze; the number itself agrees"),
        (Estimate(0.5), "no more than freeze, which gives more on one seed; the number itself agrees"),
        (Estimate(0.5, (0.2, 1.1)), "cannot be told apart from freeze; the number itself agrees"),
        (Estimate(1.3, (1.1, 1.5)), "agrees; told apart from freeze"),
        (Estimate(1.3, (0.9, 1.9)), "cannot be told apart from freeze; the number itself agrees"),
    ],
)
def test_a_control_that_gives_as_much_takes_the_verdict(factor: Estimate, words: str) -> None:
    weak = Control("a weak one", Estimate(50.0), 1.25)
    assert verdict(2.0, 2.0, Estimate(2.0), (weak, Control("freeze", factor, 1.25))) == words


def test_several_values_have_students_interval_on_logarithms() -> None:
    one = together([Estimate(1.0), Estimate(math.e), Estimate(math.e**2)])
    assert one.value == pytest.approx(math.e)
    assert one.ends is not None
    assert one.ends[1] / one.value == pytest.approx(math.exp(4.30265 / math.sqrt(3)), rel=1e-4)


def test_tasks_of_one_run_are_no_seeds() -> None:
    one = averaged([Estimate(1.0, (0.5, 2.0)), Estimate(4.0, (2.0, 8.0))])
    assert one == Estimate(pytest.approx(2.0), (pytest.approx(1.0), pytest.approx(4.0)))


def claims(outcomes: list[Outcome], *, comparable: bool = True) -> dict[str, ClaimRow]:
    """Rows by what they are about, from outcomes alone."""
    empty = Measurements(Inventory((), ()), (), (), (), compare(outcomes), ())
    return {row.what: row for row in rows(empty, comparable=comparable)}


KEEP_SED = published.intervention("gradient", "keep-sed", "applied").what
REMOVE_SED = published.intervention("gradient", "remove-sed", "applied").what


def test_a_kept_subspace_is_nothing_beside_freeze() -> None:
    row = claims(paper())[KEEP_SED]
    assert (row.published, row.before) == ("2.20×", "3.5× (825)")
    assert re.fullmatch(r"3\.46× \[.*\], n = 3", row.ours)
    assert row.verdict == "cannot be told apart from freeze; the number itself disagrees: ours is higher"


def test_a_kept_subspace_without_freeze_says_so() -> None:
    assert claims(paper(freeze=False))[KEEP_SED].verdict.endswith("freeze was not run beside it")


def test_a_subspace_that_outdoes_freeze_is_told_apart() -> None:
    runs = [outcome("control", "1", 3000), outcome("freeze", "1", 2800), outcome("keep-sed", "1", 1300)]
    assert claims(runs)[KEEP_SED].verdict == "agrees; told apart from freeze on one seed"


def test_a_run_that_never_grokked_leaves_a_bound_that_is_judged() -> None:
    row = claims(paper())[REMOVE_SED]
    assert row.ours.startswith("< ") and row.verdict.startswith("undecided: a run never grokked")
    late = [outcome("control", "1", 2000), outcome("freeze", "1", 2000), outcome("keep-sed", "1", None)]
    told = claims(late)[KEEP_SED]
    assert told.ours == "< 0.400×, n = 1" and told.beside == "< 0.400× as early as freeze"
    assert told.verdict == "no more than freeze, which gives more; the number itself disagrees: ours is lower"


def test_a_control_that_never_grokked_hides_no_freeze() -> None:
    runs = [outcome("control", "1", None), outcome("freeze", "1", 900), outcome("keep-sed", "1", 900)]
    found = claims(runs)
    assert found[KEEP_SED].ours == "> 5.56×, n = 1"
    assert found[KEEP_SED].verdict == "cannot be told apart from freeze; the number itself disagrees: ours is higher"
    assert found[published.GROK.what].verdict.startswith("no number: no run got there")


def test_a_removal_from_the_update_counts_from_eight_seeds_on() -> None:
    """Rounding alone moves its trainings: three seeds that agree say nothing."""

    def runs(n: int) -> list[Outcome]:
        steps = {"control": 3000, "remove-sed": 2000, "remove-random": 3000}
        return [
            outcome(mode, str(seed), t + 100 * (seed % 2), **({} if mode == "control" else {"on": "update"}))
            for mode, t in steps.items()
            for seed in range(n)
        ]

    what = published.intervention("update", "remove-sed", "applied").what
    few, many = (claims(runs(n))[what].verdict for n in (3, REPEATS))
    assert few.startswith("cannot be told apart from remove-random K 3 on update yet: rounding alone moves these")
    assert "and 5 more seeds are needed" in few and "told apart from remove-random K 3 on update" in many
    assert "cannot" not in many


def test_a_freeze_of_other_seeds_is_no_freeze_beside() -> None:
    runs = [outcome("control", seed, 2000) for seed in ("1", "2")]
    runs += [outcome("freeze", "1", 900), outcome("keep-sed", "2", 900)]
    row = claims(runs)[KEEP_SED]
    assert row.verdict == "agrees; not comparable with freeze: no freeze has its seed"


def test_every_control_must_be_exceeded() -> None:
    wide, narrow = Control("A", Estimate(1.3, (0.7, 2.4)), 1.25), Control("B", Estimate(1.28, (1.26, 1.3)), 1.25)
    assert verdict(2.0, 2.0, Estimate(2.0), (wide, narrow)).startswith("cannot be told apart from A")


def test_a_mean_that_holds_a_run_that_never_grokked_is_a_least_one() -> None:
    runs = [outcome("control", seed, t) for seed, t in (("1", 2000), ("2", 2500), ("3", None))]
    empty = Measurements(Inventory((), ()), (), (), (), compare(runs), ())
    (group,) = empty.comparison.cohorts[0].tasks[0].groups
    assert _group(group)[1:3] == ("3, 2 grokked", "≥ 3,167 [0–5,000]")


def test_without_recordings_every_claim_is_not_run() -> None:
    assert all(row.verdict.startswith(NOT_RUN) and row.ours == "–" for row in claims([]).values())


def test_another_recipe_is_not_held_against_published_numbers() -> None:
    row = claims(paper(), comparable=False)[KEEP_SED]
    assert (row.published, row.before) == ("–", "–")
    assert row.verdict == "cannot be told apart from freeze"


def test_the_tally_counts_every_published_number_once() -> None:
    freeze = Control("freeze", Estimate(0.9), 1.1)
    told = [
        verdict(2.0, 2.0, None),
        verdict(2.0, 2.0, Estimate(2.0)),
        verdict(2.0, 2.0, Estimate(2.0), (freeze,)),
        verdict(2.0, 2.0, Estimate(4.0, (3.0, 5.0)), (replace(freeze, factor=Estimate(0.5)),)),
        verdict(2.0, 2.0, Estimate(4.0), (replace(freeze, factor=Estimate(2.0)),)),
        f"{NO_NUMBER}: no run got there",
    ]
    assert tally(told) == (
        "Of 5 published numbers that were measured, 2 agree, 1 disagree, 1 are undecided, 1 gave no number; 1 were not"
        " run. A control"
        " stands beside 3 of them, and gives as much or more for 2."
    )


# --- per-example gradients ------------------------------------------------------------------------------------------


def test_the_leading_directions_are_the_right_singular_vectors() -> None:
    rows = np.random.default_rng(0).standard_normal((6, 40)) * np.arange(1, 7)[:, None]
    found = leading_directions(rows, 3)
    expected = np.linalg.svd(rows, full_matrices=False)[2][:3]
    np.testing.assert_allclose(np.abs(np.sum(found * expected, axis=1)), 1.0, rtol=1e-12)


def test_per_example_gradients_have_the_fixed_gradient_as_their_mean() -> None:
    run = open_run(ROOT / "sample_runs" / "addition")
    settings = Settings(batch=70, precision="float64")
    models = CheckpointModels(run, settings, Lock())
    t, (task,) = int(run.weight_steps()[1]), run.tasks
    kind = GradientKind(FIXED_GRADIENT, 0)
    mean = checkpoint_gradients(models, settings, t, task, [kind])[kind]
    rows = example_gradients(models, settings, t, task)
    assert rows.shape == (70, run.manifest.P)
    np.testing.assert_allclose(rows.mean(axis=0), mean, rtol=1e-9, atol=1e-14)


# --- all of it ------------------------------------------------------------------------------------------------------


def test_several_operations_make_a_matrix_and_a_verdict(tmp_path: Path) -> None:
    sample = ROOT / "sample_runs" / "four_tasks"
    words = " --layers=1 --d-model=32 --d-ff=32 --lr=3e-3 --batch=128 --modulus=23 --train-fraction=0.9 --steps=3000"
    experiment = replace(FULL.experiment(FOUR), extra=tuple(words.split()), every=100, seeds=(42,))
    scale = replace(TINY, experiments=(experiment,), four=replace(TINY.four, checkpoints=2))
    shutil.copytree(sample, tmp_path / FOUR / "plain", ignore=shutil.ignore_patterns("derived"))
    found = measure(find(tmp_path, scale), scale, lambda _: None)
    assert [one.recording.seed for one in found.four] == [42] and found.failures == ()

    told = {row.what: row for row in rows(found, comparable=True)}[published.FOUR_OWN.what]
    assert "other tasks' gradients" in told.beside and "the aggregated gradient" in told.beside
    assert told.ours.endswith("1 value") and told.verdict.endswith("(one run)")
    matrix = [line for line in page(found, scale, (), "x").splitlines() if line.startswith("| `fixed_gradient/mul` |")]
    assert len(matrix) == 1 and "–" not in re.findall(r"\| (–) \|", matrix[0]), "every task's column has a number"


@pytest.mark.timeout(600)
def test_the_smallest_reproduction_goes_from_training_to_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    out, target = tmp_path / "runs", tmp_path / "docs" / "page.md"
    target.parent.mkdir()
    words = ["tiny", "--out", str(out), "--page", str(target)]

    assert main([*words, "--page-only"]) == 0
    nothing = target.read_text()
    assert "**0 of 2 planned trainings are recorded.**" in nothing and "Not run." in nothing

    assert main([*words, "--jobs", "2"]) == 0
    text = target.read_text()
    assert "**2 of 2 planned trainings are recorded.**" in text and "Everything that was planned was run." in text
    assert "R̄_k of the SVD of per-example gradients" in text and "K = 3 first directions" in text
    assert "`fixed_gradient/…`" in text and "| freeze |" in text
    assert all((target.parent / name).stat().st_size < 300_000 for name in re.findall(r"\]\((page/.*?\.svg)\)", text))
    assert str(tmp_path) not in text

    runs = {path: path.stat().st_mtime_ns for path in out.glob("*/*/run.json")}
    assert len(runs) == sum(len(experiment.sweep.cells()) for experiment in TINY.experiments)
    assert main(words) == 0
    assert target.read_text() == text, "nothing is run or measured again"
    assert {path: path.stat().st_mtime_ns for path in out.glob("*/*/run.json")} == runs

"""The pure parts of the evidence: variants, batches, blocks, signs and cosines, intervals, stages, by value."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from run_directory import make_run, manifest

from recorders.errors import UsageError
from recorders.row_sources import CONTROL_SHUFFLED, DECAYED, FIXED_GRADIENT, POOL_GRADIENT, UNCLIPPED, in_order
from recorders.store.run_writer import RunWriter
from sedscope.analysis.coupling.parameter_blocks import (
    RandomBlockGram,
    block_energies,
    block_gram,
    blocks_of,
    restrict_to_blocks,
    spread_probes,
)
from sedscope.analysis.coupling.response import cosines, orientation, towards_mean
from sedscope.analysis.pipeline.results import CheckpointCoupling, CouplingSeries
from sedscope.analysis.pipeline.stage_walk import stage_table
from sedscope.analysis.settings import Settings
from sedscope.analysis.sources.batches import gradient_examples
from sedscope.analysis.sources.stage_rows import stage_rows, stage_sources
from sedscope.analysis.sources.variants import GradientKind, Variant, variants_of, varied_by
from sedscope.analysis.spectra.source_rows import SourceRows
from sedscope.analysis.statistics.coupling_ratio import CouplingRatio, ValueAtStep
from sedscope.analysis.statistics.interval import Interval, cosine_interval, matched_interval
from sedscope.analysis.statistics.probe_groups import GroupedCoupling, group_bounds
from sedscope.analysis.statistics.survival import t_quantile
from sedscope.analysis.undefined import Undefined
from sedscope.runs import open_run


def test_variants_follow_the_settings() -> None:
    settings = Settings(batches=3)
    assert variants_of("control/shuffled/a/b", settings) == tuple(Variant("control/shuffled/a/b", i) for i in range(3))
    assert len(variants_of("fixed_gradient", settings)) == len(variants_of("fixed_gradient/add", settings)) == 3
    assert len(variants_of("fixed_gradient/add", settings, one_batch=True)) == 1
    assert len(variants_of("control/shuffled/add", settings, one_batch=True)) == 3
    assert variants_of("stage/decayed", settings) == (Variant("stage/decayed", 0),)
    assert [varied_by(one) for one in ("control/cotangent/x", "fixed_gradient", "update")] == ["draws", "batches", None]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batches": 0}, "batches: a whole number of at least 1"),
        ({"draw_seed": -1}, "draw_seed: a whole number of at least 0"),
        ({"batches": True}, "batches: a whole number"),
        ({"part": "validation"}, "part: one of all, train, test"),
        ({"block_probes": 31}, "block_probes: at least 32 is required, found 31"),
    ],
)
def test_unusable_settings(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Settings(**changes)


def probe(**changes: Any) -> Any:
    order = np.array([5, 2, 0, 4, 1, 3])
    train = np.array([True, True, True, False, False, False])
    return SimpleNamespace(**{"task": "add", "batch_order": order, "train": train, "size": 6, "pool": 6, **changes})


def examples(size: int, index: int = 0, family: str = FIXED_GRADIENT, of: Any = None, **changes: Any) -> Any:
    kind = GradientKind(family, index)
    found = gradient_examples(probe() if of is None else of, kind, Settings(batch=size, **changes))
    return found if isinstance(found, Undefined) else found.tolist()


def test_batches_are_disjoint_and_parts_keep_the_order_of_the_drawing() -> None:
    assert [examples(2, index) for index in range(3)] == [[5, 2], [0, 4], [1, 3]]
    assert [examples(2, index, CONTROL_SHUFFLED) for index in range(3)] == [[5, 2], [0, 4], [1, 3]]
    assert examples(512) == examples(512, 1, CONTROL_SHUFFLED) == examples(1, 0, POOL_GRADIENT) == [5, 2, 0, 4, 1, 3]
    assert examples(2, part="train") == [2, 0]
    assert examples(2, part="test") == [5, 4]


def test_batches_beyond_the_pool_are_drawn_anew_and_disjoint_among_themselves() -> None:
    later = [examples(2, index) for index in range(3, 6)]
    assert sorted(itertools.chain(*later)) == [0, 1, 2, 3, 4, 5] and later != [examples(2, index) for index in range(3)]
    assert examples(4, 1) != examples(4, 0) and len(examples(4, 1)) == 4
    others = [examples(2, index, draw_seed=7) for index in range(3)]
    assert sorted(itertools.chain(*others)) == [0, 1, 2, 3, 4, 5] and others != [
        examples(2, index) for index in range(3)
    ]
    assert others == [examples(2, index, draw_seed=7) for index in range(3)]


def test_batches_that_do_not_exist_say_why() -> None:
    assert examples(6, 1) == Undefined("task add: its 6 examples are one batch")
    assert "add train=… to sedscope.probe" in examples(4, of=probe(train=None), part="train").reason
    assert "holds no example" in examples(4, of=probe(train=np.zeros(6, bool)), part="train").reason
    assert examples(4, 0, POOL_GRADIENT, of=probe(pool=90)) == Undefined(
        "task add: 6 of the pool's 90 examples are stored"
    )


@pytest.mark.parametrize(("n_probes", "wanted"), [(1024, 128), (96, 128), (40, 32), (35, 34), (7, 32), (1000, 100)])
def test_block_probes_are_spread_over_the_groups(n_probes: int, wanted: int) -> None:
    chosen, counts = spread_probes(n_probes, wanted)
    bounds = group_bounds(n_probes)
    assert len(chosen) == counts.sum() <= min(n_probes, wanted)
    assert len(chosen) >= min(n_probes, wanted) - 1
    assert len(np.unique(chosen)) == len(chosen)
    np.testing.assert_array_equal(np.histogram(chosen, bounds)[0], counts)
    assert counts.min() >= 1 and np.ptp(counts) <= 1


def test_blocks_are_those_of_the_run_or_its_parameters(tmp_path: Path) -> None:
    run = open_run(make_run(tmp_path / "named")).manifest
    assert [(block.name, block.columns, block.role) for block in blocks_of(run)] == [("w", slice(0, 6), "q")]
    gappy = replace(run, blocks=(replace(run.blocks[0], size=4),))
    assert [(block.name, block.columns, block.role) for block in blocks_of(gappy)] == [("w", slice(0, 6), None)]


def test_energies_of_directions_and_of_their_combinations(tmp_path: Path) -> None:
    (block,) = blocks_of(open_run(make_run(tmp_path / "run")).manifest)
    blocks = [replace(block, size=2), replace(block, offset=2, size=4)]
    directions = np.linalg.qr(np.random.default_rng(0).standard_normal((6, 3)))[0].T
    gram = block_gram(directions, blocks)
    expected = [[(v[:2] ** 2).sum(), (v[2:] ** 2).sum()] for v in directions]
    np.testing.assert_allclose(block_energies(gram), expected)
    mix = np.array([[0.6, 0.0], [0.8, 0.0], [0.0, 1.0]])
    combined = mix.T @ directions
    np.testing.assert_allclose(block_energies(gram, mix), [[(v[:2] ** 2).sum(), (v[2:] ** 2).sum()] for v in combined])
    parts = list(restrict_to_blocks(directions[:1], blocks))
    np.testing.assert_array_equal(parts[0] + parts[1], directions[0])


def test_orientation_is_that_in_which_the_weights_move() -> None:
    down = ["gradient", "gradient/add", "fixed_gradient/add", "control/shuffled/add", "adam/momentum", "sgd/momentum"]
    assert {orientation(name) for name in (*down, UNCLIPPED)} == {-1}
    assert {
        orientation(name) for name in ("adam/adaptive", "adam/weight_decay", "update", "displacement", DECAYED)
    } == {1}


def test_directions_are_turned_towards_the_mean_row() -> None:
    rows = np.random.default_rng(1).standard_normal((5, 9)) + 0.5
    left, _, right = np.linalg.svd(rows, full_matrices=False)
    np.testing.assert_array_equal(towards_mean(left), np.sign(right @ rows.mean(axis=0)))


def test_cosines_and_why_there_are_none() -> None:
    along, squares, shift = (
        np.array([[[3.0, 1.0], [0.0, 0.0]]]),
        np.array([[2.0, 2.0]]),
        np.array([[8.0, 8.0], [1.0, 0]]),
    )
    np.testing.assert_allclose(cosines(along, squares, shift), [[4 / np.sqrt(4 * 16), 0.0]])
    assert cosines(along, squares, shift * 0) == Undefined("the centroids did not move over the interval")
    assert cosines(along, squares * 0, shift) == Undefined("a direction does not move the centroids")
    assert "NaN" in cosines(along * np.nan, squares, shift).reason


def test_the_matched_interval_is_a_percentile_bootstrap() -> None:
    generator = np.random.default_rng(2)
    counts = np.full(6, 3)

    def couplings(n: int) -> GroupedCoupling:
        return GroupedCoupling(generator.random((n, 6)) + 0.5, counts)

    directions, random, plain, matched = couplings(2), couplings(4), couplings(3), [couplings(3), couplings(3)]
    found = matched_interval(directions, random, matched, plain, resamples=400)
    assert isinstance(found, Interval)
    draws = []
    groups = np.random.default_rng(0)
    picked = groups.integers(6, size=(400, 6))
    picks = groups.integers(4, size=(400, 4))
    other = np.random.default_rng(0)
    other.integers(6, size=(400, 6))
    block_picks = other.integers(3, size=(400, 3))
    for of_groups, chosen, of_blocks in zip(picked, picks, block_picks, strict=True):
        mean = lambda one: one.sums[:, of_groups].sum(axis=1)  # noqa: E731, B023
        R = mean(directions) / np.median(mean(random)[chosen])
        factors = [np.median(mean(one)[of_blocks]) / np.median(mean(plain)[of_blocks]) for one in matched]
        draws.append(R / factors)
    np.testing.assert_allclose((found.low, found.high), np.percentile(np.mean(draws, axis=1), (2.5, 97.5)))
    factors = [np.median(one.A) / np.median(plain.A) for one in matched]
    of_two = matched_interval(directions, random, matched, plain, 2, resamples=400)
    assert isinstance(of_two, Interval) and of_two.n_batches == 2
    values = directions.A / np.median(random.A) / factors
    np.testing.assert_allclose((of_two.low, of_two.high), np.exp(plain_ends(np.log(values), np.log(draws), 4)))
    assert matched_interval(GroupedCoupling(np.empty((0, 6)), counts), random, [], plain) == Undefined(
        "the window has no direction"
    )


def plain_ends(estimates: Any, resampled: Any, n: int) -> tuple[float, float]:
    """Student's t on the mean of B values: s²/B with B − 1 degrees of freedom, the resampled mean's with n − 1."""
    size = len(estimates)
    of_batches, common = np.var(estimates, ddof=1) / size, np.var(np.mean(resampled, axis=1), ddof=1)
    variance = of_batches + common
    freedom = variance**2 / (of_batches**2 / (size - 1) + common**2 / (n - 1))
    half = t_quantile(0.95, int(freedom)) * np.sqrt(variance)
    return np.mean(estimates) - half, np.mean(estimates) + half


def test_the_interval_of_a_cosine_is_a_percentile_bootstrap_and_of_several_batches_students_t() -> None:
    generator = np.random.default_rng(4)
    along, squares, shift = generator.standard_normal((2, 6)), generator.random((2, 6)) + 1, generator.random(6) + 1
    found = cosine_interval(along, squares, shift, np.full(6, 3), resamples=400)
    assert isinstance(found, Interval)
    draws = []
    for groups in np.random.default_rng(0).integers(6, size=(400, 6)):
        draws.append(along[:, groups].sum(1) / np.sqrt(squares[:, groups].sum(1) * shift[groups].sum()))
    estimates = along.sum(1) / np.sqrt(squares.sum(1) * shift.sum())
    np.testing.assert_allclose((found.low, found.high), plain_ends(estimates, draws, 6))
    assert (found.n_groups, found.n_probes, found.n_random, found.n_batches) == (6, 18, 0, 2)
    of_one = cosine_interval(along[:1], squares[:1], shift, np.full(6, 3), resamples=400)
    np.testing.assert_allclose((of_one.low, of_one.high), np.percentile(np.array(draws)[:, 0], (2.5, 97.5)))
    assert "at least 2 groups" in cosine_interval(along[:, :1], squares[:, :1], shift[:1], np.array([3])).reason
    assert "zero" in cosine_interval(along, squares * 0, shift, np.full(6, 3)).reason


def test_matched_random_directions_have_the_norms_asked_for() -> None:
    sums, counts = np.random.default_rng(3).random((2, 4, 2, 2)), np.array([1, 1, 1, 1])
    sums = sums @ np.swapaxes(sums, 2, 3)
    random = RandomBlockGram(sums, np.array([[0.6, 0.8], [1.0, 0.0]]), counts)
    c = np.sqrt([0.25, 0.75])
    np.testing.assert_allclose(
        random.matched(np.array([0.25, 0.75])).A, [(c @ one.sum(axis=0) @ c) / 4 for one in sums]
    )
    np.testing.assert_allclose(random.plain().A[1], sums[1, :, 0, 0].sum() / 4)


def series(source: str, values: list[float | None], matched: list[float]) -> CouplingSeries:
    points = []
    for at, (value, other) in enumerate(zip(values, matched, strict=True)):
        absent: Any = Undefined("no row")
        ratio = absent if value is None else CouplingRatio(np.array([value]), value)
        flat = None if at else "flat"
        points.append(
            CheckpointCoupling(
                at, 4, value is not None, absent, 1.0, ratio, absent, flat, matched=CouplingRatio(np.ones(1), other)
            )
        )
    return CouplingSeries(source, "add", 4, 1, "directions", tuple(points), ValueAtStep(1, 1.0), ValueAtStep(1, 1.0))


def test_the_stage_table_compares_where_every_stage_is_there() -> None:
    found = stage_table(
        [
            series("update", [2.0, 4.0, 8.0], [1.0, 1.0, 1.0]),
            series("gradient", [8.0, 8.0, None], [2.0, 2.0, 2.0]),
            series("adam/weight_decay", [1.0, 1.0, 1.0], [1.0, 1.0, 1.0]),
            series("displacement", [1.0, 2.0, 1.0], [4.0, 1.0, 1.0]),
        ],
        "add", 4, 1, 1,
    )  # fmt: skip
    assert found is not None
    assert found.steps == (0, 1)
    assert [stage.source for stage in found.stages] == ["gradient", "update", "displacement"]
    assert found.merged == (("gradient of all tasks", "gradient the optimizer received"),)
    first, update, displacement = found.stages
    assert first.factor == Undefined("the first stage has none before it")
    assert update.factor == pytest.approx(np.sqrt(2 / 8 * 4 / 8))
    assert displacement.factor == pytest.approx(np.sqrt(1 / 2 * 2 / 4))
    assert (update.matched_factor, displacement.matched_factor) == (pytest.approx(0.5), pytest.approx(2.0))
    assert (found.loses_most, found.loses_most_matched) == ("update", "update")
    assert (update.flat, displacement.flat) == (1, 1)


def test_stage_tables_that_cannot_be() -> None:
    alone = series("gradient", [8.0], [2.0])
    assert stage_table([alone], "add", 4, 1, 1) is None
    never = replace(series("update", [None], [1.0]), final=Undefined("no row"))
    assert stage_table([alone, never], "add", 4, 1, 1) is None
    rising = stage_table([alone, series("update", [9.0], [3.0])], "add", 4, 1, 1)
    assert rising is not None and rising.loses_most == Undefined("no step loses coupling")
    apart = stage_table(
        [series("gradient", [1.0, None], [1.0, 1.0]), series("update", [None, 1.0], [1.0, 1.0])], "add", 4, 1, 1
    )
    assert apart is not None and apart.stages[1].factor == Undefined("at no checkpoint has every stage a full window")


@pytest.mark.parametrize("extra", [0.0, 0.5])
def test_decay_is_a_stage_where_something_else_changes_the_update(tmp_path: Path, extra: float) -> None:
    writer = RunWriter.create(tmp_path / "run", manifest())
    adaptive, weights = np.arange(1.0, 7.0, dtype=np.float32), np.ones((2, 3), np.float32)
    for t in range(4):
        writer.weights(t, {"w": weights, "b": np.zeros(3, np.float32)})
        writer.rows("adam/adaptive", t, adaptive)
        writer.rows("update", t, adaptive - 0.0625 + np.float32(extra))
        writer.scalars(t, {"lr/0": 0.125, "weight_decay/0": 0.5})
    writer.close("finished")
    run = open_run(tmp_path / "run")
    assert stage_sources(run) == ((DECAYED,) if extra else ())
    rows = stage_rows(run, DECAYED)
    assert isinstance(rows, SourceRows)
    np.testing.assert_allclose(rows.read(1, 3, slice(2, 4)), [adaptive[2:4] - 0.0625] * 2)
    assert rows.identity(0, 2) != rows.identity(1, 3)


def test_what_was_clipped_is_what_there_was_before_an_intervention(tmp_path: Path) -> None:
    writer = RunWriter.create(tmp_path / "run", manifest())
    raw = np.arange(1.0, 7.0, dtype=np.float32)
    for t in range(3):
        writer.rows("gradient", t, np.zeros(6, np.float32))
        writer.rows("raw/gradient", t, raw)
        writer.scalars(t, {"clip_coefficient": 0.5})
    writer.close("finished")
    run = open_run(tmp_path / "run")
    rows = stage_rows(run, UNCLIPPED)
    assert stage_sources(run) == (UNCLIPPED,) and isinstance(rows, SourceRows)
    np.testing.assert_allclose(rows.read(0, 3, slice(0, 6)), [2 * raw] * 3)


def test_stages_stand_where_the_optimizer_makes_them() -> None:
    names = ["update", DECAYED, "gradient", UNCLIPPED, "adam/weight_decay", "gradient/add"]
    assert in_order(names) == ("gradient/add", UNCLIPPED, "gradient", "adam/weight_decay", DECAYED, "update")

"""Which sources, tasks and checkpoints an analysis looks at."""

from __future__ import annotations

import numpy as np
import pytest

from recorders.errors import UsageError
from recorders.row_sources import in_order
from sedscope.analysis.pipeline.plan import choose, pair, space_checkpoints
from sedscope.analysis.sources.variants import computed_sources


def test_the_sum_of_fixed_gradients_needs_two_tasks() -> None:
    own = ("fixed_gradient/add", "fixed_gradient/mul")
    assert [name for name in computed_sources(["add"]) if "control" not in name] == [own[0]]
    assert [name for name in computed_sources(["add", "mul"]) if "control" not in name] == [*own, "fixed_gradient"]


def test_sources_stand_in_the_order_in_which_the_optimizer_makes_them() -> None:
    shuffled = ["displacement", "gradient", "update", "gradient/add", "adam/weight_decay", "fixed_gradient/add"]
    assert in_order(shuffled) == (
        "fixed_gradient/add",
        "gradient/add",
        "gradient",
        "adam/weight_decay",
        "update",
        "displacement",
    )


def test_a_task_meets_its_own_sources_and_those_of_no_task() -> None:
    sources, tasks = ("gradient/add", "gradient/mul", "update"), ("add", "mul")
    assert pair(sources, tasks, crossed=False) == (
        ("gradient/add", "add"),
        ("gradient/mul", "mul"),
        ("update", "add"),
        ("update", "mul"),
    )
    assert pair(sources, tasks, crossed=True) == tuple((source, task) for source in sources for task in tasks)


def test_an_unknown_name_lists_the_known_ones() -> None:
    assert choose("tasks", ("add", "mul"), None) == ("add", "mul")
    assert choose("tasks", ("add", "mul"), ("mul", "mul")) == ("mul",)
    with pytest.raises(UsageError, match=r"^tasks: one of add, mul is required, found 'sub'$"):
        choose("tasks", ("add", "mul"), ("sub",))


@pytest.mark.parametrize(
    ("count", "expected"),
    [(None, range(0, 250, 25)), (99, range(0, 250, 25)), (1, [225]), (2, [0, 225]), (4, [0, 75, 150, 225])],
)
def test_checkpoints_are_spread_over_the_run(count: int | None, expected: list[int]) -> None:
    assert space_checkpoints(np.arange(0, 250, 25), count).tolist() == list(expected)


def test_a_run_without_weights_has_no_checkpoints() -> None:
    assert space_checkpoints(np.array([], dtype=np.int64), 4).size == 0

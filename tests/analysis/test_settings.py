"""Settings: the canonical values, and one line for each unusable one."""

from __future__ import annotations

import pytest

from recorders.errors import UsageError
from sedscope.analysis.settings import Settings


def test_the_canonical_settings_are_those_of_the_paper() -> None:
    settings = Settings()
    assert (settings.window, settings.rank, settings.probes, settings.random) == ((20,), (3,), 1024, 20)
    assert (settings.align, settings.centroid, settings.method, settings.epsilon) == (
        "trailing",
        "target",
        "exact",
        0.005,
    )
    assert settings.batch == 512
    assert not settings.through_gram


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"window": (0,)}, "window: a whole number of at least 1 is required, found 0"),
        ({"window": (-3,)}, "window: a whole number of at least 1 is required, found -3"),
        ({"window": ()}, "window: at least one whole number is required, found none"),
        ({"window": (5, 5)}, "window: different numbers are required, found 5, 5"),
        ({"rank": (0,)}, "rank: a whole number of at least 1 is required, found 0"),
        ({"rank": (True,)}, "rank: a whole number of at least 1 is required, found True"),
        ({"window": (4, 2), "rank": (1, 3)}, "rank: at most the window, 2, is required, found 3"),
        ({"probes": 0}, "probes: a whole number of at least 1 is required, found 0"),
        ({"random": 0}, "random: a whole number of at least 1 is required, found 0"),
        ({"checkpoints": 0}, "checkpoints: a whole number of at least 1 is required, found 0"),
        ({"epsilon": 0.0}, "epsilon: a positive number is required, found 0.0"),
        ({"epsilon": float("nan")}, "epsilon: a positive number is required, found nan"),
        ({"epsilon": float("inf")}, "epsilon: a positive number is required, found inf"),
        ({"align": "middle"}, "align: one of trailing, leading is required, found 'middle'"),
        ({"centroid": "mean"}, "centroid: one of target, sum is required, found 'mean'"),
        ({"method": "fast"}, "method: one of exact, central is required, found 'fast'"),
        ({"precision": "half"}, "precision: one of float32, float64 is required, found 'half'"),
        ({"device": "tpu"}, "device: auto, cpu, cuda or cuda:<index> is required, found 'tpu'"),
    ],
)
def test_an_unusable_value_is_one_line(given: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        Settings(**given)  # type: ignore[arg-type]
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("window", "rank", "gram"), [((20,), (3,), False), ((10, 20), (3,), True), ((20,), (1, 3), True)]
)
def test_several_windows_or_ranks_go_through_the_gram(
    window: tuple[int, ...], rank: tuple[int, ...], gram: bool
) -> None:
    assert Settings(window=window, rank=rank).through_gram is gram

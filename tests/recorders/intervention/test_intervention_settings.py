"""What an intervention may be asked for, what the command line makes of its flags, and what `run.json` says."""

from typing import Any

import pytest

from recorders.errors import UsageError
from recorders.intervention import Intervention
from sedscope.cli.option_flags import intervention_of

FLAGS = dict.fromkeys(
    ("on", "rank", "window", "stride", "warm_up", "basis_source", "basis", "redraw", "seed", "intervene")
)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"mode": "kept-sed"}, "intervene: must be one of control, keep-sed, .*; found 'kept-sed'"),
        ({"mode": "keep-sed", "on": "weights"}, "on: must be one of gradient, update; found 'weights'"),
        ({"mode": "keep-sed", "rank": 21}, "rank: a window of 20 rows has at most 20 directions, found 21"),
        ({"mode": "keep-sed", "rank": -1}, "rank: must be a whole number, 0 or more; found -1"),
        ({"mode": "keep-sed", "window": 0}, "window: must be a whole number, 1 or more; found 0"),
        ({"mode": "keep-sed", "stride": True}, "stride: must be a whole number, 1 or more; found True"),
        ({"mode": "freeze", "warm_up": 1.5}, "warm-up: must be a whole number"),
        ({"mode": "remove-random", "rank": 0}, "remove-random must remove 1 or more, found 0; nothing removed is con"),
        ({"mode": "keep-random-norm", "rank": 0}, "keep-random-norm must keep 1 or more, found 0"),
        ({"mode": "keep-sed", "basis_source": "weights"}, "basis-source: must be one of gradient, gradient/<task>, up"),
        ({"mode": "keep-sed", "basis_source": "gradient/"}, "basis-source: must be one of"),
        ({"mode": "keep-sed", "basis": "both"}, "basis: must be one of applied, raw; found 'both'"),
        ({"mode": "keep-sed", "basis_source": "gradient/a", "basis": "applied"}, "gradient/a is raw"),
        ({"mode": "keep-sed", "basis_source": "update", "basis": "raw"}, "the update exists as applied alone"),
        ({"mode": "keep-random", "redraw": "never"}, "redraw: must be one of step, once; found 'never'"),
    ],
)
def test_unusable_settings_are_refused_in_one_line(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        Intervention(**settings)
    assert "\n" not in str(caught.value)


def test_flags_become_settings() -> None:
    assert intervention_of(FLAGS) is None
    found = intervention_of(FLAGS | {"intervene": "keep-random", "rank": 5, "seed": 9, "warm_up": 30})
    assert found == Intervention("keep-random", rank=5, seed=9, warm_up=30)
    with pytest.raises(UsageError, match="warm-up: needs --intervene; modes are control, keep-sed"):
        intervention_of(FLAGS | {"warm_up": 3})


def test_what_has_no_meaning_for_the_mode_is_null() -> None:
    nothing = dict.fromkeys(("rank", "window", "stride", "basis_source", "basis", "redraw", "seed"))
    assert Intervention("control").describe() == {"mode": "control", "on": None, "warm_up": None} | nothing
    assert Intervention("freeze").describe() == {"mode": "freeze", "on": "update", "warm_up": 0} | nothing
    assert Intervention("decay-only", on="update").describe()["on"] == "gradient"
    assert Intervention("keep-sed", on="update").describe() == {
        "mode": "keep-sed", "on": "update", "rank": 3, "window": 20, "stride": 1, "warm_up": 0,
        "basis_source": "update", "basis": "applied", "redraw": None, "seed": None,
    }  # fmt: skip
    assert Intervention("keep-sed", basis_source="gradient/a").describe()["basis"] == "raw"
    assert Intervention("remove-random").describe()["redraw"] == "step"


@pytest.mark.parametrize(
    ("settings", "natural"),
    [
        ({"mode": "freeze"}, 0),
        ({"mode": "decay-only", "warm_up": 7}, 7),
        ({"mode": "keep-sed"}, 20),
        ({"mode": "keep-sed", "window": 4, "stride": 5}, 16),
        ({"mode": "keep-random", "window": 4, "warm_up": 3}, 4),
        ({"mode": "keep-sed", "rank": 0, "window": 4, "warm_up": 6}, 6),
    ],
)
def test_unmodified_steps(settings: dict[str, Any], natural: int) -> None:
    assert Intervention(**settings).unmodified_steps == natural

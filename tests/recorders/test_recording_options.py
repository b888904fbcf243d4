"""Settings: what is accepted, what is refused, and with which words."""

from typing import Any

import pytest

from recorders.errors import UsageError
from recorders.option_row import split_names
from recorders.recording_options import RecordingOptions


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"every": 0}, "every: must be a whole number, 1 or more; found 0"),
        ({"every": True}, "every: must be a whole number"),
        ({"every": 10, "weights_every": 15}, r"weights-every: must be a multiple of every \(10\), or 0; found 15"),
        ({"budget": -1}, "budget: must be"),
        ({"probe_seed": 2**60}, "probe-seed: must be"),
        ({"force": True, "resume": True}, "force and resume exclude each other"),
        ({"sources": ("gradients",)}, "sources: 'gradients' is not a source that is stored; there are raw/gradient, "),
        ({"sources": ("fixed_gradient",)}, "sources: 'fixed_gradient'"),
    ],
)
def test_unusable_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        RecordingOptions(**settings)


def test_sources_by_name_and_by_glob() -> None:
    assert RecordingOptions().wants("gradient/x") and RecordingOptions().wants("displacement")
    options = RecordingOptions(sources=("gradient", "adam/*"))
    assert options.wants("gradient") and options.wants("adam/adaptive")
    assert not options.wants("gradient/x") and not options.wants("update")
    assert RecordingOptions(sources=("gradient/*",)).wants("gradient/any task")


def test_the_recorded_steps() -> None:
    schedule = RecordingOptions(every=5, weights_every=10)
    assert [t for t in range(16) if schedule.records(t)] == [0, 5, 10, 15]
    assert [t for t in range(16) if schedule.keeps_weights(t)] == [0, 10]
    assert schedule.thins_weights and not RecordingOptions(every=5).thins_weights
    assert [t for t in range(16) if RecordingOptions(weights_every=0).keeps_weights(t)] == [0]


def test_names_are_taken_apart_at_commas() -> None:
    assert split_names("a, b,") == ("a", "b") == split_names(["a", " b"]) and split_names(None) == ()

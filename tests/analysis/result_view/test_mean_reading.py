"""The mean of a quantity over checkpoints, with its interval, against a bootstrap that is joint over them."""

from __future__ import annotations

import numpy as np
import pytest

from sedscope.analysis.result_view.result_column import Reading, mean_reading
from sedscope.analysis.undefined import Undefined


def test_the_interval_of_a_mean_is_the_mean_of_the_intervals() -> None:
    found = mean_reading([Reading(2.0, (1.0, 4.0)), Reading(6.0, (5.0, 8.0), is_flat=True)])
    assert found == Reading(4.0, (3.0, 6.0), n=2)
    assert isinstance(found, Reading) and found.ends_text == "3.0–6.0 (2)"
    without = mean_reading([Reading(2.0, (1.0, 4.0)), Reading(6.0)])
    assert isinstance(without, Reading) and (without.ends, without.ends_text) == (None, "(2)")


def test_a_mean_over_nothing_or_over_what_is_undefined_is_undefined() -> None:
    assert mean_reading([]) == Undefined("no full window lies there")
    assert mean_reading([Reading(1.0), Undefined("NaN"), None]) == Undefined("undefined at 2 of 3 checkpoints")


@pytest.mark.parametrize(("common", "own"), [(1.0, 0.0), (0.7, 0.3), (0.3, 0.7)])
def test_it_holds_the_truth_where_errors_are_common_and_where_they_are_not(common: float, own: float) -> None:
    """Ten checkpoints measured with the same probes: a factor 1/n would hold the truth far less often than said."""
    generator = np.random.default_rng(0)
    held, divided = 0, 0
    for _ in range(1000):
        errors = common * generator.standard_normal() + own * generator.standard_normal(10)
        half = 1.96 * np.hypot(common, own)
        mean = mean_reading([Reading(value, (value - half, value + half)) for value in 10.0 + errors])
        assert isinstance(mean, Reading) and mean.ends is not None
        held += mean.ends[0] <= 10.0 <= mean.ends[1]
        divided += abs(float(mean.value) - 10.0) <= half / np.sqrt(10)
    assert held >= 940 and (divided < 800 if common >= own else True)

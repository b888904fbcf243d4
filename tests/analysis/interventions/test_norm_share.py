"""The share of the norm that an intervention let through, from what a run holds."""

from __future__ import annotations

import numpy as np
import pytest
from comparison_samples import treatment

from sedscope.analysis.interventions.outcome import median_share
from sedscope.analysis.undefined import Undefined

KEEP = treatment("keep-sed")


def test_unmodified_steps_before_the_first_changed_one_do_not_count() -> None:
    assert median_share(np.array([1.0, 1.0, 0.2, 1.0, 0.4]), KEEP) == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("kept", "reason"),
    [
        (None, "was not recorded"),
        ([], "was not recorded"),
        ([np.nan, np.inf], "was not recorded"),
        ([1.0, 1.0], "no step was changed"),
    ],
)
def test_what_has_no_share(kept: list[float] | None, reason: str) -> None:
    found = median_share(None if kept is None else np.array(kept), KEEP)
    assert isinstance(found, Undefined) and reason in found.reason


def test_a_stranger_s_run_may_hold_what_no_recorder_writes() -> None:
    assert median_share(np.array([0.2, np.nan, 0.4, np.inf]), KEEP) == pytest.approx(0.3)

"""Placement of windows: literal values, and a plain statement of the rules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorders.errors import UsageError
from sedscope.analysis.spectra.windows import match_steps, place_windows


def spans(windows):
    return [(window.start, window.stop) for window in windows]


def test_trailing_windows_are_short_at_the_start():
    windows = place_windows([0, 25, 50, 75], [0, 25, 50, 75], 3)
    assert spans(windows) == [(0, 1), (0, 2), (0, 3), (1, 4)]
    assert [window.full for window in windows] == [False, False, True, True]


def test_leading_windows_end_with_the_last_rows():
    assert spans(place_windows([0, 25, 50, 75], [0, 25, 50, 75], 3, "leading")) == [(0, 3), (1, 4), (1, 4), (1, 4)]


def test_leading_displacements_start_after_t():
    rows = [25, 50, 75, 100]
    windows = place_windows(rows, [0, 25, 50], 2, "leading", rows_end_at_t=True)
    assert spans(windows) == [(0, 2), (1, 3), (2, 4)]


def test_no_row_before_t_is_an_empty_window():
    (window,) = place_windows([25, 50], [0], 2)
    assert (window.n_rows, window.full) == (0, False)


def test_checkpoints_between_rows():
    assert spans(place_windows([0, 10, 20, 30], [15], 2)) == [(0, 2)]
    assert spans(place_windows([0, 10, 20, 30], [15], 2, "leading")) == [(2, 4)]


@given(
    st.lists(st.integers(0, 60), min_size=1, max_size=20, unique=True).map(sorted),
    st.integers(-5, 65),
    st.integers(1, 25),
    st.booleans(),
)
def test_against_the_plain_rule(steps, t, size, ends_at_t):
    trailing = [row for row in range(len(steps)) if steps[row] <= t][-size:]
    ahead = [row for row in range(len(steps)) if (steps[row] > t if ends_at_t else steps[row] >= t)][:size]
    leading = ahead if len(ahead) == size else list(range(len(steps)))[-size:]
    for align, expected in (("trailing", trailing), ("leading", leading)):
        (window,) = place_windows(steps, [t], size, align, rows_end_at_t=ends_at_t)
        assert list(range(window.start, window.stop)) == expected


def test_steps_must_ascend():
    with pytest.raises(UsageError, match="ascend"):
        place_windows([0, 25, 25], [0], 2)


def test_unknown_alignment():
    with pytest.raises(UsageError, match="trailing or leading; found centred"):
        place_windows([0], [0], 1, "centred")


def test_matched_steps_are_those_in_all():
    assert match_steps([0, 25, 50, 75], [75, 25], [25, 50, 75]).tolist() == [25, 75]

"""Heatmaps and legends as exact text, and the style keys that carry their colours."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_line import text_of

from sedscope.tui.plot.data import Chart, Look, Series, View
from sedscope.tui.plot.heatmap.heatmap_data import Heatmap
from sedscope.tui.plot.heatmap.heatmap_draw import draw_heatmap
from sedscope.tui.plot.heatmap.heatmap_layout import arrange_heatmap
from sedscope.tui.plot.legend import entry_at, legend

PEAKS = Heatmap(
    np.array([[72.25, 28.0], [8.0, np.nan]]),
    ("gradient", "update"),
    ("add", "mul"),
    title="Peak R̄_k",
    row_title="by task",
)
PLAIN = Look("ascii", "none")


def lines(heatmap: Heatmap, cells: int, rows: int, look: Look, cursor: tuple[int, int] | None = None) -> list[str]:
    return [text_of(line) for line in draw_heatmap(heatmap, cells, rows, look, cursor)]


def test_numbers_stand_in_cells_that_have_room() -> None:
    assert lines(PEAKS, 30, 6, Look()) == [
        " Peak R̄_k  by task            ",
        "gradient    72.2      28.0    ",
        "  update    8.00       ·      ",
        "            add       mul     ",
        " min 8  max 72.2              ",
        "                              ",
    ]


def test_colours_are_levels_in_the_style_keys() -> None:
    lines = draw_heatmap(PEAKS, 30, 6, Look(), None)
    assert [key for _, key in lines[1]] == ["tick", "heat.15", "heat.4", "plot"]
    assert [key for _, key in lines[2]] == ["tick", "heat.0", "undefined", "plot"]


def test_shades_without_colours() -> None:
    assert lines(PEAKS, 30, 8, PLAIN, (0, 1)) == [
        " Peak R_k  by task            ",
        "gradient ## 72.2 ##[. 28.0 .] ",
        "         ##########[........] ",
        "  update    8.00       ?      ",
        "                              ",
        "            add       mul     ",
        " 8.80     ...:::***### 70.5   ",
        " gradient . mul  28           ",
    ]


def test_two_rows_share_a_line_where_lines_are_few() -> None:
    lines = draw_heatmap(Heatmap(np.arange(8.0).reshape(4, 2)), 6, 2, Look(), None)
    assert [text_of(line) for line in lines] == ["▀▀▀▀▀▀", "▀▀▀▀▀▀"]
    assert lines[0] == (("▀▀▀", "heat.0.4"), ("▀▀▀", "heat.2.6"))


def test_more_columns_than_cells_are_averaged() -> None:
    lines = draw_heatmap(Heatmap(np.array([[0.0, 2.0, 6.0, 8.0]]), low=0.0, high=8.0), 2, 1, Look(), None)
    assert lines[0] == ((" ", "heat.2"), (" ", "heat.14"))


def test_the_place_under_a_cell_is_found_again() -> None:
    layout = arrange_heatmap(PEAKS, 30, 6, Look())
    assert [layout.column_at(x) for x in (0, 9, 18, 19, 29, 30)] == [None, 0, 0, 1, None, None]
    assert [layout.row_at(y) for y in (0, 1, 2, 3)] == [None, 0, 1, None]


def test_an_empty_matrix_says_so() -> None:
    assert lines(Heatmap(np.empty((0, 0))), 26, 8, Look())[2].strip() == "no defined values"


CHART = Chart(
    (
        Series("gradient/add", [0, 1], [72.1, 3], [65, 2], [80, 4]),
        Series("update", [0, 2], [8.02, 1]),
        Series("x[/b]", [0], [np.nan]),
    )
)


def test_legend_values_at_the_cursor() -> None:
    assert [text_of(line) for line in legend(CHART, View(), 0.0, 40, 4, Look())] == [
        "A ━━ gradient/add          72.1 [65, 80]",
        "B ━━ update                         8.02",
        "C ━━ x[/b]                     undefined",
        "                                        ",
    ]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (31, "A ━━ gradient/add 72.1 [65, 80]"),
        (30, "A ━━ gradient/add         72.1"),
        (22, "A ━━ gradient/add 72.1"),
        (21, "A gradient/add   72.1"),
        (19, "A gradient/add 72.1"),
        (18, "A gradie…/add 72.1"),
    ],
)
def test_a_legend_gives_up_the_interval_then_the_swatch_then_the_middle_of_the_label(cells: int, expected: str) -> None:
    assert text_of(legend(CHART, View(), 0.0, cells, 3, Look())[0]) == expected


def test_a_legend_cuts_a_reason_before_the_label() -> None:
    chart = Chart((Series("sigma", [0, 1], [np.nan, 3.0], reasons={0.0: "the window is short"}),))
    drawn = [text_of(legend(chart, View(), 0.0, cells, 1, Look())[0]) for cells in (41, 30, 17)]
    assert drawn == ["A ━━ sigma undefined: the window is short", "A sigma undefined: the window…", "A sigma undefine…"]


def test_legend_counts_what_has_no_room() -> None:
    assert [text_of(line) for line in legend(CHART, View(), None, 20, 2, PLAIN)] == [
        "A -- gradient/add   ",
        "+ 2 more            ",
    ]


def test_legend_entries_are_found_again() -> None:
    assert [entry_at(3, 20, 2, 3, y) for y in (0, 1)] == [0, None]
    assert [entry_at(3, 60, 2, x, 0) for x in (0, 40)] == [0, 2]


def test_the_pick_stands_out() -> None:
    keys = [[key for _, key in line] for line in legend(CHART, View(picked=1), None, 30, 3, Look())]
    assert keys == [
        ["faint.0", "faint.0", "aside"],
        ["letter.1", "series.1", "chosen"],
        ["faint.2", "faint.2", "aside"],
    ]

"""Plots as exact text: what a person sees, case by case. Cases were judged by eye before they were written down."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_line import text_of

from sedscope.tui.plot.curves import draw
from sedscope.tui.plot.data import Axis, Chart, Look, Moment, Rule, Series, View

X = np.arange(5.0)
nan, inf = np.nan, np.inf
BRAILLE = Look("braille", "none")
ASCII = Look("ascii", "none")

CASES = {
    "linear": (
        Chart((Series("a", X, X),)),
        View(),
        BRAILLE,
        [
            "4 ┤                       ⣀⡠⠔⠊",
            "  │                  ⢀⣀⠤⠒⠉    ",
            "  │              ⣀⠤⠔⠊⠁        ",
            "2 ┤         ⣀⡠⠔⠒⠉             ",
            "  │    ⢀⡠⠔⠒⠉                  ",
            "0 ┤⣀⠤⠒⠉⠁                      ",
            "  └┬────────────┬────────────┬",
            "   0            2            4",
            "                              ",
        ],
    ),
    "linear_in_ascii": (
        Chart((Series("a", X, X),)),
        View(),
        ASCII,
        [
            "4 +                         AA",
            "  |                   AAAAAA  ",
            "  |              AAAAA        ",
            "2 +         AAAAA             ",
            "  |   AAAAAA                  ",
            "0 +AAA                        ",
            "  ++------------+------------+",
            "   0            2            4",
            "                              ",
        ],
    ),
    "log": (
        Chart((Series("a", X, 10.0**X),), y=Axis("R", "log")),
        View(),
        BRAILLE,
        [
            " R                            ",
            "     │                   ⢀⣀⠤⠔⠊",
            "1000 ┤              ⢀⣀⠤⠒⠊⠁    ",
            "     │         ⢀⣀⠤⠔⠊⠁         ",
            "     │    ⢀⡠⠤⠒⠊⠁              ",
            "   1 ┤⡠⠔⠒⠉⠁                   ",
            "     └┬───────────┬──────────┬",
            "      0           2          4",
            "                              ",
        ],
    ),
    "a_gap_where_values_are_nan": (
        Chart((Series("a", np.arange(9), [1, 2, 3, nan, nan, 3, 2, 1, 0]),)),
        View(),
        BRAILLE,
        [
            "  │     ⢀⠜         ⠘⢄         ",
            "  │    ⡰⠁            ⠑⢄       ",
            "2 ┤  ⡠⠊                ⠑⡄     ",
            "  │⡠⠊                   ⠈⠢⡀   ",
            "  │                       ⠑⢄  ",
            "0 ┤                         ⠑⢄",
            "  └┬───────────────┬──────────",
            "   0               5          ",
            "                              ",
        ],
    ),
    "one_point": (
        Chart((Series("a", [3], [7]),)),
        View(),
        BRAILLE,
        [
            "7.5 ┤                         ",
            "    │                         ",
            "    │                         ",
            "7.0 ┤            ⠈            ",
            "    │                         ",
            "6.5 ┤                         ",
            "    └────────────┬────────────",
            "                 3            ",
            "                              ",
        ],
    ),
    "no_series": (
        Chart(title="Empty"),
        View(),
        BRAILLE,
        [
            " Empty                        ",
            " │                            ",
            " │                            ",
            " │          no data           ",
            " │                            ",
            " │                            ",
            " └────────────────────────────",
            "                              ",
            "                              ",
        ],
    ),
    "all_values_undefined": (
        Chart((Series("a", X, X * nan),)),
        View(),
        BRAILLE,
        [
            " │                            ",
            " │                            ",
            " │                            ",
            " │    all values undefined    ",
            " │                            ",
            " │                            ",
            " └┬─────────────┬────────────┬",
            "  0             2            4",
            "                              ",
        ],
    ),
    "a_constant": (
        Chart((Series("a", X, X * 0 + 5),)),
        View(),
        BRAILLE,
        [
            "5.5 ┤                         ",
            "    │                         ",
            "    │                         ",
            "5.0 ┤⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉",
            "    │                         ",
            "4.5 ┤                         ",
            "    └┬───────────┬───────────┬",
            "     0           2           4",
            "                              ",
        ],
    ),
    "negative_values_on_a_log_axis": (
        Chart((Series("a", X, [-1, 0, 1, 10, 100]),), y=Axis("R", "log")),
        View(),
        BRAILLE,
        [
            " R                      2 values ≤ 0 not shown",
            "100 ┤                                     ⢀⡠⠔⠊",
            "    │                                 ⣀⠤⠒⠉⠁   ",
            "    │                            ⢀⡠⠤⠒⠉        ",
            "    │                        ⣀⡠⠔⠊⠁            ",
            "  1 ┤                    ⢀⠤⠒⠉                 ",
            "    └┬─────────┬─────────┬─────────┬─────────┬",
            "     0         1         2         3         4",
            "                                              ",
        ],
    ),
    "nothing_positive_on_a_log_axis": (
        Chart((Series("a", X, -1 - X),), y=Axis("R", "log")),
        View(),
        BRAILLE,
        [
            " R      5 values ≤ 0 not shown",
            " │                            ",
            " │                            ",
            " │       no values > 0        ",
            " │                            ",
            " │                            ",
            " └┬─────────────┬────────────┬",
            "  0             2            4",
            "                              ",
        ],
    ),
    "the_largest_floats": (
        Chart((Series("a", X, [-1e308, 0, 1e308, -1.7e308, 1.7e308]),)),
        View(),
        BRAILLE,
        [
            " │                          ⢀⠜",
            " │           ⢀⡠⠔⢢          ⢀⠎ ",
            " │       ⢀⡠⠔⠊⠁   ⠑⡄       ⢠⠃  ",
            " │   ⣀⠤⠒⠉⠁        ⠈⢆     ⡰⠁   ",
            " │⠤⠒⠉               ⠱⡀  ⡜     ",
            " │                   ⠘⢄⠎      ",
            " └┬─────────────┬────────────┬",
            "  0             2            4",
            "                              ",
        ],
    ),
    "six_hundred_decades": (
        Chart((Series("a", X, [1e-300, 1, 1e300, 5e-324, 1.7e308]),), y=Axis("", "log")),
        View(),
        BRAILLE,
        [
            "       │         ⢀⠔⢣         ⡜",
            "       │       ⢀⠔⠁ ⠈⢆       ⡜ ",
            "     1 ┤     ⢀⠔⠁    ⠈⢆     ⡜  ",
            "       │   ⢀⠔⠁       ⠘⡄   ⡸   ",
            "       │ ⢀⠔⠁          ⠘⡄ ⡰⠁   ",
            "1e-316 ┤⠔⠁             ⠸⡰⠁    ",
            "       └┬─────────────────────",
            "        0                     ",
            "                              ",
        ],
    ),
    "infinite_values_are_gaps": (
        Chart((Series("a", X, [1, inf, 2, -inf, 3]),)),
        View(),
        BRAILLE,
        [
            "3 ┤                          ⠈",
            "  │                           ",
            "  │                           ",
            "2 ┤             ⠈             ",
            "  │                           ",
            "1 ┤⡀                          ",
            "  └┬────────────┬────────────┬",
            "   0            2            4",
            "                              ",
        ],
    ),
    "letters_tell_curves_apart": (
        Chart((Series("a", X, X), Series("b", X, 4 - X))),
        View(),
        BRAILLE,
        [
            "4 ┤⠑⠒⠤⢄⣀                         A⡠⠤⠒⠊ A",
            "  │     ⠉⠑⠒⠤⢄⣀             ⣀⡠⠤⠒⠊⠉       ",
            "  │           ⠉⠑⠒⠤⠤⣀⡀⣀⡠⠤⠒⠊⠉             ",
            "2 ┤           ⢀⣀⡠⠤⠒⠊⠉B⠒⠢⠤⣀⡀             ",
            "  │     ⢀A⠤⠔⠒⠉⠁           ⠈⠉⠒⠢⠤⣀⡀       ",
            "0 ┤⣀⠤⠔⠒⠉⠁                       ⠈⠉⠒⠢⠤⣀ B",
            "  └┬────────────────┬────────────────┬  ",
            "   0                2                4  ",
            "                                        ",
        ],
    ),
    "everything_in_ascii": (
        Chart(
            (
                Series("a", X, X, dimmed=[1, 1, 0, 0, 0], marked=[0, 0, 0, 0, 1]),
                Series("b", X, 4 - X, [3, 2, 1, 0, -1], [5, 4, 3, 2, 1]),
            ),
            Axis("σ"),
            rules=(Rule(2),),
            moments=(Moment(3, "grok"),),
            title="T",
        ),
        View(),
        ASCII,
        [
            " T                                      ",
            "5 +::::                      :grok      ",
            "  |BBBB:::::::::                  AAAx A",
            "  |::::BBBBBBBBB:::::::::AAAAAAAAA      ",
            "  |- - -::::::::BBBBBBBBB::::::::: - -  ",
            "  |    aaAaaaAAA ::::::::BBBBBBBBB::::  ",
            "0 +aaaa                   ::::::::BBBB B",
            "  |                          :    ::::  ",
            "  ++----------------+-----------------  ",
            "   0                2              sigma",
            "                                        ",
        ],
    ),
    "one_picked_in_ascii": (
        Chart((Series("a", X, X), Series("b", X, 4 - X))),
        View(picked=1),
        ASCII,
        [
            "4 +BBB                             aaa A",
            "  |   BBBBBBBB              aaaaaaa     ",
            "  |           BBBBBB aaaaaaa            ",
            "2 +           aaaaaaBBBBBBB             ",
            "  |    aaaaaaa             BBBBBBB      ",
            "0 +aaaa                           BBBB B",
            "  ++----------------+----------------+  ",
            "   0                2                4  ",
            "                                        ",
        ],
    ),
    "a_stretch_in_view": (
        Chart((Series("a", X, X),)),
        View(1.5, 2.5),
        BRAILLE,
        [
            "2.5 ┤                     ⢀⡠⠔⠒",
            "    │                 ⣀⠤⠔⠊⠁   ",
            "    │             ⣀⠤⠒⠉        ",
            "2.0 ┤        ⢀⡠⠔⠊⠉            ",
            "    │    ⣀⠤⠒⠉⠁                ",
            "1.5 ┤⡠⠔⠊⠉                     ",
            "    └────────────┬────────────",
            "                 2            ",
            "                              ",
        ],
    ),
    "one_cell": (
        Chart((Series("a", X, X), Series("b", X, -X)), title="T"),
        View(),
        BRAILLE,
        [
            "⢎",
        ],
    ),
    "a_narrow_column": (
        Chart((Series("a", X, X), Series("b", X, -X)), title="T"),
        View(),
        BRAILLE,
        [
            "⢠",
            "⡇",
            "⠘",
        ],
    ),
    "two_lines": (
        Chart((Series("a", X, X), Series("b", X, -X)), title="T"),
        View(),
        BRAILLE,
        [
            "⢀⡠⠤⠒⠊",
            "⠉⠑⠒⠤⢄",
        ],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_drawn_text(name: str) -> None:
    chart, view, look, expected = CASES[name]
    frame = draw(chart, view, len(expected[0]), len(expected), look)
    assert [text_of(line) for line in frame.lines] == expected


def test_marks_leave_the_curve_to_be_seen_between_them() -> None:
    x = np.arange(60.0)
    crowd = Chart((Series("a", x, np.ones(60), marked=np.ones(60)),))
    few = Chart((Series("a", x, np.ones(60), marked=x == 30),))
    drawn = "\n".join(text_of(line) for line in draw(crowd, View(), 34, 6, BRAILLE).lines)
    assert 5 < drawn.count("×") < 12 and "××" not in drawn
    assert sum(text_of(line).count("×") for line in draw(few, View(), 34, 6, BRAILLE).lines) == 1


def test_a_name_of_a_moment_is_whole_and_clear_of_curves_or_not_there() -> None:
    x = np.arange(40.0)
    high = Chart((Series("a", x, np.where(x > 25, 1.0, 9.0)),), moments=(Moment(18.0, "grok"),))
    rows = [text_of(line) for line in draw(high, View(), 40, 9, BRAILLE).lines]
    assert [("grok" in row) for row in rows].index(True) == 1
    flat = Chart((Series("a", x, x),), moments=(Moment(18.0, "a name that has no room"),))
    assert "name" not in "".join(text_of(line) for line in draw(flat, View(), 30, 9, BRAILLE).lines)

"""Foreign text, made printable."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sedscope.runs.text import MESSAGE_LENGTH, NAME_LENGTH, printable, printable_json


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("add", "add"),
        ("x²+y² mod 97 — Größe\u00a0π", "x²+y² mod 97 — Größe\u00a0π"),
        ("C:\\x1b", "C:\\x1b"),
        ("\x1b[2J\x07\n\x7f\x9b", r"\x1b[2J\x07\x0a\x7f\x9b"),
        ("\u202e\u200b\ufeff", r"\u202e\u200b\ufeff"),
        ("\u2028\u2029", r"\u2028\u2029"),
        ("\ud800", r"\ud800"),
        ("\ue000\U000f0000\U000e0001", r"\ue000\U000f0000\U000e0001"),
        ("\u0378", r"\u0378"),
        ("a[/foo]b <script> $\\frac{$", "a[/foo]b <script> $\\frac{$"),
    ],
)
def test_what_a_terminal_could_obey_becomes_visible(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text(st.characters(), max_size=600), st.integers(20, 60))
def test_it_is_printable_short_and_stays_as_it_is(text: str, length: int) -> None:
    shown = printable(text, length)
    assert len(shown) <= length
    assert all(sign.isprintable() or sign.isspace() for sign in shown)
    assert not set(shown) & set("\x1b\n\r\t\u2028\u2029\u202e")
    shown.encode()
    assert printable(shown, length) == shown


@pytest.mark.parametrize("sign", ["a", "\x1b"])
def test_long_names_stay_distinct(sign: str) -> None:
    first, second = printable(sign * 5000 + "1"), printable(sign * 5000 + "2")
    assert len(first) == len(second) == NAME_LENGTH
    assert first != second


def test_json_is_made_printable_throughout() -> None:
    value = {"a\x1b": ["\x07", 1, None, True, {"b": "\x00"}]}
    assert printable_json(value) == {"a\\x1b": ["\\x07", 1, None, True, {"b": "\\x00"}]}
    assert len(printable_json("x" * 10_000)) == MESSAGE_LENGTH

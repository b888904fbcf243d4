"""How numbers look in a table."""

from __future__ import annotations

import pytest

from sedscope.analysis.result_view.number_text import short, span


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (9.234, "9.23"),
        (28.04, "28.0"),
        (108.6, "109"),
        (0.01234, "0.0123"),
        (12345.0, "12345"),
        (123456.0, "1.23e+05"),
        (0.0001234, "1.23e-04"),
        (-3.14159, "-3.14"),
        (99.96, "100"),
        (9.996, "10.0"),
        (-0.9996, "-1.00"),
    ],
)
def test_three_significant_digits(value: float, text: str) -> None:
    assert short(value) == text


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [(80.2, 101.4, "80–101"), (7.51, 8.62, "7.5–8.6"), (7.511, 7.539, "7.51–7.54"), (1.0, 1.0, "1.000–1.000")],
)
def test_an_interval_has_as_many_digits_as_tell_its_ends_apart(low: float, high: float, text: str) -> None:
    assert span(low, high) == text

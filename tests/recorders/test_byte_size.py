"""Sizes in bytes: written for people, and read from what people type."""

import pytest

from recorders.byte_size import parse_size, size_text
from recorders.errors import UsageError


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (2_621_440, "2.62 MB"),
        (457_900_000, "458 MB"),
        (999_499, "999 kB"),
        (999_700, "1 MB"),
        (999.7, "1 kB"),
        (12_345_000_000_000, "12.3 TB"),
        (4_200_000_000_000_000, "4200 TB"),
    ],
)
def test_sizes_have_three_significant_digits(count: float, text: str) -> None:
    assert size_text(count) == text


@pytest.mark.parametrize(("text", "size"), [("500", 500), ("1.5GB", 1_500_000_000), ("2 GiB", 2**31), ("3k", 3000)])
def test_sizes_are_read(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "-5", "5 apples", "1e9", "2i"])
def test_texts_that_are_no_sizes(text: str) -> None:
    with pytest.raises(UsageError, match="must be a size such as 500MB"):
        parse_size(text)

"""How much of this machine a program may take, and how that is set."""

from __future__ import annotations

import os

import pytest

from recorders.errors import UsageError
from recorders.program.execution.memory_cap import SHARE_VARIABLE, memory_cap


def test_the_cap_is_a_share_of_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SHARE_VARIABLE, raising=False)
    half = memory_cap()
    assert 0 < half <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2
    monkeypatch.setenv(SHARE_VARIABLE, "0.25")
    assert memory_cap() == pytest.approx(half / 2, abs=1)


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "nan", "half"])
def test_a_share_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv(SHARE_VARIABLE, text)
    with pytest.raises(UsageError, match=f"{SHARE_VARIABLE}: must be a number above 0 and at most 1, found '{text}'"):
        memory_cap()

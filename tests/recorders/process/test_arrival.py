"""A module's first load is noticed, however often it was looked for before."""

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from recorders.process.script_launch import when_imported


@pytest.fixture
def module(tmp_path: Path, monkeypatch: Any) -> str:
    (tmp_path / "arrives.py").write_text("VALUE = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "arrives", raising=False)
    return "arrives"


@pytest.mark.parametrize("looks", [0, 1, 3])
def test_a_look_up_before_the_import_does_not_hide_it(module: str, looks: int) -> None:
    called = []
    with when_imported(module, lambda: called.append(True)):
        for _ in range(looks):
            assert importlib.util.find_spec(module) is not None
        assert not called
        loaded = importlib.import_module(module)
        importlib.reload(loaded)
    assert called == [True] and loaded.VALUE == 1
    assert loaded.__spec__ is not None and "recorders" not in type(loaded.__spec__.loader).__module__


def test_a_module_that_is_only_looked_for_does_not_arrive(module: str) -> None:
    called, before = [], list(sys.meta_path)
    with when_imported(module, lambda: called.append(True)):
        importlib.util.find_spec(module)
    importlib.import_module(module)
    assert not called and sys.meta_path == before

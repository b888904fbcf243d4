"""The command that asks the same question again."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from sedscope.analysis.settings import Settings
from sedscope.cli import report as cli
from sedscope.report.gate.gate import Gate
from sedscope.report.question import Question

OTHER = Settings(
    window=(10, 20), rank=(1, 3), probes=64, random=7, align="leading", centroid="sum", method="central",
    epsilon=0.05, checkpoints=None, device="cpu",
)  # fmt: skip


def test_defaults_are_left_out() -> None:
    assert Question(Settings()).command([Path("runs/a b")], None) == "sedscope report 'runs/a b'"


def test_the_command_asks_the_same_question(monkeypatch: pytest.MonkeyPatch) -> None:
    question = Question(OTHER, ("update", "gradient/add"), ("add",), True)
    asked: list[object] = []
    monkeypatch.setattr("sedscope.report.report.report_runs", lambda *given: asked.extend(given) or 0)
    words = shlex.split(question.command([Path("runs")], Path("out")))
    assert words[:2] == ["sedscope", "report"]
    cli.report.main(words[2:], standalone_mode=False)
    assert asked == [(Path("runs"),), question, Path("out"), Gate()]

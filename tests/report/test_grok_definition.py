"""Every face says of which accuracy the milestones are: above chance, or as it was logged."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from sedscope.analysis.pipeline.results import RunAnalysis
from sedscope.analysis.settings import Settings
from sedscope.analysis.undefined import Undefined
from sedscope.report.facts import Reported, RunFacts
from sedscope.report.formats.html import render_html
from sedscope.report.formats.markdown import render_markdown
from sedscope.report.formats.report_json import render_json
from sedscope.report.formats.terminal import print_run
from sedscope.report.gate.gate import apply_checks
from sedscope.report.gate.grammar import parse_check
from sedscope.report.sections.compose import compose

LOGGED = Undefined("accuracies stand as they were logged, by the published definition")


def with_chance(run: RunAnalysis, chance: float | Undefined) -> RunAnalysis:
    metrics = tuple(replace(each, grokking=replace(each.grokking, chance=chance)) for each in run.metrics)
    return replace(run, metrics=metrics)


@pytest.mark.parametrize(
    ("chance", "shown", "accuracy"),
    [(0.0137, "0.0137", "accuracy above chance"), (LOGGED, LOGGED.reason, "accuracy as logged")],
    ids=["above chance", "published"],
)
def test_every_face_says_which_accuracy_is_meant(
    one_task: RunAnalysis, facts: RunFacts, chance: float | Undefined, shown: str, accuracy: str
) -> None:
    run = with_chance(one_task, chance)
    stream = io.StringIO()
    print_run(run, Console(file=stream, width=200))
    document = compose([Reported(run, facts)], (), Settings(), "sedscope report")
    for face in (stream.getvalue(), render_html(document), render_markdown(document)):
        assert shown in face
    (metrics,) = json.loads(render_json([run], (), Settings()))["runs"][0]["metrics"]
    assert metrics["chance"] == (None if isinstance(chance, Undefined) else chance)
    assert [each["reason"] for each in metrics["undefined"]] == ([shown] if isinstance(chance, Undefined) else [])
    (verdict,) = apply_checks([parse_check("grok_step() > 0")], [Reported(run, facts)])
    assert verdict.sides.startswith(f"left 1600 (of {accuracy})")


def test_the_methods_name_the_definition_that_was_asked_for(one_task: RunAnalysis, facts: RunFacts) -> None:
    definitions = {"(accuracy − chance) / (1 − chance)": Settings(), "as logged": Settings(grok="published")}
    for words, settings in definitions.items():
        document = compose([Reported(one_task, facts)], (), settings, "sedscope report")
        assert words in " ".join(render_markdown(document).split("Methods, to paste")[1].split())

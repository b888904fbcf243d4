"""Which numbers of a run are a task's accuracies and its chance, and which definition of the milestones holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from run_directory import PROBE_META, manifest, probe_tensors

from recorders.store.run_writer import RunWriter
from sedscope.analysis.pipeline.milestones import milestones
from sedscope.analysis.undefined import Undefined
from sedscope.runs import Run, open_run

ACCURACY = [0.5, 0.7, 0.76, 1.0]
"""Half of all answers are right by guessing; half way to all is 0.75."""


def run_of(path: Path, logged: dict[str, float], meta: dict[str, Any] | None) -> Run:
    writer = RunWriter.create(path, manifest())
    if meta is not None:
        writer.probe("add", probe_tensors() | {"targets": np.array([0, 1, 1, 0])}, PROBE_META | meta)
    for t, accuracy in enumerate(ACCURACY):
        writer.scalars(t, {"metric/test_acc/add": accuracy, "metric/train_acc": accuracy, **logged})
    writer.close("finished")
    return open_run(path)


@pytest.mark.parametrize(
    ("logged", "meta", "chance", "grok"),
    [
        ({}, {}, 0.5, 2),
        ({}, {"chance": 0.2}, 0.2, 1),
        ({"metric/chance/add": 0.6}, {"chance": 0.2}, 0.6, 3),
        ({"metric/chance": 0.6}, None, 0.6, 3),
    ],
    ids=["two classes", "probe", "logged", "logged without a probe"],
)
def test_milestones_are_above_the_chance_that_is_known(
    tmp_path: Path, logged: dict[str, float], meta: dict[str, Any] | None, chance: float, grok: int
) -> None:
    run = run_of(tmp_path / "run", logged, meta)
    grokking = milestones(run, "add").grokking
    assert (grokking.chance, getattr(grokking.grok[0], "t", None)) == (chance, grok)
    published = milestones(run, "add", "published").grokking
    assert published.grok[0] == Undefined("the accuracy was there at t = 0 already, before any training")
    assert (
        isinstance(published.chance, Undefined) and "the published definition was asked for" in published.chance.reason
    )


@pytest.mark.parametrize(
    ("logged", "meta", "words"),
    [({}, None, "is unknown"), ({}, {"loss": "mse"}, "is unknown"), ({"metric/chance/add": 1.0}, {}, "is 1,")],
    ids=["no probe", "no classes", "no chance"],
)
def test_where_no_chance_is_known_the_published_definition_holds_and_says_so(
    tmp_path: Path, logged: dict[str, float], meta: dict[str, Any] | None, words: str
) -> None:
    run = run_of(tmp_path / "run", logged, meta)
    grokking = milestones(run, "add").grokking
    assert isinstance(grokking.chance, Undefined) and words in grokking.chance.reason
    assert 'the published definition): add sedscope.log({"chance/add": 1 / classes})' in grokking.chance.reason
    assert grokking.grok == milestones(run, "add", "published").grokking.grok

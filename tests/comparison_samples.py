"""Runs of a comparison made by hand: outcomes whose numbers can be followed with a pencil."""

from __future__ import annotations

from typing import Any

import numpy as np

from recorders.intervention.intervention_settings import Intervention
from sedscope.analysis.interventions.outcome import Outcome, Recipe, Seed, TaskOutcome
from sedscope.analysis.interventions.treatment import CONTROLLED, Treatment
from sedscope.analysis.statistics.grokking import grokking
from sedscope.analysis.undefined import Undefined

EVERY = 100
"""Steps between evaluations."""


def treatment(mode: str, selection: str = "attention", **options: Any) -> Treatment:
    """What `run.json` would say of an intervention."""
    if mode == "control":
        return CONTROLLED
    stated = {key: value for key, value in Intervention(mode, **options).describe().items() if key != "seed"}
    return Treatment(**stated, selection=selection, key=f"{sorted(stated.items(), key=str)}{selection}")


def task_outcome(task: str, grok: int | None, end: int, *, late: int = 200, memorised: int = 100) -> TaskOutcome:
    """Evaluated every 100 steps: accuracy 0.5 from `grok` on, 0.99 from `grok + late` on."""
    t = np.arange(0, end + 1, EVERY)
    test = np.zeros(len(t)) if grok is None else 0.6 * (t >= grok) + 0.39 * (t >= grok + late)
    train = np.where(t >= memorised, 1.0, 0.2)
    return TaskOutcome(task, grokking((t, test), (t, train), task=task, chance=0.0), (t, test), (t, train))


def outcome(
    mode: str,
    seed: str | None,
    grok: int | None,
    *,
    end: int = 5000,
    task: str = "add",
    command: tuple[str, ...] = ("train.py",),
    kept: float | None = None,
    **options: Any,
) -> Outcome:
    """One run; `grok` None never gets there."""
    done = treatment(mode, **options)
    label = f"{mode}-{'-'.join(map(str, options.values()))}" if options else mode
    return Outcome(
        path=f"runs/{label}-{task}-{seed}",
        name=f"{label}-{task}-{seed}",
        state="finished",
        treatment=done,
        recipe=Recipe(command, ""),
        seed=Seed(seed, seed),
        origin=(("commit", "0123abc"), ("torch", "2.13.0")),
        tasks=(task_outcome(task, grok, end),),
        norm_kept=Undefined("nothing is projected in a control") if kept is None else kept,
    )


def paper(*, freeze: bool = True) -> list[Outcome]:
    """Three seeds: keep-SED and freeze three to four times earlier than the control, remove-SED not always there."""
    found = [outcome("control", seed, t) for seed, t in (("42", 2900), ("137", 2800), ("7", 3300))]
    found += [outcome("keep-sed", seed, t, kept=0.05) for seed, t in (("42", 900), ("137", 800), ("7", 900))]
    found += [outcome("remove-sed", seed, t, kept=0.9) for seed, t in (("42", 2500), ("137", 2600), ("7", None))]
    if freeze:
        found += [outcome("freeze", seed, t, kept=0.0) for seed, t in (("42", 800), ("137", 800), ("7", 900))]
    return found

"""Names that a run cannot hold cost what they name, never the rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from run_directory import manifest, row
from torch import nn

import sedscope
from recorders.format import MAX_NAME
from recorders.store.run_writer import RunWriter
from sedscope.runs import open_run


def test_a_task_or_metric_of_a_long_name_is_dropped_and_said_once(recording: Callable[..., Any]) -> None:
    torch.manual_seed(0)
    model, long, fits = nn.Linear(3, 2), "t" * (MAX_NAME + 1), "t" * MAX_NAME
    optimizer = torch.optim.AdamW(model.parameters())
    with recording(every=1, select=("all",)) as it:
        for _ in range(2):
            optimizer.zero_grad()
            y = model(torch.ones(4, 3))
            sedscope.backward({long: y.square().mean(), fits: y.sum()})
            with sedscope.task(long):
                model(torch.ones(4, 3)).sum().backward()
            sedscope.log({long: 1.0, fits: 2.0})
            optimizer.step()
        sedscope.probe(model, long, torch.ones(4, 3), torch.zeros(4, dtype=torch.int64))
    assert set(it.writer.stored_rows) & {f"gradient/{long}", f"gradient/{fits}"} == {f"gradient/{fits}"}
    assert {name for name in it.writer.stored_scalars if name.startswith("metric/")} == {f"metric/{fits}"}
    assert it.writer.probes == {}
    said = [message for about, message, _ in it.writer.notes if about in ("name", "metric")]
    assert len(said) == 2
    assert all(f"must have at most {MAX_NAME} characters, found {MAX_NAME + 1}" in line for line in said)


def test_metrics_beyond_a_header_are_dropped_and_the_rows_stay(tmp_path: Path) -> None:
    writer = RunWriter.create(tmp_path / "run", manifest())
    writer.scalars(0, {f"metric/neuron/{i}/activation_mean_of_layer": 1.0 for i in range(60_000)})
    writer.scalars(0, {"loss/add": 2.0, "loss/" + "t" * 400: 3.0})
    writer.rows("update", 0, row("update", 0))
    writer.close("finished")
    assert writer.failure is None
    run = open_run(tmp_path / "run")
    assert run.steps("update").tolist() == [0]
    names = run.scalar_names()
    assert "loss/add" in names and len(names) > 10_000 and not any("tttt" in name for name in names)
    (note,) = (note for note in run.notes if note.about == "metric")
    assert note.message == (
        f"more metrics by different names than a shard has room for: {60_001 - len(names)} at t = 0 are dropped"
    )

"""An engine without processes: what a training would have left behind is written at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from run_directory import feed, manifest

from recorders.store.run_writer import RunWriter
from sedscope.sweep.cell import SweepCell
from sedscope.sweep.training_job import TrainingJob


def write_run(cell: SweepCell, out: Path, *, reason: str | None = "finished", every: int = 25, steps: int = 4) -> None:
    """What `sedscope record` leaves of a cell; `reason` None leaves it as a killed recorder does."""
    told = {"command": cell.recorded_command, "intervention": cell.intervention.describe(), "seed": cell.seed}
    recording = {"every": every, "sources": [], "weights_every": every, "probe_seed": 0}
    writer = RunWriter.create(cell.path(out), manifest(name=cell.name, recording=recording, **told), force=True)
    feed(writer, range(0, steps * every, every))
    writer.scalars(steps * every, {"metric/train_acc/add": 1.0, "metric/test_acc/add": 0.5})
    writer.close(reason or "killed")
    if reason is None:
        journal = cell.path(out) / "journal" / "0001.jsonl"
        journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:-1]))


@dataclass
class Ticket:
    """A training that has ended, or never does."""

    how: str | None

    def ended(self) -> str | None:
        return self.how


@dataclass
class PlainEngine:
    """Runs a function for each job, at once."""

    train: Callable[[str], str | None]
    """From the cell's name to how it ended; None: it goes on until it is stopped."""
    slots: int | None = 2
    name: str = "plain"
    threads: int = 1
    tick_s: float = 0.0
    patience_s: float = 0.0
    handed: list[TrainingJob] = field(default_factory=list)
    stops: int = 0

    def submit(self, jobs: Sequence[TrainingJob]) -> Sequence[Ticket]:
        self.handed += jobs
        for job in jobs:
            Path(job.log).parent.mkdir(parents=True, exist_ok=True)
            Path(job.log).write_text("# begun\n")
        return [Ticket(self.train(job.name)) for job in jobs]

    def stop(self) -> None:
        self.stops += 1

    @property
    def names(self) -> list[str]:
        """The cells that were handed over."""
        return [job.name for job in self.handed]

"""Names, versions and units of the run format: the one place where they are decided.

Needs the standard library alone, so that a reader, a recorder and a test can all import it at no cost. The names of row
sources stand in `recorders.row_sources`. `docs/run-format.md` explains every name for somebody who writes a reader in
another language.

Units: `t` counts completed optimizer steps. Sizes are bytes. Times are ISO 8601 in UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

FORMAT_VERSION: Final = 2
"""Raised when an old reader would misread a new run. A reader refuses a higher version, naming both."""
RESUMABLE_VERSIONS: Final = (1, 2)
"""A run keeps its version: whoever goes on with one of version 1 writes the names of sources that it has there."""

# --- files of a run directory -------------------------------------------------------------------------------------
RUN_FILE: Final = "run.json"
"""Written before anything else and never changed afterwards."""
LOCK_FILE: Final = "lock"
JOURNAL_DIR: Final = "journal"
"""One `NNNN.jsonl` for each recording session, numbered from 1."""
SHARD_DIR: Final = "shards"
WEIGHTS_DIR: Final = "weights"
PROGRAM_DIR: Final = "programs"
PROBE_DIR: Final = "probes"
DERIVED_DIR: Final = "derived"
"""Results that earlier versions kept in the run. Never read: they may be somebody else's. Safe to delete."""
PART_SUFFIX: Final = ".part"
"""A file under this name was not finished; it counts for nothing."""

# --- journal lines ------------------------------------------------------------------------------------------------
LINE_SESSION: Final = "session"
LINE_SHARD: Final = "shard"
LINE_WEIGHTS: Final = "weights"
LINE_PROGRAM: Final = "program"
LINE_PROBE: Final = "probe"
LINE_NOTE: Final = "note"
LINE_END: Final = "end"

NOTE_GROUPS: Final = "groups"
"""A note about which parameter group moves which selected parameter from this recorded t on."""
NOTE_COUNT: Final = "count"
"""A note about how far the optimizer's own count of steps is ahead of t from this t on: the message is that number."""
NOTES_AS_DATA: Final = (NOTE_GROUPS, NOTE_COUNT)
"""Notes for readers that compute: nobody needs to see them, and they explain no gap."""

# --- tensors of a shard -------------------------------------------------------------------------------------------
ROW_PREFIX: Final = "row/"
"""`row/<source>`: float32 or float64 `[S, P]`."""
ROW_T_PREFIX: Final = "row.t/"
"""`row.t/<source>`: int64 `[S]`, the recorded t of each row, ascending."""
SCALAR_PREFIX: Final = "scalar/"
"""`scalar/<name>`: float64 `[M]`."""
SCALAR_T_PREFIX: Final = "scalar.t/"
"""`scalar.t/<name>`: int64 `[M]`, ascending."""

# --- scalars of every optimizer step ------------------------------------------------------------------------------
LOSS_PREFIX: Final = "loss/"
"""`loss/<task>`: as the script passed it, AMP scale removed, summed over micro-batches."""
LR_PREFIX: Final = "lr/"
"""`lr/<index of the parameter group>`."""
WEIGHT_DECAY_PREFIX: Final = "weight_decay/"
GRAD_NORM: Final = "grad_norm"
"""2-norm over all parameters of the optimizer of what it received: unscaled, after clipping."""
GRAD_NORM_UNCLIPPED: Final = "grad_norm_unclipped"
CLIP_COEFFICIENT: Final = "clip_coefficient"
NORM_KEPT: Final = "norm_kept"
"""2-norm of what an intervention let through / 2-norm of what there was; absent where that is 0 or not finite."""
SKIPPED: Final = "skipped"
"""1 at the t at which a GradScaler skipped a step (that t does not advance; several skips at one t add up)."""
METRIC_PREFIX: Final = "metric/"
"""`metric/<name>`: what the script gave to `sedscope.log`."""

# --- run.json and journal: caps that a reader enforces before it believes anything ---------------------------------
STEPS_BEFORE: Final = "steps_before"
"""Steps that the optimizer's state counts beyond t, in `run.json` and in the opening line of a resumed session."""
# Each is far above what a recorder writes, and keeps a hostile file from filling the reader's memory.
MAX_RUN_JSON: Final = 64 << 20
MAX_JOURNAL_LINE: Final = 1 << 20
MAX_SHARD_HEADER: Final = 16 << 20
MAX_PROGRAM_JSON: Final = 8 << 20
MAX_INTEGER: Final = 2**53
"""The greatest integer up to which a double holds all: a reader in another language may keep numbers as doubles."""
MAX_TASKS: Final = 4_096
"""Each has rows, metrics and windows of its own."""
MAX_NAME: Final = 200
"""Characters of a task's or metric's name. A recorder drops what is named longer: readers show 512, prefix included."""
MAX_METRIC_HEADER: Final = 8 << 20
"""Bytes of a shard's header for its metrics; a recorder drops the metrics beyond."""

# --- writing ------------------------------------------------------------------------------------------------------
ROWS_PER_SHARD: Final = 8
"""Fewer make the fsync dominate; more lose more to a crash."""
SECONDS_PER_SHARD: Final = 10.0
"""A slow training still shows up in a viewer after this long."""
PROBE_POOL_EXAMPLES: Final = 16_384
PROBE_POOL_BYTES: Final = 32 << 20
"""A pool within both limits is stored whole; of a larger one only the examples that the two drawings begin with."""
LOSS_OPTION: Final = "loss."
"""Begins the names of a loss's settings among the tensors of a probe."""
IGNORED: Final = -100
"""Class targets of this value count for nothing, as in torch's cross-entropy."""
PROBE_DRAW: Final = 4_096
"""Number of examples of each drawing that are kept of a large pool."""

STATE_RECORDING: Final = "recording"
STATE_FINISHED: Final = "finished"
STATE_CRASHED: Final = "crashed"
STATE_NOT_BEGUN: Final = "not begun"
STATE_DAMAGED: Final = "damaged"

END_FINISHED: Final = "finished"
END_EXCEPTION: Final = "exception"
END_INTERRUPTED: Final = "interrupted"
END_TERMINATED: Final = "terminated"
ORDERLY_ENDS: Final = (END_FINISHED, END_INTERRUPTED, END_TERMINATED)
"""Reasons of an end line after which the recording is complete as far as it went."""


@dataclass(frozen=True, slots=True)
class RecordedBlock:
    """One matrix of the selection, as `run.json` lists it; a stacked in-projection counts as q, k and v."""

    name: str
    parameter: str
    offset: int
    """Index of its first number in a row, the flat vector [P]."""
    size: int
    shape: tuple[int, ...]
    layer: int | None
    role: str | None

    @property
    def columns(self) -> slice:
        """Return the block's columns of a row."""
        return slice(self.offset, self.offset + self.size)

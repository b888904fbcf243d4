"""Names, versions and units of the run format: the one place where they are decided.

Needs the standard library alone, so that a reader, a recorder and a test can all import it at no cost.
`docs/run-format.md` explains every name for somebody who writes a reader in another language.

Units: `t` counts completed optimizer steps. Sizes are bytes. Times are ISO 8601 in UTC.
"""

from __future__ import annotations

from typing import Final, NamedTuple

FORMAT_VERSION: Final = 1
"""Raised when an old reader would misread a new run. A reader refuses a higher version, naming both."""

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
"""Cache of derived results. Safe to delete."""
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

# --- row sources --------------------------------------------------------------------------------------------------
GRADIENT: Final = "gradient"
UPDATE: Final = "update"
RAW_GRADIENT: Final = "raw/gradient"
RAW_UPDATE: Final = "raw/update"
"""Under an intervention: what was projected, before it was."""
MOMENTUM: Final = "adamw/momentum"
ADAPTIVE: Final = "adamw/adaptive"
DECAY: Final = "adamw/decay"
SGD_MOMENTUM: Final = "sgd/momentum"
DISPLACEMENT: Final = "displacement"
FIXED_GRADIENT: Final = "fixed_gradient"
CONTROL_SHUFFLED: Final = "control/shuffled"
CONTROL_COTANGENT: Final = "control/cotangent"
CONTROL_PER_EXAMPLE: Final = "control/per_example"

_TASK_FAMILIES: Final = (GRADIENT, FIXED_GRADIENT, CONTROL_SHUFFLED, CONTROL_COTANGENT, CONTROL_PER_EXAMPLE)
_WHOLE_FAMILIES: Final = (
    GRADIENT,
    UPDATE,
    RAW_GRADIENT,
    RAW_UPDATE,
    MOMENTUM,
    ADAPTIVE,
    DECAY,
    SGD_MOMENTUM,
    DISPLACEMENT,
    FIXED_GRADIENT,
)


class Source(NamedTuple):
    """A row source taken apart: `gradient/add` is family `gradient`, task `add`; `update` has no task."""

    family: str
    task: str | None

    @property
    def name(self) -> str:
        """Return the full name, as results and shards give it."""
        return self.family if self.task is None else f"{self.family}/{self.task}"


def parse_source(name: str) -> Source | None:
    """Return family and task of a full source name, or None for an unknown one. A task name may hold slashes."""
    if name in _WHOLE_FAMILIES:
        return Source(name, None)
    for family in _TASK_FAMILIES:
        if name.startswith(family + "/") and len(name) > len(family) + 1:
            return Source(family, name[len(family) + 1 :])
    return None


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
PROBE_DRAW: Final = 4_096
"""Number of examples of each drawing that are kept of a large pool."""

STATE_RECORDING: Final = "recording"
STATE_FINISHED: Final = "finished"
STATE_CRASHED: Final = "crashed"
STATE_DAMAGED: Final = "damaged"

END_FINISHED: Final = "finished"
END_EXCEPTION: Final = "exception"
END_INTERRUPTED: Final = "interrupted"
END_TERMINATED: Final = "terminated"
ORDERLY_ENDS: Final = (END_FINISHED, END_INTERRUPTED, END_TERMINATED)
"""Reasons of an end line after which the recording is complete as far as it went."""

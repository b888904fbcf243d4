"""One cell of a sweep: a training with one intervention, one seed and one choice of arguments.

Decides its name, which is that of its run directory, and the words of `sedscope record` that make it. The name holds
whatever differs from the defaults, so that it is the same in every sweep that has the cell. Decides also when two
interventions are the same training: `plain` gives both the same form. Leaves to others: what the settings do.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from recorders.errors import UsageError
from recorders.intervention.intervention_settings import INTERVENTION_OPTIONS, Intervention
from recorders.recording_options import RECORDING_OPTIONS, RecordingOptions

FIELDS: Final = {row.flag: row.field for row in INTERVENTION_OPTIONS}
"""Flag, without its dashes → field of `Intervention`."""
_WHOLE_NUMBERS: Final = frozenset(row.flag for row in INTERVENTION_OPTIONS if row.kind == "integer")
_LONGEST: Final = 160
"""Characters of a name; file systems allow 255 bytes, and the log adds its ending."""
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._=+,@%-]")
_DIGEST: Final = 8
"""Hexadecimal digits that keep two shortened names apart: 32 bits, for the thousands of cells of a sweep."""
_DEFAULT_OPTIONS: Final = RecordingOptions()


@dataclass(frozen=True)
class SweepCell:
    """A training of a sweep and the run directory that it makes."""

    name: str
    """The name of its run directory, inside the sweep's folder."""
    intervention: Intervention
    """The recorded intervention: random subspaces have the seed that they are drawn with."""
    seed: int | None
    """The value of `{seed}`; None in a sweep without seeds."""
    varied: Mapping[str, str]
    """Varied argument → its value."""
    arguments: tuple[str, ...]
    """The script and its arguments, with nothing left to put in."""
    module: bool = False
    """True where the first of them is a module, as in `python -m`."""

    @property
    def recorded_command(self) -> list[str]:
        """`command` in the `run.json` that it makes."""
        return ["-m", *self.arguments] if self.module else list(self.arguments)

    def path(self, out: Path) -> Path:
        """Return its run directory."""
        return out / self.name

    def log(self, out: Path) -> Path:
        """Return the log of all that its script and the recorder print."""
        return out / "logs" / f"{self.name}.log"

    def words(self, out: Path, options: RecordingOptions, *, force: bool) -> list[str]:
        """Return the words of its command line after `sedscope`.

        Args:
            out: The sweep's folder.
            options: What every cell records.
            force: Whether an unfinished run that is there is replaced.
        """
        changes = [word for flag, value in flags(self.intervention).items() for word in (f"--{flag}", value)]
        return [
            *("record", "--out", str(self.path(out))),
            *(["--force"] if force else []),
            *recording_words(options),
            *("--intervene", self.intervention.mode, *changes),
            *(["-m"] if self.module else []),
            *("--", *self.arguments),
        ]

    def described(self) -> dict[str, Any]:
        """Return the cell as `sweep.json` holds it."""
        return {
            "name": self.name,
            "intervention": self.intervention.describe(),
            "seed": self.seed,
            "varied": dict(self.varied),
            "arguments": list(self.arguments),
        }


def cell_name(intervention: Intervention, seed: int | None, varied: Mapping[str, str]) -> str:
    """Return such as `keep-sed-rank=1-ops=add-seed=42`: the mode and what is not the default; safe as a file's name.

    Args:
        intervention: Without a seed of its own where its random subspaces follow the training's seed.
        seed: The training's.
        varied: Argument of the script → value.
    """
    settings = [f"{flag}={value}" for flag, value in flags(intervention).items()]
    choices = [f"{name.strip('-')}={value}" for name, value in varied.items()]
    seeds = [] if seed is None else [f"seed={seed}"]
    hides_a_name = any("=" in value for value in varied.values())
    return _safe([intervention.mode, *settings, *choices, *seeds], is_unique=not hides_a_name)


def recording_words(options: RecordingOptions) -> list[str]:
    """Return the flags of `sedscope record` that differ from its defaults, without those of the intervention."""
    words: list[str] = []
    for row in RECORDING_OPTIONS:
        value = getattr(options, row.field)
        if not row.of_one_run and value != getattr(_DEFAULT_OPTIONS, row.field):
            words += [f"--{row.flag}", ",".join(value) if row.kind == "names" else str(value)]
    return words


def _safe(words: Sequence[str], *, is_unique: bool) -> str:
    """Return the words with dashes between; with a digest where that cannot name a file or could mean another cell."""
    text = "-".join(words)
    safe_text = _UNSAFE.sub("_", text)
    if is_unique and safe_text == text and len(text) <= _LONGEST:
        return text
    digest = hashlib.sha256(json.dumps(words).encode("ascii")).hexdigest()[:_DIGEST]
    return f"{safe_text[: _LONGEST - _DIGEST - 1]}~{digest}"


def plain(intervention: Intervention) -> Intervention:
    """Return the same training with every setting that has no effect on it at its default.

    >>> plain(Intervention("freeze", on="update", rank=7)) == Intervention("freeze")
    True
    """
    default = Intervention(intervention.mode)
    settings = {name: getattr(intervention, name) for name in intervention.effective - {"basis_source", "basis"}}
    if intervention.needs_window:
        settings["basis_source"] = None if intervention.source == intervention.on else intervention.source
        usual = replace(default, **settings)
        settings["basis"] = None if intervention.rows_are == usual.rows_are else intervention.rows_are
    return replace(default, **settings)


def flags(intervention: Intervention) -> dict[str, str]:
    """Return flag → value of every setting that differs from the mode's default."""
    default = Intervention(intervention.mode)
    pairs = ((flag, getattr(intervention, field), getattr(default, field)) for flag, field in FIELDS.items())
    return {flag: str(value) for flag, value, usual in pairs if value != usual}


def setting(flag: str, text: str) -> int | str:
    """Read the value of a setting from its text; raises `UsageError` for an unknown one or no number."""
    if flag not in FIELDS:
        raise UsageError(f"interventions: a setting is one of {', '.join(FIELDS)}; found {flag!r:.80}")
    if flag not in _WHOLE_NUMBERS:
        return text
    try:
        return int(text)
    except ValueError as error:
        raise UsageError(f"{flag}: must be a whole number, found {text!r:.80}") from error

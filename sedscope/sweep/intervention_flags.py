"""An intervention's settings as flags of `sedscope record`, and which of them mean anything for its mode.

Decides when two interventions are the same training: `plain` gives both the same form, in which every setting without
a meaning has its default. Leaves to others: what the settings do.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from recorders.errors import UsageError
from recorders.intervention.intervention_settings import INTERVENTION_OPTIONS, Intervention

FIELDS: Final = {row.flag: row.field for row in INTERVENTION_OPTIONS}
"""Flag, without its dashes → field of `Intervention`."""

_WHOLE_NUMBERS: Final = frozenset(row.flag for row in INTERVENTION_OPTIONS if row.kind == "integer")


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

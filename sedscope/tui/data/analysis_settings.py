"""Analysis settings as they stand in files (plain values) and as the analysis takes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from recorders.errors import UsageError
from sedscope.analysis.settings import Settings, setting_rows

_SINGLE = frozenset(row.name for row in setting_rows() if row.kind == "counts")
"""Settings that hold several numbers, of which the viewer shows one."""


def settings_from(*layers: Mapping[str, Any]) -> tuple[Settings, str | None]:
    """Return settings from layers, of which the later ones win; the defaults and the reason where they do not fit."""
    values = {name: value for layer in layers for name, value in layer.items()}
    try:
        chosen: dict[str, Any] = {name: (value,) if name in _SINGLE else value for name, value in values.items()}
        return Settings(**chosen), None
    except (UsageError, TypeError) as error:
        return Settings(), f"analysis settings not used: {error}"


def plain(settings: Settings) -> dict[str, Any]:
    """Return what differs from the defaults, as plain values; of several W or K the first."""
    default = asdict(Settings())
    changed = {name: value for name, value in asdict(settings).items() if value != default[name]}
    return {name: value[0] if name in _SINGLE else value for name, value in changed.items()}


def changed(settings: Settings, name: str, value: Any) -> Settings:
    """Return the settings with one other value; raises `UsageError` where it is not usable."""
    values: dict[str, Any] = {name: (value,) if name in _SINGLE else value}
    return replace(settings, **values)

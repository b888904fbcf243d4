"""Metrics that a script gives to `sedscope.log`, as scalars of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from recorders.format import MAX_NAME, METRIC_PREFIX


def metric_scalars(metrics: Mapping[str, Any]) -> tuple[dict[str, float | Tensor], list[str]]:
    """Return the numbers by their names in a run, and a line for each metric that is no number or is named too long."""
    scalars: dict[str, float | Tensor] = {}
    complaints = []
    for name, value in metrics.items():
        number = _as_number(value)
        if (line := too_long("log: the name of a metric", str(name))) is not None:
            complaints.append(line)
        elif number is None:
            complaints.append(f"log: {name!r} must be a number, found {type(value).__name__}")
        else:
            scalars[f"{METRIC_PREFIX}{name}"] = number
    return scalars, complaints


def too_long(what: str, name: str) -> str | None:
    """Return why something of this name is not recorded; None where its name is short enough."""
    if len(name) <= MAX_NAME:
        return None
    return f"{what} must have at most {MAX_NAME} characters, found {len(name)}: {name[:40]!r}… is not recorded"


def _as_number(value: Any) -> float | Tensor | None:
    if isinstance(value, Tensor):
        real = value.numel() == 1 and not value.is_complex()
        return value.detach().clone().reshape(()) if real else None  # the script may change it in place
    try:
        return float(value)
    except (TypeError, ValueError):
        return None

"""What a script gives to `sedscope.log`, as scalars of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from recorders.format import METRIC_PREFIX


def metric_scalars(metrics: Mapping[str, Any]) -> tuple[dict[str, float | Tensor], list[str]]:
    """Numbers by their names in a run, and a line for each metric that is not a number."""
    ready: dict[str, float | Tensor] = {}
    odd = []
    for name, value in metrics.items():
        number = _as_number(value)
        if number is None:
            odd.append(f"log: {name!r} must be a number, found {type(value).__name__}")
        else:
            ready[f"{METRIC_PREFIX}{name}"] = number
    return ready, odd


def _as_number(value: Any) -> float | Tensor | None:
    if isinstance(value, Tensor):
        return value.detach().clone().reshape(()) if value.numel() == 1 else None  # the script may change it in place
    try:
        return float(value)
    except (TypeError, ValueError):
        return None

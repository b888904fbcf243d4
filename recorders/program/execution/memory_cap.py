"""The bytes that a program's results may take on this machine: a share of its memory.

Decides the share, and which limit of the machine counts. What is counted is decided in `interpreter`.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

import torch

from recorders.errors import UsageError

SHARE_VARIABLE: Final = "SEDSCOPE_MEMORY_SHARE"
"""Environment variable: the share of the memory that one forward pass may take, above 0 and at most 1."""
DEFAULT_SHARE: Final = 0.5  # what a gradient takes beside the results fits into the other half
_CGROUP_LIMITS: Final = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def memory_cap(device: torch.device | None = None) -> int:
    """Return the bytes that the results of one forward pass may take on a device; None is the processor.

    Raises:
        UsageError: the environment states a share that is none.
    """
    return int(_share() * _memory(device))


def _share() -> float:
    text = os.environ.get(SHARE_VARIABLE, "") or str(DEFAULT_SHARE)
    with suppress(ValueError):
        if 0.0 < (share := float(text)) <= 1.0:
            return share
    raise UsageError(f"{SHARE_VARIABLE}: must be a number above 0 and at most 1, found {text!r:.40}")


def _memory(device: torch.device | None) -> int:
    """Return the bytes of a device's memory, or those that a container has of the machine's."""
    if device is not None and device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for name in _CGROUP_LIMITS:
        with suppress(OSError, ValueError):  # no such container, or one without a limit
            limits.append(int(Path(name).read_text()))
    return min(limits)

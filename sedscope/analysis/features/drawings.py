"""The order in which examples of a pool are drawn, and how another draw is had without recording again."""

from __future__ import annotations

from zlib import crc32

import numpy as np

from sedscope.analysis.arrays import Ints
from sedscope.analysis.settings import Settings
from sedscope.runs import Probe


def redraw(order: Ints, purpose: str, seed: int, repeat: int = 0) -> Ints:
    """Return a drawing in another random order, which depends on the arguments alone; seed 0 keeps the first as it is.

    Args:
        order: The recorded drawing, positions in the pool `[n]`.
        purpose: What is drawn: drawings of one seed for different purposes are independent.
        seed: `draw_seed` of the settings.
        repeat: Which drawing of that seed, from 0.
    """
    if seed == repeat == 0:
        return order
    return np.random.default_rng([crc32(purpose.encode()), seed, repeat]).permutation(order)


def probe_positions(probe: Probe, settings: Settings) -> Ints:
    """Return the positions in the pool of the N probes; all, where the drawing holds fewer."""
    return redraw(probe.probe_order, "probes", settings.draw_seed)[: settings.probes]

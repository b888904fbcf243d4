"""The optimizer steps that are recorded, decided here and nowhere else.

Recorded t are 0, `every`, 2·`every`, … and the last one. The last is known only when the recording ends, so this module
answers for the others; the session adds the last.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """The recorded t of one recording session."""

    every: int
    """A row of each source at every `every`-th optimizer step."""
    weights_every: int
    """The full state at every `weights_every`-th step, a multiple of `every`; 0 keeps the first and the last alone."""

    def records(self, t: int) -> bool:
        """Return whether the step that leaves θ_t gets rows."""
        return t % self.every == 0

    def keeps_weights(self, t: int) -> bool:
        """Return whether θ_t is kept in full."""
        return t == 0 if self.weights_every == 0 else t % self.weights_every == 0

    @property
    def thins_weights(self) -> bool:
        """Return whether some recorded t have rows and no weights, so that weights do not give all displacements."""
        return self.weights_every != self.every

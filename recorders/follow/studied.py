"""The model under study: named by the script, or guessed from what it sends backward until an optimizer shows it.

Decides when a guess is made, and when it gives way. A guess may be wrong, as any model that is alive in the process can
be taken for the trained one; what was gathered with it is then dropped, and the recording goes on with the right one.
How a model is found among the live ones is left to `ownership`, which optimizer is followed to `followed`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor, nn

from recorders.errors import UsageError
from recorders.follow.ownership import find_model, leaves_of, optimized_parameters, owns, parameters_of
from recorders.selection import Selection, select
from recorders.selection.naming import unwrap


class StudiedModel:
    """The model of a recording and what is selected of it, as far as they are known.

    Args:
        spec: presets and globs of the selection.
        on_dropped: called when a guess was wrong: what was gathered belongs to another selection.
    """

    def __init__(self, spec: Sequence[str], on_dropped: Callable[[], None]) -> None:
        self.spec = spec
        self._on_dropped = on_dropped
        self.model: nn.Module | None = None
        """The model whose parameters are recorded, as soon as it is known."""
        self.selection: Selection | None = None
        """The selected parameters of the model; None until somebody needs them."""
        self._guessed = False
        self._looked = False
        self._seen: list[Tensor] = []

    def adopt(self, model: nn.Module) -> bool:
        """Take the model that the script names, unless another one was named before or is being recorded already."""
        plain = unwrap(model)
        if self.model is not plain and (self.model is None or self._guessed):
            self._replace(plain, None)
        if self.model is plain:
            self._stop_guessing()
        return self.model is plain

    def confirm(self, model: nn.Module, selection: Selection) -> None:
        """Take this model for certain: an optimizer is tied to it, so it is no guess any more."""
        self.model, self.selection = model, selection
        self._stop_guessing()

    def guess(self, losses: Iterable[Tensor]) -> Selection | None:
        """Guess the model from losses: before the first step no optimizer has shown us its parameters.

        Reentrant checkpointing hides them; then all that is being optimized is looked at.
        """
        if self.selection is None and self.model is not None:
            self.selection = select(self.model, self.spec)
        if self.selection is None and not self._looked:
            self._looked = True
            self._seen = [leaf for loss in losses for leaf in leaves_of(loss)]
            model = find_model(self._seen)
            if model is None:
                self._seen, model = [], find_model(optimized_parameters())
            if model is not None and (selection := self._selected_of(model)) is not None:
                self.model, self.selection, self._guessed = model, selection, True
        return self.selection

    def reconsider_guess(self, optimizer: torch.optim.Optimizer) -> None:
        """Give up a guess that the optimizer about to step owns nothing of, for the model that it does own.

        Not where the losses showed parameters, and it owns none of them either: then it trains something else.
        """
        if not self._guessed or self.selection is None or owns(optimizer, self.selection.chosen):
            return
        if self._seen and not owns(optimizer, self._seen):
            return
        other = find_model(parameters_of(optimizer))
        selection = None if other is None or other is self.model else self._selected_of(other)
        if other is not None and selection is not None and owns(optimizer, selection.chosen):
            self._replace(other, selection)

    def _selected_of(self, model: nn.Module) -> Selection | None:
        """Return the selected parameters of a model; None where they are not in it: then another model is meant."""
        try:
            return select(model, self.spec)
        except UsageError:
            return None

    def _replace(self, model: nn.Module, selection: Selection | None) -> None:
        wrong, self.model, self.selection = self._guessed, model, selection
        if wrong:
            self._on_dropped()

    def _stop_guessing(self) -> None:
        self._guessed, self._seen = False, []

"""The script's calls that throw gradients away, observed: `zero_grad` of an optimizer or of a module.

Decides which of these calls concern the recorded step: those that reach a selected parameter. A script that sets
`.grad` itself is not seen here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from recorders.follow.ownership import parameters_of
from recorders.observe.patching import Patches


class ClearingObserver(Patches):
    """A watch over every `zero_grad` of the process.

    Args:
        guard: runs a function of ours so that what it raises ends the recording, not the training.
        selected: the selected parameters, none while they are unknown.
        on_cleared: called when the gradients of some of them were dropped.
    """

    def __init__(
        self,
        guard: Callable[[Callable[[], None]], None],
        selected: Callable[[], Iterable[Tensor]],
        on_cleared: Callable[[], None],
    ) -> None:
        super().__init__()
        self._guard = guard
        self._selected = selected
        self._on_cleared = on_cleared
        self.wrap(torch.optim.Optimizer, "zero_grad", self._optimizers)
        self.wrap(nn.Module, "zero_grad", self._modules)

    def _optimizers(self, original: Any, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(optimizer, *args, **kwargs)
        if not torch.compiler.is_compiling():
            self._guard(lambda: self._cleared(parameters_of(optimizer)))
        return result

    def _modules(self, original: Any, module: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(module, *args, **kwargs)
        if not torch.compiler.is_compiling():
            self._guard(lambda: self._cleared(module.parameters()))
        return result

    def _cleared(self, parameters: Iterable[Tensor]) -> None:
        selected_ids = {id(parameter) for parameter in self._selected()}
        if selected_ids and any(id(parameter) in selected_ids for parameter in parameters):
            self._on_cleared()

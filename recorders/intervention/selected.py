"""The selected gradients and weights as one vector [P], and that vector put back: all that an intervention touches.

The vectors are float64. Gradients are divided by an AMP scale that a fused optimizer has yet to divide by, and are
multiplied by it again when they are put back: exact, as torch's scales are powers of two.
"""

from __future__ import annotations

import torch
from torch import Tensor

from recorders.errors import RefusedError
from recorders.selection import Selection


def amp_scale(optimizer: torch.optim.Optimizer) -> Tensor | None:
    """Return the factor that the gradients still carry when a fused optimizer begins its step under a GradScaler."""
    scale: Tensor | None = getattr(optimizer, "grad_scale", None)
    return scale


def read_gradient(selection: Selection, scale: Tensor | None) -> Tensor:
    """Return the selected gradients [P], unscaled; zeros where there is none."""
    flat = selection.flatten([parameter.grad for parameter in selection.chosen])
    return (flat if scale is None else flat / scale.to(flat.device)).double()


def write_gradient(selection: Selection, vector: Tensor, scale: Tensor | None) -> bool:
    """Put a vector [P] in the place of the selected gradients.

    Returns:
        False where some part of it has no gradient to go to, and was left out.

    Raises:
        RefusedError: a gradient is sparse.
    """
    if scale is not None:
        vector = vector * scale.to(vector.device)
    complete = True
    for parameter, piece in zip(selection.chosen, selection.pieces(vector), strict=True):
        if parameter.grad is None:
            complete &= not bool(piece.any())
        elif parameter.grad.layout != torch.strided:
            raise RefusedError("intervene: a selected gradient is sparse; leave it out of --select, or use --on update")
        else:
            parameter.grad.copy_(piece)
    return complete


class HeldWeights:
    """Copies of the selected weights θ_t, taken before a step."""

    def __init__(self, selection: Selection) -> None:
        self._selection = selection
        self._before = [parameter.detach().clone() for parameter in selection.chosen]

    def update(self) -> Tensor:
        """Return θ as it is now − θ_t, a vector [P]."""
        now = self._selection.flatten([parameter.detach() for parameter in self._selection.chosen])
        return now.sub_(self._selection.flatten(self._before)).double()

    @torch.no_grad()
    def put_back(self) -> None:
        """Set θ to θ_t, to the bit."""
        for parameter, old in zip(self._selection.chosen, self._before, strict=True):
            parameter.copy_(old)

    @torch.no_grad()
    def move_by(self, vector: Tensor) -> bool:
        """Set θ to θ_t + vector [P], rounded to the weights' dtype, where the optimizer has moved it at all.

        Returns:
            False where some part of the vector belongs to a parameter that was not moved, and was left out.
        """
        complete = True
        for parameter, old, piece in zip(
            self._selection.chosen, self._before, self._selection.pieces(vector), strict=True
        ):
            if torch.equal(parameter, old):
                complete &= not bool(piece.any())
            else:
                parameter.copy_(old.double().to(piece.device) + piece)
        return complete

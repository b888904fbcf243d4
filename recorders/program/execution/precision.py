"""The element types that a program runs in when its weights are not those it was captured with.

A program captured in float32 can be run in float64, one captured in bfloat16 in float32: then every narrower floating
type that the program names, in constants and in casts, becomes the wider one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from recorders.errors import RefusedError
from recorders.program.storage.graph import TensorSpec

_WIDTH: Final = {"float16": 1, "bfloat16": 1, "float32": 2, "float64": 3}
_COMPLEX: Final = {"complex64": 2, "complex128": 3}
_COMPLEX_OF: Final = {2: torch.complex64, 3: torch.complex128}


@dataclass(frozen=True)
class Precision:
    """The floating type that takes the place of narrower ones; None: the program runs as it was captured."""

    floating: str | None

    @classmethod
    def of(cls, given: Iterable[tuple[TensorSpec, Tensor]]) -> Precision:
        """Return the precision in which these tensors ask the program to run.

        Raises:
            RefusedError: a tensor of another kind than the captured one, such as integers for floats.
        """
        widest: str | None = None
        for spec, tensor in given:
            dtype = str(tensor.dtype).removeprefix("torch.")
            if dtype == spec.dtype:
                continue
            if dtype not in _WIDTH or spec.dtype not in _WIDTH:
                raise RefusedError(f"program: {ascii(spec.name)[:80]} must be {spec.dtype}, found {dtype}")
            widest = dtype if widest is None or _WIDTH[dtype] > _WIDTH[widest] else widest
        return cls(widest)

    def dtype(self, captured: str) -> torch.dtype:
        """Return the element type to use where the program was captured with this one."""
        name: torch.dtype = getattr(torch, captured)
        if self.floating is None:
            return name
        width = _WIDTH[self.floating]
        if captured in _WIDTH and _WIDTH[captured] < width:
            name = getattr(torch, self.floating)
        if captured in _COMPLEX and _COMPLEX[captured] < width:
            name = _COMPLEX_OF[width]
        return name

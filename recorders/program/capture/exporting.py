"""The ladder of graphs: what `torch.export` gives, the same without in-place operations, and in core operations.

Decides how the export is asked for and what each rung is. Which rung is taken is decided in `capture`; what of it can
be stored, in `convert`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from recorders.errors import ProgramRefused
from recorders.program.capture import source_line
from recorders.program.capture.forward import Forward
from recorders.program.capture.inline import inline_bodies


def rungs(forward: Forward, inputs: tuple[Tensor, ...], delta: Tensor) -> Iterator[Any]:
    """Yield exported programs of one forward, each more decomposed than the one before.

    Raises:
        ProgramRefused: the forward cannot be exported; the message names what torch stumbled over.
    """
    raw = _export(forward, inputs, delta)
    inline_bodies(raw.graph_module)
    yield raw
    yield raw.run_decompositions({})
    # The core table would turn `detach` into `alias`, which lets a gradient through that the model stops.
    core: Any = torch.export.default_decompositions()
    core.pop(torch.ops.aten.detach.default, None)
    yield raw.run_decompositions(core)


def _export(forward: Forward, inputs: tuple[Tensor, ...], delta: Tensor) -> Any:
    batch = tuple({0: torch.export.Dim.AUTO} for _ in inputs)
    try:
        return torch.export.export(forward, (inputs, delta), dynamic_shapes=(batch, None), strict=False)
    except Exception as error:
        if (ours := _ours(error)) is not None:
            raise ours from error
        raise ProgramRefused(f"model: its forward cannot be captured: {_reason(error)}") from error


def _ours(error: BaseException) -> ProgramRefused | None:
    """Return a refusal of ours on the way to this error, or None; torch wraps what is raised while it traces."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ProgramRefused):
            return cause
        cause = cause.__cause__ or cause.__context__
    return None


_REASONS = (
    ("data-dependent", "control flow or a number that depends on the data (an `if`, a loop or `.item()`)"),
    ("ConstraintViolation", "the batch size is fixed inside the forward"),
    ("specialized", "the batch size is fixed inside the forward"),
)


def _reason(error: BaseException) -> str:
    text = f"{type(error).__name__}: {error}"
    first = " ".join(str(error).split())[:160]
    where = source_line.of_traceback(error.__traceback__)
    for sign, reason in _REASONS:
        if sign in text:
            return f"{reason}{where} ({first})"
    return f"{type(error).__name__}{where}: {first}"

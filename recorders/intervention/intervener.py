"""Carries an intervention out, around each step of the followed optimizer.

Decides where a projection happens. `--on gradient`: before the step, on what the optimizer is about to receive (all
tasks and micro-batches together, clipped, unscaled). `--on update`: after the step, on θ_{t+1} − θ_t as the optimizer
made it, weight decay included; θ_t + the changed update is written back. Either way one vector [P] in float64 over all
selected parameters, whatever group they are in; nothing else is touched, the optimizer's own state among it. Gradients
are divided by an AMP scale that a fused optimizer has yet to divide by, and are multiplied by it again when they are
put back: exact, as torch's scales are powers of two. Rows enter the SED window after the step, so the basis of a step
comes from the steps before it.

Which steps count, and where rows go, is left to the session.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping

import torch
from torch import Tensor

from recorders.errors import RefusedError, UsageError
from recorders.follow.binding import Binding
from recorders.format import NORM_KEPT
from recorders.intervention.intervention_settings import APPLIED, MOMENTUM_BASIS, ONCE, Intervention
from recorders.intervention.projection import RandomSubspaces, RollingWindow, Subspace, keep, remove, with_norm
from recorders.row_sources import GRADIENT, ROW_SOURCES, UPDATE
from recorders.selection import Selection


def _read_gradient(selection: Selection, scale: Tensor | None) -> Tensor:
    """Return the selected gradients [P], unscaled; zeros where there is none."""
    flat = selection.flatten([parameter.grad for parameter in selection.chosen])
    return (flat if scale is None else flat / scale.to(flat.device)).double()


def _write_gradient(selection: Selection, vector: Tensor, scale: Tensor | None) -> bool:
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


class Intervener:
    """An intervention on one binding.

    Args:
        first_t: t of the first step of this session.
        resumed: whether it goes on with an earlier session's training.
        tell: takes what is worth telling, and the t it belongs to; a text that was told before is nothing new.

    Raises:
        UsageError: the selection or the optimizer does not fit the settings: no momentum where the basis comes from it.
    """

    def __init__(
        self, settings: Intervention, binding: Binding, *, first_t: int, resumed: bool, tell: Callable[[str, int], None]
    ) -> None:
        self._settings = settings
        self._selection = binding.selection
        self._tell = tell
        self._earliest = settings.unmodified_steps + (0 if resumed else first_t)
        if settings.has_subspace and settings.rank > self._selection.size:
            raise UsageError(f"rank: must be at most P = {self._selection.size}, found {settings.rank}")
        size, device = self._selection.size, self._selection.chosen[0].device
        self._window = RollingWindow(settings.window, size, settings.rank, device) if settings.needs_window else None
        self._draws: RandomSubspaces | None = None
        if settings.draws:
            once = settings.redraw == ONCE
            self._draws = RandomSubspaces(settings.rank, size, seed=settings.seed, once=once, device=device)
        self.follow(binding)
        self.began: int | None = None
        """t of the first changed step, or None."""
        self._weights_before: HeldWeights | None = None
        self._gradient: Tensor | None = None
        self._raw: Tensor | None = None
        self._applied: Tensor | None = None
        self._norm_kept: float | None = None
        if self._window is not None and resumed:
            tell("the window is empty after a resume: steps are unmodified until it is full", first_t)

    def follow(self, binding: Binding) -> None:
        """Act on another optimizer of the same kind from now on; the window goes on."""
        self._binding = binding
        self._momentum = _momentum_of(binding) if self._reads(MOMENTUM_BASIS) else ""

    def before_step(self, t: int, *, closure_given: bool) -> None:
        """Prepare for the step from θ_t. With `--on gradient` the gradients are changed here.

        Raises:
            RefusedError: they cannot be.
        """
        self._gradient = self._raw = self._applied = None
        self._norm_kept = 1.0
        on_gradient = self._settings.target == GRADIENT
        if on_gradient and closure_given:
            raise RefusedError("intervene: a step with a closure makes its gradients itself; use --on update")
        # What gradients still carry when a fused optimizer begins its step under a GradScaler.
        scale: Tensor | None = getattr(self._binding.optimizer, "grad_scale", None)
        if on_gradient or (self._reads(GRADIENT) and not closure_given):
            self._gradient = _read_gradient(self._selection, scale)
        self._weights_before = (
            HeldWeights(self._selection) if self._settings.target == UPDATE or self._reads(UPDATE) else None
        )
        if on_gradient and self._gradient is not None:
            self._change(t, self._gradient)
            if self._applied is not self._raw and self._applied is not None:
                self._tell_if_partial(_write_gradient(self._selection, self._applied, scale), t)

    def after_step(
        self, t: int, task_gradients: Mapping[str, Tensor], tasks: Collection[str], *, recorded: bool
    ) -> tuple[dict[str, Tensor], dict[str, float | Tensor]]:
        """Act after a step that was made, and not skipped. With `--on update` the weights are changed here.

        Args:
            t: of the step.
            task_gradients: the gradients [P] that tasks contributed to it.
            tasks: every task known so far.
            recorded: whether the step's rows are recorded.

        Returns:
            `raw/gradient` or `raw/update` [P] where rows are asked for, a fresh tensor; and `norm_kept`.

        Raises:
            UsageError: the window's row is to come from a task that the script does not have.
        """
        update = None if self._weights_before is None else self._weights_before.update()
        if self._settings.target == UPDATE and self._weights_before is not None and update is not None:
            self._change(t, update)
            self._write_weights(t, self._weights_before)
        if self._window is not None:
            if self._reads(GRADIENT) and self._gradient is None:
                self._gradient = _read_gradient(self._selection, None)  # a closure made it inside the step
            row = self._row(update, task_gradients, tasks) if t % self._settings.stride == 0 else None
            if row is not None and not self._window.push(row):
                self._tell(f"a row of {self._settings.source} was not finite: the window goes without it", t)
        rows_by_source, source = {}, self._settings.raw_source
        if recorded and self._raw is not None and source is not None:
            rows_by_source[source] = self._raw.to(self._selection.dtype, copy=True)
        return rows_by_source, {} if self._norm_kept is None else {NORM_KEPT: self._norm_kept}

    def finish(self, t: int) -> None:
        """Say, at the end of the recording, where no step was ever changed."""
        if self._settings.acts and self.began is None:
            self._tell(f"the intervention never began: {t} steps were unmodified", t)

    # --- the change -------------------------------------------------------------------------------------------------

    def _change(self, t: int, raw: Tensor) -> None:
        """Decide what takes the place of a raw vector [P]: `_applied`, which is `_raw` itself in an unmodified step."""
        self._raw = self._applied = raw
        if t < self._earliest:
            return
        if self._settings.freezes or self._settings.row.action == "drop_gradient":
            self._applied, self._norm_kept = torch.zeros_like(raw), 0.0
        else:
            self._project(t, raw)
        if self.began is None and self._applied is not raw:
            self.began = t
            self._tell(f"{self._settings.summary()}; from t = {t} on", t)

    def _project(self, t: int, raw: Tensor) -> None:
        subspace = self._subspace(t)
        if subspace is None:
            return
        norm = float(torch.linalg.vector_norm(raw))
        if not math.isfinite(norm):
            self._norm_kept = None  # the training has diverged, or a scaler is about to skip the step
            return
        component = keep(subspace, raw) if self._settings.row.action == "keep" else remove(subspace, raw)
        self._norm_kept = float(torch.linalg.vector_norm(component)) / norm if norm else None
        self._applied = with_norm(component, norm) if self._settings.row.stretches else component

    def _subspace(self, t: int) -> Subspace | None:
        if self._draws is not None:
            return self._draws.subspace(t)
        return self._window.top() if self._window is not None and self._window.is_full else None

    def _write_weights(self, t: int, weights_before: HeldWeights) -> None:
        if self._applied is self._raw or self._applied is None:
            return
        if self._settings.freezes:
            weights_before.put_back()
        else:
            self._tell_if_partial(weights_before.move_by(self._applied), t)

    # --- what it is made of -----------------------------------------------------------------------------------------

    def _reads(self, source: str) -> bool:
        return self._settings.needs_window and self._settings.source == source

    def _row(
        self, update: Tensor | None, task_gradients: Mapping[str, Tensor], tasks: Collection[str]
    ) -> Tensor | None:
        """Return the vector of this step that becomes a row of the window; None where its source had no part in it."""
        source = self._settings.source
        if source == self._settings.target:
            return self._applied if self._settings.rows_are == APPLIED else self._raw
        if source == GRADIENT:
            return self._gradient
        if source == UPDATE:
            return update
        if source == MOMENTUM_BASIS:
            return self._binding.stage(self._momentum).double()
        task = self._settings.task or ""
        if task not in tasks:
            task_names = ", ".join(tasks) or "not named; sedscope.backward names them"
            raise UsageError(f"basis-source: the script has no task {task!r}; its tasks are {task_names}")
        gradient = task_gradients.get(task)
        return None if gradient is None else gradient.double()

    def _tell_if_partial(self, complete: bool, t: int) -> None:
        if not complete:
            self._tell("a selected parameter had no part in a step: what is projected onto it is left out", t)


def _momentum_of(binding: Binding) -> str:
    for row in ROW_SOURCES:
        if row.is_momentum and row.pattern in binding.stages:
            return row.pattern
    name = type(binding.optimizer).__name__
    raise UsageError(f"basis-source: momentum must come from Adam, AdamW or SGD with momentum; found {name}")

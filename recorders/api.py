"""The recording API of a training script. Every function does nothing extra while nothing records.

Decides what the script sees: arguments, return values, and that the joint backward runs the same either way. Loads no
torch by itself.
"""

from __future__ import annotations

import functools
import operator
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recorders.active import current
from recorders.errors import UsageError
from recorders.format import END_EXCEPTION, END_FINISHED, END_INTERRUPTED
from recorders.intervention import Intervention
from recorders.recording_options import DEFAULT_EVERY, recording_options

if TYPE_CHECKING:
    from torch import Tensor, nn

    from recorders.recording_session import RecordingSession


def backward(losses: Mapping[str, Tensor], *, retain_graph: bool | None = None) -> Tensor:
    """Send the sum of several tasks' losses backward, as `(loss_a + loss_b).backward()` does.

    At recorded steps the gradient of each task is taken as well, without changing `.grad`.

    Args:
        losses: the loss of each task, scaled by a GradScaler where one is used.
        retain_graph: as in `torch.Tensor.backward`.

    Returns:
        The sum, detached.

    Raises:
        UsageError: not a mapping from task names to losses, or empty.
    """
    session = current()
    if session is None:
        return _send(losses, retain_graph)
    sum_of_losses: Tensor = session.backward.outside_compilation(_send, losses, retain_graph)
    return sum_of_losses


def _send(losses: Mapping[str, Tensor], retain_graph: bool | None) -> Tensor:
    if not _maps_tasks(losses):
        raise UsageError(f'backward: losses must map task names to losses, as in {{"add": loss}}; found {losses!r:.80}')
    total = functools.reduce(operator.add, losses.values())

    def send() -> None:
        total.backward(retain_graph=retain_graph)  # type: ignore[no-untyped-call]

    session = current()
    if session is None:
        send()
    else:
        session.backward.around(losses, send)
    return total.detach()


def _maps_tasks(values: Any) -> bool:
    return isinstance(values, Mapping) and bool(values) and all(isinstance(name, str) and name for name in values)


def task(name: str) -> AbstractContextManager[None]:
    """Whatever is differentiated inside belongs to this task: `with sedscope.task("add"): loss_add.backward()`.

    Raises:
        UsageError: the name is not a text, or empty.
    """
    if not isinstance(name, str) or not name:
        raise UsageError(f"task: name must be a text, found {name!r:.80}")
    session = current()
    if session is None:
        return nullcontext()
    context: AbstractContextManager[None] = session.backward.outside_compilation(session.backward.task, name)
    return context


def task_gradients(gradients: Mapping[str, Any]) -> None:
    """Give the gradient of each task, computed by the script or a library: `task_gradients({"add": gradients, …})`.

    They count for the step that comes next, before what was sent backward for the same tasks; several calls add up.
    Nothing is written to `.grad`.

    Args:
        gradients: for each task a mapping from parameters, or their names, to gradients; a sequence with one gradient,
            or None, for each parameter of the model, for each that is trained, or for each selected one; or those
            flattened into one vector. Not multiplied by the scale of a GradScaler.

    Raises:
        UsageError: not a mapping from task names, or empty.
    """
    if not _maps_tasks(gradients):
        example = '{"add": tensors}'
        raise UsageError(f"task_gradients: must map task names to gradients, as in {example}; found {gradients!r:.80}")
    session = current()
    if session is not None:
        session.backward.outside_compilation(session.backward.give, gradients)


def log(metrics: Mapping[str, Any]) -> None:
    """Record numbers that belong to the t completed so far: `sedscope.log({"test_acc/add": accuracy})`."""
    session = current()
    if session is not None:
        session.log(metrics)


def probe(
    model: nn.Module,
    task: str,
    inputs: Tensor | Sequence[Tensor],
    targets: Tensor,
    *,
    at: str | None = None,
    output: Any = None,
    position: int | None = None,
    loss: str | Callable[..., Any] = "cross_entropy",
    run: Callable[..., Any] | None = None,
    train: Tensor | None = None,
    chance: float | None = None,
) -> None:
    """Name the pool from which a task's probes and fixed batches are drawn, once, before the training.

    Args:
        model: the model that is trained.
        task: the task's name.
        inputs: what the model takes, each [M, …] with one entry for each of M examples.
        targets: [M, …]; for cross-entropy class indices, or probabilities of the classes on the last axis; for other
            losses one number for each of the output.
        at: the module at whose output features are measured; None takes the token embedding, or the first input.
        output: which of the model's outputs is this task's: a key, an index, or a function of the model's output.
        position: the position along a sequence that the output is read at; None takes the output whole.
        loss: the loss of the fixed gradient: `cross_entropy`, `bce_with_logits`, `mse`, `mae`, `huber` or `smooth_l1`,
            or the loss module that the training uses, as in `nn.CrossEntropyLoss(label_smoothing=0.1)`.
        run: how the model is called, as `run(model, *inputs)`; None calls `model(*inputs)`.
        train: [M], whether an example belongs to the training set.
        chance: the accuracy of guessing, which milestones are above; None takes one over the number of classes.
    """
    session = current()
    if session is not None:
        from recorders.probes import ProbeRequest, add_probe

        request = ProbeRequest(task, at, output, position, loss, run, chance)
        session.guard(lambda: add_probe(session, request, model, inputs, targets, train))


@contextmanager
def record(
    path: str | os.PathLike[str],
    *,
    every: int = DEFAULT_EVERY,
    select: str | Iterable[str] | None = None,
    sources: str | Iterable[str] | None = None,
    weights_every: int | None = None,
    budget: int | str | None = None,
    probe_seed: int = 0,
    steps: int | None = None,
    force: bool = False,
    resume: bool = False,
    shared_folder: bool = False,
    first_step: int | None = None,
    intervene: str | Intervention | None = None,
) -> Iterator[RecordingSession]:
    """Record what is trained inside the block into a run directory; `RecordingOptions` explains the settings.

    `intervene` changes the training: a mode such as `"freeze"`, or `sedscope.Intervention("keep-sed", on="update")`.
    An intervention that cannot be carried out ends the training with an error.

    Yields:
        The recording: its `path`, and `t`, the steps completed so far.

    Raises:
        SedscopeError: unusable settings, an existing run without `force`, or a recording inside a recording.
    """
    from recorders.recording_session import RecordingSession
    from recorders.store.run_folder import ReservedFolder

    options = recording_options(
        every=every,
        select=select,
        sources=sources,
        weights_every=weights_every,
        budget=budget,
        probe_seed=probe_seed,
        steps=steps,
        force=force,
        resume=resume,
        shared_folder=shared_folder,
        first_step=first_step,
        intervene=intervene,
    )
    if (running := current()) is not None:
        raise UsageError(f"record: one recording at a time; {running.path} is being recorded already")
    session = RecordingSession(ReservedFolder(Path(path), options), options, command=sys.orig_argv)
    reason = END_EXCEPTION
    try:
        yield session
        reason = END_FINISHED
    except KeyboardInterrupt:
        reason = END_INTERRUPTED
        raise
    finally:
        session.close(reason)

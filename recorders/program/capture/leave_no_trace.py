"""Leaves a model and the process as they were before a capture: attributes, buffers, flags, random states, log levels.

Decides what is remembered. A capture runs the model's forward on stand-in tensors, which the forward may keep in its
attributes, and eval mode, hooks and unwrapped children are set for its sake; a training must not notice any of it.
"""

from __future__ import annotations

import io
import logging
import random
import warnings
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

_CONTAINERS = (dict, list, set, deque)


@contextmanager
def untouched(model: nn.Module) -> Iterator[None]:
    """Whatever happens inside, the model and the process are afterwards what they were."""
    with ExitStack() as stack:
        stack.enter_context(_attributes(model))
        stack.enter_context(_random_states())
        stack.enter_context(_quiet())
        stack.enter_context(torch.enable_grad())
        for device in ("cpu", "cuda"):
            stack.enter_context(torch.autocast(device, enabled=False))
        yield


@contextmanager
def _attributes(model: nn.Module) -> Iterator[None]:
    modules = list(model.modules())
    snapshots = [(module, dict(module.__dict__), _contents(module)) for module in modules]
    buffers = [(buffer, buffer.detach().clone()) for buffer in model.buffers()]
    wants_grad = [(parameter, parameter.requires_grad) for parameter in model.parameters()]
    try:
        yield
    finally:
        for module, attributes, contents in snapshots:
            module.__dict__.clear()
            module.__dict__.update(attributes)
            _put_back(contents)
        with torch.no_grad():
            for buffer, before in buffers:
                if not _same(buffer, before):
                    buffer.copy_(before)
        for parameter, required in wants_grad:
            if parameter.requires_grad != required:
                parameter.requires_grad_(required)


def _contents(module: nn.Module) -> list[tuple[Any, Any]]:
    """Return the module's containers with copies, `_parameters`, `_buffers`, `_modules` and the hooks among them."""
    return [(item, item.copy()) for item in module.__dict__.values() if isinstance(item, _CONTAINERS)]


def _put_back(contents: list[tuple[Any, Any]]) -> None:
    for container, before in contents:
        container.clear()
        container.extend(before) if isinstance(container, (list, deque)) else container.update(before)


def _same(buffer: Tensor, before: Tensor) -> bool:
    # NaN buffers (a running maximum that has not begun) are equal to themselves here.
    return bool(torch.equal(buffer, before)) or bool(
        ((buffer == before) | ((buffer != buffer) & (before != before))).all()
    )


@contextmanager
def _random_states() -> Iterator[None]:
    python, numpy, cpu = random.getstate(), np.random.get_state(), torch.get_rng_state()
    gpus = torch.cuda.get_rng_state_all() if _cuda_started() else []
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
        torch.set_rng_state(cpu)
        if gpus:
            torch.cuda.set_rng_state_all(gpus)


def _cuda_started() -> bool:
    started: bool = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    return started


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence torch's exporter, which warns, logs and prints; a training's output stays its own."""
    level = logging.root.manager.disable
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.CRITICAL)
        try:
            with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
                yield
        finally:
            logging.disable(level)

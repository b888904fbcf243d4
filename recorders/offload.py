"""Copies that recording makes: device tensors as values that the writer's thread may keep.

On a CPU a copy is made at once. On CUDA it goes to pinned memory without waiting; what is handed on is a function that
waits for the copy's event, to be called on the writer's thread. It keeps source and target alive until then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

Vector = np.ndarray | Callable[[], np.ndarray]
Scalar = float | Callable[[], float]
State = Mapping[str, Tensor] | Callable[[], Mapping[str, Tensor]]


def vector_to_host(flat: Tensor) -> Vector:
    """Return a fresh tensor [P] that nobody else holds as an array, or as a function that yields one."""
    if flat.device.type != "cuda":
        return flat.cpu().numpy()
    wait = _copy_out({"": flat})
    return lambda: wait()[""].numpy()


def state_to_host(state: Mapping[str, Tensor]) -> State:
    """Return copies of a model's tensors on the CPU, or a function that yields them."""
    here = {name: _cpu_copy(tensor) for name, tensor in state.items() if tensor.device.type != "cuda"}
    there = {name: tensor for name, tensor in state.items() if tensor.device.type == "cuda"}
    if not there:
        return here
    # No second copy on the device: the optimizer's step comes later on the same stream, so it waits for these reads.
    wait = _copy_out({name: tensor.detach() for name, tensor in there.items()})
    return lambda: {name: here[name] if name in here else wait()[name] for name in state}


def scalars_to_host(values: Mapping[str, float | Tensor]) -> dict[str, Scalar]:
    """Return numbers as they are, 0-dimensional tensors as numbers or, on CUDA, as functions that share one copy."""
    scalars: dict[str, Scalar] = {name: float(value) for name, value in values.items() if not _on_cuda(value)}
    device = {name: value.detach().double() for name, value in values.items() if _on_cuda(value)}  # type: ignore[union-attr]
    if device:
        first = next(iter(device.values())).device
        wait = _copy_out({"": torch.stack([value.reshape(()).to(first) for value in device.values()])})
        for index, name in enumerate(device):
            scalars[name] = lambda index=index: float(wait()[""][index])  # type: ignore[misc]
    return scalars


def _on_cuda(value: float | Tensor) -> bool:
    return isinstance(value, Tensor) and value.device.type == "cuda"


def _cpu_copy(tensor: Tensor) -> Tensor:
    """Return a contiguous copy on the CPU that shares nothing with the original."""
    plain = tensor.detach().to_dense() if tensor.layout != torch.strided else tensor.detach()
    return plain.to("cpu", copy=True, memory_format=torch.contiguous_format)


def _copy_out(sources: dict[str, Tensor]) -> Callable[[], dict[str, Tensor]]:
    """Start copies to pinned memory on the current stream of each device; the result waits for them."""
    targets = {
        name: torch.empty(source.shape, dtype=source.dtype, device="cpu", pin_memory=True)
        for name, source in sources.items()
    }
    events = []
    for name, source in sources.items():
        targets[name].copy_(source.detach(), non_blocking=True)
    for device in {source.device for source in sources.values()}:
        event = torch.cuda.Event()  # type: ignore[no-untyped-call]
        event.record(torch.cuda.current_stream(device))
        events.append(event)

    def wait() -> dict[str, Tensor]:
        for event in events:
            event.synchronize()
        sources.clear()  # the originals were kept for the copy alone
        return targets

    return wait

"""The parameters under study: their names, which are selected, in which order they are flattened, and their blocks.

A run names parameters as the plain model does, whatever it was wrapped in. The flat vector [P] holds the selected ones
row-major in the order of the model's parameters. A tied parameter counts once, under the first of its names. What a
name means, and where a stack is cut, is decided in `roles`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final, TypeVar

import torch
from torch import Tensor, nn

from recorders.errors import UsageError
from recorders.format import RecordedBlock
from recorders.recording_options import DEFAULT_SELECT
from recorders.selection.roles import ATTENTION, EMBEDDING, MLP, blocks_of, kind_of

_T = TypeVar("_T")
_COMPILED = "_orig_mod"
_WRAPPERS = ("DistributedDataParallel", "DataParallel")
ALL: Final = "all"
PRESETS: Final = (ATTENTION, MLP, EMBEDDING, ALL)
_NAMES_SHOWN: Final = 12
"""Parameters that a message about an unknown name lists: enough to see how this model names things."""


def unwrap(model: nn.Module) -> nn.Module:
    """Return the model inside `torch.compile` and data-parallel wrappers."""
    while (inner := _inner(model)) is not None:
        model = inner
    return model


def _inner(model: nn.Module) -> nn.Module | None:
    inner = getattr(model, "module" if type(model).__name__ in _WRAPPERS else _COMPILED, None)
    return inner if isinstance(inner, nn.Module) else None


def clean(name: str) -> str:
    """Return a name without the segments of compiled submodules: `h.0._orig_mod.attn.weight` → `h.0.attn.weight`."""
    return ".".join(segment for segment in name.split(".") if segment != _COMPILED)


def saved_tensors(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Yield parameters, then persistent buffers, by their own names, a shared one under each of its modules."""
    # Not state_dict(): that runs hooks of the user's, which may do anything and rename what they like.
    yield from model.named_parameters()
    for prefix, module in model.named_modules():
        for name, buffer in module.named_buffers(recurse=False):
            if name not in module._non_persistent_buffers_set:
                yield f"{prefix}.{name}" if prefix else name, buffer


def clean_names(values: Mapping[str, _T]) -> dict[str, _T]:
    """Return the same values under clean names."""
    return {clean(name): value for name, value in values.items()}


@dataclass(frozen=True)
class ModelParameter:
    """One parameter of the model; a tied one appears once."""

    name: str
    tensor: Tensor
    offset: int | None
    """Index of its first number in the flat vector; None when it is not selected."""


@dataclass(frozen=True)
class Selection:
    """The selected parameters of a model and their places in the flat vector [P]."""

    spec: tuple[str, ...]
    parameters: tuple[ModelParameter, ...]
    """Every parameter, selected or not, in the model's order."""
    blocks: tuple[RecordedBlock, ...]
    """The blocks tile the flat vector."""
    untrained: tuple[str, ...] = ()
    """Names that the selection by default leaves out, as nothing trains these parameters."""

    @property
    def chosen(self) -> list[Tensor]:
        """Return the selected parameters, in flattening order."""
        return [parameter.tensor for parameter in self.parameters if parameter.offset is not None]

    @property
    def size(self) -> int:
        """Return P, the length of a row."""
        return sum(tensor.numel() for tensor in self.chosen)

    @property
    def dtype(self) -> torch.dtype:
        """Return the dtype of stored rows: float64 where a selected parameter is, float32 for everything narrower."""
        wide = any(tensor.dtype == torch.float64 for tensor in self.chosen)
        return torch.float64 if wide else torch.float32

    def flatten(self, tensors: Sequence[Tensor | None]) -> Tensor:
        """Return a fresh vector [P] of tensors shaped like the selected parameters; None stands for zeros."""
        chosen = self.chosen
        flat = torch.empty(self.size, dtype=self.dtype, device=chosen[0].device)
        offset = 0
        for parameter, tensor in zip(chosen, tensors, strict=True):
            piece = flat[offset : offset + parameter.numel()]
            offset += parameter.numel()
            if tensor is None:
                piece.zero_()
            else:
                dense = tensor.to_dense() if tensor.layout != torch.strided else tensor
                piece.view(parameter.shape).copy_(dense.detach())  # a gradient may have a graph: create_graph=True
        return flat

    def pieces(self, flat: Tensor) -> list[Tensor]:
        """Return views of a vector [P], shaped like the selected parameters and in their order: `flatten` undone."""
        chosen = self.chosen
        pieces = torch.split(flat, [parameter.numel() for parameter in chosen])
        return [piece.view(parameter.shape) for parameter, piece in zip(chosen, pieces, strict=True)]


def select(model: nn.Module, spec: Sequence[str] = (), trained: Collection[Tensor] | None = None) -> Selection:
    """Return the parameters that presets and globs name.

    Args:
        model: the model, free of wrappers.
        spec: presets (`attention`, `mlp`, `embedding`, `all`) and globs over parameter names, joined. Empty takes, of
            the parameters that are trained, the attention projections, or all where there are none.
        trained: what optimizers step; None where that is not known. A frozen parameter is not trained in any case.

    Raises:
        UsageError: a preset or glob matches nothing that can be recorded.
    """
    own_names = [name for name, _ in model.named_parameters()]
    parameters_by_name = clean_names(dict(model.named_parameters()))
    kinds = {
        name: kind_of(model, own, parameters_by_name[name])
        for own, name in zip(own_names, parameters_by_name, strict=True)
    }
    candidates = parameters_by_name if spec else _trained(parameters_by_name, trained)
    words = tuple(spec) or ((DEFAULT_SELECT,) if DEFAULT_SELECT in {kinds[name] for name in candidates} else (ALL,))
    selected_names: set[str] = set().union(*(_matches(word, model, parameters_by_name, kinds) for word in words))
    selected_names &= candidates.keys()
    parameters, blocks, offset = [], [], 0
    for own, (name, tensor) in zip(own_names, parameters_by_name.items(), strict=True):
        parameters.append(ModelParameter(name, tensor, offset if name in selected_names else None))
        if name in selected_names:
            blocks += blocks_of(model, own, name, tensor, offset)
            offset += tensor.numel()
    untrained = tuple(name for name in parameters_by_name if name not in candidates)
    return Selection(words, tuple(parameters), tuple(blocks), untrained)


def _trained(
    parameters_by_name: Mapping[str, nn.Parameter], trained: Collection[Tensor] | None
) -> dict[str, nn.Parameter]:
    """Return the parameters that can be selected by default; all of them where none seems to be trained."""
    unfrozen = {
        name: tensor for name, tensor in parameters_by_name.items() if _holds_numbers(tensor) and tensor.requires_grad
    }
    ids = {id(tensor) for tensor in trained or ()}
    stepped = {name: tensor for name, tensor in unfrozen.items() if id(tensor) in ids}
    return stepped or unfrozen or dict(parameters_by_name)


def _matches(
    word: str, model: nn.Module, parameters_by_name: dict[str, nn.Parameter], kinds: dict[str, str | None]
) -> set[str]:
    if word == ALL:
        names = set(parameters_by_name)
    elif word in PRESETS:
        names = {name for name, kind in kinds.items() if kind == word}
        if word == MLP and not names:
            names = _linear_weights(model, parameters_by_name, kinds)
    else:
        names = {name for name in parameters_by_name if fnmatchcase(name, word)}
    names = {name for name in names if _holds_numbers(parameters_by_name[name])}
    if not names:
        choices = f"presets are {', '.join(PRESETS)}; {_some_names(parameters_by_name)}"
        raise UsageError(f"select: {word!r} matches no parameter; {choices}")
    return names


def _holds_numbers(tensor: Tensor) -> bool:
    return tensor.is_floating_point() and tensor.numel() > 0


def _linear_weights(
    model: nn.Module, parameters_by_name: dict[str, nn.Parameter], kinds: dict[str, str | None]
) -> set[str]:
    """Return the weights of linear layers: a bare MLP has no module called one."""
    weights = {id(module.weight) for module in model.modules() if isinstance(module, nn.Linear)}
    return {name for name, tensor in parameters_by_name.items() if id(tensor) in weights and kinds[name] is None}


def _some_names(parameters_by_name: dict[str, nn.Parameter]) -> str:
    names = ", ".join(list(parameters_by_name)[:_NAMES_SHOWN])
    more = len(parameters_by_name) - _NAMES_SHOWN
    return f"the parameters are {names}" + (f" and {more} more" if more > 0 else "")

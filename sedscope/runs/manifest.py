"""`run.json` as frozen dataclasses: what was recorded, of which parameters, with which optimizer.

Decides what a run must say about itself before anything else of it is read. Unknown members are ignored: a later
recorder of the same format version may add some.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from recorders.errors import NotARunError, RefusedError
from recorders.format import FORMAT_VERSION, MAX_INTEGER, RUN_FILE, RecordedBlock
from recorders.store import strictjson
from sedscope.runs.files.members import Members
from sedscope.runs.text import printable_json


@dataclass(frozen=True, slots=True)
class RecordedParameter:
    """One parameter of the model; a tied one is listed once."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    selected: bool
    offset: int | None
    """Where it starts in a row; None where it is not selected."""
    trainable: bool

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class ParameterGroup:
    """One parameter group of the optimizer as it was when recording began."""

    parameters: tuple[str, ...]
    settings: Mapping[str, Any]
    """lr, weight_decay, betas, eps … by the optimizer's own names."""


@dataclass(frozen=True, slots=True)
class Optimizer:
    """The optimizer's class name and its groups."""

    name: str
    groups: tuple[ParameterGroup, ...]

    def is_decoupled(self, group: ParameterGroup) -> bool:
        """Return whether weight decay is a step of its own, −lr·λ·θ (AdamW), instead of a term of the gradient."""
        return self.name == "AdamW" or group.settings.get("decoupled_weight_decay") is True


@dataclass(frozen=True, slots=True)
class RecordingSettings:
    """The options of the recorder."""

    every: int
    """Steps between recorded t."""
    sources: tuple[str, ...]
    weights_every: int | None
    """Steps between two stored states, a multiple of `every`; None where only the first and the last are stored."""
    settings: Mapping[str, Any]
    """All options, as they stand in `run.json`."""


@dataclass(frozen=True)
class Manifest:
    """Everything that `run.json` says. All text is printable."""

    run_id: str
    name: str | None
    created: str | None
    command: tuple[str, ...]
    git: Mapping[str, Any] | None
    versions: Mapping[str, Any]
    device: str | None
    tasks: tuple[str, ...]
    """The tasks known when recording began; `Run.tasks` has the later ones too."""
    parameters: tuple[RecordedParameter, ...]
    spec: tuple[str, ...]
    """The selection as the user wrote it: a preset or globs."""
    P: int
    """Length of a row."""
    row_dtype: str
    """float32 or float64."""
    blocks: tuple[RecordedBlock, ...]
    optimizer: Optimizer | None
    recording: RecordingSettings
    intervention: Any
    seed: int | str | None
    """As a string where it lies beyond ±2^53."""

    @cached_property
    def selected(self) -> tuple[RecordedParameter, ...]:
        """The selected parameters in the order of a row."""
        return tuple(parameter for parameter in self.parameters if parameter.selected)


def parse_manifest(text: bytes, path: str) -> Manifest:
    """Return the manifest behind the bytes of `run.json`.

    Raises:
        NotARunError: another tool's file, or a format newer than this version reads.
        DamagedError: not JSON.
        RefusedError: a member is not what it must be.
    """
    value = strictjson.loads(text, f"{path}/{RUN_FILE}")
    if not isinstance(value, dict) or "format_version" not in value:
        raise NotARunError(f"{path}: {RUN_FILE} has no format_version: not a run of sedscope")
    members = Members(value, f"{path}/{RUN_FILE}")
    if (version := members.integer("format_version", 1)) > FORMAT_VERSION:
        raise NotARunError(f"{path}: format {version}, but this version reads up to {FORMAT_VERSION}: update sedscope")
    manifest = _manifest(members)
    _check_layout(manifest, members)
    return manifest


def _manifest(members: Members) -> Manifest:
    selection, recording = members.object("selection"), members.object("recording")
    if (row_dtype := selection.text("row_dtype")) not in ("float32", "float64"):
        selection.refuse("row_dtype", "float32 or float64")
    return Manifest(
        run_id=members.text("run_id"),
        name=members.text("name") if members.has("name") else None,
        created=members.text("created") if members.has("created") else None,
        command=members.texts("command") if members.has("command") else (),
        git=printable_json(members.value.get("git")),
        versions=printable_json(members.value.get("versions")) or {},
        device=members.text("device") if members.has("device") else None,
        tasks=members.texts("tasks"),
        parameters=tuple(_parameter(item) for item in members.objects("parameters")),
        spec=selection.texts("spec") if selection.has("spec") else (),
        P=selection.integer("P"),
        row_dtype=row_dtype,
        blocks=tuple(_block(item) for item in members.objects("blocks")),
        optimizer=_optimizer(members.object("optimizer")) if members.has("optimizer") else None,
        recording=RecordingSettings(
            every=recording.integer("every", 1),
            sources=recording.texts("sources") if recording.has("sources") else (),
            weights_every=recording.integer("weights_every") or None if recording.has("weights_every") else None,
            settings=printable_json(recording.value),
        ),
        intervention=printable_json(members.value.get("intervention")),
        seed=printable_json(members.value.get("seed")),
    )


def _parameter(members: Members) -> RecordedParameter:
    selected = members.boolean("selected")
    return RecordedParameter(
        name=members.text("name"),
        shape=members.integers("shape"),
        dtype=members.text("dtype"),
        selected=selected,
        offset=members.integer("offset") if selected else None,
        trainable=members.boolean("trainable"),
    )


def _block(members: Members) -> RecordedBlock:
    return RecordedBlock(
        name=members.text("name"),
        parameter=members.text("parameter"),
        offset=members.integer("offset"),
        size=members.integer("size"),
        shape=members.integers("shape"),
        layer=members.integer("layer") if members.has("layer") else None,
        role=members.text("role") if members.has("role") else None,
    )


def _optimizer(members: Members) -> Optimizer:
    groups = [
        ParameterGroup(item.texts("parameters") if item.has("parameters") else (), printable_json(item.value))
        for item in members.objects("groups")
    ]
    return Optimizer(members.text("class"), tuple(groups))


def _check_layout(manifest: Manifest, members: Members) -> None:
    """Refuse a manifest whose selected parameters do not tile a row, or a block outside its parameter."""
    end = 0
    for parameter in manifest.selected:
        if parameter.offset != end:
            raise RefusedError(
                f"{members.where}: {parameter.name} must start at {end}, found offset {parameter.offset}"
            )
        end += parameter.size
    if end != manifest.P or end > MAX_INTEGER:
        raise RefusedError(f"{members.where}: the selected parameters hold {end} elements, but P is {manifest.P}")
    by_name = {parameter.name: parameter for parameter in manifest.parameters}
    if len(by_name) != len(manifest.parameters):
        raise RefusedError(f"{members.where}: two parameters have the same name")
    for block in manifest.blocks:
        _check_block(block, by_name.get(block.parameter), members)


def _check_block(block: RecordedBlock, parameter: RecordedParameter | None, members: Members) -> None:
    if parameter is None or parameter.offset is None:
        raise RefusedError(f"{members.where}: block {block.name} belongs to no selected parameter")
    start = block.offset - parameter.offset
    if start < 0 or start + block.size > parameter.size or math.prod(block.shape) != block.size:
        raise RefusedError(f"{members.where}: block {block.name} must lie inside {block.parameter}")

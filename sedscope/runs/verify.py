"""The thorough look: every committed file's bytes against its CRCs, its tensors against journal and manifest.

Decides what `sedscope check` verifies. Damage that the quick look at names and sizes finds is decided in `directory`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from recorders.errors import DamagedError, RefusedError
from sedscope.runs.damage import Damage
from sedscope.runs.directory import Directory, first_of
from sedscope.runs.files.journal_lines import Line, ProbeLine, ProgramLine, ShardLine, TensorFile, WeightsLine
from sedscope.runs.files.tensors import TensorStore
from sedscope.runs.manifest import Manifest
from sedscope.runs.probe import read_probe, read_program
from sedscope.runs.rows import check_rows
from sedscope.runs.scalars import read_scalars

Progress = Callable[[int], None]


def find_damage(directory: Directory, tensors: TensorStore, progress: Progress | None) -> Iterator[Damage]:
    """Yield the damage of every file that some session committed and that is there with the size it must have."""
    damaged = {damage.file for damage in directory.damage}
    for session in directory.sessions:
        for line in session.lines:
            for name, t, check in _checks(directory, tensors, line):
                if name in damaged or directory.is_missing(name):
                    continue
                try:
                    size = check()
                except DamagedError as error:
                    yield Damage(name, directory.folder.reason(error, name), t, session.number)
                else:
                    if progress is not None:
                        progress(size)


def _checks(
    directory: Directory, tensors: TensorStore, line: Line
) -> Iterator[tuple[str, int | None, Callable[[], int]]]:
    """Yield name, first t that depends on it, and check of each file that a line commits."""
    manifest = directory.manifest
    if isinstance(line, ShardLine):
        yield line.file.name, first_of(line), lambda: _shard(tensors, line, manifest)
    elif isinstance(line, WeightsLine):
        yield line.file.name, None, lambda: _weights(tensors, line.file, manifest)
    elif isinstance(line, ProbeLine):
        yield line.file.name, None, lambda: _probe(tensors, line)
    elif isinstance(line, ProgramLine):
        yield line.file, None, lambda: len(read_program(directory.folder, line))
        if line.constants is not None:
            constants = line.constants
            yield constants.name, None, lambda: _tensors(tensors, constants)


def _shard(tensors: TensorStore, line: ShardLine, manifest: Manifest) -> int:
    with tensors.open(line.file) as file:
        for source in line.rows:
            check_rows(file, line, source, manifest)
        ends = [t for series in read_scalars(file).values() for t in (series[0][:1], series[0][-1:]) if len(t)]
        first_and_last = (int(min(ends)[0]), int(max(ends)[0])) if ends else None
        if first_and_last != line.scalars:
            file.damaged(f"its scalars run over t = {first_and_last}, the journal says {line.scalars}")
        return file.verify_all()


def _weights(tensors: TensorStore, file: TensorFile, manifest: Manifest) -> int:
    with tensors.open(file) as opened:
        for parameter in manifest.selected:
            opened.expect(parameter.name, opened[parameter.name].dtype, parameter.shape)
        return opened.verify_all()


def _probe(tensors: TensorStore, line: ProbeLine) -> int:
    try:
        read_probe(tensors, line)
    except RefusedError as error:
        raise DamagedError(str(error)) from error
    return _tensors(tensors, line.file)


def _tensors(tensors: TensorStore, file: TensorFile) -> int:
    with tensors.open(file) as opened:
        return opened.verify_all()

"""The thorough look: every committed file's bytes against its CRCs, its tensors against journal and manifest.

Decides what `sedscope check` verifies. Damage that the quick look at names and sizes finds is decided in `directory`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from recorders.errors import DamagedError, RefusedError
from sedscope.runs.damage import Damage
from sedscope.runs.directory import Directory
from sedscope.runs.files.journal_lines import (
    Line,
    ProbeLine,
    ProgramLine,
    ShardLine,
    TensorFile,
    WeightsLine,
    committed,
)
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
        for line, file, t in ((each, *entry) for each in session.lines for entry in committed(each)):
            if file.name in damaged or file.name in directory.missing_weights:
                continue
            try:
                size = _checked_bytes(directory, tensors, line, file)
            except DamagedError as error:
                lost = None if isinstance(line, WeightsLine) else t
                yield Damage(file.name, directory.folder.reason(error, file.name), lost, session.number)
            else:
                if progress is not None:
                    progress(size)


def _checked_bytes(directory: Directory, tensors: TensorStore, line: Line, file: TensorFile) -> int:
    """Return the size of a file that a line commits; raises `DamagedError` where it is not what was written."""
    match line:
        case ShardLine():
            return _shard(tensors, line, directory.manifest)
        case ProgramLine() if file.name == line.file:
            return len(read_program(directory.folder, line))
        case ProbeLine():
            try:
                read_probe(tensors, line)
            except RefusedError as error:
                raise DamagedError(str(error)) from error
    with tensors.open(file) as opened:
        for parameter in directory.manifest.selected if isinstance(line, WeightsLine) else ():
            opened.expect(parameter.name, opened[parameter.name].dtype, parameter.shape)
        return opened.verify_all()


def _shard(tensors: TensorStore, line: ShardLine, manifest: Manifest) -> int:
    with tensors.open(line.file) as file:
        for source in line.rows:
            check_rows(file, line, source, manifest)
        ends = [t for series in read_scalars(file).values() for t in (series[0][:1], series[0][-1:]) if len(t)]
        first_and_last = (int(min(ends)[0]), int(max(ends)[0])) if ends else None
        if first_and_last != line.scalars:
            file.damaged(f"its scalars run over t = {first_and_last}, the journal says {line.scalars}")
        return file.verify_all()

"""The runs that a path stands for: itself, or the runs in a folder.

Decides where runs are looked for (the folder and one level below) and that one bad run does not hide the others.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from recorders.errors import DamagedError, NotARunError, SedscopeError
from recorders.format import RUN_FILE
from sedscope.runs.run import Run
from sedscope.runs.text import printable, printable_path


@dataclass(frozen=True, slots=True)
class RunOrError:
    """A run directory that could be opened, or the error that says why not."""

    path: Path
    run: Run | None
    error: SedscopeError | None

    @property
    def shown(self) -> str:
        """The path, printable."""
        return printable_path(self.path)

    def opened(self) -> Run:
        """Return the run; raises its error where there is one."""
        if self.run is None:
            raise self.error or NotARunError(f"{self.shown}: not a run")
        return self.run


def find_runs(path: Path | str) -> list[RunOrError]:
    """Return the run at `path`, or every run in the folder `path`, by name.

    A folder inside counts as a run when it has a `run.json`; what cannot be opened is listed with its error.

    Raises:
        NotARunError: no such folder, or neither a run nor a folder with runs.
    """
    return [open_or_error(run_path) for run_path in run_paths(path)]


def run_paths(path: Path | str) -> list[Path]:
    """Return the paths of the runs that `find_runs` would open; raises as it does."""
    path = Path(path)
    if _has_run_file(path) or not path.is_dir():
        return [path] if path.is_dir() else _nothing(path, "no such folder")
    try:
        # A link such as `latest` beside the run that it points to is the same run.
        inside = sorted({str(Path(entry).resolve()): entry.path for entry in _folders(path)}.values())
    except OSError as error:
        raise NotARunError(f"{printable_path(path)}: {(error.strerror or str(error)).lower()}") from error
    paths = [Path(name) for name in inside if _has_run_file(Path(name))]
    return paths or _nothing(path, f"not a run (no {RUN_FILE}), and no run in it")


def open_or_error(path: Path) -> RunOrError:
    """Open the run at `path`, or return the error that says why it cannot be opened."""
    try:
        return RunOrError(path, Run(path), None)
    except Exception as error:  # noqa: BLE001  whatever one run does to its reader must not hide the others
        return RunOrError(path, None, run_error(path, error))


def run_error(path: Path, error: Exception) -> SedscopeError:
    """Return what an error says of the run that was being read: one of ours as it is, any other as damage.

    Readers raise errors of ours for whatever is known to happen. Another one (no memory, an operating system's error, a
    value that no recorder wrote) is that run's all the same, and must not end what is done with others.
    """
    if isinstance(error, SedscopeError):
        return error
    text = error.strerror or str(error) if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
    return DamagedError(f"{printable_path(path)}: cannot be read: {printable((text.splitlines() or [''])[0])}")


def _folders(path: Path) -> list[os.DirEntry[str]]:
    """Return the folders inside, links first, so that a folder's own name replaces that of a link to it."""
    with os.scandir(path) as entries:
        return sorted(filter(_is_folder, entries), key=lambda entry: not entry.is_symlink())


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _has_run_file(path: Path) -> bool:
    try:
        return os.path.lexists(path / RUN_FILE)
    except OSError:
        return False


def _nothing(path: Path, reason: str) -> list[Path]:
    raise NotARunError(f"{printable_path(path)}: {reason}")

"""The runs that a path stands for: itself, or the runs in a folder.

Decides where runs are looked for (the folder and one level below) and that one bad run does not hide the others.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from recorders.errors import NotARunError, SedscopeError
from recorders.format import RUN_FILE
from sedscope.runs.run import Run
from sedscope.runs.text import printable_path


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
    except PermissionError as error:
        raise NotARunError(f"{printable_path(path)}: permission denied") from error
    paths = [Path(name) for name in inside if _has_run_file(Path(name))]
    return paths or _nothing(path, f"not a run (no {RUN_FILE}), and no run in it")


def open_or_error(path: Path) -> RunOrError:
    """Open the run at `path`, or return the error that says why it cannot be opened."""
    try:
        return RunOrError(path, Run(path), None)
    except SedscopeError as error:
        return RunOrError(path, None, error)


def _folders(path: Path) -> list[os.DirEntry[str]]:
    """Return the folders inside, links first, so that a folder's own name replaces that of a link to it."""
    with os.scandir(path) as entries:
        return sorted((entry for entry in entries if entry.is_dir()), key=lambda entry: not entry.is_symlink())


def _has_run_file(path: Path) -> bool:
    try:
        return os.path.lexists(path / RUN_FILE)
    except OSError:
        return False


def _nothing(path: Path, reason: str) -> list[Path]:
    raise NotARunError(f"{printable_path(path)}: {reason}")

"""Options of the viewer, as the command line reads them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sedscope.tui.app.preferences import settings_path, state_path


@dataclass(frozen=True, slots=True)
class Options:
    """The options that the viewer starts with."""

    paths: tuple[Path, ...]
    """Runs, or folders of runs."""
    tab: str | None = None
    """Tab to begin with; None for the last one."""
    theme: str | None = None
    ascii: bool = False
    sixteen: bool = False
    """Draw with the terminal's own sixteen colours."""
    settings_file: Path = field(default_factory=settings_path)
    state_file: Path = field(default_factory=state_path)

"""Options of the command line, the user's settings, and the viewer's memory of its last end.

`view.toml` in the user's config folder is written by the user alone; unknown or unusable entries are said, not fatal.
`view.json` in the state folder (last tab, theme, settings) is written by the viewer, atomically; a broken one counts as
none. Neither is needed.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from recorders.store.durable import replace_file
from sedscope.analysis.settings import setting_rows

SETTINGS_FILE: Final = "view.toml"
STATE_FILE: Final = "view.json"
_MOST_BYTES: Final = 1 << 20
"""Bytes of a file that are read: a settings file that is larger is none, and must not fill the memory."""

_VIEW_KEYS: Final[dict[str, type]] = {"theme": str, "ascii": bool, "mouse": bool}
_ANALYSIS_KEYS: Final[dict[str, type]] = {
    row.name: str if row.kind == "choice" else int
    for row in setting_rows()
    if row.viewer is not None or row.name == "random"
}


@dataclass(frozen=True, slots=True)
class Preferences:
    """The user's settings in `view.toml`."""

    theme: str | None = None
    """Name of a theme; None takes the last one."""
    ascii: bool = False
    mouse: bool = True
    analysis: Mapping[str, Any] = field(default_factory=dict)
    """Values for `sedscope.analysis.settings.Settings`, `window` and `rank` as single numbers."""
    problems: tuple[str, ...] = ()
    """Lines about what was not understood."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """The state that the viewer wrote at its last end."""

    tab: str | None = None
    theme: str | None = None
    analysis: Mapping[str, Any] = field(default_factory=dict)


def settings_path() -> Path:
    """Return where the user's settings are looked for."""
    from platformdirs import user_config_path

    return user_config_path("sedscope") / SETTINGS_FILE


def state_path() -> Path:
    """Return the path of the file in which the viewer remembers."""
    from platformdirs import user_state_path

    return user_state_path("sedscope") / STATE_FILE


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


def read_preferences(path: Path) -> Preferences:
    """Read the user's settings; an absent file is no problem, a broken one is a line."""
    try:
        document = tomllib.loads(path.read_bytes()[:_MOST_BYTES].decode())
    except FileNotFoundError:
        return Preferences()
    except (OSError, ValueError) as error:
        return Preferences(problems=(f"{path}: not used: {_first_line(error)}",))
    view, problems = _checked(document.pop("view", {}), _VIEW_KEYS, "view", path)
    analysis, more = _checked(document.pop("analysis", {}), _ANALYSIS_KEYS, "analysis", path)
    unknown = [f"{path.name}: [{name!s}] is not known; there are [view] and [analysis]" for name in document]
    return Preferences(**view, analysis=analysis, problems=(*problems, *more, *unknown))


def read_remembered(path: Path) -> Remembered:
    """Read what was remembered; nothing where that cannot be read."""
    try:
        document = json.loads(path.read_bytes()[:_MOST_BYTES])
    except (OSError, ValueError):
        return Remembered()
    if not isinstance(document, dict):
        return Remembered()
    tab, theme = (document.get(name) if isinstance(document.get(name), str) else None for name in ("tab", "theme"))
    analysis, _ = _checked(document.get("analysis", {}), _ANALYSIS_KEYS, "analysis", path)
    return Remembered(tab, theme, analysis)


def remember(path: Path, state: Remembered) -> str | None:
    """Write what is to be remembered; why not, where it could not be written."""
    data = json.dumps(asdict(state), indent=1, default=dict)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, f"{data}\n".encode(), private=True)
    except OSError as error:
        return f"{path}: {error.strerror}"
    return None


def _checked(entries: Any, types: Mapping[str, type], table: str, path: Path) -> tuple[dict[str, Any], list[str]]:
    """Return the usable entries of a table, and a line about each of the others."""
    if not isinstance(entries, dict):
        return {}, [f"{path.name}: {table} must be a table"]
    good, problems = {}, []
    for name, value in entries.items():
        if name not in types:
            problems.append(f"{path.name}: {table}.{name!s} is not known; there are {', '.join(types)}")
        elif type(value) is not types[name]:
            problems.append(f"{path.name}: {table}.{name} must be {types[name].__name__}, found {value!r}")
        else:
            good[name] = value
    return good, problems


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]

"""One line of settings with the keys that change them: `W 20  K 3  a trailing`. A click does what the key does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget


@dataclass(frozen=True, slots=True)
class Setting:
    """One of them."""

    key: str
    text: str
    """Name and value in a word or two."""
    action: str
    """Action of the tab that shows the setting."""


class SettingsBar(Widget):
    """Settings in their order; those without room are left out, the first ones last."""

    DEFAULT_CSS = "SettingsBar { height: 1; width: 1fr; color: $foreground; }"

    @dataclass
    class SettingClicked(Message):
        """A setting was clicked."""

        action: str

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._settings: tuple[Setting, ...] = ()

    def show(self, settings: Sequence[Setting]) -> None:
        """Show these."""
        if tuple(settings) != self._settings:
            self._settings = tuple(settings)
            self.refresh()

    def render(self) -> Content:
        """Draw keys and texts."""
        parts: list[Content] = []
        for setting in self._fitting():
            parts += [Content.styled(f" {setting.key}", "bold $primary"), Content(f" {setting.text} ")]
        return Content("").join(parts)

    def on_click(self, event: events.Click) -> None:
        """Say which setting is under the mouse."""
        x = event.x
        for setting in self._fitting():
            x -= _width(setting)
            if x < 0:
                event.stop()
                self.post_message(self.SettingClicked(setting.action))
                return

    def _fitting(self) -> tuple[Setting, ...]:
        room, fitting = self.size.width, []
        for setting in self._settings:
            room -= _width(setting)
            if room < 0:
                break
            fitting.append(setting)
        return tuple(fitting)


def _width(setting: Setting) -> int:
    return cell_len(setting.key) + cell_len(setting.text) + 3

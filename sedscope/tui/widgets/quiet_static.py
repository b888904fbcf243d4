"""A few words on the screen that are often said again: nothing is laid out or sent where they are the same."""

from __future__ import annotations

from typing import Any

from textual.content import Content
from textual.widgets import Static


class Words(Static):
    """Never read as markup."""

    def __init__(self, **options: Any) -> None:
        super().__init__("", markup=False, **options)
        self._said = Content("")

    def say(self, content: Content) -> None:
        """Show these words."""
        if (content.plain, content.spans) != (self._said.plain, self._said.spans):
            self._said = content
            self.update(content)

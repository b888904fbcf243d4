"""A few words on the screen that are often said again: nothing is laid out or sent where they are the same."""

from __future__ import annotations

from typing import Any

from textual.content import Content
from textual.widgets import Static


class QuietStatic(Static):
    """Never read as markup."""

    def __init__(self, **options: Any) -> None:
        super().__init__("", markup=False, **options)
        self._content_shown = Content("")

    def say(self, content: Content) -> None:
        """Show these words."""
        if (content.plain, content.spans) != (self._content_shown.plain, self._content_shown.spans):
            self._content_shown = content
            self.update(content)

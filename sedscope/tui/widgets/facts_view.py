"""Sections of (name, value) lines as a scrolling page: names in a column, values hanging beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from sedscope.tui.data.facts import Section

_NAME = 13
_LEAST_WIDTH = 20


class FactsView(VerticalScroll, can_focus=True):
    """A run's facts as a page; a new text keeps the scroll."""

    DEFAULT_CSS = """
    FactsView { padding: 0 1; height: 1fr; width: 1fr; scrollbar-size-vertical: 1; scrollbar-gutter: stable; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._page = FactsPage()

    def compose(self) -> ComposeResult:
        yield self._page

    def show(self, sections: Sequence[Section]) -> None:
        self._page.show(tuple(sections))


class FactsPage(Widget):
    """The text, wrapped at the width that it has."""

    ALLOW_SELECT = True
    DEFAULT_CSS = "FactsPage { height: auto; width: 1fr; }"

    def __init__(self) -> None:
        super().__init__()
        self._sections: tuple[Section, ...] = ()

    def show(self, sections: tuple[Section, ...]) -> None:
        if sections != self._sections:
            self._sections = sections
            self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return page(self._sections, width).plain.count("\n") + 1

    def render(self) -> Content:
        return page(self._sections, self.size.width)


def page(sections: Sequence[Section], width: int) -> Content:
    """Return the sections as text of at most `width` characters a line."""
    parts: list[Content] = []
    width = max(width, _LEAST_WIDTH)
    for index, (title, facts) in enumerate(sections):
        parts.append(Content.styled(("\n" if index else "") + f"{title}\n", "bold $accent"))
        named = any(name for name, _ in facts)
        for name, value in facts:
            parts += _fact(name, value, _NAME if named else 0, width)
    return Content("").join(parts)


def _fact(name: str, value: str, indent: int, width: int) -> Iterator[Content]:
    """Yield one name and its value; a value that is longer than a line goes on below itself."""
    lines = wrap(value, max(width - indent, _LEAST_WIDTH // 2), break_on_hyphens=False) or [""]
    if indent:
        label = name if len(name) < indent else name[: indent - 2] + "…"
        yield Content.styled(f"{label:<{indent}}", "$foreground 55%")
    yield Content(f"{lines[0]}\n")
    for line in lines[1:]:
        yield Content(" " * indent + line + "\n")

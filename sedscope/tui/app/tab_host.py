"""The tabs that were made, which one is shown, and what the others have not heard yet.

Decides when a tab hears of a change: at once where it is shown, else when it is shown again, once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from textual.containers import Container

from sedscope.tui.tabs import TABS, entry
from sedscope.tui.tabs.tab import Tab

if TYPE_CHECKING:
    from sedscope.tui.data.shell import Shell

News = Literal["run", "cursor", "settings", "marks"]
# The run before the cursor, which is put on what the run draws; settings last, which ask about the run that is there.
_ORDER: tuple[News, ...] = ("marks", "run", "cursor", "settings")


class TabHost(Container):
    """Holds the tabs; each is imported, made and mounted when it is first shown."""

    DEFAULT_CSS = "TabHost { height: 1fr; width: 1fr; }"

    def __init__(self, shell: Shell) -> None:
        super().__init__()
        self._shell = shell
        self._tabs: dict[str, Tab] = {}
        self._unheard: dict[str, set[News]] = {tab.name: set() for tab in TABS}
        self.active = ""
        """Name of the tab that is shown."""

    @property
    def tab(self) -> Tab | None:
        """The tab that is shown."""
        return self._tabs.get(self.active)

    def tab_named(self, name: str) -> Tab | None:
        """Return a tab that was shown before, else None."""
        return self._tabs.get(name)

    async def show(self, name: str) -> bool:
        """Show a tab; whether that changed anything."""
        tab_entry = entry(name)
        if tab_entry is None or name == self.active:
            return False
        before, tab = self.tab, self._tabs.get(name)
        if tab is None:
            try:
                tab = tab_entry.make()
            except Exception as error:  # noqa: BLE001 - a broken tab is a line, the others go on
                self.tab_failed(name, error)
                return False
            self._tabs[name] = tab
            self._unheard[name] = set(_ORDER)
            await self.mount(tab)
        if before is not None:
            before.display = False
        tab.display = True
        self.active = name
        self._catch_up()
        tab.shown()
        return True

    def tell(self, what: News) -> None:
        """Pass a change on: to the shown tab now, to the others when they are shown again."""
        for unheard in self._unheard.values():
            unheard.add(what)
        self._catch_up()

    def _catch_up(self) -> None:
        tab = self.tab
        if tab is None:
            return
        unheard, self._unheard[self.active] = self._unheard[self.active], set()
        for what in _ORDER:
            if what in unheard and tab.is_attached:
                with self.lines_for_errors():
                    self._tell(tab, what)

    def _tell(self, tab: Tab, what: News) -> None:
        if what == "run":
            tab.run_changed(self._shell.data)
        elif what == "cursor":
            tab.cursor_moved(self._shell.cursor)
        elif what == "settings":
            tab.settings_changed()
        else:
            tab.marks_changed()

    @contextmanager
    def lines_for_errors(self) -> Iterator[None]:
        """Run code of the shown tab; where it fails, a line says so and the viewer goes on."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - a broken tab is a line, the others go on
            if self.app.is_running:  # else an answer came while the viewer ends: the tab's widgets are gone already
                self.tab_failed(self.active, error)

    def tab_failed(self, name: str, error: Exception) -> None:
        """Say in a line that a tab's code raised an error."""
        self._shell.say(f"{name}: {type(error).__name__}: {error}"[:300], "error")

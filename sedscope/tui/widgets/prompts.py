"""Short questions in a line above the footer: a step to jump to, words to filter by, a number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option


class Prompt(ModalScreen[str | None]):
    """One line of input; Enter answers, Escape gives None. `choices` can be clicked or taken with the arrows."""

    DEFAULT_CSS = """
    Prompt { align: center bottom; background: $background 0%; }
    Prompt > Vertical {
        width: 100%; height: auto; max-height: 14; background: $surface; border-top: heavy $primary; padding: 0 1;
    }
    Prompt Input, Prompt Input:focus { border: none; height: 1; padding: 0; background: $surface; }
    Prompt Static { height: 1; color: $text-muted; }
    Prompt #wrong { color: $text-error; }
    Prompt OptionList { height: auto; max-height: 8; border: none; background: $surface; padding: 0; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel"),
        Binding("down", "focus_choices", "Choices", show=False),
    ]

    def __init__(
        self,
        question: str,
        *,
        value: str = "",
        choices: Sequence[tuple[str, str]] = (),
        check: Callable[[str], str | None] = lambda _: None,
    ) -> None:
        """Make the prompt; `choices` are (answer, meaning), `check` says in a line what is wrong with an answer."""
        super().__init__()
        self._question, self._value, self._choices, self._check = question, value, choices, check

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(Content(self._question))
            yield Input(self._value)
            yield Static("", id="wrong", markup=False)
            if self._choices:
                yield OptionList(*(Option(Content(text), id=str(i)) for i, (_, text) in enumerate(self._choices)))

    def on_mount(self) -> None:
        """Type at once."""
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answer, or say what is wrong."""
        event.stop()
        wrong = self._check(event.value.strip())
        if wrong is None:
            self.dismiss(event.value.strip())
        else:
            self.query_one("#wrong", Static).update(Content(wrong))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(self._choices[event.option_index][0])

    def action_focus_choices(self) -> None:
        if self._choices:
            self.query_one(OptionList).focus()

    def action_cancel(self) -> None:
        self.dismiss(None)

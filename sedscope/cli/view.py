"""`sedscope view`: its flags, and one hand-off to `sedscope.tui`."""

from __future__ import annotations

from pathlib import Path

import click

from sedscope.tui.tabs import TABS

_HELP = f"""Look at runs in the terminal, finished or still being recorded.

PATHS are run directories or folders of them; without any, ./runs or else this folder. Results that are missing are
computed when a tab needs them, in a process of their own, and kept in your cache directory.

\b
  sedscope view                     every run under ./runs
  sedscope view runs/add-mul        one run
  ssh box -t sedscope view runs/    the same over SSH; nothing but text is sent

\b
Inside:
  {f"1-{len(TABS)}":<14}{", ".join(tab.name for tab in TABS)}
  arrows, g     move the step cursor that all tabs share; jump to a step
  [ ]  + -  l   pick a curve, zoom, log or linear
  space, /      mark a run to compare it; filter
  ?  :  q       help on the tab, every action, quit
"""


@click.command(help=_HELP)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--tab", type=click.Choice([tab.name.lower() for tab in TABS]), help="Tab to begin with.  [default: the last one]"
)
@click.option("--theme", metavar="NAME", help="Colours of the screen; t in the viewer lists them.")
@click.option(
    "--color",
    type=click.Choice(["auto", "never", "16", "256", "truecolor"]),
    default="auto",
    show_default=True,
    help="Colours to send; auto follows the terminal and NO_COLOR.",
)
@click.option("--ascii", is_flag=True, help="Draw with ASCII signs alone.")
@click.option("--no-mouse", is_flag=True, help="Leave the mouse to the terminal, for selecting text.")
def view(paths: tuple[Path, ...], tab: str | None, theme: str | None, color: str, ascii: bool, no_mouse: bool) -> int:
    from sedscope.tui.app.launch import view as show
    from sedscope.tui.app.preferences import Options

    def options() -> Options:
        here = Path("runs") if Path("runs").is_dir() else Path()
        chosen = None if tab is None else tab.capitalize()
        return Options(paths or (here,), chosen, theme, ascii, sixteen=color == "16")

    return show(options, color, mouse=not no_mouse)

"""The pictures of the viewer in this folder, made from the sample runs: `python docs/make_pictures.py`.

Runs the viewer without a terminal, waits until a tab shows its results, and saves the screen as SVG. Results are
computed where they are not kept yet; the sample runs are copied first, so that nothing is written into them.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from sedscope.tui.app.app import Viewer
from sedscope.tui.app.preferences import Options
from sedscope.tui.plot.plot_widget import Plot
from sedscope.tui.tabs.tab import Tab

HERE = Path(__file__).resolve().parent
SAMPLE_RUNS = HERE.parent / "sample_runs"
SIZE = (132, 38)
PATIENCE = 600.0
PICTURES = {"Coupling": "addition", "Overview": "addition"}
"""Tab → the run that it is shown with; Overview says a verdict once Coupling has analysed the run."""


async def until(condition: Callable[[], object], what: str) -> None:
    end = monotonic() + PATIENCE
    while not condition():
        if monotonic() > end:
            raise TimeoutError(f"not within {PATIENCE:.0f} s: {what}")
        await asyncio.sleep(0.1)


def has_curves(tab: Tab | None) -> bool:
    return tab is not None and any(plot.chart.series for plot in tab.query(Plot))


async def picture(runs: Path, tab: str, run: str, scratch: Path) -> str:
    """The screen as SVG, the cursor on the grok step."""
    app = Viewer(Options((runs / run,), tab, None, False, False, scratch / "view.toml", scratch / "view.json"))
    async with app.run_test(size=SIZE) as pilot:
        await until(lambda: app.data is not None, f"{run} is read")
        assert app.data is not None
        await until(lambda: has_curves(app.tab), f"{tab} has curves")
        await until(lambda: app.is_idle, f"{tab} is complete")
        grok = next((getattr(one.grokking.grok[0], "t", None) for one in app.data.milestones), None)
        app.set_cursor(None if grok is None else float(grok))
        await pilot.pause(1.0)
        return with_local_fonts(app.export_screenshot(title=f"sedscope view {run}"))


def with_local_fonts(svg: str) -> str:
    """Without the fonts that the exporter would fetch from a server: a picture loads nothing."""
    svg = re.sub(r"@font-face \{.*?\n    \}\n", "", svg, flags=re.DOTALL)
    return svg.replace("font-family: Fira Code,", "font-family: DejaVu Sans Mono, Menlo, Consolas,")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        runs = Path(shutil.copytree(SAMPLE_RUNS, scratch / "runs"))
        for tab, run in PICTURES.items():
            path = HERE / f"view-{tab.lower()}.svg"
            path.write_text(asyncio.run(picture(runs, tab, run, scratch)))
            print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()

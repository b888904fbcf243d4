"""What importing the plots loads, in a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys


def outcome(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip()


def test_data_and_drawing_need_no_textual() -> None:
    code = (
        "import sys; import sedscope.tui.plot.data, sedscope.tui.plot.curves, "
        "sedscope.tui.plot.heatmap.heatmap_draw, sedscope.tui.plot.legend, sedscope.tui.plot.moves; "
        "print([m for m in ('textual', 'torch', 'polars') if m in sys.modules])"
    )
    assert outcome(code) == "[]"


def test_the_widgets_add_little_to_textual_and_numpy() -> None:
    code = (
        "import numpy, textual.app, textual.binding, textual.strip, textual.events, time; "
        "start = time.process_time(); "
        "import sedscope.tui.plot.legend_widget, sedscope.tui.plot.heatmap.heatmap_widget; "
        "print(time.process_time() - start)"
    )
    assert (
        min(float(outcome(code)) for _ in range(3)) < 0.15
    )  # 0.05 to 0.09 s on a machine with eight busy processes on two cores

"""The page for where there is no run: how to record one, and the sample runs where they are at hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from textual.content import Content

from recorders.format import RUN_FILE


def sample_runs() -> Path | None:
    """Return the folder of the project's sample runs, where this is a checkout of it."""
    import sedscope

    folder = Path(sedscope.__file__).resolve().parent.parent / "sample_runs"
    try:
        return folder if any((entry / RUN_FILE).is_file() for entry in folder.iterdir()) else None
    except OSError:
        return None


def how_to_record(problems: Sequence[str]) -> Content:
    """Return the page in the place of the table."""
    head = [Content.assemble((f"{problem}\n", "$warning")) for problem in problems]
    lines = [
        *head,
        Content.styled("\nNo run here yet. Record one:\n\n", "bold"),
        Content.styled("  sedscope record train.py --lr 1e-3\n\n", "bold $primary"),
        Content(
            "The script runs unchanged; its gradients, updates and weights go into runs/, and show up here while it"
            " trains. Three calls in the script give the rest, and do nothing when nobody records:\n\n"
        ),
    ]
    for code, meaning in (
        ('sedscope.probe(model, task="add", inputs=(a, b), targets=y)', "features: once, before the training"),
        ('sedscope.backward({"add": loss_add, "mul": loss_mul})', "gradients and losses of each task"),
        ('sedscope.log({"test_acc/add": accuracy})', "metrics, and with them the grok step"),
    ):
        lines.append(Content.assemble(("  " + code, "$primary"), ("\n    " + meaning + "\n", "$foreground 60%")))
    if sample_runs() is not None:
        lines.append(
            Content.assemble("\nOr look around first: press ", ("o", "bold $primary"), " for the sample runs.")
        )
    return Content("").join(lines)

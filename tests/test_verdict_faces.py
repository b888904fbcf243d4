"""The verdict on one run: the same words on every face, and first on each."""

from __future__ import annotations

import asyncio
import html
import json
import re
from pathlib import Path

import pytest
from analysed_run import TOML, analysed_run
from textual.content import Content
from viewing import until, viewing

from sedscope.analysis.result_view.verdict import headline_verdicts
from sedscope.cli.main import run
from sedscope.tui.tabs.coupling.coupling_tab import CouplingTab
from sedscope.tui.tabs.overview.overview_tab import OverviewTab
from sedscope.tui.widgets.facts_view import FactsPage
from sedscope.tui.widgets.quiet_static import QuietStatic

FLAGS = ["--window", "6", "--rank", "2", "--probes", "48", "--random", "3", "--checkpoints", "4"]
"""The settings of `analysed_run`."""


def flat(text: str) -> str:
    """The text as one line, as a reader sees it."""
    return " ".join(html.unescape(text).replace("\\", "").split())


def test_every_face_says_the_same_words_and_says_them_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, analysis = analysed_run(tmp_path)
    (verdict,) = headline_verdicts(analysis)
    words, out = flat(verdict.words), tmp_path / "report"
    assert re.search(r"\d× \[.+–.+\] of .+, the strongest of 3 controls.+displacement", words)

    check = f'low(over_control(source="{verdict.source}")) > 1000'
    assert run(["report", str(path), *FLAGS, "--out", str(out), "--check", check]) == 1
    shown = capsys.readouterr().out
    block, _, checks = shown.partition("FAILED")
    assert words in flat(block)[: len(words) + 100]  # below the name of the run
    assert words in flat(checks)
    assert run(["report", str(path), *FLAGS]) == 0
    assert words in flat(capsys.readouterr().out)

    first = json.loads((out / "report.json").read_text())["runs"][0]["verdicts"][0]
    assert (flat(first["words"]), first["claim"]) == (words, verdict.claim)
    for page in ("report.md", "report.html"):
        text = flat(re.sub(r"<[^>]+>", " ", (out / page).read_text()))
        assert words in text
        assert text.index(words) < text.index("over training with its")

    (tmp_path / "view.toml").write_text(TOML)
    monkeypatch.chdir(tmp_path)

    async def session() -> None:
        async with viewing(path, folder=tmp_path, size=(200, 60), tab="Overview") as (app, _):
            overview = app._host.tab
            assert isinstance(overview, OverviewTab)
            page = overview.query_one(FactsPage)
            await until(lambda: words in flat(page.render().plain), "the verdict in Overview")
            assert flat(page.render().plain).startswith(f"Verdict {words}")
            app.go_to("Coupling")
            await until(lambda: isinstance(app._host.tab, CouplingTab), "the tab Coupling")
            coupling = app._host.tab
            assert isinstance(coupling, CouplingTab)
            line = coupling.query_one("#verdict", QuietStatic)
            await until(lambda: words in flat(str(line.render())), "the verdict in Coupling")
            assert coupling.children[0] is line
            assert isinstance(line.content, Content)

    asyncio.run(session())

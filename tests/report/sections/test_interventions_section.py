"""The comparison in the page, in Markdown and as a table."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from comparison_samples import outcome, paper
from report_samples import HOSTILE

from sedscope.analysis.interventions import Outcome, compare
from sedscope.analysis.pipeline.results import RunAnalysis
from sedscope.analysis.settings import Settings
from sedscope.report.document import Document, Section, Table
from sedscope.report.facts import Reported, RunFacts
from sedscope.report.formats.html import render_html
from sedscope.report.formats.markdown import render_markdown
from sedscope.report.formats.table_files import tables as tables_of
from sedscope.report.sections.compose import compose
from sedscope.report.sections.interventions_section import comparison_section


def section(*outcomes: Outcome) -> Section:
    return comparison_section(compare(outcomes), ())


def tables(found: Section) -> dict[str, list[list[str]]]:
    (inner,) = found.sections
    return {
        block.name: [[f"{cell.text} {cell.detail}".strip() for cell in row] for row in block.rows]
        for block in inner.blocks
        if isinstance(block, Table)
    }


def test_tables_hold_quotients_and_every_seed() -> None:
    found = tables(section(*paper()))
    assert found["speedups"][2] == [
        "keep-sed K 3 on gradient, basis applied", "3 of 3", "867 692–1,010", "900",
        "3.46× n = 3, 2.9–4.2", "3.00× n = 3, 2.6–3.6", "0.050",
    ]  # fmt: skip
    assert found["speedups"][3][4] == "< 0.938× n = 3, 0–2.0"
    assert found["beside"] == [["keep-sed K 3 on gradient, basis applied", "freeze", "0.961× n = 3, 0.78–1.2",
                                "0.969× n = 3, 0.82–1.1"]]  # fmt: skip
    assert len(found["seeds"]) == 12
    assert found["seeds"][-1][1:] == ["7", "—", "—", "100", "—", "0", "100", "5,000", "< 0.660×", "< 0.700×"]


def test_a_missing_freeze_stands_in_the_place_of_the_number() -> None:
    (inner,) = section(*paper(freeze=False)).sections
    (beside,) = (block for block in inner.blocks if isinstance(block, Table) and block.name == "beside")
    assert beside.rows[0][1].note == 1
    assert beside.notes[0].endswith("cannot tell a subspace from no movement")


def test_without_a_task_nothing_is_timed() -> None:
    found = section(replace(outcome("freeze", "1", 900), tasks=()))
    assert found.sections == () and "names a task" in render_markdown(Document("", "", (found,)))


@pytest.fixture
def document(one_task: RunAnalysis, facts: RunFacts) -> Document:
    runs = [Reported(replace(one_task, path=one.path, name=one.name), facts) for one in paper()[:2]]
    return compose(runs, (), Settings(), "sedscope report runs", None, compare(paper()))


def test_the_page_opens_with_what_the_interventions_did(document: Document) -> None:
    page, text = render_html(document), render_markdown(document)
    for written in (page, text):
        assert "cannot tell the subspace from no movement" in written.split("Seeds")[0]
    assert 'id="comparison-1"' in page and 'href="#about-speedup"' in page and 'href="#about-restricted"' in page
    assert [one.name for one in document.figures() if one.name.startswith("comparison")] == ["comparison-1-curves"]


def test_curves_are_drawn_for_each_run_and_group() -> None:
    (figure,) = (one for one in compose((), (), Settings(), "", None, compare(paper())).figures())
    assert figure.svg.count("n = 3: ") == 4
    short = [outcome("control", "1", 3000), outcome("freeze", "1", 900, end=1200), outcome("freeze", "2", 900)]
    assert compose((), (), Settings(), "", None, compare(short)).figures()[0].svg.startswith("<svg")
    never = replace(short[0], tasks=(replace(short[0].tasks[0], test=(np.empty(0, np.int64), np.empty(0))),))
    nothing = replace(never, treatment=short[1].treatment)
    assert compose((), (), Settings(), "", None, compare([nothing])).figures() == ()


def test_foreign_names_are_escaped() -> None:
    runs = [replace(outcome(mode, "1", 900, task=HOSTILE, command=(HOSTILE,)), name=HOSTILE) for mode in
            ("control", "freeze")]  # fmt: skip
    document = compose((), (), Settings(), "", None, compare(runs))
    assert "<script>" not in render_html(document)
    assert "<script" not in render_markdown(document).replace(f"```text\n{HOSTILE}", "").split("```text")[0]


def test_the_table_of_runs_holds_bounds() -> None:
    table = tables_of((), compare(paper()))["interventions"]
    row = table.filter(table["run"] == "remove-sed-add-7").to_dicts()[0]
    assert (row["grok_step"], row["followed_to"], row["speedup_low"], row["mode"]) == (None, 5000, None, "remove-sed")
    assert row["speedup_high"] == pytest.approx(0.66)
    control = table.filter(table["mode"] == "control").to_dicts()[0]
    assert (control["grok_step"], control["speedup_low"], control["norm_kept"]) == (2900, None, None)
    nothing = tables_of(())["interventions"]
    assert nothing.columns == table.columns and nothing.height == 0

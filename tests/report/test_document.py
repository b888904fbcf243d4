"""The report as a page and as Markdown: whole, the same each time, and safe whatever things are called."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from report_samples import HOSTILE, hostile

from sedscope.analysis.glossary import GLOSSARY
from sedscope.analysis.pipeline.results import CouplingSeries, RunAnalysis
from sedscope.analysis.settings import Settings
from sedscope.report.document import Document
from sedscope.report.facts import Failure, Reported, RunFacts
from sedscope.report.formats.html import render_html
from sedscope.report.formats.markdown import code, escaped, render_markdown
from sedscope.report.plots.figure_canvas import standalone
from sedscope.report.sections.compose import compose

VOID = {"meta", "link", "br", "img", "hr", "input"}
COMMAND = "sedscope report runs --out report"


class Page(HTMLParser):
    """What a browser would see: elements, references, and text; unbalanced elements are an error."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.ids: list[str] = []
        self.references: list[str] = []
        self.tags: set[str] = set()
        self.texts: list[str] = []
        self.attributes: set[str] = set()
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self._note(tag, attrs)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._note(tag, attrs)

    def _note(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in ("href", "src", "xlink:href", "srcset", "data", "action"):
                self.references.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return "".join(self.texts)


OF_SEVERAL_RUNS = ("crossed", "seeds", "speedup", "interval_seeds", "restricted")
"""Entries that a report of one run has no use for."""


def document(*runs: RunAnalysis, facts: RunFacts, failures: tuple[Failure, ...] = ()) -> Document:
    return compose([Reported(run, facts) for run in runs], failures, Settings(), COMMAND)


def test_the_page_is_whole_and_refers_to_nothing_outside(evidence: RunAnalysis, facts: RunFacts) -> None:
    text = render_html(document(evidence, facts=facts))
    page = Page(text)
    assert "script" not in page.tags
    assert len(set(page.ids)) == len(page.ids)
    assert all(reference.startswith("#") for reference in page.references)
    assert {reference[1:] for reference in page.references} <= set(page.ids)
    assert not re.findall(r"url\((?!#)|@import", text)


def test_every_glossary_entry_is_there_and_every_section(evidence: RunAnalysis, facts: RunFacts) -> None:
    page = Page(render_html(document(evidence, facts=facts)))
    assert {f"about-{key}" for key in GLOSSARY} <= set(page.ids)
    assert {f"#about-{key}" for key in GLOSSARY if key not in OF_SEVERAL_RUNS} <= set(page.references)
    names = ("metrics", "coupling", "measures", "stages", "spectra", "blocks", "alignment", "angles")
    assert {f"run-1-{name}" for name in names} <= set(page.ids)
    assert page.ids.index("verdict") < page.ids.index("run-1") < page.ids.index("methods")


def test_the_same_results_give_the_same_bytes(evidence: RunAnalysis, facts: RunFacts) -> None:
    first, second = (document(evidence, facts=facts) for _ in range(2))
    assert render_html(first) == render_html(second)
    assert render_markdown(first) == render_markdown(second)
    assert [standalone(one.svg) for one in first.figures()] == [standalone(one.svg) for one in second.figures()]


def test_hostile_names_are_text_in_the_page(evidence: RunAnalysis, facts: RunFacts) -> None:
    page = Page(render_html(document(hostile(evidence), facts=facts, failures=(Failure(HOSTILE, HOSTILE, 3),))))
    assert "script" not in page.tags
    assert not [name for name in page.attributes if name.startswith("on")]
    assert page.text.count(HOSTILE) > 10
    assert all(reference.startswith("#") for reference in page.references)


def test_hostile_names_mean_nothing_in_markdown(evidence: RunAnalysis, facts: RunFacts) -> None:
    text = render_markdown(document(hostile(evidence), facts=facts, failures=(Failure(HOSTILE, HOSTILE, 3),)))
    outside = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", text)
    assert "<script" not in outside
    assert "http://" not in outside
    assert "@you" not in outside
    assert "$" not in outside
    page = Page(MarkdownIt("gfm-like", {"linkify": False}).render(text))
    assert "script" not in page.tags
    assert all(one.startswith(("#about-", "figures/run-1-")) for one in page.references)


def test_rows_of_markdown_tables_have_as_many_cells_as_heads(evidence: RunAnalysis, facts: RunFacts) -> None:
    for run in (evidence, hostile(evidence)):
        text = render_markdown(document(run, facts=facts))
        tables = re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE)
        assert len(tables) == MarkdownIt("gfm-like", {"linkify": False}).render(text).count("<table>") >= 10
        for table in tables:
            head, *rows = [len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()]
            assert len(rows) > 1 and set(rows) == {head}


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a_b*c", "a\\_b\\*c"),
        ("<b> & $x$", "&lt;b&gt; &amp; &#36;x&#36;"),
        ("a|b [c](d)", "a\\|b \\[c\\](d)"),
        ("@me http://x", "@<!-- -->me http:<!-- -->//x"),
        ("two\nlines", "two lines"),
    ],
)
def test_signs_are_escaped(text: str, written: str) -> None:
    assert escaped(text) == written


@pytest.mark.parametrize(("text", "written"), [("a", "`a`"), ("a`b", "``a`b``"), ("`", "`` ` ``"), ("a\nb", "`a b`")])
def test_names_are_code(text: str, written: str) -> None:
    assert code(text) == written


def test_what_was_not_measured_is_said(
    one_task: RunAnalysis, facts: RunFacts, undefined_series: Callable[[str, str, str], CouplingSeries]
) -> None:
    absent = undefined_series("gradient/add", "add", "gradient/add: no committed rows yet")
    text = render_markdown(document(replace(one_task, coupling=(*one_task.coupling, absent)), facts=facts))
    assert "\\[1\\] gradient/add: no committed rows yet" in text
    assert "Principal angles: **not measured** (two sources are needed)." in text
    assert "no control was measured (control/shuffled/add was not analysed), so nothing says whether it serves" in text
    assert "No control was measured, so the figures lack their [band](#about-control_band)." in text


def test_a_run_without_a_probe_still_has_a_report(one_task: RunAnalysis, facts: RunFacts) -> None:
    bare = replace(one_task, tasks=(), metrics=(), rank90=(), coupling=(), notes=("no probe was recorded",))
    text = render_markdown(document(bare, facts=facts))
    assert "**add**: coupling to features is not known (no probe was recorded)." in text
    assert "| `update` | 25 | 3 | 1 | 2.00 | 1.62 | 0 of 0 |" in text
    Page(render_html(document(bare, facts=facts)))


def test_a_report_of_nothing_lists_why(facts: RunFacts) -> None:
    text = render_markdown(document(facts=facts, failures=(Failure("runs/bad", "not a run", 3),)))
    assert "runs/bad could not be analysed: not a run." in text


def test_methods_state_the_settings_and_the_command(evidence: RunAnalysis, facts: RunFacts) -> None:
    text = render_markdown(document(evidence, facts=facts))
    assert f"```text\n{COMMAND}\n```" in text
    assert "top K = 3 right singular vectors of the trailing window of W = 20 rows" in text
    assert "mean over 1,024 probes" in text
    assert "attention (131,072 parameters)" in text


def test_stages_are_a_table_and_a_sentence(evidence: RunAnalysis, facts: RunFacts) -> None:
    text = render_markdown(document(evidence, facts=facts))
    assert (
        "Centroids of **add**: most coupling is lost at **adaptive step**, to 0.32 of the stage before; by R^matched at"
        " **update**, to 0.50 of the stage before." in text
    )
    assert "| adaptive step adam/adaptive | 24.0 | × 0.32 | 20.0 | × 0.62 | 0 of 1 |" in text


def test_blocks_and_alignment_and_angles(evidence: RunAnalysis, facts: RunFacts) -> None:
    lines = render_markdown(document(evidence, facts=facts)).splitlines()
    assert "| `fixed_gradient/add` | energy | 50 % | 50 % |" in lines
    assert "|  | coupling | 75 % | 25 % |" in lines
    assert "| `fixed_gradient/add` | +0.20 | +0.10 | +0.20 | 2 of 2 | 0 of 2 |" in lines
    floor = lines.index("| `fixed_gradient/add` | itself, another batch | 0.90 | 0.80 | 1 | 0 of 1 |")
    assert lines[floor + 1] == "| `fixed_gradient/add` | `displacement` | 0.50 | 0.30 | 1 | 0 of 1 |"


def test_several_windows_each_have_their_sections(evidence: RunAnalysis, facts: RunFacts) -> None:
    wide = tuple(replace(one, window=40) for one in evidence.coupling)
    spectra = tuple(replace(one, window=40) for one in evidence.spectra)
    both = replace(evidence, coupling=evidence.coupling + wide, spectra=evidence.spectra + spectra)
    page = Page(render_html(document(both, facts=facts)))
    assert len(set(page.ids)) == len(page.ids)
    assert {"run-1-coupling", "run-1-2-coupling"} <= set(page.ids)


def test_runs_that_differ_in_the_seed_are_put_together(evidence: RunAnalysis, facts: RunFacts) -> None:
    runs = [Reported(replace(evidence, name=seed), replace(facts, seed=seed)) for seed in ("1", "2")]
    text = render_markdown(compose(runs, (), Settings(), COMMAND))
    assert "## Over 2 seeds: 1, 2" in text
    assert (
        "- Over 2 seeds (1, 2), `add`: gradient over its strongest control **0.99×** (geometric mean; 0.99×–0.99×),"
        " above 1 by its interval in 0 of 2; gradient over displacement **14×** (geometric mean; 14×–14×), above 1 by"
        " its interval in 2 of 2." in text
    )
    assert "| `displacement` | 5.00 | 5.00 | 5.00 | 5.000–5.000 |" in text


def test_the_glossary_says_what_a_quantity_does_not_show() -> None:
    for entry in GLOSSARY.values():
        assert entry.text.endswith(".") and entry.limit.endswith(".")


def test_the_readers_page_names_every_table() -> None:
    from sedscope.report.formats.table_files import tables

    documented = (Path(__file__).parents[2] / "docs" / "report.md").read_text()
    for name, table in tables([]).items():
        assert f"| `{name}` |" in documented
        columns = [one for one in table.columns if one not in ("run", "path") and not one.endswith(("_low", "_high"))]
        assert [one for one in columns if f"`{one}`" not in documented] == []

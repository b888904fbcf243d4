"""The files of a report: `report.html`, `report.md` with its figures, `report.json`, and the tables.

Decides their names. All are rendered before the first is written; each is written whole; the page that refers to others
comes last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from sedscope.analysis.interventions import InterventionComparison
from sedscope.analysis.pipeline.results import RunAnalysis
from sedscope.analysis.settings import Settings
from sedscope.report.document import Document
from sedscope.report.facts import Failure
from sedscope.report.formats.html import render_html
from sedscope.report.formats.markdown import FIGURE_FOLDER, render_markdown
from sedscope.report.formats.report_json import render_json
from sedscope.report.formats.table_files import tables, to_csv, to_parquet
from sedscope.report.formats.whole_files import HTML_NAME, prepare_folder, write_whole
from sedscope.report.plots.figure_canvas import standalone

JSON_NAME = "report.json"
MARKDOWN_NAME = "report.md"
TABLE_FOLDER = "tables"


def render_files(
    document: Document,
    analyses: Sequence[RunAnalysis],
    failures: Sequence[Failure],
    settings: Settings,
    comparison: InterventionComparison | None = None,
) -> dict[str, str | bytes]:
    """Return the content of every file of a report by its name in the folder.

    Args:
        document: What the pages say.
        analyses: The analysed runs.
        failures: The others.
        settings: What all were asked for.
        comparison: Of the runs; None where no run has an intervention.
    """
    files: dict[str, str | bytes] = {JSON_NAME: render_json(analyses, failures, settings, comparison)}
    for name, table in tables(analyses, comparison).items():
        files |= {f"{TABLE_FOLDER}/{name}.parquet": to_parquet(table), f"{TABLE_FOLDER}/{name}.csv": to_csv(table)}
    files |= {f"{FIGURE_FOLDER}/{figure.name}.svg": standalone(figure.svg) for figure in document.figures()}
    return files | {MARKDOWN_NAME: render_markdown(document), HTML_NAME: render_html(document)}


def write_files(out: Path, files: Mapping[str, str | bytes]) -> None:
    """Write the files of a report into the folder `out`, which exists.

    Raises:
        InputOutputError: A file cannot be written.
    """
    for folder in (TABLE_FOLDER, FIGURE_FOLDER):
        prepare_folder(out / folder)
    for name, content in files.items():
        write_whole(out / name, content)

"""The files of a report: `report.html`, `report.md` with its figures, `report.json`, and the tables.

Decides their names. Each is written whole; the page that refers to others comes last.
"""

from __future__ import annotations

from collections.abc import Sequence
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


def write_report(
    out: Path,
    document: Document,
    analyses: Sequence[RunAnalysis],
    failures: Sequence[Failure],
    settings: Settings,
    comparison: InterventionComparison | None = None,
) -> None:
    """Write every file of a report.

    Args:
        out: The folder, which exists.
        document: What the pages say.
        analyses: The analysed runs.
        failures: The others.
        settings: What all were asked for.
        comparison: Of the runs; None where no run has an intervention.

    Raises:
        InputOutputError: A file cannot be written.
    """
    write_whole(out / JSON_NAME, render_json(analyses, failures, settings, comparison))
    prepare_folder(out / TABLE_FOLDER)
    for name, table in tables(analyses, comparison).items():
        write_whole(out / TABLE_FOLDER / f"{name}.parquet", to_parquet(table))
        write_whole(out / TABLE_FOLDER / f"{name}.csv", to_csv(table))
    prepare_folder(out / FIGURE_FOLDER)
    for figure in document.figures():
        write_whole(out / FIGURE_FOLDER / f"{figure.name}.svg", standalone(figure.svg))
    write_whole(out / MARKDOWN_NAME, render_markdown(document))
    write_whole(out / HTML_NAME, render_html(document))

"""Tables: what they hold, and that a spreadsheet runs none of it."""

from __future__ import annotations

import csv
from io import BytesIO, StringIO

import polars as pl
import pytest
from report_samples import HOSTILE, hostile

from sedscope.analysis.pipeline.results import RunAnalysis
from sedscope.report.formats.table_files import tables, to_csv, to_parquet


def test_coupling_holds_every_measure(evidence: RunAnalysis) -> None:
    table = tables([evidence])["coupling"]
    row = table.filter(pl.col("source") == "control/shuffled/add", pl.col("t") == 2000).to_dicts()[0]
    expected = {"rbar": 73.0, "rbar_low": 65.7, "rbar_high": 80.3, "rbar_matched": 10.0, "alignment_selected": -0.2,
                "alignment_all": -0.1, "spread_low": 70.0, "spread_high": 76.0, "participation": 4.5}  # fmt: skip
    assert {name: row[name] for name in expected} == pytest.approx(expected)
    assert (row["run"], row["task"], row["window"], row["rank"], row["full"]) == ("add", "add", 20, 3, True)


def test_what_is_undefined_is_null(one_task: RunAnalysis) -> None:
    table = tables([one_task])["coupling"]
    row = table.filter(pl.col("source") == "update", pl.col("t") == 0).to_dicts()[0]
    assert (row["rbar"], row["rbar_low"], row["rbar_matched"], row["alignment_all"]) == (None, None, None, None)
    assert table["rbar"].is_nan().sum() == 0


def test_blocks_have_energy_everywhere_and_coupling_where_it_was_measured(evidence: RunAnalysis) -> None:
    table = tables([evidence])["blocks"].filter(pl.col("source") == "displacement", pl.col("k") == 1)
    assert table.select("t", "block", "energy", "A").rows() == [
        (1000, "layers.0.attn.q", 0.5, None),
        (1000, "layers.0.attn.out_proj.weight", 0.5, None),
        (2000, "layers.0.attn.q", 0.5, 3.0),
        (2000, "layers.0.attn.out_proj.weight", 0.5, 1.0),
    ]


def test_a_report_of_nothing_has_every_table_with_its_columns() -> None:
    for name, table in tables([]).items():
        assert table.height == 0 and table.width > 3, name


def test_parquet_reads_back_and_is_the_same_each_time(evidence: RunAnalysis) -> None:
    for table in tables([evidence]).values():
        assert pl.read_parquet(BytesIO(to_parquet(table))).equals(table)
        assert to_parquet(table) == to_parquet(table)


def test_no_cell_is_a_formula(evidence: RunAnalysis) -> None:
    table = tables([hostile(evidence)])["coupling"]
    rows = list(csv.DictReader(StringIO(to_csv(table))))
    assert rows[0]["run"] == f"'={HOSTILE}"
    assert table["run"][0] == f"={HOSTILE}"
    numbers = {name for name, kind in table.schema.items() if kind != pl.String}
    for row in rows:
        assert not [name for name in set(row) - numbers if row[name].startswith(("=", "+", "-", "@"))]
    assert min(float(row["alignment_selected"]) for row in rows) == -0.2

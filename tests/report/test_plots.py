"""Figures: the same each time, in the page's own colours, whatever sources and tasks are called."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from report_samples import HOSTILE, hostile, measured

from sedscope.analysis.pipeline.results import RunAnalysis
from sedscope.analysis.undefined import Undefined
from sedscope.report.facts import RunFacts
from sedscope.report.plots.coupling_figures import alignment_figure, control_band, ratio_figure, shared_points
from sedscope.report.plots.figure_canvas import standalone
from sedscope.report.plots.run_figures import accuracy_figure, spectrum_figure
from sedscope.report.plots.strokes import look_of


def ratio(run: RunAnalysis) -> str:
    found = ratio_figure(run.coupling, run.rank90[0], "fig")
    assert found is not None
    return found


def test_text_stays_text_and_colours_are_the_page_s(evidence: RunAnalysis) -> None:
    svg = ratio(evidence)
    assert ">fixed_gradient/add</text>" in svg
    assert ">controls</text>" in svg
    assert "currentColor" in svg
    assert "#010203" not in svg
    assert "<metadata" not in svg
    assert all(found.startswith("fig-") for found in re.findall(r'id="([^"]+)"', svg))


def test_a_file_of_a_figure_is_xml(evidence: RunAnalysis) -> None:
    root = ElementTree.fromstring(standalone(ratio(evidence)))
    assert root.tag.endswith("svg")
    assert "viewBox" in root.attrib


@pytest.mark.parametrize("name", [HOSTILE, "_hidden", "", "x" * 400, "日本語 ✓ 🙂"])
def test_any_name_can_be_drawn(evidence: RunAnalysis, facts: RunFacts, name: str) -> None:
    series = [replace(one, source=f"gradient/{name}") for one in evidence.coupling]
    svg = ratio_figure(series, None, "fig")
    assert svg is not None
    ElementTree.fromstring(svg)
    assert "<script" not in svg
    known = replace(facts, metrics={f"test_acc/{name}": (np.array([0, 1]), np.array([0.0, 1.0]))})
    drawn = accuracy_figure(known, (name,), "acc")
    assert drawn is not None
    ElementTree.fromstring(drawn)


def test_hostile_runs_can_be_drawn(evidence: RunAnalysis) -> None:
    harmless, drawn = (ElementTree.fromstring(ratio(run)) for run in (evidence, hostile(evidence)))
    assert {element.tag for element in drawn.iter()} == {element.tag for element in harmless.iter()}


def test_the_band_holds_intervals_and_draws() -> None:
    control = measured("control/shuffled/add", (50.0, 60.0), spread=(40.0, 90.0))
    other = measured("control/cotangent/add", (30.0, 30.0))
    assert control_band([control, other, measured("update", (500.0, 500.0))]) == [
        (1000, (27.0, 90.0)),
        (2000, (27.0, 90.0)),
    ]


def test_nothing_to_draw_is_no_figure(evidence: RunAnalysis, facts: RunFacts) -> None:
    absent = Undefined("no probe")
    series = [
        replace(one, points=tuple(replace(point, ratio=absent, alignment=absent) for point in one.points))
        for one in evidence.coupling
    ]
    assert ratio_figure(series, None, "fig") is None
    assert alignment_figure(series, {}, "fig") is None
    assert spectrum_figure([], 3, "fig") is None
    assert accuracy_figure(facts, ("mul", "sub"), "fig") is None


def test_a_ratio_of_zero_has_no_place_on_a_logarithmic_axis() -> None:
    assert ratio_figure([measured("update", (0.0, 0.0))], None, "fig") is None


def test_seeds_meet_at_the_checkpoints_that_all_have() -> None:
    (point,) = shared_points([measured("update", (2.0, 3.0)), measured("update", (4.0,))])
    assert (point[0], point[1].value, point[1].ends) == (1000, 3.0, (2.0, 4.0))


def test_no_two_sources_look_alike() -> None:
    names = ("fixed_gradient/add", "fixed_gradient", "gradient/add", "gradient", "adam/momentum", "adam/adaptive",
             "adam/weight_decay", "update", "displacement", "stage/unclipped", "stage/decayed")  # fmt: skip
    looks = [look_of(name) for name in names]
    assert len({look.colour for look in looks}) == len(looks)
    assert len({(str(look.dash), look.marker) for look in looks}) == len(looks)

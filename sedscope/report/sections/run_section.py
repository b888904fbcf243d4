"""A run at one W and K as its sections see it, and the anchors that are unique in the document."""

from __future__ import annotations

from dataclasses import dataclass

from sedscope.analysis.pipeline.results import CouplingSeries, RunAnalysis
from sedscope.analysis.spectra.rolling_spectra import SpectrumSeries
from sedscope.analysis.undefined import Undefined
from sedscope.report.document import Content, Figure, Figures, Paragraph, Section, Strong, Words
from sedscope.report.facts import RunFacts


@dataclass(frozen=True, slots=True)
class RunAtBasis:
    """One run at one W and K, the subject of a section."""

    run: RunAnalysis
    facts: RunFacts
    window: int
    rank: int
    anchor: str
    """Begins every anchor and every name of a figure of this run."""

    @property
    def series(self) -> tuple[CouplingSeries, ...]:
        """The series of every source and task at this W and K."""
        return tuple(series for series in self.run.coupling if (series.window, series.rank) == (self.window, self.rank))

    @property
    def spectra(self) -> tuple[SpectrumSeries, ...]:
        """The spectra of every source at this W."""
        return tuple(series for series in self.run.spectra if series.window == self.window)

    def section(self, title: str, name: str, *contents: Content | None) -> Section:
        """Return a section of this run; contents that are None are left out."""
        return Section(title, f"{self.anchor}-{name}", tuple(content for content in contents if content is not None))


def side_by_side(*figures: Figure | None) -> Figures | None:
    """Return the figures that there are, to stand beside one another; None where there is none."""
    drawn = tuple(each for each in figures if each is not None)
    return Figures(drawn) if drawn else None


def figure(svg: str | None, name: str, alt: str, caption: Words) -> Figure | None:
    """Return a figure, or None where nothing was drawn."""
    return None if svg is None else Figure(name, svg, alt, caption)


def not_measured(what: str, reason: str | Undefined) -> Paragraph:
    """Return the sentence that stands in the place of contents that do not exist."""
    why = reason.reason if isinstance(reason, Undefined) else reason
    return Paragraph((f"{what}: ", Strong("not measured"), f" ({why})."), "aside")

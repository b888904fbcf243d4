"""What the sections of one run share: the run, its W and K, and anchors that are unique in the document."""

from __future__ import annotations

from dataclasses import dataclass

from sedscope.analysis.pipeline.results import CouplingSeries, RunAnalysis
from sedscope.analysis.spectra.spectrum_series import SpectrumSeries
from sedscope.analysis.undefined import Undefined
from sedscope.report.document import Block, Figure, Figures, Paragraph, Section, Strong, Words
from sedscope.report.facts import RunFacts
from sedscope.report.select import find


@dataclass(frozen=True, slots=True)
class Part:
    """One run at one W and K."""

    run: RunAnalysis
    facts: RunFacts
    window: int
    rank: int
    anchor: str
    """Begins every anchor and figure of it."""

    @property
    def series(self) -> tuple[CouplingSeries, ...]:
        """Every source and task at this W and K."""
        return tuple(one for one in self.run.coupling if (one.window, one.rank) == (self.window, self.rank))

    @property
    def spectra(self) -> tuple[SpectrumSeries, ...]:
        """Every source at this W."""
        return tuple(one for one in self.run.spectra if one.window == self.window)

    @property
    def sources(self) -> tuple[str, ...]:
        """In their order."""
        return tuple(dict.fromkeys(one.source for one in self.series))

    def of(self, source: str, task: str) -> CouplingSeries | None:
        """One series."""
        return find(self.run, source, task, self.window, self.rank)

    def section(self, title: str, name: str, *blocks: Block | None) -> Section:
        """A section of this run; blocks that are None are left out."""
        return Section(title, f"{self.anchor}-{name}", tuple(block for block in blocks if block is not None))


def side_by_side(*figures: Figure | None) -> Figures | None:
    """Those figures that there are."""
    known = tuple(one for one in figures if one is not None)
    return Figures(known) if known else None


def figure(svg: str | None, name: str, alt: str, caption: Words) -> Figure | None:
    """A figure, where something was drawn."""
    return None if svg is None else Figure(name, svg, alt, caption)


def not_measured(what: str, reason: str | Undefined) -> Paragraph:
    """What stands in the place of a section's contents."""
    why = reason.reason if isinstance(reason, Undefined) else reason
    return Paragraph((f"{what}: ", Strong("not measured"), f" ({why})."), "aside")

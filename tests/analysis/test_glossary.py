"""The glossary's words agree with the constants that numbers are made with, and with the pages that users read."""

from __future__ import annotations

from pathlib import Path

import pytest

from sedscope.analysis.constants import GROK_ACCURACIES, LEVEL
from sedscope.analysis.glossary import GLOSSARY
from sedscope.analysis.spectra.window_svd import FLAT_GAP
from sedscope.analysis.statistics.grokking import MEMORISED_ACCURACY

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("grok", f"at least {GROK_ACCURACIES[0]} (again at {GROK_ACCURACIES[1]})"),
        ("grok", f"train accuracy of at least {MEMORISED_ACCURACY} above chance"),
        ("participation", f"σ_K/σ_(K+1) < {FLAT_GAP}"),
        ("seeds", f"{100 * LEVEL:.0f} % interval"),
    ],
)
def test_thresholds_are_those_of_the_numbers(key: str, words: str) -> None:
    assert words in " ".join(GLOSSARY[key].text.split())


@pytest.mark.parametrize(
    "word",
    """R̄_k; R^logit; R^matched; 95 % interval; rank-90; grok step; memorisation step; delay; k*; gap; alignment; stages;
    flat spectrum; speed-up; restricted mean""".replace("\n    ", " ").split("; "),
)
def test_glossary_and_pages_for_users_call_a_quantity_by_the_same_word(word: str) -> None:
    assert any(word in entry.title for entry in GLOSSARY.values())
    assert any(word in path.read_text() for path in DOCS.glob("*.md"))

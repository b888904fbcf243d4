"""Words of the glossary that reports link to, as entries of a tab's help: a quantity is explained once."""

from __future__ import annotations

from sedscope.analysis.glossary import GLOSSARY


def entries(*names: str) -> tuple[tuple[str, str], ...]:
    """Return (title, what it is and what it does not show) of each name."""
    return tuple((GLOSSARY[name].title, f"{GLOSSARY[name].text} {GLOSSARY[name].limit}") for name in names)

"""Interventions, seeds and varied arguments, read from the words of a command line.

Decides the syntax: `control,keep-sed:on=update,rank=1,rank=3` is two modes, the second with settings of its own (a
setting that is given twice makes two interventions); `--ops=add,mul` is an argument of the script with two values,
which `;` parts where a value holds a comma.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import product

from recorders.errors import UsageError
from recorders.intervention import Intervention
from recorders.intervention.modes import MODES
from recorders.option_row import split_names
from sedscope.sweep.cell import FIELDS, plain, setting

_EXAMPLE = "keep-sed:on=update,rank=3"
_SEED = re.compile(r"[0-9]{1,20}")
"""The largest number that is allowed is the sweep's to say."""

Item = tuple[str, dict[str, list[str]]]
"""A mode and its own settings by flag, each with its values."""


def parse_interventions(
    texts: str | Iterable[str], common: Mapping[str, Sequence[str]] | None = None
) -> tuple[Intervention, ...]:
    """Return the interventions that the items name, each once, in their order.

    Args:
        texts: Items with commas between them, or several such texts.
        common: Flag → values, for every item that does not set the flag itself.

    Raises:
        UsageError: Not of this form, or no intervention could have these settings.
    """
    interventions = [intervention for item in _items(texts) for intervention in _expand(item, common or {})]
    if not interventions:
        raise UsageError(f"interventions: one or more of {', '.join(MODES)} are required, found none")
    return tuple(dict.fromkeys(interventions))


def parse_seeds(text: str) -> tuple[int, ...]:
    """Read `42,137` as (42, 137), each once."""
    words = split_names(text)
    if bad := [word for word in words if not _SEED.fullmatch(word)]:
        raise UsageError(f"seeds: whole numbers with commas are required, found {bad[0]!r:.80}")
    return tuple(dict.fromkeys(map(int, words)))


def parse_vary(texts: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Read `["--ops=add,mul", "lr=1e-3;3e-4"]` as arguments with their values, each once."""
    values_of: dict[str, tuple[str, ...]] = {}
    for text in texts:
        name, equals, values = text.partition("=")
        if not equals or not name.strip("-"):
            raise UsageError(f"vary: must be an argument with its values, such as --ops=add,mul; found {text!r:.80}")
        if name in values_of:
            raise UsageError(f"vary: {name} is given twice; its values stand together, such as {name}=1,2")
        words = values.split(";" if ";" in values else ",")
        values_of[name] = tuple(dict.fromkeys(word.strip() for word in words))
    return values_of


def parse_values(text: str | None) -> tuple[str, ...]:
    """Read `1,3,10` as its values; None gives none."""
    return tuple(dict.fromkeys(split_names(text)))


def _items(texts: str | Iterable[str]) -> list[Item]:
    """Return the items; a word with `=` in front of any colon goes on with the settings of the item before it."""
    items: list[Item] = []
    has_settings = False
    for word in (word.strip() for text in ([texts] if isinstance(texts, str) else texts) for word in text.split(",")):
        mode, colon, first = word.partition(":")
        if "=" in mode:
            if not has_settings:
                raise UsageError(
                    f"interventions: settings follow a mode and a colon, as {_EXAMPLE}; found {word!r:.80}"
                )
            _add(items[-1], word)
        elif word:
            items.append((mode, {}))
            has_settings = bool(colon)
            if has_settings:
                _add(items[-1], first)
    return items


def _add(item: Item, word: str) -> None:
    flag, equals, value = word.partition("=")
    if not equals or not value:
        raise UsageError(f"interventions: a setting is NAME=VALUE, as in {_EXAMPLE}; found {word!r:.80}")
    item[1].setdefault(flag, []).append(value)


def _expand(item: Item, common: Mapping[str, Sequence[str]]) -> list[Intervention]:
    mode, own = item
    given = {flag: values for flag, values in common.items() if values} | own
    choices = [[(FIELDS.get(flag, flag), setting(flag, value)) for value in values] for flag, values in given.items()]
    return [plain(_intervention(mode, dict(chosen))) for chosen in product(*choices)]


def _intervention(mode: str, settings: Mapping[str, int | str]) -> Intervention:
    if mode not in MODES:
        raise UsageError(f"interventions: must be some of {', '.join(MODES)}; found {mode!r:.80}")
    if settings.get("seed") == 0:
        raise UsageError(
            "interventions: subspace-seed: 1 or more is required, found 0; without it a cell draws from its seed"
        )
    return Intervention(mode, **settings)  # type: ignore[arg-type]  # checked by `setting` and by the class itself

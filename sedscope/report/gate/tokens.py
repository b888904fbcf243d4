"""The signs of a check: numbers, names, texts and operators. Nothing is evaluated here or anywhere else by Python."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from recorders.errors import UsageError

TokenKind = Literal["number", "name", "text", "operator", "end"]

LONGEST = 4000
"""Characters of a check."""

_SPACE = re.compile(r"\s*")
_PATTERNS: tuple[tuple[TokenKind, re.Pattern[str]], ...] = (
    ("number", re.compile(r"(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?(?![A-Za-z_0-9.])")),
    ("name", re.compile(r"[A-Za-z_][A-Za-z_0-9]*")),
    ("text", re.compile(r'"([^"\\]|\\["\\])*"')),
    ("operator", re.compile(r"<=|>=|==|!=|[-+*/()<>=,]")),
)


@dataclass(frozen=True, slots=True)
class Token:
    """One sign and where it begins, counted from 0."""

    kind: TokenKind
    text: str
    at: int


def tokens_of(check: str) -> list[Token]:
    """Split a check into its signs, the last of kind `end`.

    Raises:
        UsageError: A sign that the grammar does not know, or too many of them.
    """
    if len(check) > LONGEST:
        raise UsageError(f"--check: at most {LONGEST} characters are allowed, found {len(check)}")
    tokens: list[Token] = []
    at = _skip(check, 0)
    while at < len(check):
        token = _token(check, at)
        tokens.append(token)
        at = _skip(check, at + len(token.text))
    return [*tokens, Token("end", "", len(check))]


def _skip(check: str, at: int) -> int:
    match = _SPACE.match(check, at)
    return at if match is None else match.end()


def _token(check: str, at: int) -> Token:
    for kind, pattern in _PATTERNS:
        match = pattern.match(check, at)
        if match is not None:
            return Token(kind, match.group(), at)
    if check[at] == '"':
        raise refusal(check, at, 'a text in double quotes ends with "')
    raise refusal(check, at, "a number, name, text or operator is required")


def refusal(check: str, at: int, required: str) -> UsageError:
    """Return the error of a check that cannot be read, with the place where that shows."""
    rest = check[at : at + 20]
    shown = repr(rest) if rest else "the end"
    return UsageError(f"--check: {required}; found {shown} at character {at + 1} of {check!r}")

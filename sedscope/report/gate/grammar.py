"""The grammar of a check, read by descent, and what it becomes: a tree of plain objects.

    check    = sum ("<" | "<=" | ">" | ">=" | "==" | "!=") sum
    sum      = product (("+" | "-") product)*
    product  = sign (("*" | "/") sign)*
    sign     = "-" sign | atom
    atom     = number | "(" sum ")" | ("low" | "high") "(" sum ")" | reduction "(" series ("," argument)* ")"
             | quantity "(" [argument ("," argument)*] ")"
    argument = name "=" (text | ["-"] number)

Decides which names are known where; unknown ones are refused before anything is computed. Leaves to others: values.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, cast

from recorders.row_sources import current_name
from sedscope.report.gate.tokens import Token, refusal, tokens_of
from sedscope.report.gate.vocabulary import CHOICES, ENDS, INTEGERS, QUANTITIES, REDUCTIONS, TEXTS, require_known

Relation = Literal["<", "<=", ">", ">=", "==", "!="]
RELATIONS: tuple[Relation, ...] = ("<", "<=", ">", ">=", "==", "!=")
Operator = Literal["+", "-", "*", "/"]
DEEPEST = 50
"""Brackets and signs within one another; far below the depth at which Python's own stack would end the descent."""


@dataclass(frozen=True, slots=True)
class Number:
    """A constant."""

    value: float


@dataclass(frozen=True, slots=True)
class Lookup:
    """One number of a run."""

    quantity: str
    reduction: str | None
    """None for a quantity that is one number."""
    arguments: tuple[tuple[str, str | float], ...]

    def get(self, name: str) -> str | float | None:
        """Return an argument, or None where it was left out."""
        return dict(self.arguments).get(name)


@dataclass(frozen=True, slots=True)
class Negative:
    """The negative of an expression."""

    of: Expression


@dataclass(frozen=True, slots=True)
class End:
    """The low or high end of an interval."""

    which: Literal["low", "high"]
    of: Expression


@dataclass(frozen=True, slots=True)
class Binary:
    """Two expressions and the arithmetic between them."""

    operator: Operator
    left: Expression
    right: Expression


Expression = Number | Lookup | Negative | End | Binary


@dataclass(frozen=True, slots=True)
class Check:
    """A comparison."""

    left: Expression
    relation: Relation
    right: Expression
    text: str
    """The check as the user wrote it."""


def parse_check(text: str) -> Check:
    """Read a check into a tree.

    Raises:
        UsageError: It does not follow the grammar, or names what nobody knows.
    """
    return _CheckReader(text).check()


class _CheckReader:
    """Stands at one token; each method reads one rule of the grammar and leaves what comes after it."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokens_of(text)
        self._position = 0
        self._depth = 0

    def check(self) -> Check:
        left = self._sum()
        if not self._is(*RELATIONS):
            raise self._refusal(f"a comparison ({' '.join(RELATIONS)}) is required")
        relation = cast(Relation, self._take().text)
        right = self._sum()
        if self._next.kind != "end":
            raise self._refusal("the end of the check is required")
        return Check(left, relation, right, self._text)

    @property
    def _next(self) -> Token:
        return self._tokens[self._position]

    def _take(self) -> Token:
        token = self._next
        self._position += 1
        return token

    def _is(self, *operators: str) -> bool:
        return self._next.kind == "operator" and self._next.text in operators

    def _expect(self, operator: str) -> None:
        if not self._is(operator):
            raise self._refusal(f"{operator!r} is required")
        self._take()

    def _refusal(self, required: str, token: Token | None = None) -> Exception:
        """Return the error at what stands next, or at a token that was taken before."""
        return refusal(self._text, (token or self._next).at, required)

    def _sum(self) -> Expression:
        return self._chain(self._product, "+", "-")

    def _product(self) -> Expression:
        return self._chain(self._sign, "*", "/")

    def _chain(self, operand: Callable[[], Expression], *operators: str) -> Expression:
        left = operand()
        while self._is(*operators):
            left = Binary(cast(Operator, self._take().text), left, operand())
        return left

    def _sign(self) -> Expression:
        self._depth += 1
        if self._depth > DEEPEST:
            raise self._refusal(f"at most {DEEPEST} brackets and signs within one another are allowed")
        expression = self._negative() if self._is("-") else self._atom()
        self._depth -= 1
        return expression

    def _negative(self) -> Expression:
        self._take()
        return Negative(self._sign())

    def _atom(self) -> Expression:
        if self._next.kind == "number":
            return Number(self._number())
        if self._is("("):
            return self._bracketed()
        if self._next.kind == "name":
            return self._call()
        raise self._refusal("a number, a bracket or a function is required")

    def _bracketed(self) -> Expression:
        self._expect("(")
        expression = self._sum()
        self._expect(")")
        return expression

    def _call(self) -> Expression:
        name = self._take().text
        single = tuple(key for key, quantity in QUANTITIES.items() if not quantity.series)
        if name in QUANTITIES and name not in single:
            self._position -= 1
            raise self._refusal(f"{name} is a series over t: one of {', '.join(REDUCTIONS)} around it is required")
        require_known("function", name, (*REDUCTIONS, *ENDS, *single), self._text)
        if name in ENDS:
            return End(cast(Literal["low", "high"], name), self._bracketed())
        self._expect("(")
        quantity = self._series() if name in REDUCTIONS else name
        arguments, tokens = self._arguments(comma=name in REDUCTIONS)
        self._check_arguments(quantity, name if name in REDUCTIONS else None, arguments, tokens)
        self._expect(")")
        return Lookup(quantity, name if name in REDUCTIONS else None, tuple(arguments.items()))

    def _series(self) -> str:
        if self._next.kind != "name":
            raise self._refusal("a quantity is required")
        name = self._take().text
        require_known(
            "quantity", name, tuple(key for key, quantity in QUANTITIES.items() if quantity.series), self._text
        )
        return name

    def _arguments(self, *, comma: bool) -> tuple[dict[str, str | float], dict[str, Token]]:
        """Read `name=value, …` and where each value stands; after a quantity a comma comes first."""
        arguments: dict[str, str | float] = {}
        tokens: dict[str, Token] = {}
        while not self._is(")"):
            if comma or arguments:
                self._expect(",")
            if self._next.kind != "name":
                raise self._refusal("a parameter is required")
            name = self._take().text
            if name in arguments:
                raise self._refusal(f"{name} is given twice: once is required")
            self._expect("=")
            tokens[name] = self._next
            arguments[name] = self._value(name)
        return arguments, tokens

    def _value(self, name: str) -> str | float:
        if name in TEXTS:
            if self._next.kind != "text":
                raise self._refusal(f"{name}: a text in double quotes is required")
            text = _unquoted(self._take().text)
            return current_name(text) if name == "source" else text
        if self._next.kind != "number":
            raise self._refusal(f"{name}: a number is required")
        return self._number()

    def _number(self) -> float:
        value = float(self._next.text)
        if not math.isfinite(value):
            raise self._refusal("a number that is not too large is required")
        self._take()
        return value

    def _check_arguments(
        self,
        quantity: str,
        reduction: str | None,
        arguments: Mapping[str, str | float],
        tokens: Mapping[str, Token],
    ) -> None:
        entry = QUANTITIES[quantity]
        run_parameter = ("run",) if entry.of_run else ()
        parameters = (*entry.parameters, *run_parameter, *(("t",) if reduction == "at" else ()))
        for name in arguments:
            require_known(f"parameter of {reduction or quantity}", name, parameters, self._text)
        for name in (*entry.required, *(("t",) if reduction == "at" else ())):
            if name not in arguments:
                raise self._refusal(f"{name}= is required in {reduction or quantity}({quantity}, …)")
        for name in (name for name in arguments if name in INTEGERS):
            if arguments[name] != int(cast(float, arguments[name])):
                raise self._refusal(f"{name}: a whole number is required", tokens[name])
        for name, choices in CHOICES.items():
            if name in arguments and arguments[name] not in choices:
                raise self._refusal(f"{name}: one of {', '.join(map(str, choices))} is required", tokens[name])


def _unquoted(text: str) -> str:
    return text[1:-1].replace('\\"', '"').replace("\\\\", "\\")


def lookups(expression: Expression) -> list[Lookup]:
    """Return every number of a run that an expression asks for."""
    match expression:
        case Lookup():
            return [expression]
        case Negative(of) | End(_, of):
            return lookups(of)
        case Binary(_, left, right):
            return [*lookups(left), *lookups(right)]
        case _:
            return []

"""The grammar of a check: Python's own parser reads it, and a white list of its nodes becomes a tree of plain objects.

Nothing is evaluated or compiled. Decides what of Python's expressions belongs to a check (`docs/checks.md` has the
grammar), and which names are known where; unknown ones are refused before anything is computed.
"""

from __future__ import annotations

import ast
import math
import operator
import re
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any, NoReturn

from recorders.errors import UsageError
from recorders.row_sources import current_name
from sedscope.analysis.constants import GROK_ACCURACIES
from sedscope.analysis.coupling.response import SHIFT_KINDS
from sedscope.analysis.result_view.columns import CHECKPOINTS, MILESTONES, PHASES, RANKS, SPECTRA
from sedscope.analysis.result_view.result_column import ResultColumn, columns_for
from sedscope.analysis.undefined import Undefined
from sedscope.report import estimate
from sedscope.report.estimate import Estimate

PHASE_REDUCTIONS = tuple(column.name for column in PHASES)
"""Means over the checkpoints of one phase of a training."""
REDUCTIONS = ("final", "peak", "lowest", "mean", "at", *PHASE_REDUCTIONS)
"""Functions that make one number of a series over t: the last, the largest, the least, the mean, the one at `t=`."""
ENDS = ("low", "high")
"""The ends of an interval."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """One quantity and the parameters that pick it out."""

    parameters: tuple[str, ...]
    """Names of the parameters besides `run`."""
    required: tuple[str, ...] = ()
    series: bool = True
    """True for a quantity over t, so that a reduction must say which value is meant."""
    of_run: bool = True
    """True for a quantity of one run; else it is one of all runs that had the same done to them."""


_COUPLING = Quantity(("source", "task", "window", "rank"), ("source",))
_SPECTRUM = Quantity(("source", "window"), ("source",))
OPTIONS = ("on", "rank", "window", "basis", "basis_source")
"""Options of an intervention, which tell its groups of runs apart."""
_GROUP = ("intervention", "task", "threshold", "vary", *OPTIONS)
VERDICTS = ("over_control", "over_displacement", "over_displacement_matched")
"""The quotients of a verdict."""
_BY_PARAMETER = ("alignment_selected", "alignment_all", "grok_step_098")
"""Columns that a parameter picks: `alignment` by `moved=`, `grok_step` by `threshold=`."""


def _of_columns(columns: Iterable[ResultColumn[Any]], quantity: Quantity) -> dict[str, Quantity]:
    return {column.name: quantity for column in columns if column.name not in _BY_PARAMETER}


QUANTITIES: dict[str, Quantity] = {
    **_of_columns(columns_for("gate", CHECKPOINTS), _COUPLING),
    "alignment": Quantity(("source", "task", "window", "rank", "moved"), ("source",)),
    **_of_columns(columns_for("gate", RANKS), Quantity(("task",))),
    **_of_columns(reversed(columns_for("gate", SPECTRA)), _SPECTRUM),
    "metric": Quantity(("name",), ("name",)),
    **_of_columns(columns_for("gate", MILESTONES), Quantity(("task",), series=False)),
    **dict.fromkeys(VERDICTS, replace(_COUPLING, series=False)),
    "speedup": Quantity((*_GROUP, "over"), ("intervention",), series=False, of_run=False),
    "grokked": Quantity(_GROUP, ("intervention",), series=False, of_run=False),
}
QUANTITIES["grok_step"] = Quantity(("task", "threshold"), series=False)

TEXTS = ("source", "task", "name", "run", "moved", "intervention", "over", "vary", "on", "basis", "basis_source")
"""Parameters that take a text; the others take a number."""
INTEGERS = ("t", "window", "rank")
CHOICES: dict[str, tuple[str | float, ...]] = {
    "moved": SHIFT_KINDS,
    "threshold": GROK_ACCURACIES,
    "over": ("control", "freeze", "random"),
}

LONGEST = 4000
"""Characters of a check."""
DEEPEST = 50
"""Brackets within one another, and signs in a row."""
MOST_OPERATIONS = 400
"""Operations of a check: every walk over its tree then stays far from the depth at which Python's stack ends."""

RELATIONS: dict[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
ARITHMETIC: dict[type[ast.operator], Callable[[Estimate, Estimate], Estimate | Undefined]] = {
    ast.Add: estimate.add,
    ast.Sub: estimate.subtract,
    ast.Mult: estimate.multiply,
    ast.Div: estimate.divide,
}
_COMPARISON = "one comparison (< <= > >= == !=) of two numbers is required"
# Python reads more than these as one number (hex, underscores, imaginary) or text (prefixes, escapes, two in a row).
_NUMBER = re.compile(r"(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_TEXT = re.compile(r"""(["'])((?!\1)[^\\]|\\["'\\])*\1""")


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
class End:
    """The low or high end of an interval."""

    which: str
    of: Expression


@dataclass(frozen=True, slots=True)
class Binary:
    """Two expressions and the arithmetic between them; a negative is zero minus it."""

    operation: Callable[[Estimate, Estimate], Estimate | Undefined]
    left: Expression
    right: Expression


Expression = Estimate | Lookup | End | Binary


@dataclass(frozen=True, slots=True)
class Check:
    """A comparison."""

    left: Expression
    relation: Callable[[float, float], bool]
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
    """The text of a check, beside which each method reads one kind of node."""

    def __init__(self, text: str) -> None:
        self._written = text
        self._text = text.strip()

    def check(self) -> Check:
        body = self._parsed()
        match body:
            case ast.Compare(left, [relation], [right]) if type(relation) in RELATIONS:
                sides = self._expression(left), self._expression(right)
                self._require_all_read(body)
                return Check(sides[0], RELATIONS[type(relation)], sides[1], self._written)
            case ast.Compare(_, _, [_, extra, *_]):
                self._refuse(extra, f"{_COMPARISON}, and no more")
        self._refuse(body, _COMPARISON)

    def _parsed(self) -> ast.expr:
        """Return what Python's parser makes of the text, whose size and depth are bounded first."""
        if len(self._written) > LONGEST:
            raise UsageError(f"--check: at most {LONGEST} characters are allowed, found {len(self._written)}")
        for at, sign in enumerate(self._text):
            if not (sign.isprintable() or sign == "\t"):
                self._refuse(at, "printable characters on one line are required")
        outside_texts = _TEXT.sub("", self._text)
        brackets = accumulate({"(": 1, ")": -1}.get(sign, 0) for sign in outside_texts)
        signs = (run.count("-") for run in re.findall(r"-[-\s]*", outside_texts))
        if (depth := max((*brackets, *signs), default=0)) > DEEPEST:
            raise UsageError(
                f"--check: at most {DEEPEST} brackets and signs within one another are allowed, found {depth}"
            )
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # such as an escape that Python does not know
                body = ast.parse(self._text, mode="eval").body
        except SyntaxError as error:
            # Python says 0, or a place behind the text, where it ends too early.
            at = error.offset - 1 if error.offset else len(self._text)
            self._refuse(at, _COMPARISON, f" ({error.msg})")
        except (ValueError, RecursionError, MemoryError) as error:
            raise UsageError(
                f"--check: a simpler comparison is required, found one that Python cannot read: {error}"
            ) from error
        operations = sum(isinstance(node, ast.BinOp | ast.UnaryOp) for node in ast.walk(body))
        if operations > MOST_OPERATIONS:
            raise UsageError(f"--check: at most {MOST_OPERATIONS} operations are allowed, found {operations}")
        return body

    def _require_all_read(self, body: ast.expr) -> None:
        """Refuse brackets around the whole check and a comment after it, which leave no node."""
        if body.col_offset:
            self._refuse(0, "a comparison without brackets around it is required")
        rest = self._text.encode()[body.end_col_offset :].decode().lstrip()
        if rest:
            self._refuse(len(self._text) - len(rest), "the end of the check is required")

    def _refuse(self, at: ast.expr | ast.keyword | int, required: str, hint: str = "") -> NoReturn:
        """Raise the error of a check that cannot be read, with the place where that shows."""
        if not isinstance(at, int):
            at = len(self._text.encode()[: at.col_offset].decode())  # Python counts bytes of UTF-8
        shown = repr(self._text[at : at + 20]) if at < len(self._text) else "the end"
        raise UsageError(f"--check: {required}; found {shown} at character {at + 1} of {self._text!r}{hint}")

    def _require_known(self, node: ast.expr | ast.keyword, what: str, name: str, known_names: tuple[str, ...]) -> None:
        if name not in known_names:
            self._refuse(node, f"{what}: one of {', '.join(known_names)} is required")

    def _expression(self, node: ast.expr) -> Expression:
        match node:
            case ast.Constant(int() | float()):
                return Estimate.exact(self._number(node))
            case ast.BinOp(left, sign, right) if type(sign) in ARITHMETIC:
                return Binary(ARITHMETIC[type(sign)], self._expression(left), self._expression(right))
            case ast.UnaryOp(ast.USub(), operand):
                return Binary(estimate.subtract, Estimate.exact(0.0), self._expression(operand))
            case ast.Call(ast.Name(name)):
                return self._call(node, name)
        self._refuse(node, "a number, a bracket or a function, with + - * / between them, is required")

    def _call(self, node: ast.Call, name: str) -> Expression:
        series = tuple(key for key, quantity in QUANTITIES.items() if quantity.series)
        if name in series:
            self._refuse(node, f"{name} is a series over t: one of {', '.join(REDUCTIONS)} around it is required")
        self._require_known(
            node, "function", name, (*REDUCTIONS, *ENDS, *(key for key in QUANTITIES if key not in series))
        )
        if name in ENDS:
            if len(node.args) != 1 or node.keywords:
                self._refuse(node, f"a number, a bracket or a function is required in {name}(…), and nothing else")
            return End(name, self._expression(node.args[0]))
        if name not in REDUCTIONS:
            return Lookup(name, None, self._arguments(node, node.args, name, None))
        match node.args:
            case [ast.Name(quantity) as named, *others]:
                self._require_known(named, "quantity", quantity, series)
                return Lookup(quantity, name, self._arguments(node, others, quantity, name))
        self._refuse(node.args[0] if node.args else node, f"a quantity is required in {name}(…)")

    def _arguments(
        self, node: ast.Call, others: list[ast.expr], quantity: str, reduction: str | None
    ) -> tuple[tuple[str, str | float], ...]:
        """Read `name=value, …` of a quantity, beside which a call holds nothing else."""
        entry, function = QUANTITIES[quantity], reduction or quantity
        at = ("t",) if reduction == "at" else ()
        parameters = (*entry.parameters, *(("run",) if entry.of_run else ()), *at)
        if others:
            self._refuse(others[0], f"a parameter is required, as in {parameters[0]}=…")
        arguments: dict[str, str | float] = {}
        for keyword in node.keywords:
            name = keyword.arg or "**"
            self._require_known(keyword, f"parameter of {function}", name, parameters)
            if name in arguments:
                self._refuse(keyword, f"{name} is given twice: once is required")
            arguments[name] = self._value(name, keyword.value)
        for name in (*entry.required, *at):
            if name not in arguments:
                self._refuse(node, f"{name}= is required in {function}({quantity}, …)")
        return tuple(arguments.items())

    def _value(self, name: str, node: ast.expr) -> str | float:
        value: str | float
        match node:
            case ast.Constant(str(value)) if name in TEXTS:
                if not _TEXT.fullmatch(self._source(node)):
                    self._refuse(node, rf"{name}: one text in quotes, with \ before quotes and \ alone, is required")
            case ast.Constant(int() | float()) if name not in TEXTS:
                value = self._number(node)
            case _:
                self._refuse(node, f"{name}: a {'text in quotes' if name in TEXTS else 'number'} is required")
        if name in INTEGERS and value != int(value):
            self._refuse(node, f"{name}: a whole number is required")
        if name in CHOICES and value not in CHOICES[name]:
            self._refuse(node, f"{name}: one of {', '.join(map(str, CHOICES[name]))} is required")
        return current_name(str(value)) if name == "source" else value

    def _number(self, node: ast.Constant) -> float:
        if not _NUMBER.fullmatch(self._source(node)):
            self._refuse(node, "a decimal number such as 1.5 or 2e-3 is required")
        # Not the node's value: an integer of more than 308 digits has no float, its text has infinity.
        value = float(self._source(node))
        if not math.isfinite(value):
            self._refuse(node, "a number that is not too large is required")
        return value

    def _source(self, node: ast.expr) -> str:
        return self._text.encode()[node.col_offset : node.end_col_offset].decode()


def lookups(expression: Expression) -> list[Lookup]:
    """Return every number of a run that an expression asks for."""
    match expression:
        case Lookup():
            return [expression]
        case End(_, of):
            return lookups(of)
        case Binary(_, left, right):
            return [*lookups(left), *lookups(right)]
        case _:
            return []

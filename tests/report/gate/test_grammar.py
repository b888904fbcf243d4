"""The grammar of checks: what it reads, what it refuses and how, and that writing and reading are inverse."""

from __future__ import annotations

import operator
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorders.errors import UsageError
from sedscope.report import estimate
from sedscope.report.estimate import Estimate
from sedscope.report.gate.grammar import (
    CHOICES,
    QUANTITIES,
    REDUCTIONS,
    TEXTS,
    Binary,
    Check,
    End,
    Expression,
    Lookup,
    lookups,
    parse_check,
)

RELATIONS = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
ARITHMETIC = {"+": estimate.add, "-": estimate.subtract, "*": estimate.multiply, "/": estimate.divide}
SIGNS = {operation: sign for sign, operation in ARITHMETIC.items()}


def binary(sign: str, left: Expression, right: Expression) -> Binary:
    return Binary(ARITHMETIC[sign], left, right)


def number(value: float) -> Estimate:
    return Estimate.exact(value)


def negative(of: Expression) -> Binary:
    return binary("-", number(0.0), of)


def written(expression: Expression) -> str:
    """Return the expression in words of the grammar; reading it gives the same tree."""
    match expression:
        case Estimate(value):
            return repr(value)
        case Binary(estimate.subtract, Estimate(0.0), of):
            return f"-({written(of)})"
        case End(which, of):
            return f"{which}({written(of)})"
        case Binary(operation, left, right):
            return f"({written(left)}) {SIGNS[operation]} ({written(right)})"
        case Lookup(quantity, reduction, arguments):
            listed = [f"{name}={_quoted(value)}" for name, value in arguments]
            return f"{reduction}({', '.join((quantity, *listed))})" if reduction else f"{quantity}({', '.join(listed)})"


def _quoted(value: str | float) -> str:
    if isinstance(value, float):
        return repr(value)
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


RBAR = Lookup("rbar", "final", (("source", "update"),))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("1 < 2", number(1.0)),
        (".5e-1 < 2", number(0.05)),
        ("-1 < 2", negative(number(1.0))),
        ("1 - 2 - 3 < 2", binary("-", binary("-", number(1.0), number(2.0)), number(3.0))),
        ("1 + 2 * 3 < 2", binary("+", number(1.0), binary("*", number(2.0), number(3.0)))),
        ("(1 + 2) * 3 < 2", binary("*", binary("+", number(1.0), number(2.0)), number(3.0))),
        ("1 / 2 * 3 < 2", binary("*", binary("/", number(1.0), number(2.0)), number(3.0))),
        ("-1 * 2 < 2", binary("*", negative(number(1.0)), number(2.0))),
        ('final(rbar, source="update") < 2', RBAR),
        ('\tfinal ( rbar ,source = "update" )<2', RBAR),
        ('low(final(rbar, source="update")) < 2', End("low", RBAR)),
        ("grok_step() < 2", Lookup("grok_step", None, ())),
        ('grok_step(task="a", threshold=0.98) < 2', Lookup("grok_step", None, (("task", "a"), ("threshold", 0.98)))),
        ('at(rank90, t=25, task="a") < 2', Lookup("rank90", "at", (("t", 25.0), ("task", "a")))),
        (r'peak(metric, name="a\"b\\c") < 2', Lookup("metric", "peak", (("name", 'a"b\\c'),))),
        (r"""peak(metric, name='a"b\'c') < 2""", Lookup("metric", "peak", (("name", "a\"b'c"),))),
    ],
)
def test_it_reads(text: str, left: Expression) -> None:
    check = parse_check(text)
    assert (check.left, check.relation, check.right, check.text) == (left, operator.lt, number(2.0), text)


@pytest.mark.parametrize("relation", RELATIONS)
def test_every_relation(relation: str) -> None:
    assert parse_check(f"1{relation}2").relation is RELATIONS[relation]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "",
            "one comparison (< <= > >= == !=) of two numbers is required; found the end at character 1",
        ),
        ("1", "one comparison (< <= > >= == !=) of two numbers is required; found '1' at character 1"),
        (
            "1 < 2 < 3",
            "one comparison (< <= > >= == !=) of two numbers is required, and no more; found '3' at character 9",
        ),
        (
            "1 < ",
            "one comparison (< <= > >= == !=) of two numbers is required; found the end at character 4",
        ),
        (
            "1 = 2",
            "one comparison (< <= > >= == !=) of two numbers is required; found '= 2' at character 3",
        ),
        (
            "1 < 2;",
            "one comparison (< <= > >= == !=) of two numbers is required; found ';' at character 6",
        ),
        (
            "1 < 2a",
            "one comparison (< <= > >= == !=) of two numbers is required; found '2a' at character 5",
        ),
        ("1e999 < 2", "a number that is not too large is required"),
        ("(1 < 2", "found '(1 < 2' at character 1 of '(1 < 2' ('(' was never closed)"),
        ('"a" < 2', "a number, a bracket or a function, with + - * / between them, is required; found '\"a\" < 2'"),
        (
            'final(rbar, source="a) < 2',
            "found '\"a) < 2' at character 20 of 'final(rbar, source=\"a) < 2' (unterminated string",
        ),
        (
            "__import__(1) < 2",
            "function: one of final, peak, lowest, mean, at, before, at_grok, after, low, high, grok_step,",
        ),
        ("fnal(rbar) < 2", "found 'fnal(rbar) < 2' at character 1"),
        (
            "final(rank) < 2",
            "quantity: one of rbar, rbar_logit, rbar_matched, effective_examples, alignment, rank90,",
        ),
        ("final(grok_step) < 2", "found 'grok_step) < 2' at character 7"),
        (
            'rbar(source="a") < 2',
            "rbar is a series over t: one of final, peak, lowest, mean, at, before, at_grok, after around",
        ),
        ("final(rbar) < 2", "source= is required in final(rbar, …)"),
        ("final(metric) < 2", "name= is required in final(metric, …)"),
        ("at(rank90) < 2", "t= is required in at(rank90, …); found 'at(rank90) < 2' at character 1"),
        (
            "final(rank90, t=3) < 2",
            "parameter of final: one of task, run is required; found 't=3) < 2' at character 15",
        ),
        ("final(rbar, source=3) < 2", "source: a text in quotes is required; found '3) < 2'"),
        ('at(rank90, t="3") < 2', "t: a number is required; found '\"3\") < 2'"),
        ("at(rank90, t=2.5) < 2", "t: a whole number is required; found '2.5) < 2'"),
        ('final(rank90, task="a", task="b") < 2', "task is given twice: once is required"),
        ("final(rank90, 3) < 2", "a parameter is required, as in task=…; found '3) < 2' at character 15"),
        ("final(rank90 task) < 2", "found 'rank90 task) < 2' at character 7"),
        ("grok_step(threshold=0.7) < 2", "threshold: one of 0.5, 0.98 is required; found '0.7) < 2'"),
        ('final(alignment, source="a", moved="b") < 2', "moved: one of selected, all is required"),
        ("low() < 2", "a number, a bracket or a function is required in low(…), and nothing else; found 'low() < 2'"),
        ("(" * 60 + "1" + ")" * 60 + " < 2", "at most 50 brackets and signs within one another are allowed"),
        ("-" * 60 + "1 < 2", "at most 50 brackets and signs"),
        ("+".join("1" * 1900) + " < 2", "at most 400 operations are allowed, found 1899"),
        ("1 < " + "1" * 5000, "at most 4000 characters are allowed, found 5004"),
    ],
)
def test_it_refuses(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)) as caught:
        parse_check(text)
    assert str(caught.value).startswith("--check: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("(1 < 2)", "'(1 < 2)' at character 1"),
        ("1 < 2 # so", "'# so' at character 7"),
        ("1 <\n2", r"'\n2' at character 4"),
        ("1 < \0", r"'\x00' at character 5"),
        ("1 < \ud800", r"'\ud800' at character 5"),
        ("1 ** 2 < 3", "'1 ** 2 < 3' at character 1"),
        ("1 < 2 // 3", "'2 // 3' at character 5"),
        ("1 < +2", "'+2' at character 5"),
        ("1 < not 2", "'not 2'"),
        ("1 < 2 and 3 < 4", "'1 < 2 and 3 < 4' at character 1"),
        ("1 in 2", "'1 in 2' at character 1"),
        ("1 if 2 else 3", "'1 if 2 else 3' at character 1"),
        ("lambda: 1 < 2", "'lambda: 1 < 2' at character 1"),
        ("(a := 1) < 2", "'a := 1) < 2' at character 2"),
        ("1 < True", "'True' at character 5"),
        ("1 < 0x10", "'0x10' at character 5"),
        ("1 < 1_000", "'1_000' at character 5"),
        ("1 < 2j", "'2j' at character 5"),
        ("1 < [2][0]", "'[2][0]' at character 5"),
        ("1 < a.b(2)", "'a.b(2)' at character 5"),
        ("1 < final", "'final' at character 5"),
        ("final(*rbar) < 2", "'*rbar) < 2' at character 7"),
        ("final(rank90, **task) < 2", "'**task) < 2' at character 15"),
        ("final(rank90, *task) < 2", "'*task) < 2' at character 15"),
        ('final(rank90, task=f"a") < 2', "'f\"a\") < 2' at character 20"),
        ('final(rank90, task=b"a") < 2', "'b\"a\") < 2' at character 20"),
        ('final(rank90, task=r"a") < 2', "'r\"a\") < 2' at character 20"),
        ('final(rank90, task="a" "b") < 2', '\'"a" "b") < 2\' at character 20'),
        ('final(rank90, task="""a""") < 2', '\'"""a""") < 2\' at character 20'),
        (r'final(rank90, task="\x61") < 2', r"""'"\\x61") < 2' at character 20"""),
        (r'final(rank90, task="\d") < 2', r"""'"\\d") < 2' at character 20"""),
        ('final(rank90, task="ä", täsk="b") < 2', "'täsk=\"b\") < 2' at character 25"),
        ('final(rank90, task="ä" "b") < 2', '\'"ä" "b") < 2\' at character 20'),
    ],
)
def test_what_only_python_reads_is_refused_where_it_stands(text: str, found: str) -> None:
    with pytest.raises(UsageError, match=re.escape(f"; found {found}")) as caught:
        parse_check(text)
    assert str(caught.value).startswith("--check: ")
    assert str(caught.value).isprintable()


def test_nothing_is_evaluated() -> None:
    with pytest.raises(UsageError, match="function: one of"):
        parse_check("exit(3) < 2")


def arguments(quantity: str, reduction: str | None) -> st.SearchStrategy[tuple[tuple[str, str | float], ...]]:
    values: dict[str, st.SearchStrategy[str | float]] = {
        name: st.text(st.characters(codec="utf-8").filter(str.isprintable), max_size=8) for name in TEXTS
    }
    values |= {name: st.integers(0, 10**6).map(float) for name in ("t", "window", "rank")}
    values |= {name: st.sampled_from(choices) for name, choices in CHOICES.items()}
    known = QUANTITIES[quantity]
    needed = {*known.required, *(("t",) if reduction == "at" else ())}
    return st.fixed_dictionaries(
        {name: values[name] for name in sorted(needed)},
        optional={
            name: values[name]
            for name in (*known.parameters, *(("run",) if known.of_run else ()))
            if name not in needed
        },
    ).map(lambda found: tuple(found.items()))


@st.composite
def single(draw: st.DrawFn) -> Lookup:
    quantity = draw(st.sampled_from(sorted(QUANTITIES)))
    reduction = draw(st.sampled_from(REDUCTIONS)) if QUANTITIES[quantity].series else None
    return Lookup(quantity, reduction, draw(arguments(quantity, reduction)))


EXPRESSIONS: st.SearchStrategy[Expression] = st.recursive(
    st.one_of(st.floats(0, 1e300).map(number), single()),
    lambda inner: st.one_of(
        inner.map(negative),
        st.builds(End, st.sampled_from(("low", "high")), inner),
        st.builds(binary, st.sampled_from(sorted(ARITHMETIC)), inner, inner),
    ),
    max_leaves=8,
)


@given(left=EXPRESSIONS, right=EXPRESSIONS, relation=st.sampled_from(sorted(RELATIONS)))
def test_reading_what_was_written_gives_the_same_tree(left: Expression, right: Expression, relation: str) -> None:
    text = f"{written(left)} {relation} {written(right)}"
    if len(text) <= 4000:
        check = parse_check(text)
        assert (check.left, check.relation, check.right) == (left, RELATIONS[relation], right)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        assert isinstance(parse_check(text), Check)
    except UsageError as error:
        assert "\n" not in str(error)


def test_every_number_that_is_asked_for() -> None:
    check = parse_check('low(final(rbar, source="a")) - -peak(rank90) > 2 * grok_step()')
    assert [one.quantity for one in (*lookups(check.left), *lookups(check.right))] == ["rbar", "rank90", "grok_step"]

"""The grammar of checks: what it reads, what it refuses and how, and that writing and reading are inverse."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorders.errors import UsageError
from sedscope.report.gate.grammar import (
    RELATIONS,
    Binary,
    Check,
    End,
    Expression,
    Lookup,
    Negative,
    Number,
    lookups,
    parse_check,
)
from sedscope.report.gate.vocabulary import CHOICES, QUANTITIES, REDUCTIONS, TEXTS


def written(expression: Expression) -> str:
    """Return the expression in words of the grammar; reading it gives the same tree."""
    match expression:
        case Number(value):
            return repr(value)
        case Negative(of):
            return f"-({written(of)})"
        case End(which, of):
            return f"{which}({written(of)})"
        case Binary(operator, left, right):
            return f"({written(left)}) {operator} ({written(right)})"
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
        ("1 < 2", Number(1.0)),
        (".5e-1 < 2", Number(0.05)),
        ("-1 < 2", Negative(Number(1.0))),
        ("1 - 2 - 3 < 2", Binary("-", Binary("-", Number(1.0), Number(2.0)), Number(3.0))),
        ("1 + 2 * 3 < 2", Binary("+", Number(1.0), Binary("*", Number(2.0), Number(3.0)))),
        ("(1 + 2) * 3 < 2", Binary("*", Binary("+", Number(1.0), Number(2.0)), Number(3.0))),
        ("1 / 2 * 3 < 2", Binary("*", Binary("/", Number(1.0), Number(2.0)), Number(3.0))),
        ("-1 * 2 < 2", Binary("*", Negative(Number(1.0)), Number(2.0))),
        ('final(rbar, source="update") < 2', RBAR),
        ('\tfinal ( rbar ,source = "update" )<2', RBAR),
        ('low(final(rbar, source="update")) < 2', End("low", RBAR)),
        ("grok_step() < 2", Lookup("grok_step", None, ())),
        ('grok_step(task="a", threshold=0.98) < 2', Lookup("grok_step", None, (("task", "a"), ("threshold", 0.98)))),
        ('at(rank90, t=25, task="a") < 2', Lookup("rank90", "at", (("t", 25.0), ("task", "a")))),
        (r'peak(metric, name="a\"b\\c") < 2', Lookup("metric", "peak", (("name", 'a"b\\c'),))),
    ],
)
def test_it_reads(text: str, left: Expression) -> None:
    check = parse_check(text)
    assert (check.left, check.relation, check.right, check.text) == (left, "<", Number(2.0), text)


@pytest.mark.parametrize("relation", RELATIONS)
def test_every_relation(relation: str) -> None:
    assert parse_check(f"1{relation}2").relation == relation


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a number, a bracket or a function is required; found the end at character 1"),
        ("1", "a comparison (< <= > >= == !=) is required; found the end at character 2"),
        ("1 < 2 < 3", "the end of the check is required; found '< 3' at character 7"),
        ("1 < ", "a number, a bracket or a function is required; found the end"),
        ("1 = 2", "a comparison (< <= > >= == !=) is required"),
        ("1 < 2;", "a number, name, text or operator is required; found ';' at character 6"),
        ("1 < 2a", "a number, name, text or operator is required; found '2a'"),
        ("1e999 < 2", "a number that is not too large is required"),
        ("(1 < 2", "')' is required"),
        ('"a" < 2', "a number, a bracket or a function is required"),
        ('final(rbar, source="a) < 2', 'a text in double quotes ends with "'),
        ("__import__(1) < 2", "function: one of final, peak, lowest, mean, at, low, high, grok_step,"),
        ("fnal(rbar) < 2", "found 'fnal'"),
        ("final(rank) < 2", "quantity: one of rbar, rbar_logit, rbar_matched, alignment, rank90, participation, gap,"),
        ("final(grok_step) < 2", "found 'grok_step'"),
        ('rbar(source="a") < 2', "rbar is a series over t: one of final, peak, lowest, mean, at around it is required"),
        ("final(rbar) < 2", "source= is required in final(rbar, …)"),
        ("final(metric) < 2", "name= is required in final(metric, …)"),
        ("at(rank90) < 2", "t= is required in at(rank90, …); found ') < 2'"),
        ("final(rank90, t=3) < 2", "parameter of final: one of task, run is required, found 't'"),
        ("final(rank90, source=3) < 2", "source: a text in double quotes is required"),
        ('at(rank90, t="3") < 2', "t: a number is required; found '\"3\") < 2'"),
        ("at(rank90, t=2.5) < 2", "t: a whole number is required; found '2.5) < 2'"),
        ('final(rank90, task="a", task="b") < 2', "task is given twice: once is required"),
        ("final(rank90, 3) < 2", "a parameter is required"),
        ("final(rank90 task) < 2", "',' is required"),
        ("grok_step(threshold=0.7) < 2", "threshold: one of 0.5, 0.98 is required; found '0.7) < 2'"),
        ('final(alignment, source="a", moved="b") < 2', "moved: one of selected, all is required"),
        ("low() < 2", "a number, a bracket or a function is required"),
        ("(" * 60 + "1" + ")" * 60 + " < 2", "at most 50 brackets and signs within one another are allowed"),
        ("-" * 60 + "1 < 2", "at most 50 brackets and signs"),
        ("1 < " + "1" * 5000, "at most 4000 characters are allowed, found 5004"),
    ],
)
def test_it_refuses(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)) as caught:
        parse_check(text)
    assert str(caught.value).startswith("--check: ")
    assert "\n" not in str(caught.value)


def arguments(quantity: str, reduction: str | None) -> st.SearchStrategy[tuple[tuple[str, str | float], ...]]:
    values: dict[str, st.SearchStrategy[str | float]] = {
        name: st.text(st.characters(codec="utf-8"), max_size=8) for name in TEXTS
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
    st.one_of(st.floats(0, 1e300).map(Number), single()),
    lambda inner: st.one_of(
        inner.map(Negative),
        st.builds(End, st.sampled_from(("low", "high")), inner),
        st.builds(Binary, st.sampled_from(("+", "-", "*", "/")), inner, inner),
    ),
    max_leaves=8,
)


@given(left=EXPRESSIONS, right=EXPRESSIONS, relation=st.sampled_from(RELATIONS))
def test_reading_what_was_written_gives_the_same_tree(left: Expression, right: Expression, relation: str) -> None:
    text = f"{written(left)} {relation} {written(right)}"
    if len(text) <= 4000:
        check = parse_check(text)
        assert (check.left, check.relation, check.right) == (left, relation, right)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        assert isinstance(parse_check(text), Check)
    except UsageError as error:
        assert "\n" not in str(error)


def test_every_number_that_is_asked_for() -> None:
    check = parse_check('low(final(rbar, source="a")) - -peak(rank90) > 2 * grok_step()')
    assert [one.quantity for one in (*lookups(check.left), *lookups(check.right))] == ["rbar", "rank90", "grok_step"]

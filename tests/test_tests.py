"""The tests themselves: each of them can fail, and each lies where the code lies that it tests."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Set
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
ROOT = TESTS.parent
PACKAGES = {"recorders": ROOT / "recorders"}
"""Packages whose tests have a folder of their own name; every other folder of tests belongs to one of `sedscope`."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(tree: ast.Module) -> Iterator[Function]:
    """The functions and methods of a module; one inside a function belongs to that function."""
    scopes = [tree, *(node for node in tree.body if isinstance(node, ast.ClassDef))]
    return (node for scope in scopes for node in scope.body if isinstance(node, Function))


def called_names(function: Function) -> set[str]:
    """The last part of every name that is called: `raises` of `pytest.raises(…)`."""
    calls = (node.func for node in ast.walk(function) if isinstance(node, ast.Call))
    return {call.attr if isinstance(call, ast.Attribute) else getattr(call, "id", "") for call in calls}


def fails_by_itself(function: Function) -> bool:
    """An assertion, an expected error or warning, or a comparison of NumPy's, torch's or a mock's stands in it."""
    if any(isinstance(node, ast.Assert) for node in ast.walk(function)):
        return True
    return any(name in ("raises", "warns", "fail") or name.startswith("assert_") for name in called_names(function))


def modules() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(TESTS.rglob("*.py"))}


def raises_assertion(function: Function) -> bool:
    """It raises AssertionError in so many words, as a wait does whose time is over."""
    raised = (node.exc for node in ast.walk(function) if isinstance(node, ast.Raise))
    return any(isinstance(error, ast.Call) and getattr(error.func, "id", "") == "AssertionError" for error in raised)


def checking_helpers(trees: Iterable[ast.Module], known: Set[str] = frozenset()) -> set[str]:
    """Names of helpers that fail where what they look for is not so, by themselves or by a helper that they call."""
    helpers = [function for tree in trees for function in functions(tree) if not function.name.startswith("test_")]
    checking = {function.name for function in helpers if fails_by_itself(function) or raises_assertion(function)}
    calls = {function.name: called_names(function) for function in helpers}
    while more := {name for name, called in calls.items() if name not in checking and called & (checking | known)}:
        checking |= more
    return checking


def toothless_tests(trees: dict[Path, ast.Module]) -> list[str]:
    """Tests in which nothing is asserted, expected to be raised, or waited for."""
    shared = checking_helpers(tree for path, tree in trees.items() if not path.name.startswith("test_"))
    toothless = []
    for path, tree in trees.items():
        tests = [function for function in functions(tree) if function.name.startswith("test_")]
        by_calls = [test for test in tests if not fails_by_itself(test)]
        checking = shared | checking_helpers([tree], shared) if by_calls else shared
        toothless += [f"{path.name}::{test.name}" for test in by_calls if not called_names(test) & checking]
    return toothless


def test_every_test_can_fail() -> None:
    trees = modules()
    assert len(trees) > 100
    assert toothless_tests(trees) == []


@pytest.mark.parametrize(
    ("body", "toothless"),
    [
        ("run()", True),
        ("helper()", False),
        ("idle()", True),
        ("assert run()", False),
        ("with pytest.raises(E): run()", False),
    ],
)
def test_a_test_that_only_calls_is_noticed(body: str, toothless: bool) -> None:
    text = f"def idle(): run()\ndef helper(): deep()\ndef deep(): assert run()\ndef test_it():\n    {body}"
    assert toothless_tests({Path("test_made_up.py"): ast.parse(text)}) == ["test_made_up.py::test_it"] * toothless


def test_folders_of_tests_mirror_those_of_the_code() -> None:
    folders = {path.parent for path in TESTS.rglob("*.py")} - {TESTS}
    assert len(folders) > 20
    belongs_to = {path: path.relative_to(TESTS) for path in folders}
    assert [
        str(relative)
        for relative in belongs_to.values()
        if not (ROOT / ("" if relative.parts[0] in PACKAGES else "sedscope") / relative / "__init__.py").exists()
    ] == []

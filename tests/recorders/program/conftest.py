"""The models of the zoo as fixtures."""

from __future__ import annotations

import functools
from collections.abc import Callable

import pytest
import torch
from program_zoo import ZOO, Case

from recorders.program import Capture, Program, capture_program, load


@pytest.fixture(params=list(ZOO))
def case(request: pytest.FixtureRequest) -> Case:
    """One model of the zoo, in training mode, from a fixed seed."""
    torch.manual_seed(0)
    return ZOO[request.param]()


@pytest.fixture(scope="session")
def taken() -> Callable[[str], Capture]:
    """The capture of a model of the zoo by name; each is made once for all tests."""

    @functools.cache
    def take(name: str) -> Capture:
        torch.manual_seed(0)
        case = ZOO[name]()
        return capture_program(case.model, case.inputs, **case.arguments)

    return take


@pytest.fixture
def program(request: pytest.FixtureRequest, case: Case, taken: Callable[[str], Capture]) -> Program:
    """The program of `case`."""
    found = taken(request.node.callspec.params["case"])
    return load(found.program_json, found.constants)


@pytest.fixture
def build() -> Callable[[str], Case]:
    """A model of the zoo by name."""

    def make(name: str) -> Case:
        torch.manual_seed(0)
        return ZOO[name]()

    return make

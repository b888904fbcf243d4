"""The words of a sweep's command line."""

import pytest

from recorders.errors import UsageError
from recorders.intervention import Intervention
from recorders.intervention.modes import MODES
from sedscope.sweep.grammar import parse_interventions, parse_seeds, parse_values, parse_vary


def test_modes_and_their_own_settings() -> None:
    found = parse_interventions("control, freeze,keep-sed:on=update,rank=1,rank=10,basis=raw,remove-random")
    assert found == (
        Intervention("control"),
        Intervention("freeze"),
        Intervention("keep-sed", on="update", rank=1, basis="raw"),
        Intervention("keep-sed", on="update", rank=10, basis="raw"),
        Intervention("remove-random"),
    )
    assert parse_interventions(["control", "freeze"]) == parse_interventions("control,freeze")


def test_settings_for_all_modes_give_way_to_own_ones_and_make_nothing_twice() -> None:
    common = {"on": ("gradient", "update"), "rank": ("0", "3"), "basis": ("applied", "raw"), "window": ()}
    found = parse_interventions("control,freeze,keep-sed,remove-sed:rank=2,on=update", common)
    assert found == (
        Intervention("control"),
        Intervention("freeze"),
        Intervention("keep-sed", rank=0),  # without a subspace neither what it is made of nor where it acts matters
        Intervention("keep-sed"),
        Intervention("keep-sed", basis="raw"),
        Intervention("keep-sed", on="update"),
        Intervention("keep-sed", on="update", basis="raw"),
        Intervention("remove-sed", on="update", rank=2),
        Intervention("remove-sed", on="update", rank=2, basis="raw"),
    )


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_can_stand_alone(mode: str) -> None:
    assert parse_interventions(mode) == (Intervention(mode),)


def test_a_task_may_have_a_colon_in_its_name() -> None:
    (found,) = parse_interventions("keep-sed:basis-source=gradient/a:b")
    assert found.task == "a:b"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "one or more of control"),
        ("keep-sad", "must be some of control"),
        ("control,rank=3", "settings follow a mode and a colon"),
        ("rank=3", "settings follow a mode and a colon"),
        ("keep-sed:", "a setting is NAME=VALUE"),
        ("keep-sed:rank=", "a setting is NAME=VALUE"),
        ("keep-sed:rank=x", "rank: must be a whole number"),
        ("keep-sed:rang=3", "a setting is one of on, rank"),
        ("keep-sed:rank=30", "rank: a window of 20 rows"),
        ("keep-random:subspace-seed=0", "subspace-seed: 1 or more is required, found 0"),
        ("keep-sed:on=weights", "on: must be one of gradient, update"),
    ],
)
def test_what_is_no_intervention_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint) as caught:
        parse_interventions(text)
    assert "\n" not in str(caught.value)


def test_seeds_and_values() -> None:
    assert parse_seeds("42, 137,42,") == (42, 137)
    assert parse_values("1, 3,10") == ("1", "3", "10")
    assert parse_values(None) == ()
    for bad in ("-1", "1.5", "x", "4 2", "٣", "9" * 5000):
        with pytest.raises(UsageError, match="seeds: whole numbers"):
            parse_seeds(bad)


def test_varied_arguments() -> None:
    found = parse_vary(["--ops=add,mul,add", "lr=1e-3;3e-4", "--both=add,mul;add", "--k=a=b,c"])
    assert found == {
        "--ops": ("add", "mul"),
        "lr": ("1e-3", "3e-4"),
        "--both": ("add,mul", "add"),
        "--k": ("a=b", "c"),
    }
    for bad in ("--ops", "=add", "--=add"):
        with pytest.raises(UsageError, match="an argument with its values"):
            parse_vary([bad])
    with pytest.raises(UsageError, match="--ops is given twice"):
        parse_vary(["--ops=add", "--ops=mul"])

"""Which cells a sweep has, what they are called, and the commands that they stand for."""

import re
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorders.errors import UsageError
from recorders.intervention import Intervention
from recorders.intervention.modes import MODES
from recorders.recording_options import RecordingOptions
from sedscope.cli.option_flags import intervention_of
from sedscope.cli.record import record
from sedscope.sweep import Sweep
from sedscope.sweep.cell import plain

SCRIPT = ("train.py", "--seed", "{seed}")
OUT = Path("out")


def names(sweep: Sweep) -> list[str]:
    return [cell.name for cell in sweep.cells()]


def recorded(words: list[str]) -> dict[str, Any]:
    """What `sedscope record` makes of the words of a cell."""
    assert words[0] == "record"
    with click.Context(record) as parent:
        return record.make_context("record", words[1:], parent=parent).params


def test_cells_are_named_after_what_differs() -> None:
    sweep = Sweep(
        ("train.py", "--seed", "{seed}", "--lr", "{lr}"),
        [Intervention("control"), Intervention("keep-sed", on="update", rank=10, basis="raw")],
        seeds=[42, 137],
        vary={"--ops": ["add", "mul"], "lr": ["1e-3"]},
    )
    assert names(sweep) == [
        f"{mode}-ops={ops}-lr=1e-3-seed={seed}"
        for seed in (42, 137)
        for ops in ("add", "mul")
        for mode in ("control", "keep-sed-on=update-rank=10-basis=raw")
    ]
    assert sweep.cells()[2].arguments == ("train.py", "--seed", "42", "--lr", "1e-3", "--ops=mul")


def test_a_name_does_not_depend_on_what_else_is_swept() -> None:
    one = Sweep(SCRIPT, [Intervention("keep-random", seed=5)], seeds=[1])
    more = Sweep(SCRIPT, [Intervention("control"), Intervention("keep-random", seed=5)], seeds=[2, 1])
    assert names(one) == ["keep-random-subspace-seed=5-seed=1"]
    assert names(one)[0] in names(more)


def test_interventions_that_are_the_same_training_make_one_cell() -> None:
    alike = [Intervention("freeze", rank=rank, on=on, window=30) for rank in (1, 3) for on in ("gradient", "update")]
    assert names(Sweep(("train.py",), alike)) == ["freeze"]
    zero = [Intervention("keep-sed", rank=0, basis=basis) for basis in ("applied", "raw")]
    assert names(Sweep(("train.py",), zero)) == ["keep-sed-rank=0"]
    waits = [Intervention("keep-random", window=window) for window in (5, 20)]
    assert names(Sweep(("train.py",), waits)) == ["keep-random-window=5", "keep-random"]


def test_random_subspaces_are_drawn_from_the_seed_of_the_training() -> None:
    sweep = Sweep(SCRIPT, [Intervention(mode) for mode in ("keep-random", "keep-sed")], seeds=[42, 137])
    assert [(cell.seed, cell.intervention.seed) for cell in sweep.cells()] == [(42, 42), (42, 0), (137, 137), (137, 0)]
    assert names(sweep)[0] == "keep-random-seed=42"
    own = Sweep(SCRIPT, [Intervention("keep-random", seed=7)], seeds=[42])
    assert own.cells()[0].intervention.seed == 7


def test_values_are_put_in_once_and_nothing_else_is_touched() -> None:
    sweep = Sweep(("train.py", "{x}{seed}", '{"json": "{y}"}', "--{seed}"), seeds=[4], vary={"--x": ["{seed}"]})
    assert sweep.cells()[0].arguments == ("train.py", "{seed}4", '{"json": "{y}"}', "--4")
    plain_cell = Sweep(("train.py", "{}", "{x}"), [Intervention("control")]).cells()[0]
    assert plain_cell.arguments == ("train.py", "{}", "{x}")
    assert plain_cell.name == "control"


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"arguments": ()}, "script: a script"),
        ({"arguments": ("train.py",), "seeds": [1]}, "{seed} must stand in the script's arguments"),
        ({"seeds": []}, "one or more are required"),
        ({"seeds": [-1]}, "seeds: must be whole"),
        ({"seeds": [True]}, "seeds: must be whole"),
        ({"vary": {"--seed": ["1"]}}, "other than the seed"),
        ({"vary": {"lr": ["1"]}}, "{lr} must stand in the script's arguments"),
        ({"vary": {"--lr": ["1", ""]}}, "found an empty one"),
        ({"vary": {"--lr": []}}, "found an empty one"),
        ({"vary": {"--lr": ["1"], "-lr": ["1"]}}, "varied once"),
        ({"vary": {"--lr": ["A", "a"]}}, "too alike"),
        ({"interventions": []}, "interventions: one or more"),
        ({"recording": RecordingOptions(force=True)}, "the sweep's to decide"),
    ],
)
def test_a_sweep_whose_cells_would_not_differ_is_refused(settings: dict[str, Any], complaint: str) -> None:
    with pytest.raises(UsageError, match=re.escape(complaint)) as caught:
        Sweep(**{"arguments": SCRIPT, "seeds": [1], **settings})
    assert "\n" not in str(caught.value)


HOSTILE = [
    "../../etc",
    "a/b",
    "a\\b",
    "",
    "x\n",
    "\x1b[2J",
    "·",
    "-",
    "~",
    "a~b",
    "a b",
    "$(x)",
    "nul\x00",
    "%2e",
    "x" * 500,
    "\udcff",
]


def test_names_are_safe_and_distinct_whatever_the_values_are() -> None:
    values = [value for value in HOSTILE if value] + ["x" * 501, "a=1-b=2"]
    found = names(Sweep(SCRIPT, seeds=[1], vary={"--v": values}))
    assert len({name.casefold() for name in found}) == len(values)
    for name in found:
        assert re.fullmatch(r"control[A-Za-z0-9._=+,@%~-]{1,160}", name), name
        assert Path(name).name == name


def test_a_value_cannot_pose_as_another_argument() -> None:
    sweep = Sweep(("train.py",), vary={"--a": ["1-b=2", "1"], "--b": ["3", "2-b=3"]})
    assert "control-a=1-b=3" in names(sweep) and len(set(names(sweep))) == 4


@given(st.lists(st.text(min_size=1), min_size=1, max_size=4, unique_by=str.casefold))
def test_any_text_makes_a_file_name(values: list[str]) -> None:
    for cell in Sweep(SCRIPT, seeds=[1], vary={"--v": values}).cells():
        assert len(f"{cell.name}.log".encode()) <= 255
        assert not set(cell.name) & set("/\\\0\n ~") or re.search(r"~[0-9a-f]{8}$", cell.name)


@pytest.mark.parametrize("mode", MODES)
def test_the_words_mean_to_the_recorder_what_the_cell_is(mode: str) -> None:
    settings = {"on": "update", "rank": 2, "window": 7, "stride": 2, "warm_up": 30, "basis": "raw", "redraw": "once"}
    intervention = Intervention(mode, **settings, basis_source="momentum", seed=3)  # type: ignore[arg-type]
    options = RecordingOptions(
        every=5, select=("mlp", "h.*"), sources=("update",), weights_every=10, budget=99, steps=8
    )
    sweep = Sweep(("-odd.py", "--seed={seed}", "--out", "x"), [intervention], seeds=[1], recording=options)
    (cell,) = sweep.cells()
    found = recorded(cell.words(OUT, sweep.recording, force=True))
    assert (found["script"], *found["arguments"]) == cell.arguments == ("-odd.py", "--seed=1", "--out", "x")
    assert found["out"] == OUT / cell.name
    assert (found["every"], found["select"], found["sources"]) == (5, ("mlp,h.*",), ("update",))
    assert (found["weights_every"], found["budget"], found["steps"], found["force"]) == (10, "99", 8, True)
    given_flags = {name: found.get(name) for name in found if name not in ("select", "sources")}
    made = intervention_of(given_flags)
    assert made is not None
    assert made.describe() == intervention.describe() == cell.intervention.describe()
    assert made == plain(made)
    assert not made.acts or made.unmodified_steps == intervention.unmodified_steps


def test_a_module_is_run_as_one() -> None:
    (cell,) = Sweep(("package.train", "4"), module=True).cells()
    found = recorded(cell.words(OUT, RecordingOptions(), force=False))
    assert (found["module"], found["script"], found["arguments"], found["force"]) == (
        True,
        "package.train",
        ("4",),
        False,
    )
    assert cell.recorded_command == ["-m", "package.train", "4"]

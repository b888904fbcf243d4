"""What cannot be recorded rightly is refused in one line that names the reason, and the training goes on."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import sedscope
from recorders.errors import InputOutputError, RefusedError, UsageError


def make_model() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 2))


def backward(model: nn.Module) -> None:
    model(torch.randn(5, 4)).square().mean().backward()


def test_lbfgs(recording: Any, capsys: Any) -> None:
    model = make_model()
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=2)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = model(torch.ones(5, 4)).square().mean()
        loss.backward()
        return loss

    with recording(may_stop=True) as it:
        before = model[0].weight.clone()
        optimizer.step(closure)
        optimizer.step(closure)
    assert not torch.equal(before, model[0].weight)
    assert "LBFGS evaluates its loss several times in one step" in it.session.stopped
    assert capsys.readouterr().err.count("LBFGS") == 1
    assert not it.session.output.is_open and not it.session.path.exists()


class Twice(torch.optim.SGD):
    def step(self, closure: Any = None) -> Any:  # type: ignore[override]
        closure()
        return super().step(closure)


def test_a_closure_of_an_optimizer_that_is_not_torchs(recording: Any) -> None:
    model = make_model()
    optimizer = Twice(model.parameters(), lr=0.1)
    with recording(may_stop=True) as it:
        optimizer.step(lambda: backward(model))
    assert "Twice takes a closure" in it.session.stopped


def test_a_closure_that_is_called_once_is_recorded(recording: Any) -> None:
    model = make_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def closure() -> Any:
        optimizer.zero_grad()
        return sedscope.backward({"task": model(torch.ones(5, 4)).square().mean()})

    with recording(every=1) as it:
        for _ in range(2):
            optimizer.step(closure)
    rows = it.writer.stored_rows
    assert torch.equal(torch.tensor(rows["gradient"][1]), torch.tensor(rows["gradient/task"][1]))
    assert abs(rows["gradient"][1]).max() > 0


def test_optimizer_in_backward(recording: Any) -> None:
    model = make_model()
    optimizers = {parameter: torch.optim.SGD([parameter], lr=0.1) for parameter in model.parameters()}

    def step(parameter: Any) -> None:
        optimizers[parameter].step()
        optimizers[parameter].zero_grad()

    for parameter in model.parameters():
        parameter.register_post_accumulate_grad_hook(step)
    with recording(may_stop=True) as it:
        backward(model)
    assert "4 optimizers of one parameter each (optimizer-in-backward)" in it.session.stopped


def test_two_optimizers_that_share_the_selection(recording: Any) -> None:
    model = make_model()
    first = torch.optim.SGD(model[0].parameters(), lr=0.1)
    second = torch.optim.AdamW(model[2].parameters(), lr=0.1)
    with recording(may_stop=True) as it:
        backward(model)
        first.step()
        second.step()
    assert "2 optimizers (AdamW, SGD) share the selected parameters" in it.session.stopped


def test_two_optimizers_of_which_one_owns_the_selection(recording: Any) -> None:
    model = make_model()
    first = torch.optim.SGD(model[0].parameters(), lr=0.1)
    second = torch.optim.AdamW(model[2].parameters(), lr=0.1)
    with recording(every=1, select=("2.*",)) as it:
        for _ in range(3):
            backward(model)
            first.step()
            second.step()
    assert it.session.t == 3 and it.writer.manifest["optimizer"]["class"] == "AdamW"
    assert "adam/adaptive" in it.writer.stored_rows


def test_a_second_optimizer_that_takes_over(recording: Any) -> None:
    model = make_model()
    first = torch.optim.SGD(model.parameters(), lr=0.1)
    with recording(every=1, may_stop=True) as it:
        backward(model)
        first.step()
        second = torch.optim.Adam(model.parameters(), lr=0.1)
        second.step()
    assert "the script has made a new optimizer, Adam after SGD" in it.session.stopped
    assert it.writer.closed == ["recording stopped"]
    assert ("refused", 1) in [(kind, t) for kind, _, t in it.writer.notes]


def test_a_selection_that_matches_nothing(recording: Any, capsys: Any) -> None:
    model = make_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with recording(select=("encoder.*",), may_stop=True) as it:
        backward(model)
        optimizer.step()
    assert "'encoder.*' matches no parameter" in it.session.stopped
    assert "0.weight, 0.bias, 2.weight, 2.bias" in capsys.readouterr().err


def test_parameters_that_belong_to_no_module(recording: Any, capsys: Any) -> None:
    alone = nn.Parameter(torch.ones(3))
    optimizer = torch.optim.SGD([alone], lr=0.1)
    with recording():
        for _ in range(2):
            alone.sum().backward()
            optimizer.step()
    assert capsys.readouterr().err.count("no torch.nn.Module holds the parameters of SGD") == 1


@pytest.mark.filterwarnings("default::DeprecationWarning")
def test_a_compiled_optimizer_step_is_not_seen_and_not_broken(recording: Any, capsys: Any) -> None:
    model = make_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    step = torch.compile(lambda: optimizer.step(), backend="eager")
    before = model[0].weight.clone()
    with recording(every=1):
        backward(model)
        step()
    assert not torch.equal(before, model[0].weight)
    assert "one inside torch.compile is not seen" in capsys.readouterr().err


def test_several_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "4")
    with pytest.raises(RefusedError, match="WORLD_SIZE: must be 1, found 4"), sedscope.record(tmp_path / "run"):
        pass
    assert not (tmp_path / "run").exists()


def test_places_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").touch()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").touch()
    (tmp_path / "file").touch()
    cases: list[tuple[str, dict[str, Any], type[Exception], str]] = [
        ("full", {}, UsageError, "new or empty folder"),
        ("full", {"force": True}, UsageError, "with --force a run"),
        ("run", {}, UsageError, "holds a run already; give --force"),
        ("file", {}, UsageError, "new or empty folder"),
        ("file/below", {}, InputOutputError, "Not a directory"),
        ("full", {"resume": True}, UsageError, "must be a run to go on with"),
    ]
    for name, options, kind, message in cases:
        with pytest.raises(kind, match=message), sedscope.record(tmp_path / name, **options):
            pass
    assert (tmp_path / "full" / "thesis.tex").exists()


def test_a_recording_inside_a_recording(recording: Any, tmp_path: Path) -> None:
    with recording(), pytest.raises(UsageError, match="one recording at a time"), sedscope.record(tmp_path / "other"):
        pass
    assert not (tmp_path / "other").exists()

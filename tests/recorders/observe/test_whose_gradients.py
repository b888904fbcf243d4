"""Each task's gradient, however a script or a library computes it, against one plain `autograd.grad` for each task."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.autograd import grad as imported_grad

import sedscope
from recorders.errors import UsageError

X = torch.linspace(-1, 1, 48).reshape(8, 6)
TARGETS = {"a": torch.arange(8) % 3, "b": torch.arange(8) % 2}


class TwoHeads(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(6, 5), nn.Tanh())
        self.a, self.b = nn.Linear(5, 3), nn.Linear(5, 2)


class Training:
    """A training of two tasks that keeps what each task's gradient is at every t."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.model = TwoHeads()
        self.parameters = list(self.model.parameters())
        self.optimizer = torch.optim.AdamW(self.parameters, lr=0.01)
        self.expected: dict[str, list[Tensor]] = {"a": [], "b": []}

    def losses(self, features: Tensor | None = None) -> dict[str, Tensor]:
        features = self.model.trunk(X) if features is None else features
        heads = {"a": self.model.a, "b": self.model.b}
        return {task: nn.functional.cross_entropy(heads[task](features), TARGETS[task]) for task in heads}

    def gradients(self, loss: Tensor) -> list[Tensor]:
        computed = torch.autograd.grad(loss, self.parameters, retain_graph=True, allow_unused=True)
        pairs = zip(computed, self.parameters, strict=True)
        return [torch.zeros_like(parameter) if gradient is None else gradient for gradient, parameter in pairs]

    def run(self, step: Callable[["Training"], None], steps: int = 3) -> Tensor:
        for _ in range(steps):
            for task, loss in self.losses().items():
                self.expected[task].append(torch.cat([each.flatten() for each in self.gradients(loss)]))
            step(self)
            self.optimizer.step()
        return torch.cat([parameter.detach().flatten() for parameter in self.parameters])

    def write(self, *gradients: list[Tensor]) -> None:
        for parameter, *parts in zip(self.parameters, *gradients, strict=True):
            parameter.grad = torch.stack(parts).sum(0)


def grads_of(training: Training) -> list[Tensor]:
    return [torch.zeros_like(each) if each.grad is None else each.grad.clone() for each in training.parameters]


def one_by_one(clear: Callable[[Training], None], *, clear_last: bool = True) -> Callable[[Training], None]:
    def step(training: Training) -> None:
        collected = []
        for task, loss in training.losses().items():
            clear(training)
            with sedscope.task(task):
                loss.backward(retain_graph=True)
            collected.append(grads_of(training))
        if clear_last:
            clear(training)
        training.write(*collected)

    return step


def zero_by_hand(training: Training) -> None:
    for parameter in training.parameters:
        if parameter.grad is not None:
            parameter.grad.zero_()


def drop_by_hand(training: Training) -> None:
    for parameter in training.parameters:
        parameter.grad = None


def in_place_combination(training: Training) -> None:
    """MGDA may choose one task alone: then what is written equals what the last backward left."""
    collected = []
    for task, loss in training.losses().items():
        training.optimizer.zero_grad()
        with sedscope.task(task):
            loss.backward(retain_graph=True)
        collected.append(grads_of(training))
    for parameter, first in zip(training.parameters, collected[0], strict=True):
        if parameter.grad is not None:
            parameter.grad.mul_(1.0).add_(first, alpha=0.0)


def weighted_sum_afterwards(training: Training) -> None:
    """Sener & Koltun's published loop: gradients of each task, weights, then one backward of the weighted sum."""
    for task, loss in training.losses().items():
        training.optimizer.zero_grad()
        with sedscope.task(task):
            loss.backward(retain_graph=True)
    training.optimizer.zero_grad()
    losses = training.losses()
    (0.3 * losses["a"] + 0.7 * losses["b"]).backward()


def clipped_weighted_sum_afterwards(training: Training) -> None:
    weighted_sum_afterwards(training)
    nn.utils.clip_grad_norm_(training.parameters, 0.01)


def taken(grad: Any) -> Callable[[Training], None]:
    def step(training: Training) -> None:
        collected = []
        for task, loss in training.losses().items():
            with sedscope.task(task):
                gradients = grad(loss, training.parameters, retain_graph=True, allow_unused=True)
            pairs = zip(gradients, training.parameters, strict=True)
            collected.append([torch.zeros_like(p) if gradient is None else gradient for gradient, p in pairs])
        training.optimizer.zero_grad()
        training.write(*collected)

    return step


def taken_layer_by_layer(training: Training) -> None:
    for task, loss in training.losses().items():
        with sedscope.task(task):
            torch.autograd.grad(loss, training.model.trunk.parameters(), retain_graph=True)
            torch.autograd.grad(loss, getattr(training.model, task).parameters(), retain_graph=True)
    weighted_sum_unnamed(training)


def taken_at_the_trunk(training: Training) -> None:
    for task, loss in training.losses().items():
        with sedscope.task(task):
            torch.autograd.grad(loss, list(training.model.trunk.parameters()), retain_graph=True)
    weighted_sum_unnamed(training)


def weighted_sum_unnamed(training: Training) -> None:
    training.optimizer.zero_grad()
    torch.stack(list(training.losses().values())).sum().backward()


def through_features(training: Training) -> None:
    """Heads first, then from the features on, as libraries that share the trunk do; batched cotangents among them."""
    for task in TARGETS:
        features = training.model.trunk(X)
        head = list(getattr(training.model, task).parameters())
        with sedscope.task(task):
            *_, cotangent = torch.autograd.grad(training.losses(features)[task], [*head, features], retain_graph=True)
            rows = torch.stack((0.25 * cotangent, 0.75 * cotangent))
            torch.autograd.grad(features, training.model.trunk.parameters(), rows, is_grads_batched=True)
    weighted_sum_unnamed(training)


def with_a_penalty(training: Training) -> None:
    """A gradient inside the task that is not the task's: what is sent backward counts alone."""
    training.optimizer.zero_grad()
    for task, loss in training.losses().items():
        with sedscope.task(task):
            torch.autograd.grad(loss, training.parameters, create_graph=True, allow_unused=True)
            loss.backward(retain_graph=True)


def functional(training: Training) -> None:
    collected = []
    for task in TARGETS:

        def loss(values: dict[str, Tensor], task: str = task) -> Tensor:
            features = torch.func.functional_call(training.model.trunk, _below(values, "trunk."), (X,))
            output = torch.func.functional_call(getattr(training.model, task), _below(values, f"{task}."), (features,))
            return nn.functional.cross_entropy(output, TARGETS[task])

        with sedscope.task(task):
            collected.append(list(torch.func.grad(loss)(dict(training.model.named_parameters())).values()))
    training.write(*collected)


def _below(values: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)}


def checkpointed(training: Training) -> None:
    from torch.utils.checkpoint import checkpoint

    training.optimizer.zero_grad()
    sedscope.backward(training.losses(checkpoint(training.model.trunk, X, use_reentrant=False)))


STEPS: dict[str, Callable[[Training], None]] = {
    "optimizer clears": one_by_one(lambda training: training.optimizer.zero_grad()),
    "optimizer zeroes": one_by_one(lambda training: training.optimizer.zero_grad(set_to_none=False)),
    "trunk clears": one_by_one(lambda training: training.model.zero_grad(), clear_last=False),
    "zeroed by hand": one_by_one(zero_by_hand),
    "dropped by hand": one_by_one(drop_by_hand, clear_last=False),
    "combined in place": in_place_combination,
    "weighted sum": weighted_sum_afterwards,
    "weighted sum, clipped": clipped_weighted_sum_afterwards,
    "autograd.grad": taken(lambda *args, **kwargs: torch.autograd.grad(*args, **kwargs)),
    "imported grad": taken(imported_grad),
    "layer by layer": taken_layer_by_layer,
    "trunk alone": taken_at_the_trunk,
    "through features": through_features,
    "penalty": with_a_penalty,
    "torch.func.grad": functional,
    "checkpointed": checkpointed,
}


@pytest.mark.parametrize("way", STEPS)
def test_each_tasks_gradient_is_recorded_and_the_training_is_left_alone(recording: Any, way: str) -> None:
    plain, training = Training().run(STEPS[way]), Training()
    with recording(every=1) as it:
        recorded = training.run(STEPS[way])
    assert torch.equal(plain, recorded)
    for task, expected in training.expected.items():
        rows = it.writer.stored_rows[f"gradient/{task}"]
        assert sorted(rows) == [0, 1, 2]
        for t, row in rows.items():
            np.testing.assert_allclose(row, expected[t], rtol=1e-5, atol=1e-7)
    assert [message for kind, message, _ in it.writer.notes if kind == "refused"] == []


def test_losses_of_gradients_that_are_taken_are_those_of_the_tasks(recording: Any) -> None:
    training, losses = Training(), []

    def step(training: Training) -> None:
        losses.append({task: loss.item() for task, loss in training.losses().items()})
        taken_layer_by_layer(training)

    with recording(every=2) as it:
        training.run(step)
    for task in TARGETS:
        found = it.writer.stored_scalars[f"loss/{task}"]
        assert [found[t] for t in range(3)] == [pytest.approx([each[task]]) for each in losses]


def test_a_jacobian_row_by_row_is_the_sum_of_its_rows(recording: Any) -> None:
    training = Training()

    def step(training: Training) -> None:
        losses = list(training.losses().values())
        with sedscope.task("both"):
            for cotangents in torch.eye(2):
                torch.autograd.grad(losses, training.parameters, list(cotangents), retain_graph=True, allow_unused=True)
        weighted_sum_unnamed(training)

    with recording(every=1) as it:
        training.run(step, steps=1)
    expected = training.expected["a"][0] + training.expected["b"][0]
    np.testing.assert_allclose(it.writer.stored_rows["gradient/both"][0], expected, rtol=1e-5, atol=1e-7)
    assert it.writer.stored_scalars["loss/both"][0] == pytest.approx(
        [float(sum(loss.item() for loss in Training().losses().values()))]
    )


FORMS: dict[str, Callable[[Training, list[Tensor]], Any]] = {
    "list": lambda training, gradients: gradients,
    "generator": lambda training, gradients: (gradient for gradient in gradients),
    "by name": lambda training, gradients: dict(zip(dict(training.model.named_parameters()), gradients, strict=True)),
    "by parameter": lambda training, gradients: dict(zip(training.parameters, gradients, strict=True)),
    "vector": lambda training, gradients: torch.cat([gradient.flatten() for gradient in gradients]),
}


@pytest.mark.parametrize("form", FORMS)
def test_gradients_are_taken_from_whoever_computed_them(recording: Any, form: str) -> None:
    training = Training()

    def step(training: Training) -> None:
        losses = training.losses()
        given = {task: FORMS[form](training, training.gradients(loss)) for task, loss in losses.items()}
        sedscope.task_gradients(given)
        training.optimizer.zero_grad()
        with sedscope.task("a"):  # what is given counts before what is sent backward
            (5 * losses["a"]).backward()

    with recording(every=1, select=("trunk*",)) as it:
        training.run(step)
    for task, expected in training.expected.items():
        for t, row in it.writer.stored_rows[f"gradient/{task}"].items():
            np.testing.assert_allclose(row, expected[t][:35], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    ("gradients", "complaint"),
    [
        ([torch.zeros(2)], "one for each of 6 selected parameters"),
        ({"trunk.0.wrong": torch.zeros(2)}, "found 'trunk.0.wrong'"),
        (
            {"trunk.0.bias": torch.zeros(2)},
            "the gradient of trunk.0.bias must be a tensor of shape [5], found shape [2]",
        ),
        (torch.zeros(3), "a vector of gradients must have the shape [65]"),
        (3, "gradients must be tensors, found int"),
    ],
)
def test_gradients_that_do_not_fit_are_said_and_the_training_goes_on(
    recording: Any, gradients: Any, complaint: str
) -> None:
    training = Training()

    def step(training: Training) -> None:
        sedscope.task_gradients({"a": gradients})
        weighted_sum_unnamed(training)

    with recording(every=1) as it:
        training.run(step)
    assert sorted(it.writer.stored_rows["gradient"]) == [0, 1, 2] and "gradient/a" not in it.writer.stored_rows
    assert any(complaint in message for kind, message, _ in it.writer.notes if kind == "refused")


def test_giving_gradients_does_nothing_while_nobody_records() -> None:
    sedscope.task_gradients({"a": [torch.zeros(2)]})
    for wrong in ({}, [torch.zeros(2)], {1: torch.zeros(2)}):
        with pytest.raises(UsageError, match="task_gradients: must map task names to gradients"):
            sedscope.task_gradients(wrong)  # type: ignore[arg-type]


def says_nothing(training: Training) -> None:
    weighted_sum_unnamed(training)
    with sedscope.task("a"):
        pass


def throws_away(training: Training) -> None:
    training.optimizer.zero_grad()
    with sedscope.task("a"):
        training.losses()["a"].backward()
    weighted_sum_unnamed(training)


def vectorised(training: Training) -> None:
    with sedscope.task("a"):
        gradient = torch.func.grad(lambda weight, x: (x @ weight.T).square().sum())
        torch.func.vmap(gradient, in_dims=(None, 0))(training.model.trunk[0].weight, X)
    weighted_sum_unnamed(training)


@pytest.mark.parametrize("step", [says_nothing, throws_away, vectorised])
def test_a_named_task_whose_gradient_does_not_come_is_said_once(recording: Any, step: Any) -> None:
    training = Training()
    with recording(every=2) as it:
        training.run(step, steps=5)
    told = [(message, t) for kind, message, t in it.writer.notes if kind == "refused"]
    assert "gradient/a" not in it.writer.stored_rows
    assert len(told) == 1 and told[0][1] == 0
    assert told[0][0].startswith("task a: no gradient/a at t = 0: ") and "sedscope.task_gradients" in told[0][0]


def test_a_batch_that_is_thrown_away_is_not_of_the_step(recording: Any) -> None:
    training = Training()

    def step(training: Training) -> None:
        training.optimizer.zero_grad()
        sedscope.backward({task: 100 * loss for task, loss in training.losses().items()})
        training.optimizer.zero_grad()
        sedscope.backward({"a": training.losses()["a"]})
        nn.utils.clip_grad_norm_(training.parameters, 0.01)

    with recording(every=1) as it:
        training.run(step)
    assert "gradient/a" in it.writer.stored_rows and sorted(it.writer.stored_rows.get("gradient/b", {})) == []
    np.testing.assert_allclose(it.writer.stored_rows["gradient/a"][1], training.expected["a"][1], rtol=1e-5, atol=1e-7)


def test_gradients_with_a_graph_of_their_own_are_recorded(recording: Any) -> None:
    training = Training()

    def step(training: Training) -> None:
        training.optimizer.zero_grad(set_to_none=True)
        with sedscope.task("a"):
            training.losses()["a"].backward(create_graph=True)

    with recording(every=1) as it, pytest.warns(UserWarning, match="create_graph"):
        training.run(step)
    for source in ("gradient", "gradient/a"):
        assert sorted(it.writer.stored_rows[source]) == [0, 1, 2]
    np.testing.assert_allclose(it.writer.stored_rows["gradient/a"][2], training.expected["a"][2], rtol=1e-5, atol=1e-7)


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")  # the compiler looks, where it goes on
@pytest.mark.parametrize("way", ["backward", "task"])
def test_a_compiled_step_that_holds_the_call_is_recorded(recording: Any, way: str) -> None:
    training = Training()

    @torch.compile(backend="eager")
    def forward_and_backward() -> None:
        loss = training.losses()["a"]
        if way == "backward":
            sedscope.backward({"a": loss})
        else:
            with sedscope.task("a"):
                loss.backward()

    def step(training: Training) -> None:
        training.optimizer.zero_grad()
        forward_and_backward()

    with recording(every=1) as it:
        training.run(step)
    for t, row in it.writer.stored_rows["gradient/a"].items():
        np.testing.assert_allclose(row, training.expected["a"][t], rtol=1e-5, atol=1e-7)

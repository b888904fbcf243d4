"""What holds for every test process: two workers share two cores, so each keeps to one thread."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

os.environ.setdefault("OMP_NUM_THREADS", "1")  # read by torch when it is first imported; child processes inherit it

# By its own default an example that takes 0.2 s fails: on a loaded machine any of them may.
settings.register_profile("sedscope", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("sedscope")

# Tests have a cache of their own; matplotlib goes on with the list of fonts that it has.
os.environ.setdefault("MPLCONFIGDIR", str(Path.home() / ".cache" / "matplotlib"))


@pytest.fixture(scope="session", autouse=True)
def _cache_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> None:
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))


FIXTURES = Path(__file__).parent / "fixtures"


@pytest.fixture(scope="session")
def fixture_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run directory made of the fixture's checkpoints: one task, `add`, its feature program and its probes.

    The pool is the fixture's 96 probes followed by its 128 examples of the gradient batch. Tests copy the folder before
    they change or analyse it.
    """
    import torch
    from safetensors.torch import load_file

    from recorders.program import capture_program
    from recorders.store.run_writer import RunWriter

    tensors = load_file(FIXTURES / "modular_addition.safetensors")
    expected = json.loads((FIXTURES / "modular_addition.expected.json").read_text())
    prefix = "checkpoints/"
    states = {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
    path = tmp_path_factory.mktemp("runs") / "modular-addition"
    manifest = _manifest({name: list(value.shape[1:]) for name, value in states.items()}, expected)
    writer = RunWriter.create(path, manifest)
    flat = torch.cat([states[name].flatten(1) for name in expected["selected_parameters"]], dim=1)
    for index, t in enumerate(expected["steps"]):
        writer.weights(t, {name: value[index].contiguous() for name, value in states.items()})
        writer.scalars(t, {"metric/test_acc/add": index / 39, "metric/train_acc/add": min(1.0, index / 10)})
        if index + 1 < len(flat):
            writer.rows("update", t, (flat[index + 1] - flat[index]).numpy())
    inputs = torch.cat((tensors["probe/inputs"], tensors["gradient_batch/inputs"]))
    captured = capture_program(_transformer(states), (inputs,), at="tok_emb")
    program = writer.program(captured.program_json, captured.constants)
    pool = {
        "inputs.0": inputs,
        "targets": torch.cat((tensors["probe/targets"], tensors["gradient_batch/targets"])),
        "order.probes": torch.arange(96),
        "order.batch": torch.arange(96, 224),
        "example": torch.arange(224),
    }
    writer.probe("add", pool, {"task": "add", "program": program, "output": 0, "loss": "cross_entropy", "pool": 224})
    writer.close("finished")
    assert writer.failure is None
    return path


def _manifest(shapes: dict[str, list[int]], expected: dict[str, Any]) -> dict[str, Any]:
    import math

    offsets: dict[str, int] = {}
    for name in expected["selected_parameters"]:
        offsets[name] = sum(math.prod(shapes[before]) for before in offsets)
    order = [*expected["selected_parameters"], *(name for name in shapes if name not in offsets)]
    parameters = [
        {
            "name": name,
            "shape": shapes[name],
            "dtype": "float32",
            "selected": name in offsets,
            "offset": offsets.get(name),
            "trainable": True,
        }
        for name in order
    ]
    return {
        "name": "modular-addition",
        "command": ["train.py"],
        "git": None,
        "versions": {},
        "device": "cpu",
        "tasks": ["add"],
        "parameters": parameters,
        "selection": {"spec": ["attention"], "P": expected["P"], "row_dtype": "float32"},
        "blocks": [],
        "optimizer": {"class": "AdamW", "groups": [{"lr": 1e-3, "weight_decay": 1.0, "parameters": order}]},
        "recording": {"every": 25, "sources": ["update"], "weights_every": 25, "budget": None, "probe_seed": 0},
        "intervention": None,
        "seed": 0,
        "parent": None,
    }


def _transformer(states: dict[str, Any]) -> Any:
    """The fixture's model at its last checkpoint, as a training script would write it."""
    import torch
    from torch import Tensor, nn

    class Transformer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.tok_emb = nn.Embedding(23, 32)
            self.pos_emb = nn.Parameter(torch.zeros(2, 32))
            layer = nn.TransformerEncoderLayer(
                32, 4, 64, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
            )
            self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
            self.ln = nn.LayerNorm(32)
            self.head = nn.Linear(32, 23)

        def forward(self, tokens: Tensor) -> Tensor:
            hidden = self.encoder(self.tok_emb(tokens) + self.pos_emb)
            return self.head(self.ln(hidden[:, 0]))

    model = Transformer()
    model.load_state_dict({name: value[-1] for name, value in states.items()})
    return model

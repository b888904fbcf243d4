"""J v against its definition, and every property that the product relies on."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_gram import gram_of

from recorders.errors import UsageError
from sedscope.analysis.coupling.coupling_sums import coupling
from sedscope.analysis.features.centroid_jvp import central_difference_jvps, centroids, exact_jvps, selected_norm
from sedscope.analysis.features.checkpoint_models import score
from sedscope.analysis.features.probed_model import ProbedModel
from sedscope.analysis.features.random_directions import RandomDirections


def whole(model, v, **options):
    """J v of one direction for all probes `[N, D]`."""
    return torch.cat([product.values for product in exact_jvps(model, [v], **options)]).numpy()


def small_model(dtype=torch.float64, width=6, n_probes=40):
    """A perceptron whose feature sits between its two selected matrices; one more parameter has no influence."""
    generator = torch.Generator().manual_seed(3)
    shapes = {"before": (width, 4), "after": (width, width), "head": (5, width), "idle": (3, 2)}
    state = {name: torch.randn(*shape, generator=generator, dtype=dtype) for name, shape in shapes.items()}
    x = torch.randn(n_probes, 4, generator=generator, dtype=dtype)
    y = torch.randint(5, (n_probes,), generator=generator)

    def scores(state, examples, delta):
        feature = torch.tanh(examples[0] @ state["before"].T) + delta
        return score(torch.tanh(feature @ state["after"].T) @ state["head"].T, examples[1], "target_logit")

    return ProbedModel(scores, state, ("before", "idle", "after"), (x, y), (width,))


def unit(size, seed=0):
    v = np.random.default_rng(seed).standard_normal(size)
    return v / np.linalg.norm(v)


def moved(model, v, step):
    parts = zip(model.selected, model.unflatten(v), strict=True)
    return dataclasses.replace(
        model, state={**model.state, **{name: model.state[name] + step * part for name, part in parts}}
    )


def definition(model, v, step=1e-5):
    """(μ(θ + hv) − μ(θ − hv)) / 2h in float64, with a step that leaves 1e-9 of error."""
    return (centroids(moved(model, v, step)) - centroids(moved(model, v, -step))) / (2 * step)


def test_exact_jvps_against_the_definition():
    model = small_model()
    v = unit(model.size)
    np.testing.assert_allclose(whole(model, v), definition(model, v), rtol=1e-6, atol=1e-9)


def test_exact_jvps_of_the_transformer_against_the_definition(fixture_run):
    model = fixture_run.model(20)
    v = unit(model.size)
    expected = definition(model, v)
    np.testing.assert_allclose(whole(model, v), expected, atol=1e-7 * np.abs(expected).max())


def test_the_activation_in_front_of_the_feature_point_moves_too():
    model = small_model()
    v = np.zeros(model.size)
    v[: model.state["before"].numel()] = 1.0
    assert np.abs(whole(model, v)).max() > 1e-3


def test_a_parameter_without_influence_contributes_zero():
    model = small_model()
    v = np.zeros(model.size)
    start = model.state["before"].numel()
    v[start : start + 6] = 1.0
    assert not whole(model, v).any()
    assert not whole(dataclasses.replace(model, selected=("idle",)), np.ones(6)).any()


def test_a_score_that_ignores_the_feature_has_zero_centroids_and_products():
    model = dataclasses.replace(
        small_model(), scores=lambda state, examples, delta: (examples[0] @ state["before"].T).sum(1)
    )
    assert not centroids(model).any()
    assert not whole(model, unit(model.size)).any()


def test_a_score_without_parameters_has_zero_products():
    model = dataclasses.replace(small_model(), scores=lambda state, examples, delta: (delta**2).sum(1))
    assert not whole(model, unit(model.size)).any()


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 5), st.floats(-3, 3), st.floats(-3, 3))
def test_products_are_linear(seed, a, b):
    model = small_model()
    v, w = unit(model.size, seed), unit(model.size, seed + 100)
    np.testing.assert_allclose(
        whole(model, a * v + b * w), a * whole(model, v) + b * whole(model, w), rtol=1e-9, atol=1e-10
    )


@pytest.mark.parametrize("chunk", [1, 7, 39, 40, 100])
def test_chunks_do_not_matter(chunk):
    model = small_model()
    directions = [unit(model.size, seed) for seed in range(3)]
    expected = coupling(exact_jvps(model, directions), 3, 40)
    found = coupling(exact_jvps(model, directions, chunk=chunk), 3, 40)
    np.testing.assert_allclose(found.sums, expected.sums, rtol=1e-10)
    np.testing.assert_allclose(centroids(model, chunk=chunk), centroids(model), rtol=1e-10)
    central = [coupling(central_difference_jvps(model, directions, chunk=c), 3, 40).A for c in (None, chunk)]
    np.testing.assert_allclose(central[1], central[0], rtol=1e-8)


def test_central_difference_jvps_are_the_papers_difference():
    model = small_model()
    v = unit(model.size)
    (product,) = central_difference_jvps(model, [v], epsilon=0.005)
    step = 0.005 * selected_norm(model)
    np.testing.assert_allclose(product.values.numpy(), definition(model, v, step), rtol=1e-9, atol=1e-12)


def test_A_is_the_mean_square_of_the_products():
    model = small_model()
    v = unit(model.size)
    found = coupling(exact_jvps(model, [v], chunk=9), 1, 40)
    plain = (whole(model, v) ** 2).sum(1)
    assert found.sums.shape == (1, 32) and found.counts.sum() == 40
    np.testing.assert_allclose(found.A, [plain.mean()], rtol=1e-12)
    np.testing.assert_allclose(found.sums[0, 0], plain[0], rtol=1e-12)


def test_coupling_gram_gives_A_of_every_combination():
    model = small_model()
    directions = [unit(model.size, seed) for seed in range(4)]
    gram = gram_of(exact_jvps(model, directions, chunk=11), 4, 40)
    coefficients = np.random.default_rng(1).standard_normal((4, 3))
    combined = (coefficients.T @ np.stack(directions)).copy()
    plain = coupling(exact_jvps(model, combined), 3, 40)
    np.testing.assert_allclose(gram.coupling(coefficients).sums, plain.sums, rtol=1e-9)
    np.testing.assert_allclose(np.diagonal(gram.B), coupling(exact_jvps(model, directions), 4, 40).A, rtol=1e-9)


def test_blockwise_products_add_up():
    """J r = Σ_b J r_b: what norm-matched baselines are assembled from."""
    model = small_model()
    r = unit(model.size)
    cuts = [0, *np.cumsum([model.state[name].numel() for name in model.selected])]
    blocks = np.zeros((3, model.size))
    for row, start, stop in zip(blocks, cuts[:-1], cuts[1:], strict=True):
        row[start:stop] = r[start:stop]
    gram = gram_of(exact_jvps(model, blocks), 3, 40)
    np.testing.assert_allclose(gram.coupling(np.ones((3, 1))).A, coupling(exact_jvps(model, [r]), 1, 40).A)


def test_the_state_is_left_alone():
    model = small_model()
    before = {name: tensor.clone() for name, tensor in model.state.items()}
    whole(model, unit(model.size))
    list(central_difference_jvps(model, [unit(model.size)]))
    assert all(torch.equal(before[name], tensor) and not tensor.requires_grad for name, tensor in model.state.items())


def test_it_works_under_no_grad():
    model = small_model()
    v = unit(model.size)
    expected = whole(model, v)
    with torch.no_grad():
        np.testing.assert_array_equal(whole(model, v), expected)
        assert centroids(model).any()


@pytest.mark.parametrize(("dtype", "rtol"), [(torch.float32, 1e-4), (torch.bfloat16, 0.2), (torch.float16, 0.05)])
def test_any_floating_dtype(dtype, rtol):
    reference, model = small_model(), small_model()
    short = dataclasses.replace(
        model,
        state={name: tensor.to(dtype) for name, tensor in model.state.items()},
        examples=(model.examples[0].to(dtype), model.examples[1]),
    )
    v = [unit(model.size)]
    for products in (exact_jvps, central_difference_jvps):
        epsilon = {"epsilon": 0.05} if products is central_difference_jvps else {}
        found = coupling(products(short, v, **epsilon), 1, 40).A
        np.testing.assert_allclose(found, coupling(products(reference, v, **epsilon), 1, 40).A, rtol=rtol)
    np.testing.assert_allclose(centroids(short), centroids(reference), atol=rtol)


def test_lazy_and_read_only_directions():
    model = small_model()
    directions = RandomDirections(2, model.size, seed=4)
    lazily = coupling(exact_jvps(model, directions, chunk=13), 2, 40)
    frozen = np.stack(list(directions))
    frozen.setflags(write=False)
    np.testing.assert_array_equal(lazily.sums, coupling(exact_jvps(model, frozen, chunk=13), 2, 40).sums)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_cuda_agrees_with_the_cpu():
    model = small_model()
    on_gpu = dataclasses.replace(
        model,
        state={name: tensor.cuda() for name, tensor in model.state.items()},
        examples=tuple(tensor.cuda() for tensor in model.examples),
    )
    v = [unit(model.size)]
    for products in (exact_jvps, central_difference_jvps):
        found = coupling(products(on_gpu, v), 1, 40)
        np.testing.assert_allclose(found.sums, coupling(products(model, v), 1, 40).sums, rtol=1e-8)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"selected": ("after", "gone")}, "gone"),
        ({"selected": ()}, "none"),
        ({"examples": ()}, "share one length"),
        ({"examples": (torch.zeros(3), torch.zeros(4))}, "3, 4"),
        ({"state": {"after": torch.ones(2, dtype=torch.int64)}, "selected": ("after",)}, "floating point"),
    ],
)
def test_unusable_models_are_refused(change, message):
    with pytest.raises(UsageError, match=message):
        dataclasses.replace(small_model(), **change)


def test_unusable_arguments_are_refused():
    model = small_model()
    with pytest.raises(UsageError, match="must hold 66 numbers"):
        list(exact_jvps(model, [np.ones(5)]))
    with pytest.raises(UsageError, match="at least 1 probe; found 0"):
        list(exact_jvps(model, [np.ones(66)], chunk=0))
    for epsilon in (0.0, -1.0, float("nan")):
        with pytest.raises(UsageError, match="epsilon"):
            list(central_difference_jvps(model, [np.ones(66)], epsilon=epsilon))
    frozen = dataclasses.replace(model, state={name: torch.zeros_like(t) for name, t in model.state.items()})
    with pytest.raises(UsageError, match="all zero"):
        list(central_difference_jvps(frozen, [np.ones(66)]))

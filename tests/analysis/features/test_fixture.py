"""Every number of the fixture: singular values, A, R_k, R̄_k, rank-90, from the product's own functions."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sedscope.analysis.coupling.coupling_sums import coupling
from sedscope.analysis.features.centroid_jvp import central_difference_jvps, centroids, exact_jvps, selected_norm
from sedscope.analysis.features.centroid_spectrum import CentroidSpectrum, centroid_spectrum
from sedscope.analysis.spectra.gram import banded_gram
from sedscope.analysis.spectra.window_svd import WindowSVD, apply_combinations, combinations, decompose_window
from sedscope.analysis.spectra.windows import place_windows
from sedscope.analysis.statistics.coupling_ratio import CouplingRatio, baseline, coupling_ratio

WINDOW, RANK = 10, 3
CHECKPOINTS = (0, 12, 20, 30, 39)


def windows_of(run, index):
    """(name, spectrum, directions [K', P]) of each window that the fixture states for a checkpoint."""
    for name, found in run.expected["checkpoints"][str(index)].items():
        if not isinstance(found, dict):
            continue
        family, align = name.split(".")
        is_gradient = family == "fixed_batch_gradient"
        rows = run.gradients if is_gradient else run.displacements
        steps = run.steps if is_gradient else run.steps[1:]
        (window,) = place_windows(steps, [run.steps[index]], WINDOW, align, rows_end_at_t=not is_gradient)

        def read(start, stop, columns, rows=rows):
            return rows[start:stop, columns]

        found_spectrum = decompose_window(banded_gram(read, *rows.shape, WINDOW).window(window.start, window.stop))
        directions = apply_combinations(read, window, combinations(found_spectrum, RANK), rows.shape[1])
        yield name, found_spectrum, directions


@pytest.mark.parametrize("index", CHECKPOINTS)
def test_exact_values_in_float64(fixture_run, index):
    expected = fixture_run.expected["checkpoints"][str(index)]
    model = fixture_run.model(index)
    assert selected_norm(model) == pytest.approx(expected["theta_norm"], rel=1e-12)
    random = coupling(exact_jvps(model, fixture_run.random_directions), 20, 96)
    np.testing.assert_allclose(random.A, expected["A_random_exact"], rtol=1e-6)
    for name, found, directions in windows_of(fixture_run, index):
        assert isinstance(found, WindowSVD)
        np.testing.assert_allclose(found.sigma, expected[name]["singular_values"], rtol=1e-6)
        A = coupling(exact_jvps(model, directions), len(directions), 96).A
        np.testing.assert_allclose(A, expected[name]["A_exact"], rtol=1e-6)
        result = coupling_ratio(A, baseline(random.A))
        assert isinstance(result, CouplingRatio)
        np.testing.assert_allclose(result.R, expected[name]["R_exact"], rtol=1e-6)
        assert result.rbar == pytest.approx(expected[name]["Rbar_exact"], rel=1e-6)


@pytest.mark.parametrize("index", CHECKPOINTS)
def test_exact_values_in_float32(fixture_run, index):
    expected = fixture_run.expected["checkpoints"][str(index)]
    model = fixture_run.model(index, dtype=torch.float32)
    random = coupling(exact_jvps(model, fixture_run.random_directions), 20, 96)
    np.testing.assert_allclose(random.A, expected["A_random_exact"], rtol=1e-4)
    for name, _, directions in windows_of(fixture_run, index):
        result = coupling_ratio(coupling(exact_jvps(model, directions), len(directions), 96).A, baseline(random.A))
        assert isinstance(result, CouplingRatio)
        np.testing.assert_allclose(result.R, expected[name]["R_exact"], rtol=1e-4)


@pytest.mark.parametrize("index", CHECKPOINTS)
def test_central_differences(fixture_run, index):
    expected = fixture_run.expected["checkpoints"][str(index)]
    model = fixture_run.model(index, dtype=torch.float32)
    random = coupling(central_difference_jvps(model, fixture_run.random_directions), 20, 96)
    np.testing.assert_allclose(random.A, expected["A_random_central_difference"], rtol=1e-2)
    for name, _, directions in windows_of(fixture_run, index):
        result = coupling_ratio(
            coupling(central_difference_jvps(model, directions), len(directions), 96).A, baseline(random.A)
        )
        assert isinstance(result, CouplingRatio)
        np.testing.assert_allclose(result.R, expected[name]["R_central_difference"], rtol=1e-2)


@pytest.mark.parametrize("index", CHECKPOINTS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_centroids(fixture_run, index, dtype):
    expected = fixture_run.expected["checkpoints"][str(index)]
    for kind in ("target_logit", "sum_of_logits"):
        found = centroid_spectrum(centroids(fixture_run.model(index, kind, dtype)))
        assert isinstance(found, CentroidSpectrum)
        assert found.rank() == expected[f"rank90_{kind}"]
    norm = np.linalg.norm(centroids(fixture_run.model(index, "target_logit", dtype)).astype(np.float64))
    assert norm == pytest.approx(expected["centroid_target_logit_norm"], rel=1e-9 if dtype == torch.float64 else 1e-5)


def test_row_norms(fixture_run):
    expected = fixture_run.expected
    np.testing.assert_allclose(
        np.linalg.norm(fixture_run.gradients, axis=1), expected["fixed_batch_gradient_norms"], rtol=1e-9
    )
    np.testing.assert_allclose(
        np.linalg.norm(fixture_run.displacements, axis=1), expected["displacement_norms"], rtol=1e-9
    )

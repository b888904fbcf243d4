"""What a call with cached results loads: the numpy half of the analysis imports no torch."""

from __future__ import annotations

import subprocess
import sys

TORCH_FREE = (
    "arrays",
    "undefined",
    "interventions",
    "coupling.response",
    "features.centroid_spectrum",
    "features.random_directions",
    "spectra.gram",
    "spectra.rolling_spectra",
    "spectra.window_svd",
    "spectra.windows",
    "statistics.grokking",
    "statistics.interval",
    "statistics.probe_groups",
    "statistics.coupling_ratio",
)


def test_the_numpy_half_loads_no_torch():
    imports = "; ".join(f"import sedscope.analysis.{name}" for name in TORCH_FREE)
    code = f"import sys, sedscope.analysis; {imports}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

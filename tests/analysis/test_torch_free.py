"""What a call with cached results loads: the numpy half of the analysis imports no torch."""

from __future__ import annotations

import subprocess
import sys

TORCH_FREE = (
    "arrays",
    "basis",
    "centroid_spectrum",
    "comparison",
    "coupling_gram",
    "gram",
    "groups",
    "interval",
    "metrics",
    "random_directions",
    "ratio",
    "spectrum",
    "undefined",
    "windows",
)


def test_the_numpy_half_loads_no_torch():
    imports = "; ".join(f"import sedscope.analysis.{name}" for name in TORCH_FREE)
    code = f"import sys, sedscope.analysis; {imports}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

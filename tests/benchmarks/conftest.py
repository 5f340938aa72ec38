from __future__ import annotations

import sys
from pathlib import Path

# The benchmarks are no part of the package, and are run from the root of the repository.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

"""Shared values of the tests of what is shown."""

from __future__ import annotations

import sys
from pathlib import Path

# The in-memory agent is a module beside the tests; tests are imported by path and have no packages.
sys.path.insert(0, str(Path(__file__).parent))

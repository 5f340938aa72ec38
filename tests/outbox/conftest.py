"""Sessions and bundles made with the real writer, encoder and keys: see `tests/bundle/sessions.py`."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

PLACE = Path(__file__).parents[1] / "bundle" / "sessions.py"
NAME = "tests_bundle_sessions"


def load() -> ModuleType:
    """Return the module, the same one for all folders of tests."""
    if NAME not in sys.modules:
        spec = importlib.util.spec_from_file_location(NAME, PLACE)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[NAME] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[NAME])
    return sys.modules[NAME]


@pytest.fixture(scope="session")
def sessions() -> ModuleType:
    """What makes sessions and bundles."""
    return load()

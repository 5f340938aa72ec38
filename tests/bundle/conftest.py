"""Sessions and bundles made with the real writer, encoder and keys: see `tests/bundle/sessions.py`."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from capture_agent.keys import age
from capture_agent.keys.age import Identity
from capture_agent.outbox.release import Signer

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


@pytest.fixture(scope="session")
def held(sessions: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A held session with a little of everything."""
    return sessions.make_held(tmp_path_factory.mktemp("held"))


@pytest.fixture(scope="session")
def who(sessions: ModuleType) -> Signer:
    """The participant who signs."""
    return sessions.signer()


@pytest.fixture(scope="session")
def me() -> Identity:
    """A researcher's key; classical ones are fast."""
    return age.new_classical()


@pytest.fixture(scope="session")
def plain(
    sessions: ModuleType, held: Any, who: Signer, me: Identity, tmp_path_factory: pytest.TempPathFactory
) -> bytes:
    """The tar inside a released bundle, with its padding."""
    (made,) = sessions.released(held, who, tmp_path_factory.mktemp("out"), sessions.recipient(me))
    return age.decrypt(made.path.read_bytes(), [me])


def _node() -> Any:
    """Return the fixture of `tests/keys` that runs Node."""
    spec = importlib.util.spec_from_file_location(
        "tests_keys_conftest", Path(__file__).parents[1] / "keys" / "conftest.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.node


node = _node()

"""Sessions and bundles made with the real writer, encoder and keys: see `tests/bundle/sessions.py`."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from capture_agent.keys import age
from capture_agent.keys.age import Identity
from capture_agent.outbox.release import Signer


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

"""An S3 server for the tests of delivery, and a file that waits to be delivered."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
import store_server
from store_server import Bucket, Proxy


@pytest.fixture(scope="session")
def server() -> Iterator[Bucket]:
    with store_server.moto() as bucket:
        yield bucket


@pytest.fixture
def bucket(server: Bucket) -> Bucket:
    server.empty()
    return server


@pytest.fixture
def proxy(server: Bucket) -> Iterator[Proxy]:
    one = Proxy(server.port)
    yield one
    one.close()


@pytest.fixture
def parcel(tmp_path: Path) -> Path:
    """A sealed file as release leaves it: a random name, and content that nobody can read."""
    outbox = tmp_path / "outbox"
    outbox.mkdir()
    path = outbox / f"{secrets.token_hex(16)}.capture"
    path.write_bytes(secrets.token_bytes(300_000))
    path.chmod(0o600)
    return path

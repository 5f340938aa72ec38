"""The store of the demo: what its reader finds there, and what participants may."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from capture_agent.core.delivery import Trouble, Undelivered
from capture_agent.core.destination import parse
from capture_agent.core.errors import DesktopError
from capture_agent.demo.store import opened
from capture_agent.outbox.courier import carry

PROGRAM = Path(__file__).parents[2] / "scripts" / "demo_store.py"
ENV = {"PATH": os.environ["PATH"]}


@pytest.fixture
def into(tmp_path: Path) -> Path:
    folder = tmp_path / "fetched"
    folder.mkdir()
    return folder


@pytest.fixture
def parcel(tmp_path: Path) -> Path:
    path = tmp_path / "one.capture"
    path.write_bytes(b"sealed" * 1000)
    return path


def deliver(parcel: Path, destination: str, access: dict[str, str]) -> None:
    carry(parcel, parse(destination), access, lambda _done, _size: None)


def test_in_the_store_participants_create_and_nothing_else_and_the_reader_finds_it(
    tmp_path: Path, into: Path, parcel: Path
) -> None:
    with opened(PROGRAM, tmp_path, ENV) as store:
        assert store.fetch(into) == []
        wrong = {**store.access, "AWS_SECRET_ACCESS_KEY": "another"}
        with pytest.raises(Undelivered) as refused:
            deliver(parcel, store.destination, wrong)
        assert refused.value.trouble is Trouble.REFUSED
        deliver(parcel, store.destination, dict(store.access))
        assert store.look(parcel.name) == {"get": 403, "head": 403, "list": 403, "delete": 403}
        (found,) = store.fetch(into)
    assert (found.name, found.read_bytes()) == (parcel.name, parcel.read_bytes())
    assert (tmp_path / "store.log").read_bytes() == b""


def test_without_a_program_the_store_is_a_folder(tmp_path: Path, into: Path, parcel: Path) -> None:
    with opened(None, tmp_path, ENV) as store:
        assert not store.access
        deliver(parcel, store.destination, {})
        assert store.look(parcel.name) == {}
        assert [path.name for path in store.fetch(into)] == [parcel.name]


def test_a_program_that_plays_no_store_is_refused_in_words(tmp_path: Path) -> None:
    program = tmp_path / "silent.py"
    program.touch()
    with pytest.raises(DesktopError, match="does not answer"), opened(program, tmp_path, ENV):
        pass

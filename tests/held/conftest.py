"""A session to write and to read, and the tools to look at its file."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from capture_agent.encode.event_log import Message
from capture_agent.held.writer import Writer
from capture_agent.keys import age
from capture_agent.keys.age import Identity

ABOUT = {"study": "own", "started": "2026-11-23T09:00:00Z", "consent": "c" * 64, "agent": "0.1.0"}


@pytest.fixture
def identity() -> Identity:
    return age.new_classical()


@pytest.fixture
def begin(tmp_path: Path, identity: Identity) -> Iterator[Callable[..., Writer]]:
    """Begin a session in `tmp_path/held`."""
    begun: list[Writer] = []

    def begin_one(session: str = "session-1", recipient: str = identity.recipient, **about: str) -> Writer:
        writer = Writer.create(tmp_path / "held", session, recipient, {**ABOUT, **about})
        begun.append(writer)
        return writer

    yield begin_one
    for writer in begun:
        writer.abandon()


@pytest.fixture
def happen() -> Callable[..., list[Message]]:
    """Make the messages of a part: `count` of them from `start_us` on, told apart by `text`."""

    def some(start_us: int = 0, count: int = 3, text: str = "a") -> list[Message]:
        data = f'{{"kind":"key","text":"{text}"}}'.encode()
        return [Message("keyboard", start_us + n, data) for n in range(count)]

    return some


@pytest.fixture
def whole(begin, happen) -> Path:
    """A complete session of four parts and its end."""
    writer = begin()
    for number in range(4):
        writer.append(happen(number * 1_000_000, text=f"part{number}"))
    writer.close("stopped", {"frames_dropped": "0"})
    return writer.path

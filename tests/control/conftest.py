"""A running agent as commands see it: a main thread that answers, and an `Agent` that writes down what it was asked."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from capture_agent.control.client import Client
from capture_agent.control.commands import Request
from capture_agent.control.instance import Instance
from capture_agent.control.server import Server, answer
from capture_agent.control.wire import Response
from capture_agent.core.consent import State as ConsentState
from capture_agent.core.errors import ConsentError
from capture_agent.core.events import Category, Outcome
from capture_agent.core.never import NeverRule
from capture_agent.core.policy import Policy
from capture_agent.core.recording import State
from capture_agent.core.schedule import Schedule
from capture_agent.session.snapshot import Agreed, Forgotten, HeldSession, Snapshot, Task, Withdrawn

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
HELD = HeldSession("abc", "myself", NOW, 12.5, 1000, "held", True, 29)


@dataclass
class ScriptedAgent:
    """An `Agent` without a desktop. What only a click may do fails loudly."""

    now: Snapshot = field(default_factory=lambda: Snapshot(State.RECORDING, None, None))
    asked_for: list[tuple[object, ...]] = field(default_factory=list)
    widened: list[str] = field(default_factory=list)
    rest: Callable[[], None] = lambda: None  # what is slow about forgetting

    @property
    def recording_state(self) -> State:
        return self.now.state

    def snapshot(self) -> Snapshot:
        return self.now

    def _click(self, name: str) -> None:
        self.widened.append(name)
        raise AssertionError(f"{name} is a click")

    def read_study(self, path: str) -> Policy:
        self._click("read_study")
        raise AssertionError

    def join(self, path: str) -> None:
        self._click("join")

    def choose_own(self) -> None:
        self._click("choose_own")

    def asked(self) -> None:
        self._click("asked")

    def accept(self, categories: frozenset[Category], apps: frozenset[str], locale: str, shown_text: str) -> None:
        self._click("accept")

    def refuse(self) -> None:
        self._click("refuse")

    def withdraw(self, *, destroy: bool) -> None:
        self.asked_for.append(("withdraw", destroy))
        self.now = replace(self.now, state=State.OFF, consented=frozenset())

    def withdraw_category(self, category: Category) -> None:
        self.asked_for.append(("withdraw_category", category))
        self.now = replace(self.now, consented=self.now.consented - {category})

    def agreed(self) -> tuple[Agreed, ...]:
        return (Agreed("research", Category.SCREEN, ConsentState.GIVEN, NOW, NOW),)

    def would_forget(self, minutes: int) -> Forgotten:
        return Forgotten(NOW - timedelta(minutes=minutes), NOW, 1)

    def forget(self, minutes: int) -> Forgotten:
        self.asked_for.append(("forget", minutes))
        return self.would_forget(minutes)

    def finish_forgetting(self) -> None:
        self.rest()
        self.asked_for.append(("finish_forgetting",))

    def withdraw_shared(self, session: str) -> Withdrawn:
        self.asked_for.append(("withdraw_shared", session))
        return Withdrawn(session, ("Lab",), ("/outbox/1.capture",), False)

    def deliver(self) -> None:
        self.asked_for.append(("deliver",))

    def undo(self) -> None:
        self._click("undo")

    def never_record(self, rule: NeverRule) -> None:
        self.asked_for.append(("never_record", *rule))

    def allow_again(self, rule: NeverRule) -> None:
        self._click("allow_again")

    def known_apps(self) -> Mapping[str, str]:
        return {}

    def start(self) -> None:
        self._click("start")

    def resume(self) -> None:
        self._click("resume")

    def release(self, session: str) -> tuple[str, ...]:
        self._click("release")
        return ()

    def delete(self, session: str) -> None:
        self._click("delete")

    def open_own(self, session: str, out: str) -> None:
        self._click("open_own")

    def pause(self, minutes: int | None) -> None:
        self.asked_for.append(("pause", minutes))
        self.now = replace(self.now, state=State.PAUSED)

    def not_me(self) -> None:
        self.asked_for.append(("not_me",))
        self.now = replace(self.now, state=State.PAUSED)

    def quitting(self) -> bool:
        return False

    def it_is_me(self) -> None:
        self._click("it_is_me")

    def choose_schedule(self, schedule: Schedule | None) -> None:
        self._click("choose_schedule")

    def choose_shared(self, shared: bool) -> None:
        self._click("choose_shared")

    def choose_hold(self, days: int | None) -> None:
        self._click("choose_hold")

    def release_due(self, session: str) -> tuple[str, ...]:
        self._click("release_due")
        return ()

    def choose_waking(self, on: bool) -> None:
        self._click("choose_waking")

    def choose_start_at_login(self, on: bool) -> None:
        self._click("choose_start_at_login")

    def stop(self) -> None:
        self.asked_for.append(("stop",))
        self.now = replace(self.now, state=State.OFF)

    def start_task(self, text: str) -> Task:
        if text == "not agreed":
            raise ConsentError("Tasks were not agreed to.", hint="Agree to them in the window.")
        if text == "bug":
            raise ZeroDivisionError(text)
        self.asked_for.append(("start_task", text))
        self.now = replace(self.now, task=Task("t1", text, NOW))
        return Task("t1", text, NOW)

    def finish_task(self, outcome: Outcome, difficulty: int | None, note: str) -> None:
        self.asked_for.append(("finish_task", outcome, difficulty, note))
        self.now = replace(self.now, task=None)

    def sessions(self) -> tuple[HeldSession, ...]:
        return (HELD,)


@dataclass
class ScriptedWindows:
    shown: int = 0
    left: int = 0

    def show(self) -> None:
        self.shown += 1

    def quit(self) -> None:
        self.left += 1


class Running:
    """A server and the main thread that does what it hands on, until `close`."""

    def __init__(self, profile: Path) -> None:
        taken = Instance.take(profile)
        assert taken is not None
        self.instance = taken
        self.profile = profile
        self.agent, self.windows = ScriptedAgent(), ScriptedWindows()
        self.faults: list[BaseException] = []
        self.bugs: list[BaseException] = []
        self.waiting: queue.Queue[tuple[Request, Future[Response]] | None] = queue.Queue()
        self.main = threading.Thread(target=self._main)
        self.main.start()
        self.server = Server(taken, self._dispatch, self.faults.append)
        self.client = Client(profile)

    def _dispatch(self, request: Request) -> Future[Response]:
        future: Future[Response] = Future()
        self.waiting.put((request, future))
        return future

    def _main(self) -> None:
        while (item := self.waiting.get()) is not None:
            try:
                answer(*item, self.agent, self.windows, NOW)
            except ZeroDivisionError as error:
                self.bugs.append(error)

    def stop_main(self) -> None:
        self.waiting.put(None)
        self.main.join()

    def close(self) -> None:
        self.server.close()
        self.stop_main()
        self.instance.release()


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A profile's folder; the runtime folder is private and beside it."""
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    folder = tmp_path / "profile"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def running(profile: Path) -> Iterator[Running]:
    agent = Running(profile)
    yield agent
    agent.close()
    assert agent.faults == []
    assert agent.agent.widened == []


@pytest.fixture(scope="session")
def scripted() -> Callable[[], tuple[ScriptedAgent, ScriptedWindows]]:
    return lambda: (ScriptedAgent(), ScriptedWindows())


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A folder that belongs to another user, with modes that would do for our own if we are root."""
    if os.geteuid() != 0:
        return Path("/usr")
    folder = tmp_path / "foreign"
    folder.mkdir(mode=0o700)
    os.chown(folder, 65_534, 65_534)
    return folder

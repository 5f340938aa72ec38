from __future__ import annotations

import threading
from collections.abc import Iterator

import memory_agent
import pytest
from PySide6.QtCore import QCoreApplication
from waiting import WAIT_S, until

from capture_agent.core.errors import CaptureAgentError, FaultError, StorageError
from capture_agent.core.progress import Progress
from capture_agent.ui.bridge import Bridge, in_words
from capture_agent.ui.view_state import Icon, View


@pytest.fixture
def bridge(application: QCoreApplication) -> Iterator[Bridge]:
    made = Bridge(memory_agent.MemoryAgent())
    yield made
    made.close()


@pytest.fixture
def failures(bridge: Bridge) -> list[CaptureAgentError]:
    seen: list[CaptureAgentError] = []
    bridge.failed.connect(seen.append)
    return seen


def test_what_is_asked_for_is_shown_when_the_call_returns(bridge: Bridge) -> None:
    views: list[View] = []
    bridge.changed.connect(views.append)
    assert bridge.do(bridge.agent.choose_own)
    assert bridge.snapshot.joined is not None
    assert views[-1] == bridge.view


def test_a_change_made_elsewhere_is_noticed(bridge: Bridge) -> None:
    assert isinstance(bridge.agent, memory_agent.MemoryAgent)
    bridge.agent.fail("The disk is full.", "Free some space.")
    assert bridge.view.icon is Icon.OFF
    until(lambda: bridge.view.icon is Icon.ATTENTION)


def test_what_cannot_be_done_is_said_with_its_hint(bridge: Bridge, failures: list[CaptureAgentError]) -> None:
    assert not bridge.do(bridge.agent.start)
    assert [(str(error), error.hint) for error in failures] == [
        ("nothing was agreed to", "Choose what may be recorded first.")
    ]


def test_slow_work_runs_on_one_other_thread_and_ends_on_this_one(bridge: Bridge) -> None:
    ran: list[threading.Thread] = []
    ended: list[threading.Thread] = []

    def work() -> int:
        ran.append(threading.current_thread())
        return 7

    for _ in range(3):
        bridge.run("Working…", work, lambda result: ended.append(threading.current_thread()))
    until(lambda: len(ended) == 3)
    assert len(set(ran)) == 1
    assert ran[0] is not threading.main_thread()
    assert set(ended) == {threading.main_thread()}


def test_work_that_waits_can_be_taken_back_and_work_that_runs_cannot(bridge: Bridge) -> None:
    go, begun = threading.Event(), threading.Event()
    done: list[str] = []
    labels: list[tuple[str, ...]] = []
    bridge.busy.connect(labels.append)

    def slow() -> str:
        begun.set()
        assert go.wait(WAIT_S)
        return "first"

    first = bridge.run("First…", slow, done.append)
    second = bridge.run("Second…", lambda: "second", done.append)
    assert begun.wait(WAIT_S)
    assert not bridge.cancel(first)
    assert bridge.cancel(second)
    assert labels[-1] == ("First…",)
    go.set()
    until(lambda: done)
    assert done == ["first"]
    assert labels[-1] == ()


def test_watched_work_tells_how_far_it_has_come_while_it_runs(bridge: Bridge) -> None:
    go = threading.Event()
    seen: list[tuple[str, int | None]] = []
    done: list[int] = []

    def look(_labels: object) -> None:
        assert threading.current_thread() is threading.main_thread()
        if bridge.first is not None and bridge.first.step is not None:
            seen.append((bridge.first.step.what, bridge.first.step.percent))

    def work(progress: Progress) -> int:
        progress("reading", 1, 4)
        assert go.wait(WAIT_S)
        return 7

    bridge.busy.connect(look)
    bridge.run_watched("Sealing…", work, done.append)
    until(lambda: seen)
    assert seen == [("reading", 25)]
    go.set()
    until(lambda: done)
    assert bridge.first is None


def test_watched_work_that_runs_stops_where_it_next_tells_and_the_next_work_still_runs(
    bridge: Bridge, failures: list[CaptureAgentError]
) -> None:
    begun, go = threading.Event(), threading.Event()
    stopped: list[bool] = []
    done: list[str] = []
    bridge.stopped.connect(lambda: stopped.append(True))

    def work(progress: Progress) -> str:
        begun.set()
        assert go.wait(WAIT_S)
        progress("reading", 1, 4)
        return "too far"

    job = bridge.run_watched("Sealing…", work, done.append)
    assert begun.wait(WAIT_S)
    bridge.run("Next…", lambda: "next", done.append)
    assert bridge.cancel(job)
    assert bridge.first is job
    go.set()
    until(lambda: done)
    assert (done, stopped, failures) == (["next"], [True], [])


def test_what_waits_can_be_taken_back_without_stopping_what_runs(bridge: Bridge) -> None:
    begun, go = threading.Event(), threading.Event()
    done: list[str] = []

    def work(progress: Progress) -> str:
        begun.set()
        assert go.wait(WAIT_S)
        progress("reading", 1, 4)
        return "first"

    bridge.run_watched("First…", work, done.append)
    assert begun.wait(WAIT_S)
    bridge.run_watched("Second…", lambda _progress: "second", done.append)
    bridge.cancel_waiting()
    go.set()
    until(lambda: done)
    assert (done, bridge.first) == (["first"], None)


def test_closing_stops_what_takes_too_long(application: QCoreApplication) -> None:
    bridge = Bridge(memory_agent.MemoryAgent())
    begun, undone = threading.Event(), threading.Event()

    def endless(progress: Progress) -> None:
        begun.set()
        try:
            while True:
                progress("reading", 0, 0)
        finally:
            undone.set()

    bridge.run_watched("Sealing…", endless, lambda _none: None)
    assert begun.wait(WAIT_S)
    bridge.close(patience_s=0.0)
    assert undone.is_set()


def test_a_failure_of_slow_work_is_told_and_the_next_work_still_runs(
    bridge: Bridge, failures: list[CaptureAgentError]
) -> None:
    done: list[int] = []

    def full() -> int:
        raise StorageError("the disk is full", hint="Free some space.")

    bridge.run("One…", full, done.append)
    bridge.run("Two…", lambda: 2, done.append)
    until(lambda: done)
    assert done == [2]
    assert str(failures[0]) == "the disk is full"


def test_a_strange_exception_becomes_words_without_any_value(bridge: Bridge, failures: list[CaptureAgentError]) -> None:
    def broken() -> None:
        raise ValueError("hunter2 was typed")

    bridge.run("Breaking…", broken, lambda _none: None)
    until(lambda: failures)
    assert isinstance(failures[0], FaultError)
    assert "ValueError at test_bridge.py:" in str(failures[0])
    assert "hunter2" not in str(failures[0]) + failures[0].hint
    assert failures[0].hint


def test_an_exception_that_was_never_raised_has_words_too() -> None:
    assert "an unknown place" in str(in_words(KeyError("secret")))
    own = StorageError("the disk is full")
    assert in_words(own) is own

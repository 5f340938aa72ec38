"""The scripted source, and the thread that all sources share."""

from __future__ import annotations

import select
import threading
import time

import pytest

from capture_agent.core.errors import FaultError
from capture_agent.core.events import Event, Focus, Move
from capture_agent.desktop.clock import now_us
from capture_agent.sources.scripted import Scripted
from capture_agent.sources.worker import Worker


def test_everything_is_played_in_order_and_not_before_its_time() -> None:
    begin = now_us()
    script = [Move(begin + 20_000 * n, n, n, True) for n in (3, 1, 2)]
    heard: list[tuple[int, Event]] = []
    done = threading.Event()

    def sink(event: Event) -> None:
        heard.append((now_us(), event))
        if len(heard) == len(script):
            done.set()

    source = Scripted(script)
    source.start(sink)
    assert done.wait(10)
    source.check()
    source.stop()
    assert [event.x for _, event in heard if isinstance(event, Move)] == [1, 2, 3]
    assert all(at >= event.t_us for at, event in heard)


def test_nothing_comes_after_the_stop_and_stopping_twice_is_fine() -> None:
    heard: list[Event] = []
    source = Scripted([Focus(0, None), Focus(now_us() + 50_000, None)])
    source.start(heard.append)
    source.stop()
    count = len(heard)
    time.sleep(0.08)
    assert len(heard) == count < 2
    source.stop()


def test_a_thread_that_dies_is_a_fault_without_what_it_saw() -> None:
    def die(_worker: Worker) -> None:
        raise ValueError("the password is hunter2")

    worker = Worker("test", die)
    worker.start()
    worker.stop()
    with pytest.raises(FaultError) as fault:
        worker.check()
    assert "ValueError" in str(fault.value)
    assert "hunter2" not in str(fault.value)
    assert fault.value.hint


def test_a_thread_that_ends_by_itself_is_a_fault() -> None:
    worker = Worker("test", lambda _worker: None)
    worker.start()
    deadline = time.monotonic() + 5
    with pytest.raises(FaultError, match="ended by itself"):
        while time.monotonic() < deadline:
            worker.check()
    worker.stop()


def test_a_thread_that_is_asked_to_end_is_none() -> None:
    worker = Worker("test", lambda me: select.select((me.waker,), (), ()))
    worker.start()
    assert worker.stop()
    worker.check()


def test_waking_a_thread_that_is_just_closing_its_end_is_no_error() -> None:
    from capture_agent.desktop.waker import Waker

    waker = Waker()
    waker._read.close()  # what `close` does first
    waker.wake()
    waker.close()

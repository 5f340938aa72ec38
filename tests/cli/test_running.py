"""Commands against an agent that listens in this process, through the real socket."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from capture_agent.control.commands import Request, describe, describe_session, describe_task
from capture_agent.control.instance import Instance
from capture_agent.control.server import Server
from capture_agent.control.wire import Response
from capture_agent.core.errors import ConsentError, FaultError
from capture_agent.core.events import Category
from capture_agent.core.policy import Widening
from capture_agent.core.recording import State
from capture_agent.session.snapshot import HeldSession, Snapshot, Task

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
TASK = Task("t", "Write a letter", NOW)
STATUS = Snapshot(
    State.RECORDING,
    None,
    None,
    consented=frozenset({Category.SCREEN}),
    apps=frozenset({"xterm"}),
    widened=(Widening("days kept", "30", "90"),),
    recording_since=NOW,
    task=TASK,
    held=2,
    not_recorded=("Typing in keepassxc: never recorded.",),
)
SESSION = HeldSession("3f9c", "myself", NOW, 3725.0, 5_000_000, "held", False, 29)


class Listening:
    """Answers with what was agreed on, and notes what was asked."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, mode=0o700)
        taken = Instance.take(folder)
        assert taken is not None
        self.instance = taken
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, Response] = {
            "status": Response(describe(STATUS)),
            "pause": Response({**describe(STATUS), "state": "paused", "paused_until": None}),
            "sessions": Response({"sessions": [describe_session(SESSION)]}),
            "task-show": Response({"task": describe_task(TASK)}),
            "task-start": Response(error=ConsentError("Tasks were not agreed to.", hint="Open the window.")),
            "task-finish": Response({"task": describe_task(TASK), "outcome": "done"}),
        }
        self.server = Server(taken, self._dispatch, [].append)

    def _dispatch(self, request: Request) -> Future[Response]:
        self.asked.append((request.command, dict(request.arguments)))
        future: Future[Response] = Future()
        future.set_result(self.answers.get(request.command, Response(describe(STATUS))))
        return future

    def close(self) -> None:
        self.server.close()
        self.instance.release()


@pytest.fixture
def agent(run: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Listening]:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    profile = json.loads(run("doctor", "--json").stdout)["places"]["profile"]
    listening = Listening(Path(profile))
    yield listening
    listening.close()


def test_the_status_is_told_in_words_and_in_json(run: Any, agent: Listening) -> None:
    said = run("status", TZ="UTC").stdout
    for words in ("Recording since 12:00.", "screen; in xterm", "Write a letter", "30 → 90", "waiting for you: 2"):
        assert words in said
    assert "Not recorded: Typing in keepassxc" in said
    told = json.loads(run("status", "--json").stdout)
    assert told == describe(STATUS)


def test_what_is_asked_arrives(run: Any, agent: Listening) -> None:
    assert "until you resume" in run("pause", "--for", "15m").stdout
    assert run("pause", "--until-resumed").returncode == 0
    assert run("stop").stdout.startswith("Stopped")
    assert run("start").returncode == 0
    assert run("quit").returncode == 0
    assert "Write a letter" in run("task", "show").stdout
    said = run("task", "finish", "--outcome", "done", "--difficulty", "2", "--note", "naïve")
    assert said.stdout == "Finished (done): Write a letter\n"
    assert agent.asked == [
        ("pause", {"minutes": 15}),
        ("pause", {}),
        ("stop", {}),
        ("start", {}),
        ("quit", {}),
        ("task-show", {}),
        ("task-finish", {"outcome": "done", "difficulty": 2, "note": "naïve"}),
    ]


def test_what_the_agent_refuses_has_the_exit_code_of_its_class(run: Any, agent: Listening) -> None:
    done = run("task", "start", "a")
    assert done.returncode == ConsentError.exit_code
    assert done.stderr == "capture-agent: Tasks were not agreed to.\n  Open the window.\n"
    told = json.loads(run("task", "start", "a", "--json").stdout)
    assert told == {"error": "ConsentError", "message": "Tasks were not agreed to.", "hint": "Open the window."}


def test_sessions_are_listed_by_the_agent_that_runs(run: Any, agent: Listening) -> None:
    said = run("sessions", TZ="UTC").stdout.splitlines()
    assert said[0].split()[0] == "id"
    assert said[1].split() == [
        "3f9c",
        "2030-01-01",
        "12:00",
        "1:02:05",
        "4.8",
        "MiB",
        "held,",
        "incomplete",
        "myself",
        "29",
        "–",
    ]
    assert json.loads(run("sessions", "--json").stdout)["sessions"][0]["id"] == "3f9c"


def test_doctor_says_that_the_agent_does_not_answer(run: Any, agent: Listening) -> None:
    assert json.loads(run("doctor", "--json").stdout)["running"]
    agent.answers["status"] = Response(error=FaultError("The agent does not answer.", hint="End it."))
    problems = json.loads(run("doctor", "--json").stdout)["problems"]
    assert [one["what"] for one in problems if one["name"] == "socket"] == ["The agent does not answer."]


def test_no_environment_variable_leads_to_another_agent(run: Any, agent: Listening, tmp_path: Path) -> None:
    """XDG_RUNTIME_DIR is where an agent puts its socket, not where commands look for it."""
    assert run("stop", XDG_RUNTIME_DIR=str(tmp_path)).returncode == 0
    assert agent.asked == [("stop", {})]
    assert os.environ.get("XDG_RUNTIME_DIR") is None

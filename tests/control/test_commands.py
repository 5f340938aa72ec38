from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_agent.control import commands
from capture_agent.control.commands import COMMANDS, MAX_PAUSE_MINUTES, Effect, check, narrowed_pause, perform
from capture_agent.core import recording
from capture_agent.core.errors import CaptureAgentError, ConfigError
from capture_agent.core.recording import State
from capture_agent.session.snapshot import Agent, HeldSession, Snapshot, Task

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
CLICKS = {name for name, method in vars(Agent).items() if (method.__doc__ or "").startswith("*click*")}


def test_the_clicks_are_those_that_widen() -> None:
    assert {"accept", "start", "resume", "release", "join", "choose_own"} <= CLICKS


@pytest.mark.promise("P1")
def test_no_command_names_anything_that_only_a_click_may_do() -> None:
    """What is asked of an agent stands in the code by name, so that it can be read here."""
    tree = ast.parse(inspect.getsource(commands))
    attributes = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    reached = {node.attr for node in attributes if isinstance(node.value, ast.Name) and node.value.id == "agent"}
    assert reached == {
        "snapshot",
        "sessions",
        "pause",
        "not_me",
        "stop",
        "start_task",
        "finish_task",
        "agreed",
        "withdraw",
        "withdraw_category",
        "withdraw_shared",
        "deliver",
        "forget",
        "finish_forgetting",
        "would_forget",
    }
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert reached & CLICKS == set()
    assert called & {"getattr", "eval", "exec", "methodcaller", "attrgetter"} == set()


def test_a_recording_is_described_by_all_of_its_fields_and_nothing_is_copied() -> None:
    line = HeldSession("3f9c", "desk", NOW, 1.0, 1, "released", True, 29, ("Lab",), later_readers=("Late",))
    told = commands.describe_session(line)
    assert told.keys() == {one.name for one in fields(HeldSession)} - {"size"} | {"bytes"}
    assert all(told[name] is getattr(line, name) for name in ("released_to", "later_readers", "delivered_to"))


_ARGUMENTS: dict[str, st.SearchStrategy[Any]] = {
    "minutes": st.integers(1, MAX_PAUSE_MINUTES),
    "text": st.sampled_from(["a", "write a letter", "not agreed"]),
    "outcome": st.sampled_from(["done", "not-possible", "gave-up", "perfect"]),
    "difficulty": st.integers(1, 5),
    "note": st.just("hm"),
    "categories": st.sampled_from(["", "screen", "keyboard, screen", "sound"]),
    "delete": st.integers(0, 1),
    "session": st.sampled_from(["3f9c", "nothing"]),
}


@st.composite
def requests(draw: st.DrawFn) -> commands.Request:
    name = draw(st.sampled_from(sorted(COMMANDS)))
    taken = COMMANDS[name].arguments
    return check(name, {a: draw(_ARGUMENTS[a]) for a in taken if taken[a].required or draw(st.booleans())})


@pytest.mark.promise("P1")
@given(asked=st.lists(requests(), max_size=8), state=st.sampled_from(State))
def test_no_sequence_of_commands_widens_anything(
    scripted: Callable[[], tuple[Any, Any]], asked: list[commands.Request], state: State
) -> None:
    agent, windows = scripted()
    agent.now = Snapshot(state, None, None)
    for request in asked:
        before = agent.now
        try:
            perform(request, agent, windows, NOW)
        except CaptureAgentError:
            continue
        effect = COMMANDS[request.command].effect
        if effect in {Effect.SHOWS, Effect.OPENS_WINDOW, Effect.HURRIES}:
            assert agent.now is before
        if effect is Effect.NOTES:
            assert replace(agent.now, task=before.task) == before
        assert agent.now.state in {before.state, State.PAUSED, State.OFF}
    assert agent.widened == []


_UNTIL = st.one_of(st.none(), st.integers(-60, 100_000).map(lambda seconds: NOW + timedelta(seconds=seconds)))


@pytest.mark.promise("P5")
@given(st.sampled_from(State), _UNTIL, st.one_of(st.none(), st.integers(1, MAX_PAUSE_MINUTES)))
def test_a_command_never_shortens_a_pause(state: State, until: datetime | None, minutes: int | None) -> None:
    snapshot = Snapshot(state, None, None, paused_until=until)
    given_minutes = narrowed_pause(snapshot, minutes, NOW)
    if state is State.PAUSED and given_minutes is not None:
        assert until is not None
        assert NOW + timedelta(minutes=given_minutes) >= until
    if minutes is None:
        assert given_minutes is None
    if given_minutes is not None:
        assert given_minutes >= (minutes or 0)


@pytest.mark.promise("P5")
@pytest.mark.parametrize("state", [State.OFF, State.FAULT])
def test_a_pause_from_where_nothing_was_recorded_does_not_end_by_itself(state: State) -> None:
    """Otherwise `pause --minutes 1` after a fault would be a way to start recording."""
    assert narrowed_pause(Snapshot(state, None, None), 1, NOW) is None
    assert recording.TABLE[State.FAULT][recording.Input.PAUSE].state is State.PAUSED


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("record", {}),
        ("accept", {}),
        (None, {}),
        (["stop"], {}),
        ("stop", {"force": 1}),
        ("stop", []),
        ("pause", {"minutes": 0}),
        ("pause", {"minutes": -5}),
        ("pause", {"minutes": MAX_PAUSE_MINUTES + 1}),
        ("pause", {"minutes": True}),
        ("pause", {"minutes": 1.5}),
        ("pause", {"minutes": "5"}),
        ("task-start", {}),
        ("task-start", {"text": ""}),
        ("task-start", {"text": "a" * 501}),
        ("task-start", {"text": "a\0b"}),
        ("task-start", {"text": "\ud800"}),
        ("task-finish", {"outcome": 1}),
        ("task-finish", {"outcome": "done", "difficulty": 6}),
    ],
)
def test_what_the_table_does_not_have_is_refused(command: object, arguments: object) -> None:
    with pytest.raises(ConfigError):
        check(command, arguments)


def test_what_a_request_says_is_in_no_repr() -> None:
    assert "secret plan" not in repr(check("task-start", {"text": "secret plan"}))


def test_the_status_says_everything_that_the_snapshot_has() -> None:
    """A field that is added to the snapshot must be shown, or left out here on purpose."""
    said = commands.describe(Snapshot(State.OFF, None, None, task=Task("t", "x", NOW)))
    names = {"joined": "study", "apps": "programs"}
    # What could be asked for: `study` and `consented` say what is. Each session's `shares_in` says what is shared when.
    left_out = {"offer", "soon", "due"}
    fields = {names.get(field, field) for field in Snapshot.__dataclass_fields__ if field not in left_out}
    assert fields | {"running"} == set(said)

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import memory_agent
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from capture_agent.core.events import Category
from capture_agent.core.language import LANGUAGES, speak
from capture_agent.core.policy import Settings, Widening, effective
from capture_agent.core.recording import State
from capture_agent.core.splitting import HINDERING
from capture_agent.session.daybook import REASONS
from capture_agent.session.snapshot import Snapshot, Task
from capture_agent.ui.view_state import Click, Command, Icon, Page, icon_of, view

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
OWN = memory_agent.own_policy()
JOINED = Snapshot(
    State.OFF, OWN, effective(OWN, Settings()), frozenset({Category.KEYBOARD, Category.TASKS}), frozenset({"xterm"})
)
OPEN = {State.RECORDING, State.PAUSED, State.SUSPENDED}

snapshots = st.builds(
    Snapshot,
    state=st.sampled_from(State),
    joined=st.sampled_from([None, OWN, memory_agent.study_policy()]),
    offer=st.just(effective(OWN, Settings())),
    consented=st.frozensets(st.sampled_from(Category)),
    must_ask=st.booleans(),
    refused=st.booleans(),
    widened=st.sampled_from([(), (Widening("days kept", "30", "400"),)]),
    problem=st.sampled_from(["", "The disk is full."]),
    hint=st.sampled_from(["", "Free some space."]),
    paused_until=st.one_of(st.none(), st.timedeltas(timedelta(hours=-1), timedelta(days=2)).map(lambda d: NOW + d)),
    recording_since=st.one_of(st.none(), st.timedeltas(timedelta(0), timedelta(days=9)).map(lambda d: NOW - d)),
    task=st.one_of(st.none(), st.just(Task("1", "Write a report", NOW))),
    held=st.integers(0, 99),
    not_recorded=st.lists(st.sampled_from(["Firefox is not a chosen program."]), max_size=1).map(tuple),
)


@pytest.mark.parametrize(
    ("state", "problem", "icon", "click", "status"),
    [
        (State.OFF, "", Icon.OFF, Click.OPEN, "Not recording"),
        (State.OFF, "No keyring.", Icon.ATTENTION, Click.OPEN, "Not recording"),
        (State.RECORDING, "", Icon.RECORDING, Click.PAUSE, "Recording keyboard and tasks for 2 h 5 min"),
        (
            State.RECORDING,
            "Disk nearly full.",
            Icon.RECORDING,
            Click.PAUSE,
            "Recording keyboard and tasks for 2 h 5 min",
        ),
        (State.PAUSED, "", Icon.PAUSED, Click.OPEN, "Paused until you resume"),
        (State.PAUSED, "Disk nearly full.", Icon.PAUSED, Click.OPEN, "Paused until you resume"),
        (State.SUSPENDED, "", Icon.PAUSED, Click.PAUSE, "Waiting, nothing is recorded now"),
        (State.SUSPENDED, "The screen is locked.", Icon.ATTENTION, Click.PAUSE, "Waiting, nothing is recorded now"),
        (State.FAULT, "", Icon.ATTENTION, Click.OPEN, "Recording has stopped"),
        (State.FAULT, "The disk is full.", Icon.ATTENTION, Click.OPEN, "Recording has stopped"),
    ],
)
def test_each_state_has_its_icon_click_and_words(
    state: State, problem: str, icon: Icon, click: Click, status: str
) -> None:
    since = NOW - timedelta(hours=2, minutes=5, seconds=9)
    seen = view(replace(JOINED, state=state, problem=problem, recording_since=since), NOW)
    assert (seen.icon, seen.click, seen.status) == (icon, click, status)
    assert seen.problem == problem
    assert problem in seen.tooltip


def test_the_icon_names_programs_whose_fields_cannot_be_seen() -> None:
    unseen = ("Text in chromium: its fields cannot be seen.", "Text in mousepad: start mousepad anew.")
    seen = view(replace(JOINED, state=State.RECORDING, recording_since=NOW, unseen_text=unseen), NOW)
    assert seen.tooltip.splitlines()[1:-1] == list(unseen)


@pytest.mark.promise("P6")
@given(snapshots)
def test_the_icon_says_recording_exactly_while_it_is_recorded(snapshot: Snapshot) -> None:
    assert (icon_of(snapshot) is Icon.RECORDING) == (snapshot.state is State.RECORDING)
    assert (view(snapshot, NOW).icon is Icon.RECORDING) == (snapshot.state is State.RECORDING)


@given(snapshots)
def test_a_left_click_pauses_what_is_recorded_or_will_be_and_otherwise_only_opens_the_window(
    snapshot: Snapshot,
) -> None:
    assert (view(snapshot, NOW).click is Click.PAUSE) == (snapshot.state in {State.RECORDING, State.SUSPENDED})


@pytest.mark.promise("P5")
@given(snapshots)
def test_an_open_session_can_always_be_paused_and_stopped_and_a_pause_resumed(snapshot: Snapshot) -> None:
    entries = view(snapshot, NOW).entries
    assert entries[Command.PAUSE].enabled == (snapshot.state in OPEN)
    assert entries[Command.STOP].enabled == (snapshot.state in OPEN)
    assert entries[Command.RESUME].enabled == (snapshot.state is State.PAUSED)
    assert entries[Command.QUIT].enabled


@pytest.mark.promise("P2")
@given(snapshots)
def test_whoever_joined_can_always_opt_out(snapshot: Snapshot) -> None:
    assert view(snapshot, NOW).entries[Command.OPT_OUT].enabled == (snapshot.joined is not None)


@given(snapshots)
def test_an_indicator_is_needed_whenever_a_session_is_open(snapshot: Snapshot) -> None:
    assert view(snapshot, NOW).sign_needed == (snapshot.state is not State.OFF)


@given(snapshots)
def test_while_nothing_is_recorded_that_is_said(snapshot: Snapshot) -> None:
    seen = view(snapshot, NOW)
    if snapshot.state is not State.RECORDING:
        assert seen.not_recorded
        assert not seen.status.startswith("Recording keyboard")


@pytest.fixture
def spoken() -> Iterator[Callable[[str], str]]:
    yield speak
    speak("en")


@pytest.mark.parametrize("language", LANGUAGES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(snapshot=snapshots)
def test_every_entry_has_its_own_mnemonic_and_no_text_is_empty(
    snapshot: Snapshot, language: str, spoken: Callable[[str], str]
) -> None:
    spoken(language)
    seen = view(snapshot, NOW)
    menu = [Command.PAUSE, Command.RESUME, Command.TASK, Command.RECORDINGS, Command.RECORDED, Command.NEVER]
    letters = [seen.entries[c].text.split("&")[1][0].lower() for c in (*menu, Command.OPT_OUT, Command.QUIT)]
    assert len(set(letters)) == len(letters)
    assert all(entry.text for entry in seen.entries.values())
    assert seen.status


def test_the_first_page_is_the_first_run_until_something_is_joined() -> None:
    assert view(Snapshot(State.OFF, None, None), NOW).page is Page.FIRST_RUN
    assert view(JOINED, NOW).page is Page.MAIN


def test_a_study_that_asks_for_more_shows_attention_and_says_so() -> None:
    changed = replace(JOINED, must_ask=True, widened=(Widening("days kept", "30", "400"),))
    seen = view(changed, NOW)
    assert seen.icon is Icon.ATTENTION
    assert seen.problem == "What the study asks for has changed since you agreed."
    assert seen.must_ask
    assert not view(replace(changed, refused=True), NOW).must_ask


def test_a_pause_never_ends_before_the_time_that_is_shown() -> None:
    paused = replace(JOINED, state=State.PAUSED, paused_until=NOW + timedelta(minutes=14, seconds=1))
    assert view(paused, NOW).status == "Paused for 15 min more"
    assert view(paused, NOW + timedelta(minutes=13, seconds=31)).status == "Paused for 30 s more"
    assert view(paused, NOW + timedelta(hours=1)).status == "Paused for 0 s more"


def test_a_task_can_be_finished_even_after_recording_has_stopped() -> None:
    idle = view(JOINED, NOW).entries[Command.TASK]
    assert (idle.text, idle.enabled) == ("Start a &task…", False)
    busy = view(replace(JOINED, task=Task("1", "Write a report", NOW - timedelta(minutes=4))), NOW)
    assert (busy.entries[Command.TASK].text, busy.entries[Command.TASK].enabled) == ("Finish the &task…", True)
    assert busy.task == "Write a report · 4 min"


def test_tasks_are_not_offered_where_they_were_not_agreed_to() -> None:
    recording = replace(JOINED, state=State.RECORDING)
    assert view(recording, NOW).entries[Command.TASK].enabled
    assert not view(replace(recording, consented=frozenset({Category.SCREEN})), NOW).entries[Command.TASK].enabled


def test_each_reason_to_wait_has_a_sentence_of_its_own_and_one_at_the_end_of_the_day() -> None:
    waiting = [replace(JOINED, state=State.SUSPENDED, waiting=reason) for reason in HINDERING]
    said = {view(snapshot, NOW).status for snapshot in waiting}
    assert len(said) == len(HINDERING)
    assert all(sentence.startswith("Waiting: ") for sentence in said)
    assert set(HINDERING) <= REASONS.keys()

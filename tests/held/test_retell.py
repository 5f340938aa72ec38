"""Tasks that are worded, judged, moved, marked and deleted afterwards: pure, over random sessions and changes."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_agent.core.errors import ConsentError
from capture_agent.core.events import Gap, GapReason, Outcome, TaskFinished, TaskStarted
from capture_agent.core.privacy import Cleared
from capture_agent.encode.event_log import Message, decode, encode
from capture_agent.encode.records import TASKS
from capture_agent.held.retell import Retold, put, removed
from capture_agent.held.timeline import TaskTime, build

LENGTH = 1000
DONE = str(Outcome.DONE)


def messages(*events):
    return sorted((encode(Cleared(event), 0) for event in events), key=lambda message: message.t_us)


def standing(told, gaps=()):
    return {one.id: one for one in build(sorted([*told, *gaps], key=lambda m: m.t_us), LENGTH).tasks}


def task(start, end, text="Read", outcome=DONE, of="new", **more):
    return TaskTime(start, end, text, outcome, id=of, **more)


JUDGED = messages(
    TaskStarted(100, "a", "Wite", again=True), TaskStarted(300, "a", "Wite", again=True),
    TaskFinished(500, "a", Outcome.DONE, 2, "fine"), TaskStarted(600, "b", "Mail"),
)  # fmt: skip


def test_other_words_are_said_wherever_the_task_was_told_of_and_all_else_stays():
    found = put(JUDGED, standing(JUDGED)["a"]._replace(text="  Write \n the letter "), LENGTH)
    assert [message.t_us for message in found] == [100, 300, 500, 600]
    assert [decode(message).get("text") for message in found] == ["Write the letter", "Write the letter", None, "Mail"]
    assert [decode(message).get("again") for message in found] == [True, True, None, False]
    assert [decode(message).get("afterwards") for message in found] == [True, True, True, None]
    assert (decode(found[2])["difficulty"], decode(found[2])["note"]) == (2, "fine")


def test_a_judgement_is_changed_given_and_taken_back():
    other = put(JUDGED, standing(JUDGED)["a"]._replace(outcome="gave-up", difficulty=None, note=" no "), LENGTH)
    assert standing(other)["a"][:6] == (100, 500, "Wite", "gave-up", None, "no")
    given_now = put(JUDGED, standing(JUDGED)["b"]._replace(outcome=DONE, end_us=900), LENGTH)
    assert standing(given_now)["b"][:4] == (600, 900, "Mail", DONE)
    back = put(JUDGED, standing(JUDGED)["a"]._replace(outcome=""), LENGTH)
    assert standing(back)["a"][:4] == (100, 600, "Wite", "")


def test_nothing_of_a_deleted_task_is_left():
    found = removed(JUDGED, "a")
    assert found == JUDGED[3:]


def test_a_task_is_marked_where_none_was_told_of():
    found = put(JUDGED, task(510, 590, "Read"), LENGTH)
    assert [(decode(one)["kind"], one.t_us) for one in found[3:5]] == [("started", 510), ("finished", 590)]
    assert standing(found)["new"][:4] == (510, 590, "Read", DONE)


def test_moving_a_beginning_keeps_the_ends_and_drops_what_lies_before():
    found = put(JUDGED, standing(JUDGED)["a"]._replace(start_us=350), LENGTH)
    assert [(one.t_us, decode(one).get("again")) for one in found[:2]] == [(350, True), (500, None)]
    earlier = put(JUDGED, standing(JUDGED)["a"]._replace(start_us=50), LENGTH)
    assert [(one.t_us, decode(one).get("again")) for one in earlier[:3]] == [(50, True), (300, True), (500, None)]


@pytest.mark.parametrize(
    "wrong",
    [
        task(510, 590, " \n"),
        task(590, 510),
        task(590, 590),
        task(50, 150),
        task(150, 160),
        task(50, 700),
        task(LENGTH, LENGTH + 5),
        task(200, 0, outcome=""),
    ],
)
def test_no_words_no_time_or_two_at_once_are_refused(wrong):
    with pytest.raises(ConsentError):
        put(JUDGED, wrong, LENGTH)


def test_a_task_beside_another_one_has_times_of_its_own_so_that_a_cut_goes_between_them():
    between = put(JUDGED, task(500, 600), LENGTH)
    assert [message.t_us for message in between] == [100, 300, 500, 501, 599, 600]
    with pytest.raises(ConsentError, match="nothing was recorded"):
        put(between, task(599, 600, of="other"), LENGTH)


def test_a_task_that_was_not_judged_ends_where_another_one_is_marked():
    goes_on = messages(TaskStarted(10, "a", "Write"), TaskStarted(700, "a", "Write", again=True))
    found = put(goes_on, task(300, 400), LENGTH)
    assert [(one.start_us, one.end_us) for one in standing(found).values()] == [(10, 300), (300, 400)]
    assert [message.t_us for message in found] == [10, 300, 400]


@pytest.mark.promise("P5")
def test_nothing_of_a_task_has_a_time_inside_a_pause():
    gaps = messages(Gap(300, 200, GapReason.PAUSED), Gap(600, 500, GapReason.FORGOTTEN))
    assert [one.t_us for one in put(gaps, task(250, 550), LENGTH)] == [300, 499]
    with pytest.raises(ConsentError, match="nothing was recorded"):
        put(gaps, task(220, 280), LENGTH)


def test_one_that_was_judged_in_a_pause_can_be_worded_anew():
    at_once = messages(TaskStarted(300, "a", "Wite", again=True), TaskFinished(300, "a", Outcome.DONE, None, ""))
    found = put(at_once, standing(at_once)["a"]._replace(text="Write"), LENGTH)
    assert [decode(one)["kind"] for one in found] == ["started", "finished"]
    assert standing(found)["a"].text == "Write"


def test_one_whose_beginning_was_cut_away_gets_words_again():
    rest = messages(TaskFinished(300, "a", Outcome.DONE, None, ""))
    found = put(rest, standing(rest)["a"]._replace(text="Write"), LENGTH)
    assert standing(found)["a"][:4] == (0, 300, "Write", DONE)


times = st.integers(-5, LENGTH + 5)
changes = st.lists(
    st.one_of(
        st.builds(
            task, times, times, st.sampled_from(["Read", "Write", ""]), st.sampled_from(["", DONE, "gave-up"]),
            st.sampled_from("abcd"), difficulty=st.sampled_from([None, 1, 5]), note=st.sampled_from(["", "so"]),
        ),
        st.sampled_from("abcd"),
    ),
    max_size=8,
)  # fmt: skip
pauses = st.lists(st.tuples(st.integers(0, LENGTH - 60), st.integers(1, 60)), max_size=4)


@given(pauses, changes)
def test_whatever_is_changed_tasks_stay_in_order_apart_and_outside_of_gaps(pauses, changes):
    gaps = messages(*[Gap(start + length, start, GapReason.PAUSED) for start, length in pauses])
    told = []
    for change in changes:
        before, was = list(told), standing(told, gaps)
        try:
            if isinstance(change, str):
                told = removed([*gaps, *told], change)
            else:
                told = put(sorted([*gaps, *told], key=lambda m: m.t_us), change, LENGTH)
        except ConsentError:
            assert told == before
            continue
        of = change if isinstance(change, str) else change.id
        now = standing(told, gaps)
        assert now.keys() - {of} == was.keys() - {of}
        assert [(one.text, one.outcome, one.start_us) for name, one in now.items() if name != of] == [
            (one.text, one.outcome, one.start_us) for name, one in was.items() if name != of
        ]
        assert (of in now) is not isinstance(change, str)
        assert told == sorted(told, key=lambda message: message.t_us)
        assert all(0 <= m.t_us <= LENGTH and m.topic == TASKS for m in told)
        assert not any(gap.start_us <= m.t_us < gap.end_us for m in told for gap in build(gaps, LENGTH).gaps)
        found = list(now.values())
        assert all(one.start_us < one.end_us and one.text for one in found)
        # Nothing is told of two tasks at one time: a cut goes between them.
        assert all(one.end_us + (one.outcome != "") <= after.start_us for one, after in pairwise(found))
        for name in now:
            kinds = [decode(m)["kind"] for m in told if decode(m)["task"] == name]
            assert kinds == ["started"] * kinds.count("started") + ["finished"] * bool(now[name].outcome)


parts = st.lists(st.lists(st.tuples(st.integers(0, 99), st.booleans()), min_size=1, max_size=4), max_size=6)


@given(parts, st.lists(st.integers(0, 110), max_size=6))
def test_in_the_parts_of_a_session_tasks_are_replaced_and_nothing_else_moves(parts, anew):
    made = [[Message(TASKS if is_task else "windows", t_us, b"old") for t_us, is_task in part] for part in parts]
    told = [message for part in made for message in part if message.topic == TASKS]
    new = [Message(TASKS, t_us, b"new") for t_us in anew]
    change = Retold(told, new)
    found, reached = [], -1
    for part in made:
        at = [message.t_us for message in part]
        reached = max(reached, *at)
        kept = change.keep(part) if change.touches((min(at), max(at))) else part
        assert [message for message in kept if message.topic != TASKS] == sorted(
            (message for message in part if message.topic != TASKS), key=lambda message: message.t_us
        ) or kept is part
        found += [message for message in kept if message.topic == TASKS]
        assert not [one for one in new if one.t_us <= reached and one not in found]  # never later than their time
    assert Counter([*found, *change.finish(200)]) == Counter(new)

from __future__ import annotations

from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st

from capture_agent.demo.acts import Act, Expect, Kind
from capture_agent.demo.compare import TOLERANCE_US, Comparison, compare, recorded_act

acts = st.builds(
    Act,
    t_us=st.just(0),
    kind=st.sampled_from(Kind),
    what=st.sampled_from(["a", "b", "left", "0,1"]),
    down=st.booleans(),
    text=st.sampled_from([None, "a", "b"]),
    x=st.integers(0, 3),
    y=st.integers(0, 3),
    expect=st.just(Expect.KEPT),
)


@st.composite
def days(draw: st.DrawFn, *, least: int = 1, apart_us: int = 1_000) -> list[Act]:
    """Acts in order, at least `apart_us` apart, on an arbitrary clock."""
    now = draw(st.integers(0, 10**12))
    done = []
    for act in draw(st.lists(acts, min_size=least, max_size=30)):
        now += draw(st.integers(apart_us, 50_000))
        done.append(replace(act, t_us=now))
    return done


def taken_down(done: list[Act], offset: int) -> list[Act]:
    return [replace(act, t_us=act.t_us - offset) for act in done]


@given(days(), st.integers(0, 10**9))
def test_a_true_recording_is_equal_whatever_its_clock(done: list[Act], offset: int) -> None:
    result = compare(done, taken_down(done, offset))
    assert result.equal
    assert result.worst_us == 0
    assert result.offset_us == offset


@given(days(), st.data())
def test_times_may_err_as_far_as_the_server_rounds_them(done: list[Act], data: st.DataObject) -> None:
    recorded = [replace(act, t_us=act.t_us - act.t_us % 1000) for act in done]
    assert compare(done, recorded).equal


@given(days(apart_us=3 * TOLERANCE_US), st.integers(0, 9_000))
def test_a_slow_answer_of_the_server_excuses_as_much_and_no_more(done: list[Act], slow: int) -> None:
    unsure = [replace(act, slack_us=slow) for act in done]
    late = [replace(act, t_us=act.t_us + (slow if n % 2 else 0)) for n, act in enumerate(done)]
    assert compare(unsure, late).equal
    if len(done) > 3 and slow > 2 * TOLERANCE_US:
        assert not compare(done, late).equal


@given(days(), st.data())
def test_a_missing_act_is_found(done: list[Act], data: st.DataObject) -> None:
    lost = data.draw(st.integers(0, len(done) - 1))
    assert not compare(done, done[:lost] + done[lost + 1 :]).equal


@given(days(), acts, st.data())
def test_an_act_that_nobody_did_is_found(done: list[Act], extra: Act, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(done)))
    t_us = done[place - 1].t_us if place else done[0].t_us - 1_000
    assert not compare(done, [*done[:place], replace(extra, t_us=t_us), *done[place:]]).equal


@given(days(), st.data())
def test_a_changed_act_is_found(done: list[Act], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(done) - 1))
    change = data.draw(st.sampled_from(["what", "text", "x", "y", "down", "kind"]))
    act = done[place]
    other = {
        "what": {"what": "other"},
        "text": {"text": "other"},
        "x": {"x": act.x + 1},
        "y": {"y": act.y - 1},
        "down": {"down": not act.down},
        "kind": {"kind": Kind.KEY if act.kind is not Kind.KEY else Kind.MOVE},
    }[change]
    assert not compare(done, [*done[:place], replace(act, **other), *done[place + 1 :]]).equal  # type: ignore[arg-type]


@given(days(least=2), st.data())
def test_two_acts_in_the_wrong_order_are_found(done: list[Act], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(done) - 2))
    first, second = done[place : place + 2]
    assume(replace(first, t_us=0) != replace(second, t_us=0))
    swapped = [replace(second, t_us=first.t_us), replace(first, t_us=second.t_us)]
    assert not compare(done, [*done[:place], *swapped, *done[place + 2 :]]).equal


@given(days(least=6), st.data())
def test_a_wrong_time_is_found(done: list[Act], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(done) - 1))
    late = replace(done[place], t_us=done[place].t_us + 4 * TOLERANCE_US)
    others = [*done[:place], *done[place + 1 :]]
    recorded = sorted([*others, late], key=lambda act: act.t_us)
    assert not compare(done, recorded).equal


# Equal acts within the tolerance of each other cannot be told apart; a pause is seconds away from them.
FAR_US = 3 * TOLERANCE_US


@given(days(apart_us=FAR_US), st.data())
def test_what_was_done_in_a_pause_must_not_be_recorded(done: list[Act], data: st.DataObject) -> None:
    paused = data.draw(st.integers(0, len(done) - 1))
    injected = [*done[:paused], replace(done[paused], expect=Expect.NEVER), *done[paused + 1 :]]
    assert not compare(injected, done).equal
    without = done[:paused] + done[paused + 1 :]
    if without:
        assert compare(injected, without).equal


@given(days(apart_us=FAR_US), st.data())
def test_what_may_be_either_is_equal_both_ways(done: list[Act], data: st.DataObject) -> None:
    kept = data.draw(st.lists(st.booleans(), min_size=len(done), max_size=len(done)))
    injected = [replace(act, expect=Expect.EITHER) for act in done]
    result = compare(injected, [act for act, is_kept in zip(done, kept, strict=True) if is_kept])
    assert result.equal
    suppressed = sum(counts["suppressed"] for counts in result.counts.values())
    assert suppressed == kept.count(False)


def test_an_empty_recording_of_something_is_not_equal() -> None:
    assert not compare([Act(5, Kind.KEY, "a", expect=Expect.KEPT)], []).equal
    assert compare([], []) == Comparison((), 0, 0, compare([], []).counts)


def test_differences_never_say_what_was_typed() -> None:
    secret = Act(5, Kind.KEY, "s", text="s", expect=Expect.KEPT)
    (difference,) = compare([secret], []).differences
    assert difference == "done and not recorded: key down, 5 µs"


def test_two_keys_told_in_the_wrong_order_are_found_and_those_that_type_nothing_named() -> None:
    letter = Act(20_000, Kind.KEY, "A", down=False, expect=Expect.KEPT)
    shift = Act(20_200, Kind.KEY, "Shift_L", down=False, expect=Expect.KEPT)
    first, last = Act(0, Kind.KEY, "b", expect=Expect.KEPT), Act(40_000, Kind.KEY, "b", expect=Expect.KEPT)
    done = [first, letter, shift, last]
    assert compare(done, done).equal
    swapped = [first, replace(shift, t_us=19_000), letter, last]
    assert compare(done, swapped).differences == (
        "done and not recorded: key up, 20000 µs",
        "recorded and never done: key up, 20000 µs",
    )
    (difference,) = compare(done, [first, letter, last]).differences
    assert difference == "done and not recorded: key up of Shift_L, 20200 µs"


def test_events_of_a_log_become_acts() -> None:
    key = {"t_us": 7, "kind": "key", "sym": "Return", "down": True, "text": "\r"}
    assert recorded_act(key) == Act(7, Kind.KEY, "Return", True, None)
    button = {"t_us": 8, "kind": "button", "button": "left", "down": False, "x": 3, "y": 4}
    assert recorded_act(button) == Act(8, Kind.BUTTON, "left", False, None, 3, 4)
    assert recorded_act({"t_us": 9, "kind": "scroll", "dx": 0, "dy": 1, "x": 3, "y": 4}) == Act(
        9, Kind.SCROLL, "0,1", True, None, 3, 4
    )
    assert recorded_act({"t_us": 9, "kind": "focus", "window": None}) is None

"""Secret fields in the gate: what is typed near one leaves a mark, and what cannot be seen counts as unsafe."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_agent.core.events import (
    Button,
    Category,
    FieldFocus,
    Focus,
    Frame,
    Key,
    Layout,
    Monitor,
    Move,
    PointerShape,
    Rect,
    Scroll,
    Verdict,
    Window,
    Withheld,
)
from capture_agent.core.fields import HOLD_US, LOOK_TAKES_US, LOOK_WITHIN_US, Fields
from capture_agent.core.intervals import Intervals
from capture_agent.core.presses import BRIEF_US, LATE_US
from capture_agent.core.privacy import MASK_BGRX, Gate
from capture_agent.core.rules import Rules
from capture_agent.core.stretches import Reason

ALWAYS = Intervals().open(-1_000_000)
for mark in range(-900_000, 10_100_000, 100_000):
    ALWAYS = ALWAYS.mark(mark)
PLACE = Rect(4, 4, 16, 12)
EDITOR = Window(1, "editor", "a title", PLACE, PLACE, 100)
OTHER = Window(2, "terminal", "a title", PLACE, PLACE, 101)
RULES = Rules(frozenset(Category), frozenset({"editor", "terminal", "desktop", "xterm"}))
CLEAR, SENSITIVE, UNKNOWN = Verdict.CLEAR, Verdict.SENSITIVE, Verdict.UNKNOWN


def key(t_us, sym="a", text="a", mods=(), down=True):
    return Key(t_us, down, 38, sym, text, mods, injected=False)


def looking(*verdicts, window=EDITOR, start=0, every=50_000):
    """A gate that looked into one window every 50 ms, and saw these verdicts."""
    gate = Gate(RULES).observe(Focus(start, window))
    for n, verdict in enumerate(verdicts):
        gate = gate.observe(FieldFocus(start + n * every, verdict, window.id))
    return gate


def kept(gate, event):
    return gate.clear(event, ALWAYS)[1]


@pytest.mark.promise("P8")
@given(st.integers(HOLD_US, 2_000_000))
def test_nothing_within_the_hold_time_of_a_secret_field_is_kept(t_us):
    gate = looking(*[CLEAR] * 16, SENSITIVE, SENSITIVE, *[CLEAR] * 40)  # from 800 to 900 ms
    events = [key(t_us), key(t_us, "c", None, ("ctrl",)), key(t_us, "Return", None), key(t_us, down=False)]
    events += [Move(t_us, 5, 5, False), Button(t_us, True, "left", 5, 5, False), Scroll(t_us, 0, 1, 5, 5, False)]
    near = 800_000 - HOLD_US <= t_us < 900_000 + HOLD_US
    for event in events:
        assert bool(kept(gate, event).cleared) is not near
        assert not near or kept(gate, event).reason is Reason.SECRET_FIELD


@pytest.mark.promise("P8")
def test_a_secret_field_that_had_the_keyboard_for_a_moment_is_enough():
    gate = looking(CLEAR).observe(FieldFocus(300_000, SENSITIVE, 1)).observe(FieldFocus(300_000, CLEAR, 1))
    gate = gate.observe(FieldFocus(350_000, CLEAR, 1))
    assert kept(gate, key(300_000 - HOLD_US)).reason is Reason.SECRET_FIELD
    assert kept(gate, key(300_000 + HOLD_US - 1)).reason is Reason.SECRET_FIELD


@pytest.mark.promise("P8")
def test_where_fields_cannot_be_seen_only_commands_are_kept_and_without_text():
    gate = looking(*[UNKNOWN] * 20)
    assert kept(gate, key(500_000)).reason is Reason.FIELD_UNKNOWN
    assert kept(gate, key(500_000, down=False)).reason is Reason.FIELD_UNKNOWN
    chord = kept(gate, key(500_000, "c", "\x03", ("ctrl",))).cleared[0].event
    assert (chord.sym, chord.text) == ("c", None)
    assert kept(gate, key(500_000, "Return", None)).cleared
    for beside in ("Shift_L", "ISO_Level3_Shift", "BackSpace"):  # they say how a secret is written
        assert kept(gate, key(500_000, beside, None)).reason is Reason.FIELD_UNKNOWN


@pytest.mark.promise("P8")
def test_where_fields_cannot_be_seen_the_pointer_is_kept_over_the_window_alone():
    gate = looking(*[UNKNOWN] * 20)
    for inside, x in ((True, PLACE.x), (False, PLACE.right)):
        for event in (
            Move(500_000, x, 5, False),
            Button(500_000, True, "left", x, 5, False),
            Scroll(500_000, 0, 1, x, 5, False),
        ):
            assert bool(kept(gate, event).cleared) is inside  # an on-screen keyboard lies beside it
    assert not kept(gate, PointerShape(500_000, "", 1, 1, 0, 0, b"1234")).cleared  # hidden by who types


@pytest.mark.promise("P8")
def test_before_anybody_looked_into_a_window_nothing_typed_there_is_kept():
    gate = looking(*[CLEAR] * 20, start=-500_000).observe(Focus(500_000, OTHER))
    assert kept(gate, key(500_000 - HOLD_US - 1)).cleared
    assert kept(gate, key(500_000)).reason is Reason.FIELD_UNKNOWN
    soon = gate.observe(FieldFocus(500_000 + LOOK_WITHIN_US, CLEAR, 2))
    assert kept(soon, key(500_000)).cleared  # it had little time to be another field before
    late = gate.observe(FieldFocus(500_001 + LOOK_WITHIN_US, CLEAR, 2))
    assert kept(late, key(500_000)).reason is Reason.FIELD_UNKNOWN
    beside = Button(500_000, True, "left", PLACE.right, 5, False)
    assert kept(late, beside).cleared  # a click types nothing by itself
    assert not kept(gate, beside).cleared
    assert kept(gate.observe(FieldFocus(500_000, CLEAR, 1)), key(500_000)).reason is Reason.FIELD_UNKNOWN


@pytest.mark.promise("P8")
def test_a_key_is_not_kept_unless_somebody_looked_soon_after_it():
    gate = looking(CLEAR, CLEAR, CLEAR)
    assert kept(gate, key(400_000)).reason is Reason.FIELD_UNKNOWN
    assert kept(gate.observe(FieldFocus(400_000 + LOOK_WITHIN_US, CLEAR, 1)), key(400_000)).cleared
    late = gate.observe(FieldFocus(400_001 + LOOK_WITHIN_US, CLEAR, 1))
    assert kept(late, key(400_000)).reason is Reason.FIELD_UNKNOWN


def test_a_look_is_waited_for_and_a_source_that_is_stuck_is_not():
    gate = looking(CLEAR, CLEAR, CLEAR)
    last = 400_000 + LOOK_WITHIN_US + LOOK_TAKES_US
    assert gate.awaits(key(400_000), 400_000)
    assert gate.awaits(key(400_000), last)
    assert not gate.awaits(key(400_000), last + 1)
    assert not gate.awaits(key(100_000), 100_000)
    assert not gate.awaits(key(400_000, down=False), 400_000)


LOOK_US = 50_000
MOVERS = [
    key(0, "Tab", None),
    key(0, "Return", None),
    key(0, "l", None, ("ctrl",)),
    Button(0, True, "left", 5, 5, False),
]


def after(mover, at_us, told_us, window=EDITOR, ahead=()):
    """A gate that saw a press at `at_us`, and in time, or late, that a secret field got the keyboard by it."""
    gate = Gate(RULES).observe(Focus(0, window))
    gate, _ = gate.clear(Focus(0, window), ALWAYS)
    for t_us in range(0, 3_000_000, LOOK_US):
        gate = gate.observe(FieldFocus(t_us, SENSITIVE if told_us <= t_us < told_us + 1_000_000 else CLEAR, window.id))
    for press in (replace(mover, t_us=at_us), *ahead):
        gate = gate.observe(press)
    return gate.clear(replace(mover, t_us=at_us), ALWAYS)[0]


@pytest.mark.promise("P8")
@given(
    st.sampled_from(MOVERS),
    st.integers(0, LATE_US - 1),
    st.integers(0, LATE_US // LOOK_US).map(LOOK_US.__mul__),
)
def test_what_is_typed_after_a_press_into_another_field_waits_for_a_program_that_tells_late(mover, typed, told):
    gate = after(mover, 1_000_000, 1_000_000 + told)
    assert kept(gate, key(1_000_000 + typed)).reason is Reason.SECRET_FIELD
    assert (kept(gate, key(999_999)).reason is Reason.SECRET_FIELD) is (told < HOLD_US)  # it went to the field before


@pytest.mark.promise("P8")
@given(st.sampled_from(MOVERS), st.sampled_from(MOVERS), st.integers(0, 2 * BRIEF_US), st.data())
def test_what_is_typed_into_a_field_that_was_left_at_once_is_not_kept(into, out, stayed, data):
    gate = after(replace(into, t_us=1_000_000), 1_000_000, 9_000_000, ahead=(replace(out, t_us=1_000_000 + stayed),))
    typed = key(1_000_000 + data.draw(st.integers(0, stayed)))
    verdict = kept(gate, typed)
    assert bool(verdict.cleared) is (stayed >= BRIEF_US)
    assert verdict.reason in {None, Reason.FIELD_UNKNOWN}
    gate, _ = gate.clear(replace(out, t_us=1_000_000 + stayed), ALWAYS)
    assert kept(gate, key(1_000_000 + stayed)).cleared  # where nobody left, it is known


@pytest.mark.promise("P8")
def test_letters_shift_and_what_is_pressed_in_a_terminal_move_no_focus():
    for press in (key(0), key(0, "Shift_L", None), key(0, "BackSpace", None), key(0, "Control_L", None)):
        gate = after(press, 1_000_000, 1_500_000)
        assert kept(gate, key(1_100_000)).cleared
        assert not gate.awaits(key(1_100_000), 1_100_000 + HOLD_US)
    shell = replace(OTHER, app="xterm")
    gate = after(MOVERS[1], 1_000_000, 1_500_000, shell)
    assert kept(gate, key(1_100_000)).cleared


def test_a_key_after_a_press_is_waited_for_as_long_as_a_program_may_tell_late_and_no_longer():
    gate = after(MOVERS[0], 1_000_000, 2_900_000)
    assert gate.awaits(key(1_100_000), 1_000_000 + LATE_US - 1)
    assert not gate.awaits(key(1_100_000), 1_000_000 + LATE_US)
    assert not gate.awaits(key(1_000_000, "Tab", None), 1_000_000 + HOLD_US)  # itself went to the field before
    assert kept(gate, key(1_100_000)).cleared


@pytest.mark.promise("P8")
def test_a_key_that_was_not_kept_does_not_come_up_either():
    gate = looking(CLEAR, CLEAR, CLEAR)
    gate, gone = gate.clear(key(400_000), ALWAYS)  # nobody has looked
    gate = gate.observe(FieldFocus(900_000, CLEAR, 1))
    assert not gone.cleared
    gate, gone = gate.clear(key(800_000, down=False), ALWAYS)
    assert not gone.cleared
    assert kept(gate, key(800_000, down=False)).cleared


@pytest.mark.promise("P8")
def test_a_secret_field_leaves_one_mark_in_whole_seconds():
    gate = looking()
    looks = [CLEAR] * 30 + [SENSITIVE] * 20 + [CLEAR] * 80  # from 1.5 to 2.5 s
    marks = []
    gate, _ = gate.clear(Focus(0, EDITOR), ALWAYS)
    for n, verdict in enumerate(looks):
        gate, seen = gate.clear(FieldFocus(n * 50_000, verdict, 1), ALWAYS)
        gate, said = gate.close_hidden(ALWAYS)
        marks += said
        assert not seen.cleared
    assert [one.event for one in marks] == [Withheld(3_000_000, 1_000_000, "secret-field")]


def test_fields_that_cannot_be_seen_leave_a_mark_only_if_something_was_typed():
    for typed, expected in ((False, []), (True, [Withheld(3_000_000, 1_000_000, "field-unknown")])):
        gate, _ = looking().clear(Focus(0, EDITOR), ALWAYS)
        for n, verdict in enumerate([CLEAR] * 30 + [UNKNOWN] * 20 + [CLEAR] * 4):
            gate = gate.observe(FieldFocus(n * 50_000, verdict, 1))
            gate, _ = gate.clear(FieldFocus(n * 50_000, verdict, 1), ALWAYS)
            if typed and n == 40:
                gate, _ = gate.clear(key(n * 50_000), ALWAYS)
        assert [one.event for one in gate.close_hidden(ALWAYS)[1]] == expected


@pytest.mark.promise("P8")
def test_after_a_stretch_without_sources_nobody_has_looked():
    gate = looking(*[CLEAR] * 20)
    assert kept(gate, key(500_000)).cleared
    assert not kept(gate.forget_focus().observe(Focus(0, EDITOR)), key(500_000)).cleared


# --- pixels


def painted(gate, layout, t_us=500_000):
    frame = Frame(t_us, Monitor(1, Rect(0, 0, 24, 20)), np.full((20, 24, 4), 200, np.uint8), layout)
    pixels = kept(gate, frame).cleared[0].event.pixels
    return {(x, y) for x in range(24) for y in range(20) if tuple(pixels[y, x]) == MASK_BGRX}


def area(rect):
    return {(x, y) for x in range(rect.x, rect.right) for y in range(rect.y, rect.bottom)}


FIELD = Rect(2, 3, 5, 4)  # of the window
FIELD_ON_SCREEN = Rect(6, 7, 5, 4)


@pytest.mark.promise("P8")
def test_a_secret_field_is_painted_over_as_long_as_it_is_shown_also_without_the_keyboard():
    gate = looking(CLEAR, CLEAR)
    assert painted(gate, Layout((EDITOR,))) == set()
    gate = gate.observe(FieldFocus(300_000, SENSITIVE, 1, (FIELD,))).observe(FieldFocus(350_000, CLEAR, 1, (FIELD,)))
    gate = gate.observe(Focus(400_000, OTHER)).observe(FieldFocus(400_000, CLEAR, 2))
    assert painted(gate, Layout((EDITOR,)), 9_000_000) == area(FIELD_ON_SCREEN)
    assert painted(gate.forget_focus(), Layout((EDITOR,)), 9_000_000) == area(FIELD_ON_SCREEN)
    moved = replace(EDITOR, rect=Rect(0, 0, 16, 12))
    assert painted(gate, Layout((moved,)), 9_000_000) == area(FIELD)
    gone = gate.observe(FieldFocus(9_000_000, CLEAR, 1))
    assert painted(gone, Layout((EDITOR,)), 9_000_000 + HOLD_US) == area(FIELD_ON_SCREEN)
    assert painted(gone, Layout((EDITOR,)), 9_000_001 + HOLD_US) == set()


@pytest.mark.promise("P8")
def test_a_window_whose_secret_is_somewhere_in_it_is_painted_over_whole():
    gate = looking(CLEAR).observe(FieldFocus(300_000, SENSITIVE, 1, whole=True))
    assert painted(gate, Layout((EDITOR,))) == area(PLACE)


def test_a_window_in_front_of_a_secret_field_is_not_painted_over():
    gate = looking(CLEAR).observe(FieldFocus(300_000, SENSITIVE, 1, (FIELD,)))
    front = replace(OTHER, rect=Rect(8, 0, 10, 20))
    assert painted(gate, Layout((EDITOR, front))) == area(FIELD_ON_SCREEN) - area(front.rect)


def test_what_is_remembered_of_looks_stays_small():
    fields = Fields()
    for n in range(10_000):
        fields = fields.add(FieldFocus(n * 30_000, (CLEAR, SENSITIVE)[n % 2], n % 300, (FIELD,)))
    assert max(len(fields.seen), len(fields.looks), len(fields.secrets)) <= 520

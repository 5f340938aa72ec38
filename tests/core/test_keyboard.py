"""Of the keyboard's narrower modes nobody can tell what was typed."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_agent.core.events import Category, FieldFocus, Focus, Key, KeyCount, Rect, Shortcut, Verdict, Window
from capture_agent.core.intervals import Intervals
from capture_agent.core.keyboard import COUNT_US, MODES, PRINTABLE, Reduced, implied, implying, widest
from capture_agent.core.privacy import Gate
from capture_agent.core.rules import Rules
from capture_agent.core.stretches import Stretches
from capture_agent.encode.records import encode

BOX = Rect(0, 0, 9, 9)
EDITOR = Window(1, "editor", "a letter", BOX, BOX)
EPOCH = 7_000_000
SHIFT, CTRL = (50, "Shift_L"), (37, "Control_L")
CHORD = [
    (0, True, CTRL, ()),
    (1, True, (39, "s"), ("ctrl",)),
    (2, False, (39, "s"), ("ctrl",)),
    (3, False, CTRL, ("ctrl",)),
]
SHORTCUTS, COUNTS = Category.SHORTCUTS, Category.COUNTS


def key(t_us, down=True, code=38, sym="a", **more):
    text = more.get("text", "a") if down else None
    return Key(t_us, down, code, sym, text, more.get("mods", ()), injected=False)


def gate(*modes, verdict=Verdict.CLEAR, until_us=60_000_000):
    """A gate that has looked into the editor every 50 ms."""
    made = Gate(Rules(frozenset(modes), frozenset({"editor"})), hidden=Stretches(EPOCH), reduced=Reduced(EPOCH))
    made = made.observe(Focus(EPOCH, EDITOR))
    return made.observe(FieldFocus(EPOCH, verdict, 1)), until_us


def kept(keys, *modes, verdict=Verdict.CLEAR):
    """Everything that is written of `keys`, as JSON."""
    made, until_us = gate(*modes)
    allowed = Intervals(((EPOCH, EPOCH + until_us),))
    written = []
    for one in sorted(keys, key=lambda pressed: pressed.t_us):
        for later in (1, 200_000):
            made = made.observe(FieldFocus(one.t_us + later, verdict, 1))
        made, said = made.clear(one, allowed)
        written += said.cleared
    made, told = made.close_hidden(allowed)
    messages = [encode(one, EPOCH) for one in (*written, *told)]
    return [(m.topic, m.t_us, json.loads(m.data)) for m in messages if m.topic != "marks"]


# A letter as a keyboard makes it: code, symbol and text differ, and for some another key is held with it.
letters = st.one_of(
    st.builds(lambda c: (38 + ord(c) % 20, c, c, None), st.sampled_from("abcdefghijklmnopqrstuvwxyz0123456789")),
    st.builds(lambda c: (38 + ord(c) % 20, c.upper(), c.upper(), SHIFT), st.sampled_from("abcdefghijk")),
    st.sampled_from(
        [
            (24, "at", "@", (108, "ISO_Level3_Shift")),
            (10, "exclam", "!", SHIFT),
            (65, "space", " ", None),
            (48, "dead_acute", None, None),
            (87, "KP_1", "1", None),
            (20, "Multi_key", None, None),
            (99, "UnheardOf", None, None),
            (39, "S", "S", (66, "Caps_Lock")),
        ]
    ),
)
# What is between the letters, and the same in both texts: keys with a name, chords, and time in ms.
between = st.tuples(
    st.integers(1, 900),
    st.sampled_from([None, "Return", "Left", "BackSpace", "F5", "Escape", "chord"]),
    st.integers(1, 300),
)


def typed(text, between):
    """Type `text` as events; the rhythm is that of `between`, whatever is typed."""
    keys, t_us = [], EPOCH + 1_000_000
    for (code, sym, said, held), (ms, other, length) in zip(text, between, strict=True):
        t_us += 1000 * ms
        mods = {SHIFT: ("shift",), None: (), (66, "Caps_Lock"): ()}.get(held, ("altgr",))
        if held is not None:
            keys.append(key(t_us - 900, code=held[0], sym=held[1], text=None))
            keys.append(key(t_us + 1000 * length + 900, False, held[0], held[1], mods=mods))
        keys.append(key(t_us, code=code, sym=sym, text=said, mods=mods))
        keys.append(key(t_us + 1000 * length, False, code, sym))
        if other == "chord":
            for after, down, pressed, with_ctrl in CHORD:
                keys.append(key(t_us + 400_000 + after, down, *pressed, text=None, mods=with_ctrl))
        elif other is not None:
            # Whatever of the letter is still held goes along as a modifier.
            keys.append(key(t_us + 500, code=9, sym=other, text=None, mods=mods))
            keys.append(key(t_us + 600, False, 9, other, mods=mods))
        t_us += 1_000_000
    return keys


@pytest.mark.promise("P8")
@pytest.mark.parametrize("modes", [{SHORTCUTS}, {COUNTS}, {SHORTCUTS, COUNTS}])
@given(data=st.data())
def test_two_texts_of_one_length_and_rhythm_leave_the_same(modes, data):
    length = data.draw(st.integers(1, 12))
    one, other = (data.draw(st.lists(letters, min_size=length, max_size=length)) for _ in range(2))
    rhythm = data.draw(st.lists(between, min_size=length, max_size=length))
    assert kept(typed(one, rhythm), *modes) == kept(typed(other, rhythm), *modes)


@pytest.mark.promise("P8")
@given(st.lists(letters, min_size=1, max_size=12), st.data())
def test_no_name_code_or_modifier_of_what_is_typed_is_kept(text, data):
    rhythm = data.draw(st.lists(between, min_size=len(text), max_size=len(text)))
    plain = [(ms, None, length) for ms, _, length in rhythm]
    for topic, _, fields in kept(typed(text, plain), SHORTCUTS):
        told = {"kind": "key", "down": fields["down"], "code": 0, "sym": PRINTABLE, "mods": [], "injected": False}
        assert (topic, fields) == ("shortcuts", told)
    assert {topic for topic, _, _ in kept(typed(text, rhythm), COUNTS)} <= {"counts"}


def test_named_keys_and_chords_are_told_with_name_and_modifiers():
    keys = [
        key(9_000_000, code=36, sym="Return", text=None),
        key(9_100_000, code=37, sym="Control_L", text=None),
        key(9_200_000, code=28, sym="T", text=None, mods=("shift", "ctrl")),
        key(9_300_000, code=67, sym="F1", text=None, mods=("alt",)),
        key(9_400_000, code=23, sym="ISO_Left_Tab", text=None, mods=("shift",)),
    ]
    told = [(fields["sym"], fields["code"], fields["mods"]) for _, _, fields in kept(keys, SHORTCUTS)]
    assert told == [
        ("Return", 36, []), ("Control_L", 37, []), ("T", 28, ["shift", "ctrl"]), ("F1", 67, ["alt"]), ("Tab", 23, []),
    ]  # fmt: skip


@pytest.mark.promise("P8")
def test_a_letter_that_comes_up_while_ctrl_is_held_is_no_chord():
    keys = [key(9_000_000), key(9_100_000, code=37, sym="Control_L", text=None)]
    keys += [key(9_200_000, False, mods=("ctrl",)), key(9_300_000, False, 37, "Control_L", mods=("ctrl",))]
    told = [fields["sym"] for _, _, fields in kept(keys, SHORTCUTS)]
    assert told == [PRINTABLE, "Control_L", PRINTABLE, "Control_L"]


@pytest.mark.promise("P8")
@pytest.mark.parametrize("verdict", [Verdict.SENSITIVE, Verdict.UNKNOWN])
def test_in_a_field_that_may_be_a_secret_one_no_mode_keeps_how_much_is_typed(verdict):
    keys = typed([(38, "a", "a", None)] * 3, [(20, None, 30)] * 3)
    assert kept(keys, *MODES, verdict=verdict) == []


@given(st.lists(st.integers(0, 6_000), min_size=1, max_size=40))
def test_counts_are_the_sums_of_whole_intervals(times):
    keys = [key(EPOCH + 1_000_000 + 10_000 * at, code=n + 8) for n, at in enumerate(sorted(times))]
    found = [(start["start_us"], t_us, start["keys"]) for _, t_us, start in kept(keys, COUNTS)]
    for start, end, count in found:
        assert (start % COUNT_US, end - start) == (0, COUNT_US) or end == 60_000_000
        assert count == sum(start <= one.t_us - EPOCH < start + COUNT_US for one in keys)
    told = sum(count for _, _, count in found)
    assert told == len([one for one in keys if one.t_us + 250_000 <= EPOCH + 60_000_000])


@pytest.mark.promise("P5")
def test_a_pause_ends_an_interval_and_nothing_is_said_of_the_time_in_it():
    line = Intervals(((EPOCH, EPOCH + 3_000_000), (EPOCH + 6_000_000, EPOCH + 8_000_000)))
    reduced = Reduced(EPOCH)
    for at in (1_000_000, 2_000_000, 7_000_000):
        reduced = reduced.count(key(EPOCH + at), line)
    reduced, told = reduced.due(line)
    assert told == (KeyCount(EPOCH + 3_000_000, EPOCH, 2), KeyCount(EPOCH + 8_000_000, EPOCH + 6_000_000, 1))
    assert reduced.due(line) == (reduced, ())


def test_an_interval_is_told_when_nothing_of_it_waits_any_more():
    reduced = Reduced(EPOCH).count(key(EPOCH + 1_000_000), Intervals().open(EPOCH))
    running = Intervals(opened_us=EPOCH, marked_us=EPOCH + COUNT_US + 900_000)
    assert reduced.due(running) == (reduced, ())
    over = replace(running, marked_us=EPOCH + COUNT_US + 1_000_000)
    assert reduced.due(over)[1] == (KeyCount(EPOCH + COUNT_US, EPOCH, 1),)


def test_keys_that_are_never_let_go_do_not_pile_up():
    reduced = Reduced()
    for n in range(200):
        reduced, (told,) = reduced.shortcut(key(n, code=n))
        assert isinstance(told, Shortcut)
    assert len(reduced.held) == 64


def test_who_agrees_to_a_mode_agrees_to_the_narrower_ones():
    assert implied({Category.KEYBOARD, Category.SCREEN}) == {*MODES, Category.SCREEN}
    assert implied({SHORTCUTS}) == {SHORTCUTS, COUNTS}
    assert implied({COUNTS}) == {COUNTS}
    assert implying(COUNTS) == {*MODES} and implying(Category.KEYBOARD) == {Category.KEYBOARD}
    assert implying(Category.SCREEN) == {Category.SCREEN}
    assert widest({*MODES, Category.TASKS}) == {Category.KEYBOARD, Category.TASKS}
    assert widest({*MODES}, [{SHORTCUTS}, {COUNTS, Category.TASKS}, {Category.TASKS}]) == {*MODES}


@given(st.frozensets(st.sampled_from(Category)), st.lists(st.frozensets(st.sampled_from(Category)), max_size=3))
def test_to_leave_out_what_nobody_needs_adds_nothing(categories, readers):
    assert widest(categories, readers) <= categories
    assert implied(widest(categories, readers)) >= categories

"""The gate: only what happens in an agreed program, at an allowed moment, in an agreed category is kept."""

import ast
from dataclasses import replace
from pathlib import Path

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
    Gap,
    GapReason,
    Key,
    Layout,
    Monitor,
    Rect,
    TaskStarted,
    Window,
    Withheld,
)
from capture_agent.core.intervals import Intervals
from capture_agent.core.privacy import HOLD_US, MASK_BGRX, TRANSITION_US, Gate, Reason, Verdict, waiting
from capture_agent.core.rules import DESKTOP_APP, Rules
from capture_agent.core.scrub import MASK

ALL = frozenset(Category) - {Category.SHORTCUTS, Category.COUNTS}  # the modes of the keyboard: test_keyboard.py
ALWAYS = Intervals().open(0).mark(400_000).mark(800_000).mark(1_200_000)
SOMEWHERE = Rect(0, 0, 10, 10)


def window(app, rect=SOMEWHERE, number=1, pid=100, aliases=()):
    return Window(number, app, f"title of {app}", rect, rect, pid, aliases)


EDITOR, VAULT = window("editor"), window("keepassxc", number=2)
RULES = Rules(ALL, frozenset({"editor", "terminal"}), frozenset({"keepassxc"}))


def key(t_us, sym="a", text="a", mods=()):
    return Key(t_us, True, 38, sym, text, mods, injected=False)


def look(t_us, where, verdict=Verdict.CLEAR, **more):
    return FieldFocus(t_us, verdict, where.id, **more)


def gate_with(*focus, verdict=Verdict.CLEAR, until=2_000_000):
    """A gate that learned these changes of focus, and looked into each window at once and every 50 ms."""
    gate = Gate(RULES)
    for n, (t_us, where) in enumerate(focus):
        gate = gate.observe(Focus(t_us, where))
        for at in range(t_us, focus[n + 1][0] if n + 1 < len(focus) else until, 50_000):
            gate = gate if where is None else gate.observe(look(at, where, verdict))
    return gate


def kept(gate, event, intervals=ALWAYS):
    return gate.clear(event, intervals)[1]


def test_typing_in_an_agreed_program_is_kept():
    assert kept(gate_with((0, EDITOR)), key(300_000)).cleared[0].event.text == "a"


@pytest.mark.promise("P8")
@pytest.mark.parametrize("offset", [-HOLD_US, -1, 0, 1, HOLD_US])
def test_typing_near_an_excluded_window_is_not_kept(offset):
    gate = gate_with((0, EDITOR), (600_000, VAULT), (600_000 + 1, EDITOR))
    assert kept(gate, key(600_000 + offset)).reason is Reason.PROGRAM
    assert kept(gate, key(600_000 - HOLD_US - 1)).cleared


@pytest.mark.promise("P8")
def test_with_focus_unknown_only_commands_are_kept_and_without_text():
    gate = gate_with((0, None))
    assert kept(gate, key(300_000)).reason is Reason.FOCUS_UNKNOWN
    chord = kept(gate, key(300_000, "c", "\x03", ("ctrl",))).cleared[0].event
    assert (chord.sym, chord.text) == ("c", None)
    assert kept(gate, key(300_000, "Return", None)).cleared
    for typed in ("exclam", "dead_acute", "KP_1", "eacute", "printable"):  # a key that comes up has no text
        assert kept(gate, replace(key(300_000, typed, None), down=False)).reason is Reason.FOCUS_UNKNOWN
    assert kept(gate, Button(300_000, True, "left", 1, 1, injected=False)).reason is Reason.FOCUS_UNKNOWN


@pytest.mark.promise("P8")
def test_before_any_focus_is_known_nothing_typed_is_kept():
    assert kept(Gate(RULES), key(300_000)).reason is Reason.FOCUS_UNKNOWN
    late = gate_with((200_000, EDITOR))
    assert kept(late, key(300_000)).reason is Reason.FOCUS_UNKNOWN


def test_a_short_moment_without_a_window_between_two_agreed_programs_is_clear():
    other = window("terminal", number=3)
    gate = gate_with((0, EDITOR), (400_000, None), (400_000 + TRANSITION_US, other))
    assert kept(gate, Button(400_001, True, "left", 1, 1, injected=False)).cleared
    for typed in (399_999 - TRANSITION_US, 400_001 + TRANSITION_US):
        assert kept(gate, key(typed)).cleared
    for typed in (400_000 - TRANSITION_US, 400_001, 400_000 + TRANSITION_US):
        assert not kept(gate, key(typed)).cleared  # a dialog may have come, taken it, and gone
    gate = gate_with((0, EDITOR), (300_000, None), (300_001 + TRANSITION_US, other))
    assert kept(gate, key(300_001)).reason is Reason.FOCUS_UNKNOWN
    gate = gate_with((0, EDITOR), (300_000, None), (302_000, EDITOR))  # its title changed, twice
    assert kept(gate, key(299_999)).cleared


@pytest.mark.promise("P1")
@pytest.mark.parametrize("category", sorted(ALL))
def test_a_category_that_was_not_agreed_is_never_kept(category):
    event = {
        Category.KEYBOARD: key(300_000),
        Category.POINTER: Button(300_000, True, "left", 1, 1, injected=False),
        Category.WINDOWS: Focus(300_000, EDITOR),
        Category.SCREEN: frame(Layout((EDITOR,))),
        Category.TASKS: TaskStarted(300_000, "1", "x"),
    }[category]
    for rules, expected in ((RULES, True), (Rules(ALL - {category}, RULES.apps), False)):
        gate = replace(gate_with((0, EDITOR)), rules=rules)
        assert bool(kept(gate, event).cleared) == expected


@pytest.mark.promise("P5")
def test_nothing_outside_the_allowed_intervals_is_kept():
    closed = Intervals().open(0).mark(100_000).close(290_000)
    gate = gate_with((0, EDITOR))
    for event in (key(300_000), Focus(300_000, EDITOR), frame(Layout((EDITOR,)))):
        assert kept(gate, event, closed).reason is Reason.OUTSIDE
    assert kept(gate, Gap(300_000, 290_000, GapReason.PAUSED), closed).cleared


def test_an_event_waits_until_what_follows_it_is_known():
    line = Intervals().open(0).mark(300_000)
    assert waiting(key(300_000 - HOLD_US + 1), line)
    assert not waiting(key(300_000 - HOLD_US), line)
    assert not waiting(key(299_000), line.close(300_000))


def test_titles_of_excluded_windows_are_not_kept():
    gate, seen = gate_with((0, EDITOR)).clear(Focus(1, EDITOR), ALWAYS)
    assert seen.cleared[0].event.window == EDITOR
    gate, seen = gate.clear(Focus(300_000, VAULT), ALWAYS)
    assert seen.cleared[0].event == Focus(300_000, None)
    gate, seen = gate.clear(Focus(400_000, EDITOR), ALWAYS)
    assert [c.event.window for c in seen.cleared] == [EDITOR]
    gate, marks = gate.close_hidden(ALWAYS)
    assert [c.event for c in marks] == [Withheld(1_000_000, 0, "program")]
    assert gate.close_hidden(ALWAYS)[1] == ()


@pytest.mark.promise("P5")
@pytest.mark.promise("P8")
@given(
    st.integers(0, 3_000_000),
    st.integers(0, 3_000_000),
    st.integers(1, 3_000_000),
    st.none() | st.integers(0, 3_000_000),
)
def test_what_is_said_of_a_withheld_stretch_covers_it_and_stays_out_of_pauses(opened, hid, lasted, back):
    line = Intervals().open(opened)
    for after in range(100_000, hid + lasted, 100_000):
        line = line.mark(opened + after)
    since, end = opened + hid, opened + hid + lasted
    gate, _ = Gate(RULES).clear(Focus(since, VAULT), line.close(end))
    if back is not None and back < lasted:
        gate, _ = gate.clear(Focus(since + back, EDITOR), line.close(end))
    early, marks = gate.close_hidden(line)
    if marks:  # said as soon as its last second is over, and not before
        assert marks[0].event.t_us <= line.marked_us
    _, later = early.close_hidden(line.mark(end).close(end))
    (marker,) = (c.event for c in (*marks, *later))
    assert opened <= marker.start_us <= since
    assert (end if back is None or back >= lasted else since + back) <= marker.t_us <= end
    assert marker.start_us in {opened, marker.start_us // 1_000_000 * 1_000_000}
    assert marker.t_us in {end, marker.t_us // 1_000_000 * 1_000_000}


@pytest.mark.promise("P8")
def test_a_secret_in_a_title_is_not_kept():
    telling = replace(EDITOR, title="mysql --password=hunter2-and-more - xterm")
    _, seen = gate_with((0, telling)).clear(Focus(1, telling), ALWAYS)
    assert seen.cleared[0].event.window == replace(telling, title=f"mysql --password={MASK} - xterm")


def test_our_own_windows_are_never_recorded():
    assert Rules(ALL, frozenset({"editor"}), own_pid=100).judge(EDITOR) is Verdict.SENSITIVE


def test_an_alias_is_enough_to_exclude():
    assert RULES.judge(window("editor", aliases=("keepassxc",))) is Verdict.SENSITIVE


# --- pixels

SIDE = 24
AREA = Rect(0, 0, SIDE, SIDE)


def frame(layout, origin=(0, 0)):
    pixels = np.full((SIDE, SIDE, 4), 200, np.uint8)
    pixels.flags.writeable = False  # the source still compares with them
    return Frame(300_000, Monitor(1, Rect(*origin, SIDE, SIDE)), pixels, layout)


rects = st.builds(Rect, st.integers(-5, SIDE), st.integers(-5, SIDE), st.integers(0, SIDE), st.integers(0, SIDE))
stacks = st.lists(st.tuples(st.sampled_from(["editor", "terminal", "keepassxc", "new"]), rects), max_size=7)


@pytest.mark.promise("P8")
@given(stacks, st.booleans(), st.tuples(st.integers(-3, 3), st.integers(-3, 3)))
def test_exactly_the_pixels_of_the_topmost_window_decide(stack, bare, origin):
    apps = RULES.apps | ({DESKTOP_APP} if bare else set())
    gate = Gate(Rules(ALL, frozenset(apps), RULES.excluded))
    layout = Layout(tuple(window(app, rect, n) for n, (app, rect) in enumerate(stack)))
    painted = gate.clear(frame(layout, origin), ALWAYS)[1].cleared[0].event.pixels
    for row in range(SIDE):
        for column in range(SIDE):
            x, y = column + origin[0], row + origin[1]
            top = next((a for a, r in reversed(stack) if r.x <= x < r.right and r.y <= y < r.bottom), DESKTOP_APP)
            hidden = tuple(painted[row, column]) == MASK_BGRX
            assert hidden == (top not in apps or top in RULES.excluded)


@pytest.mark.promise("P8")
@given(rects, st.sampled_from(["editor", "keepassxc", "new"]))
def test_what_was_there_shortly_before_is_painted_over_too(rect, app):
    layout = Layout((window("editor", AREA),))
    late = replace(frame(layout), still=(window(app, rect, 7),))
    painted = Gate(RULES).clear(late, ALWAYS)[1].cleared[0].event.pixels
    inside = rect.intersect(AREA) if app != "editor" else Rect(0, 0, 0, 0)
    assert (painted == MASK_BGRX).all(axis=2).sum() == inside.area


steps = st.tuples(rects, stacks.map(tuple), st.booleans(), st.booleans(), st.integers(0, 255))


@pytest.mark.promise("P8")
@given(st.lists(steps, min_size=6, max_size=12))
def test_pictures_put_over_one_another_are_what_each_frame_is_painted_over_as_a_whole(some):
    """Whatever changes, pixels and windows; whether the source knows which rows, and whether frames are lost."""
    pixels, gate, shown, stack = np.full((SIDE, SIDE, 4), 200, np.uint8), Gate(RULES), None, ()
    for number, (rect, new_stack, known, lost, shade) in enumerate(some, 1):
        drawn = rect.intersect(AREA)
        pixels = pixels.copy()
        pixels[drawn.y : drawn.bottom, drawn.x : drawn.right] = shade
        pixels.flags.writeable = False  # the source still compares with them
        stack = new_stack if shade % 3 == 0 else stack
        layout = Layout(tuple(window(app, place, n) for n, (app, place) in enumerate((("editor", AREA), *stack))))
        rows = (drawn.y, drawn.bottom) if known and number > 1 and drawn.area else None  # as the source says them
        now = replace(frame(layout), pixels=pixels, number=number, rows=rows)
        if lost:
            continue
        gate, kept = gate.clear(now, ALWAYS)
        picture = kept.cleared[0].event
        assert shown is not None or picture.pixels.shape[0] == SIDE
        shown = picture.pixels.copy() if shown is None else shown
        shown[picture.top : picture.top + picture.pixels.shape[0]] = picture.pixels
        assert (shown == Gate(RULES).clear(replace(now, rows=None), ALWAYS)[1].cleared[0].event.pixels).all()


@pytest.mark.parametrize(("rows", "copied"), [((0, 20), False), ((0, 21), True), ((22, 24), False), ((21, 24), True)])
def test_rows_are_copied_only_if_something_in_them_is_painted_over(rows, copied):
    layout = Layout((window("editor", AREA), window("new", Rect(0, 20, SIDE, 2), 1)))
    gate, _ = Gate(RULES).clear(replace(frame(layout), number=1), ALWAYS)
    now = replace(frame(layout), number=2, rows=rows)
    picture = gate.clear(now, ALWAYS)[1].cleared[0].event
    assert (picture.top, picture.top + picture.pixels.shape[0]) == rows
    assert np.shares_memory(picture.pixels, now.pixels) is not copied


@pytest.mark.promise("P8")
@pytest.mark.parametrize(("app", "kept"), [("editor", 1), ("keepassxc", 0), ("", 0)])
def test_no_picture_is_kept_while_a_compositor_shows_an_excluded_window_on_its_way(app, kept):
    moving = replace(frame(Layout((window("editor", AREA),))), moving=(window(app, SOMEWHERE, 7),))
    assert len(Gate(RULES).clear(moving, ALWAYS)[1].cleared) == kept


PRIVATE = replace(EDITOR, title="My bank — Mozilla Firefox Private Browsing")


@pytest.mark.promise("P8")
def test_of_private_browsing_neither_title_nor_keys_nor_pixels_are_kept():
    gate = Gate(RULES).observe(Focus(0, PRIVATE)).observe(look(0, PRIVATE)).observe(look(310_000, PRIVATE))
    assert gate.clear(Focus(300_000, PRIVATE), ALWAYS)[1].cleared == ()
    assert gate.clear(key(300_000), ALWAYS)[1].cleared == ()
    painted = gate.clear(frame(Layout((replace(PRIVATE, rect=AREA),))), ALWAYS)[1].cleared[0].event.pixels
    assert (painted == MASK_BGRX).all()


@pytest.mark.promise("P8")
def test_a_window_is_private_once_the_accessibility_bus_says_so_and_other_rules_do_not_forget_it():
    gate = Gate(RULES).observe(Focus(0, EDITOR)).observe(look(0, EDITOR))
    assert gate.rules.judge(EDITOR) is Verdict.CLEAR
    gate = gate.observe(look(310_000, EDITOR, private=True)).obey(RULES)
    assert gate.clear(Focus(300_000, EDITOR), ALWAYS)[1].cleared == ()
    assert gate.clear(key(300_000), ALWAYS)[1].cleared == ()
    assert gate.observe(look(320_000, EDITOR)).rules.judge(EDITOR) is Verdict.SENSITIVE  # it did not say
    assert gate.observe(look(320_000, EDITOR, private=False)).rules.judge(EDITOR) is Verdict.CLEAR


@given(rects, rects)
def test_minus_leaves_disjoint_pieces_that_cover_the_rest(whole, cut):
    pieces = whole.minus(cut)
    assert sum(p.area for p in pieces) == whole.area - whole.intersect(cut).area
    for n, piece in enumerate(pieces):
        assert not piece.intersect(cut).area
        assert all(not piece.intersect(other).area for other in pieces[n + 1 :])


@pytest.mark.promise("P8")
def test_only_the_gate_makes_something_cleared():
    package = Path(__file__).parents[2] / "capture_agent"
    makers = set()
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "Cleared":
                makers.add(path.relative_to(package).as_posix())
    assert makers == {"core/privacy.py"}

"""What can be decided without a display."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_agent.core.errors import ConfigError
from capture_agent.core.events import Rect
from capture_agent.desktop import x11_check, x11_hotkeys, x11_keymap, x11_monitors, x11_xi2, x11_xkb
from capture_agent.desktop.x11_clock import APART_MS, WRAP_MS, Ordered, ServerClock, offset
from capture_agent.desktop.x11_shown import enough_seen
from capture_agent.desktop.x11_xkb import Modifiers

SCREEN = Rect(0, 0, 1000, 800)
PLACES = st.builds(Rect, st.integers(-50, 1000), st.integers(-50, 800), st.integers(8, 60), st.integers(8, 60))


@given(now_ms=st.integers(0, 2**45), ago_ms=st.integers(0, 10**8), offset_ms=st.integers(-(2**31), 2**31))
def test_the_server_s_clock_may_wrap(now_ms: int, ago_ms: int, offset_ms: int) -> None:
    event_ms = now_ms - ago_ms
    stamp = (event_ms - offset_ms) % WRAP_MS
    clock = ServerClock(offset_ms)
    if stamp:  # 0 is CurrentTime
        assert clock.to_us(stamp, now_ms * 1000) == event_ms * 1000


def test_no_time_means_now() -> None:
    assert ServerClock().to_us(0, 123_456_789) == 123_456_000


@given(jumps_ms=st.lists(st.integers(-20, 20), min_size=1, max_size=40))
def test_what_the_server_told_later_is_never_earlier(jumps_ms: list[int]) -> None:
    """Its processors may disagree on the time; what only grows is taken as it is."""
    stamps = [1_000_000 + n + jump for n, jump in enumerate(jumps_ms)]
    clock = Ordered(ServerClock())
    times = [clock.to_us(stamp, 1_000_000_000) for stamp in stamps]
    assert times == [max(stamps[: n + 1]) * 1000 for n in range(len(stamps))]


def test_a_clock_that_was_set_back_is_followed() -> None:
    clock = Ordered(ServerClock())
    assert clock.to_us(5_000, 5_000_000) == 5_000_000
    back_ms = 5_000 - APART_MS - 1
    assert clock.to_us(back_ms, 5_000_000) == back_ms * 1000
    assert clock.to_us(back_ms + 1, 5_000_000) == (back_ms + 1) * 1000


def test_the_same_clock_has_no_offset_and_another_one_has() -> None:
    assert offset(5_000_300, 5_000, 5_000_400) == 0
    assert offset(5_001_100, 5_000, 5_001_200) == 0
    assert offset(5_000_300, 5_007, 5_000_400) == 0  # read on another processor
    assert offset(5_000_000, 4_000, 5_000_200) == 1000
    assert offset(5_000_000, WRAP_MS - 1000, 5_000_200) == 6000
    assert offset((WRAP_MS + 7) * 1000, 7, (WRAP_MS + 7) * 1000 + 100) == 0


def raw_event(valuators: dict[int, float]) -> bytes:
    words = 1 if valuators else 0
    mask = sum(1 << n for n in valuators)
    fixed = b"".join(struct.pack("<iI", int(v // 1), int((v % 1) * 2**32)) for _, v in sorted(valuators.items()))
    head = struct.pack("<HIIHHII", 2, 777, 0, 4, words, 0, 0)
    return head + struct.pack("<I", mask) * words + fixed * 2


@pytest.mark.parametrize(
    ("valuators", "x", "y"),
    [
        ({0: 10.0, 1: 20.5}, 10.0, 20.5),
        ({1: -3.25}, None, -3.25),
        ({0: -1.5, 3: 9.0}, -1.5, None),
        ({2: 1.0}, None, None),
    ],
)
def test_valuators_of_raw_events_are_read(valuators: dict[int, float], x: float | None, y: float | None) -> None:
    raw = x11_xi2.unpack(x11_xi2.Kind.MOTION.value, raw_event(valuators), 9)
    assert (raw.x, raw.y, raw.time, raw.source, raw.serial) == (x, y, 777, 4, 9)


def test_a_raw_key_has_no_valuators() -> None:
    raw = x11_xi2.unpack(x11_xi2.Kind.KEY_DOWN.value, struct.pack("<HIIHHII", 3, 5, 38, 5, 0, 1 << 16, 0), 1)
    assert (raw.kind, raw.detail, raw.repeat, raw.x) == (x11_xi2.Kind.KEY_DOWN, 38, True, None)


def test_layouts_are_read_with_their_variants() -> None:
    names = b"evdev\0pc105\0us,de,ru\0,nodeadkeys,\0grp:alt_shift_toggle\0"
    assert x11_xkb.layouts(names, 1) == ("de(nodeadkeys)", "us", "ru")
    assert x11_xkb.layouts(names, 9) == ("ru", "us", "de(nodeadkeys)")
    assert x11_xkb.layouts(b"", 0) == ()


def test_held_modifiers_have_names_and_locks_are_not_held() -> None:
    assert x11_keymap.held(Modifiers(base=1 | 4, locked=2 | 16)) == ("shift", "ctrl")
    assert x11_keymap.held(Modifiers(latched=128)) == ("altgr",)


def test_monitors_are_numbered_from_left_to_right_and_mirrors_count_once() -> None:
    right, left = Rect(640, 0, 640, 800), Rect(0, 0, 640, 800)
    numbered = x11_monitors.number([right, left, right, Rect(0, 0, 0, 0)], 1.0)
    assert [(m.number, m.rect) for m in numbered] == [(1, left), (2, right)]


@pytest.mark.parametrize(
    ("resources", "scale"),
    [
        (b"", 1.0),
        (b"Xft.dpi:\t144\n", 1.5),
        (b"a: 1\nXft.dpi: 192\n", 2.0),
        (b"Xft.dpi: x\n", 1.0),
        (b"Xft.dpi: 0", 1.0),
    ],
)
def test_the_scale_is_read_from_the_resources(resources: bytes, scale: float) -> None:
    assert x11_monitors.scale(resources) == scale


@given(icon=PLACES, covers=st.lists(PLACES, max_size=4))
def test_what_is_proved_shown_has_half_its_pixels_on_screen(icon: Rect, covers: list[Rect]) -> None:
    seen = sum(
        1
        for x in range(max(icon.x, 0), min(icon.right, SCREEN.right))
        for y in range(max(icon.y, 0), min(icon.bottom, SCREEN.bottom))
        if not any(c.x <= x < c.right and c.y <= y < c.bottom for c in covers)
    )
    assert enough_seen(icon, [], [SCREEN], covers) == (2 * seen >= icon.area)


def test_a_speck_is_not_shown() -> None:
    assert not enough_seen(Rect(5, 5, 1, 1), [], [SCREEN], [])
    assert not enough_seen(Rect(5, 5, 0, 0), [], [SCREEN], [])


def test_overlapping_monitors_show_nothing_twice() -> None:
    half = Rect(-15, 0, 20, 20)
    assert not enough_seen(half, [], [SCREEN, Rect(0, 0, 500, 500)], [])


@pytest.mark.parametrize("text", ["ctrl+shift+f9", "Ctrl + Shift + F9", "super+pause", "alt+p", "ctrl+alt+delete"])
def test_hotkeys_are_read(text: str) -> None:
    assert x11_hotkeys.parse(text).mods


@pytest.mark.parametrize("text", ["", "f9", "ctrl", "ctrl+", "+f9", "ctrl+nosuchkey", "hyper+f9", "ctrl+f9+f8"])
def test_what_is_no_hotkey_is_refused(text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        x11_hotkeys.parse(text)
    assert refused.value.hint


@pytest.mark.parametrize(
    ("env", "refused"),
    [
        ({"XDG_SESSION_TYPE": "wayland", "DISPLAY": ":0"}, True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, True),
        ({"XDG_SESSION_TYPE": "tty", "WAYLAND_DISPLAY": "wayland-0"}, True),
        ({"XDG_SESSION_TYPE": "x11", "WAYLAND_DISPLAY": "wayland-0"}, False),
        ({"DISPLAY": ":0"}, False),
        ({}, False),
    ],
)
def test_wayland_is_refused(env: dict[str, str], refused: bool) -> None:
    assert bool(x11_check.check_session(env)) is refused


@pytest.mark.parametrize(("library", "package"), x11_check.LIBRARIES)
def test_a_missing_library_is_named_with_its_package(library: str, package: str) -> None:
    def load(name: str) -> None:
        if name == library:
            raise OSError(name)

    (problem,) = x11_check.check_libraries(load)
    assert problem.name == "library"
    assert package in problem.hint


def test_no_missing_library_is_no_problem() -> None:
    assert x11_check.check_libraries(lambda name: name) == ()

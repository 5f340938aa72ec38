"""Fields on Windows and macOS: the adapters against systems that behave as documented. No real one has been met yet."""

from __future__ import annotations

from dataclasses import replace

import field_contract as contract
import pytest
from fake_systems import BUTTON, DOCUMENT, EDIT, FIELD, OTHER, PANE, PROGRAM, WINDOW, FakeMac, FakeWindows
from field_contract import HINDRANCES, Situation

from capture_agent.core.events import Verdict
from capture_agent.desktop.base import LOOK_S
from capture_agent.desktop.macos_fields import Roles
from capture_agent.desktop.windows_fields import Element

SYSTEMS = pytest.mark.parametrize("system", [FakeWindows, FakeMac], ids=["windows", "macos"])
WDA_MONITOR, WDA_EXCLUDEFROMCAPTURE = 1, 0x11


@SYSTEMS
@pytest.mark.promise("P8")
@pytest.mark.parametrize("situation", Situation)
def test_each_situation_is_seen_as_what_it_is(system, situation):
    contract.check_verdict(system(), situation)


@SYSTEMS
@pytest.mark.parametrize("situation", HINDRANCES)
def test_what_hinders_a_look_does_so_no_longer_than_it_lasts(system, situation):
    contract.check_recovery(system(), situation)


@SYSTEMS
@pytest.mark.promise("P8")
def test_a_secret_is_painted_over(system):
    contract.check_place(system())


@SYSTEMS
@pytest.mark.promise("P8")
def test_where_a_secret_was_it_stays_painted_over_while_nobody_answers(system):
    contract.check_nothing_shown_is_taken_for_gone(system())


@SYSTEMS
def test_a_program_that_hangs_is_not_waited_for(system):
    contract.check_patience(system(), 0.01)


@SYSTEMS
def test_closing_twice_is_fine_on_any_system(system):
    contract.check_close(system())


@SYSTEMS
@pytest.mark.promise("P8")
def test_an_answer_that_comes_late_is_none_unless_it_says_secret(system):
    """What it says of may have come and gone meanwhile."""
    stage = system()
    stage.slow_s = LOOK_S
    assert contract.look(stage).verdict is Verdict.UNKNOWN
    stage.show(Situation.SECRET)
    stage.slow_s = LOOK_S
    assert contract.look(stage).verdict is Verdict.SENSITIVE


@SYSTEMS
@pytest.mark.promise("P8")
@pytest.mark.parametrize("name", ["windowsterminal", "cmd", "putty", "terminal", "iterm2", "alacritty"])
def test_nothing_tells_of_the_echo_of_a_terminal_there(system, name):
    stage = system(name)
    assert contract.look(stage).verdict is Verdict.UNKNOWN


@pytest.mark.promise("P8")
@pytest.mark.parametrize("affinity", [WDA_MONITOR, WDA_EXCLUDEFROMCAPTURE, 2])
def test_a_window_that_wants_to_be_in_no_picture_is_excluded_from_all(affinity):
    stage = FakeWindows()
    stage.display_affinity = affinity
    sight = contract.look(stage)
    assert sight.verdict is Verdict.SENSITIVE
    assert sight.whole
    stage.silent = True  # also while its program hangs
    assert contract.look(stage).verdict is Verdict.SENSITIVE


@pytest.mark.promise("P8")
def test_a_library_that_fails_is_no_answer_and_no_end_of_the_looking():
    stage = FakeWindows()
    stage.broken = True
    assert contract.look(stage).verdict is Verdict.UNKNOWN
    stage.show(Situation.PLAIN)
    assert contract.look(stage).verdict is Verdict.CLEAR


@pytest.mark.promise("P8")
def test_a_window_that_has_gone_is_not_known():
    stage = FakeWindows()
    stage.window = replace(stage.window, id=1)
    assert contract.look(stage).verdict is Verdict.UNKNOWN


@pytest.mark.promise("P8")
def test_a_program_that_windows_gave_up_is_not_asked_at_all():
    stage = FakeWindows()
    stage.given_up = stage.silent = True
    began = stage.now_s()
    assert contract.look(stage).verdict is Verdict.UNKNOWN
    assert stage.now_s() - began < LOOK_S


@pytest.mark.promise("P8")
@pytest.mark.parametrize("foreground", [0, 0x20B3F])
def test_between_two_windows_of_one_program_nothing_is_known(foreground):
    """The element may be the other window's: a password dialog that opens has the same process."""
    stage = FakeWindows()
    stage.front = foreground
    sight = contract.look(stage)
    assert sight.verdict is Verdict.UNKNOWN
    assert sight.doubtful


@pytest.mark.promise("P8")
@pytest.mark.parametrize(
    ("control", "framework", "verdict"),
    [
        (EDIT, "Chrome", Verdict.CLEAR),
        (BUTTON, "", Verdict.CLEAR),
        (DOCUMENT, "Win32", Verdict.CLEAR),  # a text of several lines
        (DOCUMENT, "Chrome", Verdict.UNKNOWN),  # a page: which of its fields is not said
        (DOCUMENT, "", Verdict.UNKNOWN),
        (PANE, "Chrome", Verdict.UNKNOWN),
        (WINDOW, "Win32", Verdict.UNKNOWN),
        (50025, "XAML", Verdict.UNKNOWN),  # a control of the program's own
        (50099, "Win32", Verdict.UNKNOWN),  # one of a Windows to come
    ],
)
def test_only_controls_that_tell_whether_they_hide_are_known(control, framework, verdict):
    stage = FakeWindows()
    stage.element = Element(PROGRAM, control, framework, False, None)
    assert contract.look(stage).verdict is verdict


@pytest.mark.promise("P8")
def test_a_password_field_that_does_not_say_where_it_is_covers_its_window():
    stage = FakeWindows()
    stage.element = Element(PROGRAM, PANE, "", True, None)
    assert contract.look(stage).whole
    stage.element = Element(PROGRAM, EDIT, "", True, FIELD)
    assert contract.look(stage).secrets == (FIELD,)


@pytest.mark.promise("P8")
def test_the_field_of_another_program_says_nothing_of_this_one():
    stage = FakeWindows()
    stage.element = Element(OTHER, EDIT, "Win32", False, FIELD)
    assert contract.look(stage).verdict is Verdict.UNKNOWN
    stage.element = None
    assert contract.look(stage).verdict is Verdict.UNKNOWN


@pytest.mark.promise("P8")
@pytest.mark.parametrize("allowed", [True, False])
def test_secure_input_of_any_program_counts_with_or_without_permission(allowed):
    stage = FakeMac()
    stage.secure, stage.allowed = True, allowed
    sight = contract.look(stage)
    assert sight.verdict is Verdict.SENSITIVE
    assert sight.whole
    stage.secure = False
    assert contract.look(stage).verdict is (Verdict.CLEAR if allowed else Verdict.UNKNOWN)


@pytest.mark.promise("P8")
@pytest.mark.parametrize(
    ("role", "subrole", "verdict"),
    [
        ("AXTextArea", "", Verdict.CLEAR),
        ("AXTextField", "AXSearchField", Verdict.CLEAR),
        ("AXSecureTextField", "", Verdict.SENSITIVE),
        ("AXUnknown", "AXSecureTextField", Verdict.SENSITIVE),
        ("AXWebArea", "", Verdict.UNKNOWN),  # Chromium until its accessibility is on
        ("AXWindow", "AXStandardWindow", Verdict.UNKNOWN),
        ("AXGroup", "", Verdict.UNKNOWN),
        ("", "", Verdict.UNKNOWN),
    ],
)
def test_only_roles_that_tell_whether_they_hide_are_known(role, subrole, verdict):
    stage = FakeMac()
    stage.element = Roles(role, subrole)
    assert contract.look(stage).verdict is verdict


@pytest.mark.promise("P8")
def test_a_program_of_macos_without_a_focused_element_is_not_known():
    stage = FakeMac()
    stage.element = None
    assert contract.look(stage).verdict is Verdict.UNKNOWN

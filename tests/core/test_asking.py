"""What counts as a field or terminal that asks for a secret."""

import pytest

from capture_agent.core.asking import (
    Pty,
    Remedy,
    Widget,
    is_terminal,
    judge_terminals,
    judge_widgets,
    plain_hides,
    remedy,
)
from capture_agent.core.events import Rect, Verdict, Window

CLEAR, SENSITIVE, UNKNOWN = Verdict.CLEAR, Verdict.SENSITIVE, Verdict.UNKNOWN
ON, OFF = True, False


def pty(echo, canonical, *names):
    return Pty(1, echo, canonical, frozenset(names))


@pytest.mark.promise("P8")
@pytest.mark.parametrize(
    ("echo", "canonical", "names", "verdict"),
    [
        (OFF, OFF, ("bash",), CLEAR),  # readline draws what is typed
        (OFF, OFF, ("vi",), CLEAR),
        (ON, ON, ("cat",), CLEAR),
        (OFF, ON, ("bash",), SENSITIVE),  # read -s
        (OFF, ON, ("python3",), SENSITIVE),  # getpass
        (OFF, ON, ("su",), SENSITIVE),
        (OFF, OFF, ("sudo",), SENSITIVE),  # with pwfeedback
        (OFF, OFF, ("bash", "sudo"), SENSITIVE),
        (OFF, OFF, ("tmux: client",), UNKNOWN),
        (OFF, OFF, ("screen",), UNKNOWN),
        (OFF, ON, ("ssh",), SENSITIVE),  # its own prompt
        (OFF, OFF, ("ssh",), UNKNOWN),  # the other computer's
        (ON, ON, ("docker",), UNKNOWN),
        (OFF, OFF, (), UNKNOWN),  # nobody reads
    ],
)
def test_a_terminal_is_judged_by_its_echo_and_by_who_reads(echo, canonical, names, verdict):
    assert judge_terminals([pty(echo, canonical, *names)]) is verdict


@pytest.mark.promise("P8")
def test_of_several_terminals_in_one_program_the_worst_counts():
    shell, prompt, remote = pty(OFF, OFF, "bash"), pty(OFF, ON, "bash"), pty(OFF, OFF, "mosh-client")
    assert judge_terminals([shell, shell]) is CLEAR
    assert judge_terminals([shell, remote]) is UNKNOWN
    assert judge_terminals([remote, prompt, shell]) is SENSITIVE
    assert judge_terminals([]) is UNKNOWN


@pytest.mark.promise("P8")
def test_widgets_are_judged_by_role_and_what_is_not_said_is_unknown():
    assert judge_widgets([Widget(61)], plain_hides=False) is CLEAR
    assert judge_widgets([Widget(40)], plain_hides=False) is SENSITIVE
    assert judge_widgets([Widget(95), Widget(79), Widget(40)], plain_hides=False) is SENSITIVE
    assert judge_widgets([Widget(95), Widget(79)], plain_hides=False) is CLEAR
    assert judge_widgets([Widget(95), Widget(23)], plain_hides=False) is UNKNOWN  # inside a page, and not said where
    assert judge_widgets([], plain_hides=False) is UNKNOWN
    assert judge_widgets([Widget(60)], plain_hides=False) is None


@pytest.mark.promise("P8")
def test_where_hidden_entries_look_like_plain_ones_only_long_texts_are_clear():
    assert plain_hides("GTK", "4.8.3")
    assert not plain_hides("gtk", "3.24.38")
    assert not plain_hides("Qt", "4.8.7")
    for role in (61, 79):
        assert judge_widgets([Widget(role)], plain_hides=True) is UNKNOWN
        assert judge_widgets([Widget(role, frozenset({17}))], plain_hides=True) is CLEAR
    assert judge_widgets([Widget(43)], plain_hides=True) is CLEAR


def test_only_programs_that_are_terminals_and_nothing_else_are_terminals():
    def window(app, *aliases):
        return Window(1, app, "", Rect(0, 0, 1, 1), Rect(0, 0, 1, 1), 1, aliases)

    assert is_terminal(window("xterm"))
    assert is_terminal(window("anything", "kitty"))
    assert not is_terminal(window("code"))
    assert not is_terminal(window(""))


def test_what_makes_fields_visible_depends_on_the_program():
    assert remedy("xterm") is Remedy.LEAVE_REMOTE
    assert remedy("chromium") is Remedy.BROWSER_FLAG
    assert remedy("form") is Remedy.ACCESSIBILITY
    assert remedy("form", plain_hides=True) is Remedy.LONG_TEXT

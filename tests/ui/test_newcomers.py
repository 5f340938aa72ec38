from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memory_agent import own_policy, study_policy

from capture_agent.core.events import Category
from capture_agent.core.never import NeverKind, NeverRule
from capture_agent.core.policy import Settings, effective
from capture_agent.core.recording import State
from capture_agent.session.snapshot import Snapshot
from capture_agent.ui.newcomers import MOST_NAMED, new_programs

AGREED = Snapshot(
    State.RECORDING,
    own_policy(),
    effective(own_policy(), Settings()),
    consented=frozenset({Category.SCREEN}),
    apps=frozenset({"xterm"}),
    never=(NeverRule(NeverKind.PROGRAM, "signal"), NeverRule(NeverKind.TITLE, "gimp")),
)


@pytest.mark.parametrize(
    ("known", "seen", "named"),
    [
        ({"xterm", "gimp"}, (), ("gimp",)),  # a rule for titles says nothing of a program
        ({"xterm", "gimp"}, ("gimp",), ()),  # the person left it unticked
        ({"signal", "desktop"}, (), ()),
        ({"e", "d", "c", "b", "a"}, ("a",), ("b", "c", "d")),
    ],
)
def test_what_came_up_since_the_person_was_asked_is_new(known, seen, named):
    assert new_programs(AGREED, known, seen) == named
    assert len(named) <= MOST_NAMED


def test_nothing_is_new_before_anything_was_agreed_to_or_where_a_study_does_not_offer_it():
    assert new_programs(replace(AGREED, consented=frozenset()), {"gimp"}, ()) == ()
    study = effective(replace(study_policy(), apps=frozenset({"xterm", "gedit"})), Settings())
    assert new_programs(replace(AGREED, offer=study), {"gimp", "gedit"}, ()) == ("gedit",)


NAMES = st.frozensets(st.sampled_from(["xterm", "signal", "gimp", "gedit", "desktop"]))


@given(NAMES, NAMES, NAMES)
def test_what_is_recorded_kept_out_or_known_is_never_called_new(known, seen, apps):
    named = set(new_programs(replace(AGREED, apps=apps), known, seen))
    assert named <= known - seen - apps - {"signal", "desktop"}

"""Looking at a held session: the right picture at each time, in memory alone, and clear words where that cannot be."""

import dataclasses

import numpy as np
import pytest
import sessions
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_world import look_at_editor, recording, type_text

from capture_agent.core.errors import ConsentError, StorageError, VerificationError
from capture_agent.core.events import Focus, Rect, Window
from capture_agent.core.progress import CancelledError
from capture_agent.held.cut import Cut, Span
from capture_agent.held.index import MOVE_EVERY_US, read_index
from capture_agent.held.spans import What
from capture_agent.held.timeline import Timeline
from capture_agent.keys import age
from capture_agent.session.review import THUMBNAIL_PX, Review, glance, smaller

SECOND = 1_000_000
WIDTH, HEIGHT = 320, 200


@pytest.fixture(scope="module")
def held(tmp_path_factory):
    return sessions.make_held(tmp_path_factory.mktemp("held"))


@pytest.fixture(scope="module")
def review(held):
    return Review(held.path, held.identity)


def frame_times(held, monitor=1):
    return sorted(m.t_us for m in held.messages if m.topic == f"screen/{monitor}")


def is_number(picture, n, width=WIDTH):
    """Return whether a picture is the n-th of `sessions.picture`, after H.264."""
    wanted = sessions.picture(*((WIDTH, HEIGHT) if width == WIDTH else (160, 120)), n)[:, :, 2::-1]
    return np.abs(picture.pixels.astype(int) - wanted).mean() < 12


def test_each_moment_shows_the_last_picture_before_it(held, review):
    times = frame_times(held)
    for n, t_us in enumerate(times):
        picture = review.at(1, t_us)
        assert (picture.t_us, picture.exact) == (t_us, True)
        assert is_number(picture, n)
    assert review.at(1, times[0] - 1) is None
    assert review.at(1, times[-1] + 9 * SECOND).t_us == times[-1]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 7 * SECOND), st.booleans(), st.data())
def test_what_goes_of_the_screen_with_all_before_a_moment_is_what_the_cut_takes(held, review, t_us, at_frame, data):
    if at_frame:
        t_us = data.draw(st.sampled_from(frame_times(held)))
    stays = [m for m in Cut([Span(0, t_us)]).keep(held.messages) if m.topic.startswith("screen/")]
    first = [min(m.t_us for m in stays if m.topic == topic) for topic in {m.topic for m in stays}]
    assert review.unseen_us(t_us) == max(first, default=review.timeline.duration_us) - t_us


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from([1, 2]), st.integers(0, 7 * SECOND)), max_size=6))
def test_jumping_about_shows_what_a_fresh_look_shows(held, review, jumps):
    for monitor, t_us in jumps:
        here = review.at(monitor, t_us)
        times = [t for t in frame_times(held, monitor) if t <= t_us]
        assert (here and here.t_us) == (times[-1] if times else None)
        assert here is None or is_number(here, len(times) - 1, WIDTH if monitor == 1 else 160)


def test_while_dragging_the_nearest_key_frame_is_shown(held, review):
    keys = [t for n, t in enumerate(frame_times(held)) if n % 10 == 0]
    for t_us in range(0, 7 * SECOND, 333_333):
        picture = review.near(1, t_us)
        assert picture.t_us in keys
        assert abs(picture.t_us - t_us) == min(abs(key - t_us) for key in keys)
    assert review.near(1, keys[1]).exact
    assert not review.near(1, keys[1] + SECOND // 2).exact


def test_while_dragging_one_part_is_decrypted_and_playing_on_decrypts_nothing_twice(held):
    opened = Review(held.path, held.identity)
    index = opened._index
    read = []

    class Counting(type(index)):
        def packets(self, monitor, first, last):
            read.append((first, last))
            return super().packets(monitor, first, last)

    opened._index = Counting(**{one.name: getattr(index, one.name) for one in dataclasses.fields(index)})
    times = frame_times(held)
    opened.near(1, times[13])
    assert read == [(10, 10)]
    for t_us in times[10:16]:
        opened.at(1, t_us)
    assert [one for one in read[1:] if one[0] <= one[1]] == [(n, n) for n in range(11, 16)]


def test_a_session_says_what_is_in_it(held, review):
    assert review.complete
    assert review.monitors == (1, 2)
    assert [task.text for task in review.timeline.tasks] == ["Write the letter"]
    assert [gap.reason for gap in review.timeline.gaps] == ["paused", "indicator"]
    assert {click.button for click in review.timeline.clicks} == {"left"}
    assert set("".join(run.text for run in review.timeline.runs)) == {"a"}


def test_a_glance_has_a_small_picture_programs_tasks_and_what_was_withheld(review):
    seen = glance(review)
    assert seen.picture.shape == (100, 160, 3)
    assert (seen.apps, seen.tasks, seen.withheld_s) == (("xterm",), ("Write the letter",), 1.0)


def test_the_picture_of_a_glance_is_from_no_stretch_that_is_marked_to_be_cut_out(held, review):
    keys = [t for n, t in enumerate(frame_times(held)) if n % 10 == 0]
    middle = min(keys, key=lambda t: abs(t - review.timeline.duration_us // 2))

    def shown(*spans):
        return glance(review, spans).picture

    assert (shown() == smaller(review.near(1, middle).pixels, THUMBNAIL_PX)).all()
    others = [t for t in keys if t != middle]
    beside = [smaller(review.near(1, t).pixels, THUMBNAIL_PX) for t in others]
    assert any((shown(Span(middle, middle + 1)) == one).all() for one in beside)
    assert (shown(*[Span(t, t + 1) for t in keys[1:]]) == smaller(review.near(1, keys[0]).pixels, THUMBNAIL_PX)).all()
    assert shown(Span(0)) is None


def test_a_session_without_a_screen_has_no_picture(tmp_path):
    window = Window(7, "xterm", "x", Rect(0, 0, 9, 9), Rect(0, 0, 9, 9))
    held = sessions.make_held(tmp_path, sessions.events(Focus(5, window)))
    quiet = Review(held.path, held.identity)
    assert (quiet.monitors, glance(quiet).picture) == ((), None)


def test_of_the_pointers_way_one_place_in_a_tenth_of_a_second_is_kept(tmp_path):
    from capture_agent.core.events import Move

    moves = sessions.events(*[Move(n * 10_000, n, n, False) for n in range(100)])
    held = sessions.make_held(tmp_path, moves)
    kept = read_index(held.path, held.identity).events
    assert [m.t_us for m in kept] == list(range(0, SECOND, MOVE_EVERY_US))


def test_after_a_crash_what_is_whole_is_shown_and_it_is_said(tmp_path):
    held = sessions.make_held(tmp_path, complete=False)
    cut = Review(held.path, held.identity)
    assert not cut.complete
    assert cut.at(1, 6 * SECOND) is not None


def test_a_damaged_session_is_refused_and_the_part_is_named(tmp_path):
    held = sessions.make_held(tmp_path)
    data = bytearray(held.path.read_bytes())
    data[len(data) // 2] ^= 1
    held.path.write_bytes(data)
    with pytest.raises(VerificationError, match="part-"):
        Review(held.path, held.identity)


def test_a_session_that_changed_while_it_was_open_says_so_and_shows_nothing_else(tmp_path):
    held = sessions.make_held(tmp_path)
    opened = Review(held.path, held.identity)
    sessions.make_held(tmp_path / "other", session="0" * 32)
    other = sessions.make_held(tmp_path / "other2")
    held.path.write_bytes(other.path.read_bytes())
    with pytest.raises(VerificationError, match="changed while it was open"):
        opened.at(1, SECOND)
    held.path.unlink()
    with pytest.raises(StorageError):
        opened.at(1, 2 * SECOND)


def test_opening_can_be_stopped(held):
    def stop(*_):
        raise CancelledError

    with pytest.raises(CancelledError):
        Review(held.path, held.identity, stop)


def beginning(held):
    """Return what is told of a session before any of it is read, and the session."""
    told = []

    def progress(*_):
        assert told  # nothing is waited for

    review = Review(held.path, held.identity, progress, told.append)
    (only,) = told
    return only, review


@pytest.mark.parametrize("complete", [True, False])
def test_its_length_its_monitors_and_its_first_picture_are_told_before_it_is_read(tmp_path, complete):
    begun, review = beginning(sessions.make_held(tmp_path, complete=complete))
    assert begun.timeline == Timeline(review.timeline.duration_us, screens=review.timeline.screens[:1])
    first = review.near(1, 0)
    assert (begun.monitor, begun.picture.t_us) == (1, first.t_us)
    assert (begun.picture.pixels == first.pixels).all()
    keys = [t for n, t in enumerate(frame_times(sessions.make_held(tmp_path / "same"))) if n % 10 == 0]
    for t_us in range(0, review.timeline.duration_us + SECOND, SECOND // 3):
        shown = begun.near(t_us)
        assert shown.t_us in keys
        # A part is read as a whole: the picture may be of the end of the same stretch.
        assert keys.index(shown.t_us) >= sum(key <= t_us for key in keys) - 1
        assert shown.t_us <= t_us + 1_500_000
        assert (shown.pixels == review.near(1, shown.t_us).pixels).all()


def test_a_session_without_a_screen_begins_without_a_picture(tmp_path):
    window = Window(7, "xterm", "x", Rect(0, 0, 9, 9), Rect(0, 0, 9, 9))
    begun, review = beginning(sessions.make_held(tmp_path, sessions.events(Focus(5, window))))
    assert (begun.picture, begun.near(5), begun.timeline.duration_us) == (None, None, review.timeline.duration_us)
    assert (begun.timeline.windows, len(review.timeline.windows)) == ((), 1)


@pytest.mark.parametrize("place", [0.2, 0.5, 0.999])
def test_what_is_damaged_is_named_as_if_nothing_had_been_told_of_the_beginning(tmp_path, place):
    held = sessions.make_held(tmp_path)
    data = bytearray(held.path.read_bytes())
    data[round((len(data) - 2048) * place)] ^= 1  # before the tar's own end
    held.path.write_bytes(data)
    with pytest.raises(VerificationError) as plain:
        Review(held.path, held.identity)
    with pytest.raises(VerificationError) as told:
        Review(held.path, held.identity, begun=lambda _: None)
    assert str(told.value) == str(plain.value)
    assert "part-" in str(told.value)


def test_only_its_own_key_opens_it(held):
    with pytest.raises(Exception) as told:
        Review(held.path, age.new_classical())
    assert type(told.value).__name__ == "KeyError_"


# --- through the agent


def written(person, text="hello"):
    agent = recording(person)
    look_at_editor(person)
    type_text(person, text)
    agent.stop()
    (one,) = agent.sessions()
    return agent, one.id


def cut_from(agent, session, letter):
    """Cut everything from that letter on, for good."""
    agent.cut(session, [Span(agent.review(session).timeline.runs[0].ends[letter])], What.STRETCH)
    agent.cut_for_good(session)


def test_the_owner_looks_at_a_session_of_their_own(person):
    agent, session = written(person)
    review = agent.review(session)
    assert "".join(run.text for run in review.timeline.runs) == "hello"
    assert review.session == session


def test_what_is_being_recorded_can_neither_be_looked_at_nor_cut(person):
    agent = recording(person)
    look_at_editor(person)
    type_text(person, "x")
    (one,) = agent.sessions()
    with pytest.raises(StorageError, match="still going on"):
        agent.review(one.id)
    with pytest.raises(ConsentError, match="being recorded"):
        agent.cut(one.id, [Span(0)], What.STRETCH)


@pytest.mark.promise("P11")
def test_a_cut_takes_the_stretch_out_and_no_key_that_is_left_opens_an_older_copy(person, tmp_path):
    import shutil

    from capture_agent.held import reader
    from capture_agent.keys.vault import Vault

    agent, session = written(person, "abcdef")
    copy = tmp_path / "copy.held"
    shutil.copy(person.profile.held / f"{session}.held", copy)
    runs = agent.review(session).timeline.runs
    first, last = runs[0].ends[2], runs[0].ends[4]
    agent.cut(session, [Span(first, last)], What.STRETCH)
    agent.cut_for_good(session)
    after = agent.review(session)
    assert "".join(run.text for run in after.timeline.runs) == "abef"
    assert [(gap.start_us, gap.end_us, gap.reason) for gap in after.timeline.gaps if gap.reason == "forgotten"] == [
        (first, last, "forgotten")
    ]
    assert after.complete
    vault = Vault(person.profile.vault, person.secrets)
    assert not any(reader.opens(copy, vault.identity(one)) for one in vault.sessions())
    assert not agent._agreement.ledger.open_intents()


@pytest.mark.promise("P11")
def test_a_cut_to_the_end_leaves_what_was_before_and_one_of_everything_leaves_nothing(person):
    agent, session = written(person, "abcdef")
    cut_from(agent, session, 3)
    assert "".join(run.text for run in agent.review(session).timeline.runs) == "abc"
    agent.cut(session, [Span(0)], What.STRETCH)
    agent.cut_for_good(session)
    assert agent.sessions() == ()


@pytest.mark.promise("P11")
def test_something_can_be_cut_out_again_in_the_same_run(person):
    agent, first = written(person, "abcd")
    for letters in ("abc", "ab"):
        cut_from(agent, first, len(letters))
        assert "".join(run.text for run in agent.review(first).timeline.runs) == letters

"""A cut along a task takes of the screen no more than was asked for: each mark of a task is a place to cut."""

import numpy as np
import pytest
from small_world import EDITOR, look_at_editor, studying

from capture_agent.core.events import Frame, Layout, Monitor, Outcome, Rect
from capture_agent.held import reader
from capture_agent.held.spans import all_but, tasks

SCREEN = Monitor(1, Rect(0, 0, 64, 48))
MOMENT = 0.02  # s: what a source takes to see


def look(person, shade, source=None):
    """The screen is seen, and looks like this."""
    picture = np.full((48, 64, 4), shade, np.uint8)
    (source or person.world.running[0]).sink(Frame(person.world.now_us(), SCREEN, picture, Layout((EDITOR,))))


def seen(person, session):
    """Return when the screen was seen, as the file of a recording has it, µs."""
    path, identity = person.profile.held / f"{session}.held", person.agent._vault.identity(session)
    return [m.t_us for part in reader.read(path, identity) for m in part.messages if m.topic == "screen/1"]


def cut(person, session, choose):
    """Cut what `choose` makes of the time line, for good; return the one task of it, as it was."""
    timeline = person.agent.review(session).timeline
    (task,) = timeline.tasks
    choice = choose(timeline, task)
    person.agent.cut(session, choice.spans, choice.what)
    person.agent.cut_for_good(session)
    return task


def the_task(timeline, _task):
    return tasks(timeline)[0]


CUTS = pytest.mark.parametrize("choose", [the_task, all_but])


@pytest.mark.promise("P11")
@CUTS
def test_of_a_screen_that_moves_a_cut_along_a_task_takes_not_one_picture_more(person, choose):
    agent = studying(person)
    look_at_editor(person)
    for n in range(30):
        person.tick(0.05)
        if n == 10:
            agent.start_task("Write a report")
        if n == 20:
            agent.finish_task(Outcome.DONE, 1, "")
        person.tick(0.05)
        look(person, n)
    agent.stop()
    (one,) = agent.sessions()
    before = seen(person, one.id)
    assert len(before) == 30
    task = cut(person, one.id, choose)
    inside = [t_us for t_us in before if task.start_us <= t_us <= task.end_us]
    assert len(inside) == 10
    assert seen(person, one.id) == (inside if choose is all_but else [t_us for t_us in before if t_us not in inside])


@pytest.mark.promise("P11")
@CUTS
def test_of_a_screen_that_stands_still_it_is_known_after_a_cut_along_a_task_what_was_to_be_seen(person, choose):
    agent = studying(person)
    look_at_editor(person)
    look(person, 200)
    marks = (lambda: agent.start_task("Read"), lambda: agent.finish_task(Outcome.DONE, 1, ""))
    for wanted, mark in enumerate(marks, 1):
        for _ in range(8):
            person.tick()
        mark()
        assert person.world.looks == wanted
        person.tick(MOMENT)
        look(person, 200)
    person.tick()
    agent.stop()
    (one,) = agent.sessions()
    before = agent.review(one.id)
    task = cut(person, one.id, choose)
    since_us = task.start_us if choose is all_but else task.end_us
    assert before.unseen_us(since_us) <= MOMENT * 1e6
    picture = agent.review(one.id).at(1, since_us + int(2 * MOMENT * 1e6))
    assert picture is not None
    assert abs(int(picture.pixels.mean()) - 200) <= 2


@pytest.mark.promise("P11")
def test_the_first_picture_of_a_recording_belongs_to_the_task_that_goes_on(person):
    agent = studying(person)
    agent.start_task("Write a report")
    agent.stop()
    agent.delete(agent.sessions()[0].id, for_good=True)

    def see(source):
        person.world.skipped_us += int(MOMENT * 1e6)
        look(person, 200, source)
        person.world.skipped_us += int(MOMENT * 1e6)

    person.world.at_start = see
    agent.start()
    person.tick()
    look_at_editor(person)
    agent.finish_task(Outcome.DONE, 1, "")
    person.tick()
    look(person, 100)
    person.tick()
    agent.stop()
    (one,) = agent.sessions()
    first, last = seen(person, one.id)
    task = cut(person, one.id, all_but)
    assert task.start_us <= first <= task.end_us < last
    assert seen(person, one.id) == [first]

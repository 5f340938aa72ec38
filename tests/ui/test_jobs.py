from __future__ import annotations

from itertools import pairwise

import pytest

from capture_agent.core.language import word_list
from capture_agent.core.progress import NOTING, READING, REPORTING, CancelledError, Progress
from capture_agent.ui.jobs import STEP_S, Job, Step, telling


def nothing(_progress: Progress) -> None:
    """Be no work at all."""


def watched() -> Job[None]:
    return Job("Sealing…", nothing, lambda _none: None, watched=True)


def test_steps_are_told_at_most_every_tenth_of_a_second() -> None:
    now = [5.0]
    told: list[tuple[float, Step]] = []
    progress = telling(watched(), lambda step: told.append((now[0], step)), lambda: now[0])
    for done in range(1, 1001):
        progress("reading", done, 1000)
        now[0] += 0.001
    assert told[0] == (5.0, Step("reading", 1, 1000))
    assert len(told) == 10
    assert all(later - earlier >= STEP_S for (earlier, _), (later, _) in pairwise(told))


def test_a_cancelled_job_stops_at_its_next_call_even_if_that_would_not_be_told() -> None:
    job = watched()
    told: list[Step] = []
    progress = telling(job, told.append, lambda: 5.0)
    assert job.begin()
    progress("reading", 1, 2)
    assert job.cancel()
    with pytest.raises(CancelledError):
        progress("reading", 2, 2)
    assert len(told) == 1


def test_a_job_is_either_taken_back_or_begun_and_only_a_watched_one_can_be_stopped_then() -> None:
    for can_stop in (False, True):
        before, after = (Job("One…", nothing, lambda _none: None, watched=can_stop) for _ in range(2))
        assert before.cancel()
        assert not before.begin()
        assert after.begin()
        assert (after.cancel(), after.cancelled) == (can_stop, can_stop)


@pytest.mark.parametrize(
    ("done", "total", "percent"), [(0, 0, None), (7, 0, None), (0, 3, 0), (1, 3, 33), (3, 3, 100), (4, 3, 100)]
)
def test_how_far_it_is_in_percent_is_known_where_the_whole_is(done: int, total: int, percent: int | None) -> None:
    assert Step("reading", done, total).percent == percent


@pytest.mark.parametrize("what", [READING, "events.mcap", REPORTING, NOTING])
def test_each_step_has_words(what: str) -> None:
    assert Step(what, 0, 0).words in word_list("de")


def test_a_video_is_named_by_its_screen_and_what_has_no_words_is_left_out() -> None:
    assert Step("screen-2.mp4", 0, 0).words == "Writing the video of screen 2"
    assert Step("something new", 0, 0).words == ""

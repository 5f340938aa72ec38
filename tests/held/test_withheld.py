"""How long input was not kept: what a session's end says, and its marks where it says nothing."""

import json

import pytest

from capture_agent.core.errors import KeyError_
from capture_agent.encode.event_log import Message
from capture_agent.held import reader, rewrite
from capture_agent.held.cut import Cut, Span
from capture_agent.keys import age

SECOND = 1_000_000


def mark(start_s, end_s, reason):
    said = {"kind": "withheld", "start_us": start_s * SECOND, "reason": reason}
    return Message("marks", end_s * SECOND, json.dumps(said).encode())


# One second of the second stretch is in the first one, too: their bounds are whole seconds.
MARKS = [mark(0, 3, "program"), mark(2, 5, "program"), mark(4, 6, "secret-field")]
SUMS = {"program": 5 * SECOND, "secret-field": 2 * SECOND}


@pytest.fixture
def crashed(begin, happen):
    writer = begin()
    writer.append([*happen(0), MARKS[0]])
    writer.append(MARKS[1:])
    writer.append(happen(8 * SECOND))
    writer.abandon()
    return writer.path


def test_the_end_of_a_session_says_it_and_no_other_part_is_opened(begin, happen, identity):
    writer = begin()
    writer.append(happen())
    whole = writer.path.stat().st_size
    writer.append(happen(2 * SECOND))
    writer.close("stopped", {reader.WITHHELD_US: json.dumps(SUMS)})
    damaged = bytearray(writer.path.read_bytes())
    damaged[whole - 600] ^= 1  # in the first part
    writer.path.write_bytes(damaged)
    assert reader.withheld_us(writer.path, identity) == SUMS
    with pytest.raises(KeyError_):
        reader.withheld_us(writer.path, age.new_classical())


def test_after_a_crash_the_marks_say_it(crashed, identity):
    assert reader.withheld_us(crashed, identity) == SUMS


def test_a_session_of_which_all_was_kept_says_so(whole, identity):
    assert reader.withheld_us(whole, identity) == {}


@pytest.mark.promise("P11")
def test_what_was_withheld_in_a_span_that_is_cut_out_is_not_told_any_more(begin, happen, identity):
    writer = begin()
    writer.append([*happen(0), *MARKS])
    writer.append(happen(8 * SECOND))
    writer.close("stopped", {reader.WITHHELD_US: json.dumps(SUMS)})
    fresh = age.new_classical()
    assert rewrite.rewrite(writer.path, identity, fresh.recipient, Cut([Span(4 * SECOND, 7 * SECOND)]))
    rewrite.put_in_place(writer.path)
    found = reader.withheld_us(writer.path, fresh)
    assert found == {"program": pytest.approx(4 * SECOND, abs=1)}

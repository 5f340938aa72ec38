import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from capture_agent.core.errors import CaptureAgentError, KeyError_, VerificationError
from capture_agent.held import reader, tape
from capture_agent.held.store import Store
from capture_agent.keys import age

pytestmark = pytest.mark.promise("P10")

PROCESS = Path(__file__).parent / "recording_process.py"
AT_MOST_LOST_US = 2_000_000
PART_US = 1_500_000


def recorded_until_killed(folder, recipient, seconds):
    """Kill a recording process after `seconds` of recording; return the session time in µs that it had promised."""
    process = subprocess.Popen([sys.executable, PROCESS, folder, recipient], stdout=subprocess.PIPE)
    first = process.stdout.readline()
    time.sleep(seconds)
    process.kill()
    lines = [first, *process.stdout.read().splitlines(keepends=True)]
    process.stdout.close()
    process.wait()
    return max(int(line) for line in lines if line.endswith(b"\n")) * 1000


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kills", [pytest.param(20, id="20"), pytest.param(500, id="500", marks=pytest.mark.soak)])
def test_a_kill_loses_at_most_two_seconds(tmp_path, kills):
    identity = age.new_classical()
    for number in range(kills):
        store = Store(tmp_path / str(number))
        promised_us = recorded_until_killed(store.folder, identity.recipient, random.uniform(0, 0.25))
        before = reader.summarize(store.path("killed"), identity)
        assert [mended.id for mended in store.recover()] == ["killed"]
        parts = list(reader.read(store.path("killed"), identity))
        times = [m.t_us for part in parts for m in part.messages if m.topic == "pointer"]
        assert times == list(range(0, times[-1] + 1, 50_000))
        reached_us = times[-1] + 50_000
        # It may have been killed between a promise and the next: then more was kept than was promised.
        assert promised_us <= reached_us
        assert promised_us + PART_US - reached_us <= AT_MOST_LOST_US
        after = reader.summarize(store.path("killed"), identity)
        assert not before.complete and not after.complete and before == after
        store.remove("killed")


@pytest.fixture
def small(begin, happen):
    """The bytes of a session of three parts without its end, its path, and where each member ends."""
    session = begin()
    for number in range(3):
        session.append(happen(number, count=1))
    session.abandon()
    with session.path.open("rb") as file:
        found = tape.scan(file)
    return session.path, session.path.read_bytes(), [found.parts[0].offset - 512, *(part.after for part in found.parts)]


def test_a_file_that_ends_at_any_byte_gives_its_whole_parts(small, identity):
    path, data, ends = small
    for length in range(len(data) + 1):
        path.write_bytes(data[:length])
        whole = sum(end <= length for end in ends) - 1
        if whole < 0:
            with pytest.raises(VerificationError, match="no beginning"):
                list(reader.read(path, identity))
        else:
            assert [part.number for part in reader.read(path, identity)] == list(range(1, whole + 1))


def test_a_file_that_ends_at_any_byte_is_mended_once(small, identity):
    path, data, ends = small
    store = Store(path.parent)
    for length in [*range(0, len(data), 97), *ends, *(end - 1 for end in ends), *(end + 1 for end in ends[:-1])]:
        path.write_bytes(data[:length])
        whole = max((end for end in ends if end <= length), default=0)
        assert [mended.dropped for mended in store.recover()] == [length - whole]
        if whole:
            assert path.read_bytes() == data[:whole] + tape.closing(recovered=True)
            assert store.recover() == []
            listed = subprocess.run(["tar", "-tf", path], capture_output=True, text=True, check=True)
            assert listed.stderr == "" and listed.stdout.split()[-1] == "incomplete"
        else:
            assert not path.exists()


def test_a_crash_while_mending_is_mended(small, identity):
    path, data, _ = small
    mark = tape.closing(recovered=True)
    for length in [*range(0, len(mark), 31), 511, 512, 513, len(mark) - 1]:
        path.write_bytes(data + mark[:length])
        assert not reader.summarize(path, identity).complete
        assert len(Store(path.parent).recover()) == 1
        assert path.read_bytes() == data + mark


def test_blocks_of_the_last_write_that_a_power_cut_lost_cost_that_part_alone(small, identity):
    path, data, ends = small
    blocks = range(ends[-2], ends[-1], 512)
    assert len(blocks) < 10
    for lost in range(1, 2 ** len(blocks)):
        torn = bytearray(data)
        for n, start in enumerate(blocks):
            if lost >> n & 1:
                torn[start : start + 512] = bytes(512)
        path.write_bytes(torn)
        assert [part.number for part in reader.read(path, identity)] == [1, 2]
        assert not reader.summarize(path, identity).complete


def test_the_wrong_key_is_told_from_a_crash(small):
    path, data, ends = small
    for length in ends[1:]:
        path.write_bytes(data[:length])
        with pytest.raises(KeyError_):
            list(reader.read(path, age.new_classical()))


def test_a_closed_session_is_complete_only_if_its_last_part_is_there(whole, identity):
    data = whole.read_bytes()
    with whole.open("rb") as file:
        found = tape.scan(file)
    for length in [*range(found.parts[0].offset - 512, found.whole, 61), *range(found.whole - 3, len(data) + 1)]:
        whole.write_bytes(data[:length])
        try:
            complete = reader.summarize(whole, identity).complete
        except CaptureAgentError as error:
            pytest.fail(f"{length}: {error}")
        assert complete == (length >= found.whole)

"""A process that records until it is killed; run by test_crash.py with a folder and a recipient.

Session time runs by itself: every part holds 1.5 s of events, one every 50 ms. Each line of output
is the session time in ms up to which the writer has promised that all is on the disk.
"""

import sys
from pathlib import Path

from capture_agent.encode.event_log import Message
from capture_agent.held.writer import Writer

PART_US, STEP_US = 1_500_000, 50_000

folder, recipient = sys.argv[1:]
about = {"study": "own", "started": "2026-11-23T09:00:00Z", "consent": "c" * 64}
writer = Writer.create(Path(folder), "killed", recipient, about)
now_us = 0
while True:
    part = [Message("pointer", t, b'{"kind":"move","n":%d}' % t) for t in range(now_us, now_us + PART_US, STEP_US)]
    now_us += PART_US
    # A large frame now and then, so that a kill can come in the middle of a write.
    frame = Message("screen/1", now_us - 1, bytes(2_000_000))
    writer.append([*part, frame] if now_us // PART_US % 5 == 0 else part)
    sys.stdout.write(f"{now_us // 1000}\n")
    sys.stdout.flush()

"""stills/: for each click the picture that the person saw when they clicked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from capture_agent.core.progress import Progress
from capture_agent.encode import stills, video
from capture_agent.outbox.folder import OpenedFolder
from capture_agent.outbox.measure import Joined

STILLS_FOLDER = "stills"


class Click(NamedTuple):
    """A button that went down, and the last frame before it on its monitor."""

    t_us: int
    shown: Joined


def still_name(click: Click) -> str:
    """Return where a click's picture is: `stills/000012345678-screen-1.png`, its time in µs and its video."""
    return f"{STILLS_FOLDER}/{click.t_us:012}-{click.shown.member.removesuffix('.mp4')}.png"


def write_stills(folder: OpenedFolder, clicks: Sequence[Click], progress: Progress) -> None:
    """Write a picture for each click. Each video is decoded once, forward, one frame in memory.

    Raises:
        VerificationError: A video cannot be decoded.
        StorageError: The disk is full.
    """
    done = 0
    for member in sorted({click.shown.member for click in clicks}):
        wanted = sorted((click for click in clicks if click.shown.member == member), key=lambda click: click.t_us)
        with folder.read(member) as file:
            place = 0
            for t_us, pixels in video.decode(file):
                names = []
                while place < len(wanted) and wanted[place].shown.t_us == t_us:
                    names.append(still_name(wanted[place]))
                    place += 1
                if names:
                    picture = stills.png(pixels)
                for name in dict.fromkeys(names):
                    with folder.create(name) as out:
                        out.write(picture)
                done += len(names)
                progress(STILLS_FOLDER, done, len(clicks))
                if place == len(wanted):
                    break

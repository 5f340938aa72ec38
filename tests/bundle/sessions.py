"""Held sessions, studies and bundles for tests, made with the real writer, encoder and keys."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from capture_agent.bundle import ustar
from capture_agent.bundle.read import Bundle, Standing
from capture_agent.core.consent import Consent, State
from capture_agent.core.errors import VerificationError
from capture_agent.core.events import (
    Button,
    Category,
    Event,
    Focus,
    Gap,
    GapReason,
    Key,
    Monitor,
    Monitors,
    Move,
    Outcome,
    Rect,
    Scroll,
    TaskFinished,
    TaskStarted,
    Window,
    Withheld,
)
from capture_agent.core.policy import Notice, Policy, Recipient
from capture_agent.core.privacy import Cleared
from capture_agent.encode import frames
from capture_agent.encode.event_log import Message, encode
from capture_agent.encode.video import Encoder
from capture_agent.held.writer import Writer
from capture_agent.keys import age
from capture_agent.keys.age import Identity
from capture_agent.keys.dsse import SigningKey
from capture_agent.outbox.release import Chain, Released, Signer, Terms, release

STUDY = "study-of-work"
SECOND = 1_000_000
PART = 1_200_000
FIRST = Chain()
RECORD = json.dumps({"record": 1, "given": ["keyboard"], "notice": "Ünïcode"}, ensure_ascii=False).encode()
ALL = frozenset(Category)
ABOUT = {
    "study": STUDY,
    "started": "2026-11-23T09:00:00+00:00",
    "consent": "0" * 64,
    "os": "Debian GNU/Linux 12",
    "desktop": "openbox",
    "locale": "de_CH.UTF-8",
    "keyboard_layouts": '["ch", "us"]',
    "agent_version": "0.1.0",
    "input_resolution_us": "1000",
    "max_fps": "10",
    "hostname": "must-never-leave",
    "user": "must-never-leave",
}


@dataclass(frozen=True)
class Held:
    """A held session, its key, and what was written into it."""

    path: Path
    identity: Identity
    messages: list[Message] = field(repr=False)


def picture(width: int, height: int, n: int) -> np.ndarray:
    """Return BGRX pixels that differ for every n."""
    pixels = np.full((height, width, 4), 40, np.uint8)
    pixels[:, : (n * 16) % width + 8] = (n * 37 % 256, 200, 90, 255)
    return pixels


def video(monitor: int, times: Sequence[int], width: int = 320, height: int = 200) -> list[Message]:
    """Return real H.264 messages of a monitor, one key frame at the start of every ten."""
    encoder = Encoder(width, height)
    made = []
    for n, t_us in enumerate(times):
        packet = encoder.encode(picture(width, height, n), t_us, key=n % 10 == 0)
        made.append(Message(f"screen/{monitor}", t_us, frames.pack_video(t_us, monitor, packet)))
    encoder.close()
    return made


def events(*made: Event) -> list[Message]:
    """Return events as messages; session time 0 is input time 0."""
    return [encode(Cleared(event), 0) for event in made]


def work(seconds: int = 6) -> list[Message]:
    """Return a little of everything: two monitors, two tasks, a pause, a withheld span."""
    window = Window(7, "xterm", "~/thesis", Rect(0, 0, 200, 100), Rect(2, 20, 196, 78), pid=4242, aliases=("XTerm",))
    found = events(
        Monitors(0, (Monitor(1, Rect(0, 0, 320, 200)), Monitor(2, Rect(320, 0, 160, 120), 2.0))),
        TaskStarted(10, "t-1", "Write the letter"),
        Focus(20, window),
        Gap(3 * SECOND, 2 * SECOND, GapReason.PAUSED),
        Gap(3 * SECOND + 500_000, 3 * SECOND + 400_000, GapReason.INDICATOR),
        Withheld(5 * SECOND, 4 * SECOND, "program"),
        TaskFinished((seconds * SECOND) - 10, "t-1", Outcome.DONE, 2, "fine"),
    )
    for n in range(seconds * 4):
        t = 100_000 + n * 250_000
        if 2 * SECOND <= t <= 3 * SECOND:
            continue
        found += events(
            Move(t, n, 50, False),
            Key(t + 1000, True, 38, "a", "a", (), False),
            Key(t + 40_000, False, 38, "a", "a", (), False),
            Button(t + 50_000, True, "left", 40 + n, 50, False),
            Button(t + 90_000, False, "left", 40 + n, 50, False),
            Scroll(t + 95_000, 0, 1, 400, 50, False),
        )
    grabbed = [t for t in range(60_000, seconds * SECOND, 125_000) if not 2 * SECOND <= t <= 3 * SECOND]
    found += video(1, grabbed) + video(2, grabbed[::4], 160, 120)
    return sorted(found, key=lambda message: message.t_us)


def make_held(
    folder: Path,
    messages: Sequence[Message] | None = None,
    *,
    session: str = "0123456789abcdef0123456789abcdef",
    about: Mapping[str, str] = ABOUT,
    complete: bool = True,
) -> Held:
    """Write a held session as the recorder does, in parts of 1.2 s."""
    identity = age.new_classical()
    messages = list(work() if messages is None else messages)
    writer = Writer.create(folder, session, identity.recipient, about)
    parts: dict[int, list[Message]] = {}
    for message in messages:
        parts.setdefault(message.t_us // PART, []).append(message)
    for _, some in sorted(parts.items()):
        writer.append(some)
    if complete:
        writer.close("stopped", {"frames_kept": "40", "frames_dropped": "1", "frames_equal": "3"})
    else:
        writer.abandon()
    return Held(writer.path, identity, messages)


def recipient(identity: Identity, name: str = "Lab", categories: frozenset[Category] = ALL) -> Recipient:
    """Return a study's recipient with this key."""
    return Recipient(name, identity.recipient, identity.kind, categories)


def policy(*recipients: Recipient, study: str = STUDY, categories: frozenset[Category] = ALL) -> Policy:
    """Return a study with one purpose."""
    return Policy(
        study=study,
        version=3,
        title="A study of work",
        controller="The university",
        contact="study@example.org",
        purposes={"training": "Train models that use computers."},
        categories=categories,
        recipients=recipients,
        retention_days=90,
        notices=(Notice("en", 1, "What happens"),),
        expires=datetime(2030, 1, 1, tzinfo=UTC),
    )


def agreeing(categories: frozenset[Category] = ALL, purpose: str = "training") -> Consent:
    """Return a consent given to `categories`."""
    return Consent({(purpose, category): State.GIVEN for category in categories})


def terms(*recipients: Recipient, categories: frozenset[Category] = ALL) -> Terms:
    """Return a study and the consent to `categories`."""
    return Terms(policy(*recipients), agreeing(categories), RECORD)


def signer(key: SigningKey | None = None, pseudonym: str = "quiet-otter") -> Signer:
    """Return who signs."""
    return Signer(key or SigningKey.new(), pseudonym)


def released(held: Held, who: Signer, out: Path, *recipients: Recipient, after: Chain = FIRST) -> list[Released]:
    """Release a held session to `recipients`, everything agreed to."""
    out.mkdir(exist_ok=True)
    return release(held.path, held.identity, terms(*recipients), who, out, after=after)


def members_of(tar: bytes) -> list[tuple[str, bytes]]:
    """Return name and content of each member of a plain bundle."""
    found, place = [], 0
    while tar[place : place + ustar.BLOCK] != bytes(ustar.BLOCK):
        name, size = ustar.parse(tar[place : place + ustar.BLOCK])
        place += ustar.BLOCK
        found.append((name, tar[place : place + size]))
        place += size + ustar.filling(size)
    return found


def tar_of(members: Sequence[tuple[str, bytes]], padding: int = 0) -> bytes:
    """Return the plain tar of a bundle with these members."""
    parts = [ustar.header(name, len(data)) + data + bytes(ustar.filling(len(data))) for name, data in members]
    return b"".join(parts) + ustar.END + bytes(padding)


class Known:
    """A list of known devices as `bundle.read` asks for it: these keys are trusted, all others are unknown."""

    def __init__(self, *keys: str) -> None:
        self.keys = keys

    def judge(self, study: str, pseudonym: str, key: str) -> Standing:
        if key not in self.keys:
            raise VerificationError("the bundle is signed with an unknown device key")
        return Standing.TRUSTED


def verify(plain: bytes, me: Identity, known: Known) -> None:
    """Seal `plain` as anyone could who knows the recipient, and read it strictly to its end."""
    out = io.BytesIO()
    with age.encrypting(out, [me.recipient]) as sealed:
        sealed.write(plain)
    Bundle(io.BytesIO(out.getvalue()), [me], known).verify()

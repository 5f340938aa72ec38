"""The manifest: what a bundle says about itself, signed with the study's device key.

It is the first member, so that a catalog needs only the first few hundred KiB of a bundle. The
model is closed: a field that is not here cannot be released by accident, and one that a reader
does not know is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from capture_agent.bundle import ustar
from capture_agent.core.errors import StorageError, VerificationError
from capture_agent.core.events import Category, GapReason
from capture_agent.core.policy import RecipientKind
from capture_agent.keys.strict_json import strict_object

FORMAT = 2  # of the bundle as a whole; a reader refuses higher numbers. 1 had no `withdrawals`
KIND = "capture-agent/bundle"

MANIFEST_NAME = "manifest.dsse.json"
CONSENT_NAME = "consent.json"
EVENTS_NAME = "events.mcap"

MAX_MANIFEST = 4 << 20  # bytes, signed and wrapped: 20,000 gaps fit
MAX_CONSENT = 4 << 20  # bytes: notices in every language with their text
MAX_MONITORS = 16  # at a time; no desktop has more
MAX_LAYOUTS = 16  # of keyboards; X11 takes four at a time
MAX_MEMBERS = 2 + 128  # consent, events, and a video for every monitor and size it had
MAX_MARKS = 20_000  # gaps, or changes of monitors, in one session: one each 1.5 s for 8 hours
MAX_RECIPIENTS = 16  # of one bundle; hybrid ones take 1.6 KiB each in the age header
MAX_US = 1 << 53  # µs; 285 years, and the largest whole number that every JSON reader keeps exact

# The person made these gaps. Who receives a bundle learns that something is missing, not why.
MADE_BY_PERSON = frozenset({GapReason.PAUSED, GapReason.FORGOTTEN, GapReason.WITHHELD})

_VIDEO = re.compile(r"screen-([1-9][0-9]?)(?:-([1-9][0-9]{0,2}))?\.mp4")

Sha256 = Annotated[str, StringConstraints(pattern=r"\A[0-9a-f]{64}\z")]
Short = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"\A[^\x00-\x1f\x7f]+\z")]
Loose = Annotated[str, StringConstraints(max_length=200, pattern=r"\A[^\x00-\x1f\x7f]*\z")]
Text = Annotated[str, StringConstraints(max_length=4000)]
Micros = Annotated[int, Field(ge=0, le=MAX_US)]
Count = Annotated[int, Field(ge=0, le=MAX_US)]
Pixels = Annotated[int, Field(ge=-(1 << 20), le=1 << 20)]


def video_name(monitor: int, segment: int = 1) -> str:
    """Return the name of a video: `screen-2.mp4`, and `screen-2-3.mp4` for the third size that monitor 2 had."""
    return f"screen-{monitor}.mp4" if segment == 1 else f"screen-{monitor}-{segment}.mp4"


def video_place(name: str) -> tuple[int, int] | None:
    """Return monitor and segment of the video called `name`, or None if it is no such name."""
    match = _VIDEO.fullmatch(name)
    if match is None:
        return None
    monitor, segment = int(match[1]), int(match[2] or 1)
    return (monitor, segment) if video_name(monitor, segment) == name else None


def released_reason(reason: GapReason) -> GapReason:
    """Return what a bundle says about a gap."""
    return GapReason.WITHHELD if reason in MADE_BY_PERSON else reason


class Closed(BaseModel):
    """A frozen model without room for anything else. Its errors never print what they saw."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class Member(Closed):
    """One file inside the bundle."""

    name: Short
    size: Annotated[int, Field(ge=0, le=ustar.MAX_SIZE)]
    sha256: Sha256


class Stream(Closed):
    """One kind of thing that was recorded. `topic` is its channel in events.mcap, or "screen/N". Times: session, µs."""

    topic: Short
    member: Short
    count: Annotated[int, Field(ge=1, le=MAX_US)]  # messages, or frames
    first_us: Micros
    last_us: Micros


class Hole(Closed):
    """Nothing was recorded from `start_us` to `end_us` (session time)."""

    start_us: Micros
    end_us: Micros
    reason: GapReason


class Clock(Closed):
    """Session time 0 on the wall clock, how long the session was, and how finely input is timed."""

    started: AwareDatetime
    duration_us: Micros
    input_resolution_us: Annotated[int, Field(ge=1, le=1_000_000)] | None = None


class Screen(Closed):
    """One monitor, in physical pixels of the virtual desktop."""

    number: Annotated[int, Field(ge=1, le=99)]
    x: Pixels
    y: Pixels
    width: Annotated[int, Field(ge=1, le=1 << 16)]
    height: Annotated[int, Field(ge=1, le=1 << 16)]
    scale: Annotated[float, Field(gt=0, le=16)]


class Screens(Closed):
    """The monitors were these from `from_us` on."""

    from_us: Micros
    monitors: Annotated[tuple[Screen, ...], Field(max_length=MAX_MONITORS)]


class Environment(Closed):
    """What the data depends on; never host, user or serial numbers."""

    os: Loose = ""
    desktop: Loose = ""
    locale: Loose = ""
    keyboard_layouts: Annotated[tuple[Short, ...], Field(max_length=MAX_LAYOUTS)] = ()
    input: Loose = ""  # "xi2", or "pynput": then X11 gave shortcuts and named keys without what was typed
    agent_version: Loose = ""


class Recorder(Closed):
    """How the recording went. None: not known, for example because the session ended in a crash."""

    max_fps: Annotated[int, Field(ge=1, le=1000)] | None = None
    frames_dropped: Count | None = None
    masked_share: Annotated[float, Field(ge=0, le=1)] | None = None  # of all pixels of all frames


class Reader(Closed):
    """Someone this bundle was made for. The key itself is in no file; its fingerprint is enough to compare."""

    name: Short
    kind: RecipientKind
    fingerprint: Short


class Purpose(Closed):
    """What the participant agreed to, for one purpose: the sentence as agreed, and the categories in this bundle."""

    id: Short
    text: Text
    categories: Annotated[tuple[Category, ...], Field(min_length=1)]


class Release(Closed):
    """Place in the chain of releases of this study on this device: a gap or fork in it shows."""

    counter: Annotated[int, Field(ge=1, le=MAX_US)]
    previous: Sha256 | None  # SHA-256 of the manifest.dsse.json before; None for the first


class Withdrawals(Closed):
    """How many recordings of this study were withdrawn on this device so far, and the chain over them."""

    count: Count
    sha256: Sha256 | None  # `tombstone.after` makes it; None for none

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if (self.count == 0) != (self.sha256 is None):
            raise ValueError("a count without a hash, or a hash without a count")
        return self


NO_WITHDRAWALS = Withdrawals(count=0, sha256=None)


class Described(Closed):
    """What can be said about any opened session, released or one's own."""

    session: Short
    study: Short
    complete: bool
    clock: Clock
    streams: Annotated[tuple[Stream, ...], Field(max_length=5 + MAX_MEMBERS)]
    gaps: Annotated[tuple[Hole, ...], Field(max_length=MAX_MARKS)]
    screens: Annotated[tuple[Screens, ...], Field(max_length=MAX_MARKS)]
    environment: Environment
    recorder: Recorder


class Manifest(Described):
    """Everything that a bundle says about itself."""

    kind: Literal["capture-agent/bundle"] = "capture-agent/bundle"
    format: Literal[1, 2] = 2
    revision: Annotated[int, Field(ge=1, le=1_000_000)]
    policy_version: Annotated[int, Field(ge=0, le=MAX_US)]
    pseudonym: Short
    device: Short  # the public signing key; a reader compares it with the ones it knows
    purposes: Annotated[tuple[Purpose, ...], Field(min_length=1, max_length=64)]
    recipients: Annotated[tuple[Reader, ...], Field(min_length=1, max_length=MAX_RECIPIENTS)]
    consent_sha256: Sha256
    withdrawal_sha256: Sha256
    release: Release
    withdrawals: Withdrawals | None = None  # before this release; None in format 1
    members: Annotated[tuple[Member, ...], Field(min_length=2, max_length=MAX_MEMBERS)]

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        """Refuse a manifest that contradicts itself; the message names the field."""
        if (self.withdrawals is None) != (self.format == 1):
            raise ValueError("withdrawals: missing, or not of this format")
        names = [member.name for member in self.members]
        if names[:2] != [CONSENT_NAME, EVENTS_NAME] or names[2:] != _in_order(names[2:]):
            raise ValueError("members: not consent.json, events.mcap and then the videos in order")
        if self.members[0].size > MAX_CONSENT:
            raise ValueError("members: consent.json is larger than any that is written")
        if self.members[0].sha256 != self.consent_sha256:
            raise ValueError("consent_sha256: not the hash of the member consent.json")
        if len({reader.kind for reader in self.recipients}) != 1:
            raise ValueError("recipients: hybrid and classical keys are mixed")
        if any(stream.member not in names for stream in self.streams):
            raise ValueError("streams: one names a member that is not listed")
        if any(hole.reason in MADE_BY_PERSON - {GapReason.WITHHELD} for hole in self.gaps):
            raise ValueError("gaps: one says what the person did")
        return self

    @property
    def categories(self) -> frozenset[Category]:
        """What this bundle may contain."""
        return frozenset(category for purpose in self.purposes for category in purpose.categories)

    @property
    def post_quantum(self) -> bool:
        """Whether whoever stores this bundle today could not open it with a quantum computer later."""
        return self.recipients[0].kind is RecipientKind.HYBRID

    def to_bytes(self) -> bytes:
        """Return the JSON that is signed."""
        return self.model_dump_json().encode()


def parse(data: bytes) -> Manifest:
    """Return the manifest in `data`, whose signature was verified before.

    Raises:
        StorageError: It is of a newer format.
        VerificationError: It is not a manifest; the message names the fields that are wrong.
    """
    found = strict_object(data, "the manifest")
    if found.get("kind") != KIND:
        raise VerificationError("this is not the manifest of a bundle", hint="Check which file you were sent.")
    number = found.get("format")
    if isinstance(number, int) and number > FORMAT:
        raise StorageError(
            f"this bundle has format {number}, and this version of Capture Agent reads up to {FORMAT}",
            hint="Install a newer version of Capture Agent.",
        )
    try:
        return Manifest.model_validate_json(data)
    except ValidationError as error:
        raise VerificationError(
            f"the manifest is not as the format says: {_what(error)}",
            hint="The participant's agent is damaged or of another make. Ask for the bundle again.",
        ) from None


def _what(error: ValidationError) -> str:
    """Say which fields are wrong and how, never what stands in them."""
    details = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, d['loc'])) or 'manifest'}: {d['msg']}" for d in details[:5])


def _in_order(names: Iterable[str]) -> list[str]:
    places = sorted({place for name in names if (place := video_place(name)) is not None})
    return [video_name(*place) for place in places]

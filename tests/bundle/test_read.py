"""Whatever is changed in a bundle, and by whomever but its signer, is found and named (P9)."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capture_agent.bundle import manifest, sizes, ustar
from capture_agent.bundle.manifest import parse
from capture_agent.bundle.read import Bundle
from capture_agent.core.errors import KeyError_, StorageError, VerificationError
from capture_agent.keys import age, dsse
from capture_agent.keys.age import Identity
from capture_agent.keys.dsse import SigningKey
from capture_agent.outbox.release import Signer

Members = list[tuple[str, bytes]]
pytestmark = pytest.mark.promise("P9")
NAMES = ["manifest.dsse.json", "consent.json", "events.mcap", "screen-1.mp4", "screen-2.mp4"]


@pytest.fixture
def members(sessions: ModuleType, plain: bytes) -> Members:
    found: Members = sessions.members_of(plain)
    return found


@pytest.fixture
def refused(sessions: ModuleType, me: Identity, who: Signer) -> Callable[[bytes], str]:
    """Return what the reader says about a plain tar that it must refuse."""

    def read(tar: bytes) -> str:
        with pytest.raises(VerificationError) as caught:
            sessions.verify(tar, me, sessions.Known(who.key.public))
        return str(caught.value)

    return read


@pytest.fixture(scope="module")
def other(sessions: ModuleType, who: Signer, me: Identity, tmp_path_factory: pytest.TempPathFactory) -> Members:
    """The members of another bundle, of the same participant."""
    folder = tmp_path_factory.mktemp("other")
    held = sessions.make_held(folder, sessions.work(4), session="f" * 32)
    (made,) = sessions.released(held, who, folder / "out", sessions.recipient(me))
    found: Members = sessions.members_of(age.decrypt(made.path.read_bytes(), [me]))
    return found


def test_an_untouched_bundle_is_verified(sessions: ModuleType, plain: bytes, me: Identity, who: Signer) -> None:
    sessions.verify(plain, me, sessions.Known(who.key.public))


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def offsets(members: Members) -> dict[str, tuple[int, int]]:
    found, place = {}, 0
    for name, data in members:
        found[name] = (place, place + ustar.BLOCK)
        place += ustar.BLOCK + len(data) + ustar.filling(len(data))
    return found


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("where", [0.0, 0.5, 1.0])
def test_a_flip_in_a_member_names_it(
    name: str, where: float, plain: bytes, members: Members, refused: Callable[[bytes], str]
) -> None:
    size = len(dict(members)[name])
    said = refused(flipped(plain, offsets(members)[name][1] + int(where * (size - 1))))
    assert name in said or (name == NAMES[0] and ("signed" in said or "signature" in said or "manifest" in said))


@pytest.mark.parametrize("name", NAMES)
def test_a_flip_in_a_header_is_found(
    name: str, plain: bytes, members: Members, refused: Callable[[bytes], str]
) -> None:
    for place in (0, 100, 130, 140, 150, 156, 200, 260, 300, 340, 500):
        assert "header" in refused(flipped(plain, offsets(members)[name][0] + place))


@pytest.mark.parametrize("name", NAMES)
def test_nothing_hides_between_members(
    name: str, plain: bytes, members: Members, refused: Callable[[bytes], str]
) -> None:
    data = dict(members)[name]
    assert ustar.filling(len(data))
    assert f"behind {name}" in refused(flipped(plain, offsets(members)[name][1] + len(data)))


def test_nothing_hides_behind_the_end(
    sessions: ModuleType, plain: bytes, members: Members, refused: Callable[[bytes], str]
) -> None:
    end = len(sessions.tar_of(members))
    assert "end" in refused(flipped(plain, end - 1))
    assert "end" in refused(flipped(plain, end))
    assert "end" in refused(flipped(plain, len(plain) - 1))
    assert "longer" in refused(plain + bytes(1 << 20))


@pytest.mark.parametrize("name", NAMES[1:])
def test_a_dropped_member_is_named(
    name: str, sessions: ModuleType, members: Members, refused: Callable[[bytes], str]
) -> None:
    said = refused(sessions.tar_of([one for one in members if one[0] != name]))
    assert f"{name} is missing" in said


def test_without_its_manifest_a_bundle_is_none(
    sessions: ModuleType, members: Members, refused: Callable[[bytes], str]
) -> None:
    assert "manifest" in refused(sessions.tar_of(members[1:]))


@pytest.mark.parametrize("first, second", [(1, 2), (2, 3), (3, 4)])
def test_swapped_members_are_named(
    first: int, second: int, sessions: ModuleType, members: Members, refused: Callable[[bytes], str]
) -> None:
    name = members[first][0]
    members[first], members[second] = members[second], members[first]
    assert name in refused(sessions.tar_of(members))


def test_swapped_contents_are_named(sessions: ModuleType, members: Members, refused: Callable[[bytes], str]) -> None:
    members[3], members[4] = (members[3][0], members[4][1]), (members[4][0], members[3][1])
    assert "screen-1.mp4" in refused(sessions.tar_of(members))


@pytest.mark.parametrize("again", range(5))
@pytest.mark.parametrize("place", [1, 3, 5])
def test_a_repeated_member_is_named(
    again: int, place: int, sessions: ModuleType, members: Members, refused: Callable[[bytes], str]
) -> None:
    name = members[again][0]
    said = refused(sessions.tar_of([*members[:place], members[again], *members[place:]]))
    assert name in said
    assert place <= again or "twice" in said or "missing" in said


@pytest.mark.parametrize("place", range(6))
def test_a_member_that_is_not_listed_is_named(
    place: int, sessions: ModuleType, members: Members, refused: Callable[[bytes], str]
) -> None:
    said = refused(sessions.tar_of([*members[:place], ("screen-7.mp4", b"more"), *members[place:]]))
    assert "screen-7.mp4" in said or place == 0


@pytest.mark.parametrize("name", NAMES[1:])
def test_a_member_of_another_bundle_is_named(
    name: str, sessions: ModuleType, members: Members, other: Members, refused: Callable[[bytes], str]
) -> None:
    foreign = dict(other)[name] if name != "consent.json" else b'{"record":2}'
    spliced = [(one, foreign if one == name else data) for one, data in members]
    assert name in refused(sessions.tar_of(spliced))


def test_the_manifest_of_another_bundle_fits_no_member(
    sessions: ModuleType, members: Members, other: Members, refused: Callable[[bytes], str]
) -> None:
    assert "events.mcap" in refused(sessions.tar_of([other[0], *members[1:]]))


@pytest.mark.parametrize("name", NAMES)
def test_a_tar_that_is_cut_short_says_where(
    name: str, plain: bytes, members: Members, refused: Callable[[bytes], str]
) -> None:
    header, start = offsets(members)[name]
    assert f"cut short in {name}" in refused(plain[: start + 10])
    assert f"cut short in {name}" in refused(plain[: header + 100])


@settings(max_examples=40)
@given(share=st.floats(0, 1, exclude_max=True))
def test_an_age_file_that_is_cut_short_is_refused(
    share: float, plain: bytes, me: Identity, sessions: ModuleType, who: Signer
) -> None:
    sealed = age.encrypt(plain, [me.recipient])
    with pytest.raises(VerificationError):
        Bundle(io.BytesIO(sealed[: int(share * len(sealed))]), [me], sessions.Known(who.key.public)).verify()


@settings(max_examples=40)
@given(share=st.floats(0, 1, exclude_max=True))
def test_no_bit_of_an_age_file_can_be_another(
    share: float, plain: bytes, me: Identity, sessions: ModuleType, who: Signer
) -> None:
    sealed = age.encrypt(plain, [me.recipient])
    with pytest.raises((VerificationError, KeyError_)):
        Bundle(io.BytesIO(flipped(sealed, int(share * len(sealed)))), [me], sessions.Known(who.key.public)).verify()


def test_damage_of_the_seal_names_the_member_it_hits(
    plain: bytes, me: Identity, sessions: ModuleType, who: Signer
) -> None:
    sealed = age.encrypt(plain, [me.recipient])
    with pytest.raises(VerificationError, match="the end of the bundle"):
        Bundle(io.BytesIO(flipped(sealed, len(sealed) - 1)), [me], sessions.Known(who.key.public)).verify()


def resigned(found: Members, key: SigningKey, **changes: object) -> Members:
    fields = {**json.loads(dsse.unverified_payload(found[0][1])), **changes}
    return [(found[0][0], key.sign(dsse.MANIFEST, json.dumps(fields).encode())), *found[1:]]


def test_a_foreign_signature_is_named(sessions: ModuleType, members: Members, refused: Callable[[bytes], str]) -> None:
    said = refused(sessions.tar_of(resigned(members, SigningKey.new())))
    assert "somebody else signed it" in said


def test_an_unknown_device_is_named(sessions: ModuleType, members: Members, refused: Callable[[bytes], str]) -> None:
    key = SigningKey.new()
    assert "unknown device" in refused(sessions.tar_of(resigned(members, key, device=key.public)))


def test_a_signature_over_something_else_is_no_manifests(
    sessions: ModuleType, members: Members, who: Signer, refused: Callable[[bytes], str]
) -> None:
    payload = dsse.unverified_payload(members[0][1])
    envelope = who.key.sign(dsse.TOMBSTONE, payload)
    assert "another kind" in refused(sessions.tar_of([(members[0][0], envelope), *members[1:]]))


@pytest.mark.parametrize("claimed", [None, 7, "", "capture-agent-key-1qqqq"])
def test_a_manifest_that_names_no_key_is_refused(
    claimed: object, sessions: ModuleType, members: Members, who: Signer, refused: Callable[[bytes], str]
) -> None:
    assert "which device" in refused(sessions.tar_of(resigned(members, who.key, device=claimed)))


def test_two_manifest_texts_in_one_are_refused(
    sessions: ModuleType, members: Members, who: Signer, refused: Callable[[bytes], str]
) -> None:
    payload = dsse.unverified_payload(members[0][1])
    twice = who.key.sign(dsse.MANIFEST, b'{"complete":false,' + payload[1:])
    assert "twice" in refused(sessions.tar_of([(members[0][0], twice), *members[1:]]))


def test_a_consent_record_that_reads_in_two_ways_is_refused(
    sessions: ModuleType, members: Members, who: Signer, refused: Callable[[bytes], str]
) -> None:
    consent = b'{"given": 1, "given": 2}'
    digest = hashlib.sha256(consent).hexdigest()
    fields = json.loads(dsse.unverified_payload(members[0][1]))
    listed = [{"name": "consent.json", "size": len(consent), "sha256": digest}, *fields["members"][1:]]
    changed = resigned(members, who.key, members=listed, consent_sha256=digest)
    changed[1] = ("consent.json", consent)
    assert "consent.json" in refused(sessions.tar_of(changed))


def test_a_newer_bundle_is_refused_with_what_to_do(
    sessions: ModuleType, members: Members, me: Identity, who: Signer
) -> None:
    newer = sessions.tar_of(resigned(members, who.key, format=manifest.FORMAT + 1))
    with pytest.raises(StorageError, match=f"format {manifest.FORMAT + 1}"):
        sessions.verify(newer, me, sessions.Known(who.key.public))


def test_a_manifest_larger_than_any_is_not_read(sessions: ModuleType, refused: Callable[[bytes], str]) -> None:
    assert "larger" in refused(ustar.header("manifest.dsse.json", 1 << 30) + bytes(4096))


def test_another_key_opens_nothing(plain: bytes, me: Identity, sessions: ModuleType) -> None:
    sealed = age.encrypt(plain, [me.recipient])
    with pytest.raises(KeyError_):
        Bundle(io.BytesIO(sealed), [age.new_classical()], sessions.Known())


def test_a_member_is_read_as_a_stream_and_its_end_checked(
    sessions: ModuleType, plain: bytes, members: Members, me: Identity, who: Signer
) -> None:
    sealed = io.BytesIO(age.encrypt(flipped(plain, offsets(members)["events.mcap"][1]), [me.recipient]))
    bundle = Bundle(sealed, [me], sessions.Known(who.key.public))
    stream = next(content for member, content in bundle.members() if member.name == "events.mcap")
    assert len(stream.read(10)) == 10
    with pytest.raises(VerificationError, match=r"events\.mcap was changed"):
        stream.read()


def test_padding_is_bounded_by_the_content(
    members: Members, sessions: ModuleType, refused: Callable[[bytes], str]
) -> None:
    tar = sessions.tar_of(members)
    most = sizes.most_plain(len(tar))
    assert "longer" in refused(tar + bytes(most - len(tar) + 1))
    assert parse(dsse.unverified_payload(members[0][1])).complete

"""Release: everyone gets what was agreed to for them, sealed to them alone, and nothing is left half done."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capture_agent.bundle.manifest import Manifest
from capture_agent.bundle.read import Bundle
from capture_agent.core.consent import Consent, State
from capture_agent.core.errors import ConfigError, ConsentError, KeyError_, StorageError, VerificationError
from capture_agent.core.events import Category
from capture_agent.core.keyboard import implied, widest
from capture_agent.core.policy import EXAMPLE_SEED_TEXT, OWN_DEVICE, OWN_STUDY, Policy, Recipient, RecipientKind
from capture_agent.encode.event_log import Message, read_log
from capture_agent.held.store import Store
from capture_agent.keys import age
from capture_agent.keys.age import Identity
from capture_agent.outbox.release import Chain, Released, Signer, recipient_groups, release, withdrawal_secret

KEYBOARD, POINTER, SCREEN, TASKS = Category.KEYBOARD, Category.POINTER, Category.SCREEN, Category.TASKS


@pytest.fixture(scope="module")
def held(sessions: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return sessions.make_held(tmp_path_factory.mktemp("held"))


@pytest.fixture(scope="module")
def who(sessions: ModuleType) -> Signer:
    made: Signer = sessions.signer()
    return made


def opened(made: Released, me: Identity, known: Any) -> tuple[Manifest, dict[str, bytes]]:
    with made.path.open("rb") as stream:
        bundle = Bundle(stream, [me], known)
        return bundle.manifest, {member.name: content.read() for member, content in bundle.members()}


def topics(members: dict[str, bytes]) -> set[str]:
    return {message.topic for message in read_log(io.BytesIO(members["events.mcap"]))}


@pytest.mark.promise("P4")
@pytest.mark.parametrize("new", [age.new_hybrid, age.new_classical])
def test_a_researchers_key_opens_nothing_before_release_and_the_agreed_streams_after(
    new: Any, sessions: ModuleType, held: Any, who: Signer, tmp_path: Path
) -> None:
    me = new()
    with pytest.raises(KeyError_):
        age.decrypt(_first_part(held.path), [me])
    with pytest.raises(KeyError_):
        release(held.path, me, sessions.terms(sessions.recipient(me)), who, tmp_path)
    assert list(tmp_path.iterdir()) == []
    terms = sessions.terms(sessions.recipient(me), categories=frozenset({KEYBOARD, TASKS}))
    (made,) = release(held.path, held.identity, terms, who, tmp_path)
    manifest, members = opened(made, me, sessions.Known(who.key.public))
    assert topics(members) == {"keyboard", "tasks", "marks"}
    assert set(members) == {"consent.json", "events.mcap"}
    assert manifest.categories == made.categories == {KEYBOARD, TASKS}
    with pytest.raises(KeyError_):
        opened(made, age.new_hybrid(), sessions.Known(who.key.public))


def _first_part(path: Path) -> bytes:
    data = path.read_bytes()
    second = 512 + -(-int(data[124:135], 8) // 512) * 512
    size = int(data[second + 124 : second + 135], 8)
    return data[second + 512 : second + 512 + size]


@pytest.mark.promise("P4")
def test_everything_agreed_to_arrives_unchanged(sessions: ModuleType, held: Any, who: Signer, tmp_path: Path) -> None:
    me = age.new_classical()
    (made,) = sessions.released(held, who, tmp_path, sessions.recipient(me))
    _, members = opened(made, me, sessions.Known(who.key.public))
    found = [message for message in read_log(io.BytesIO(members["events.mcap"])) if message.topic != "marks"]
    assert found == [m for m in held.messages if m.topic in {"keyboard", "pointer", "windows", "tasks"}]
    assert members["consent.json"] == sessions.RECORD


@pytest.mark.promise("P4")
def test_recipients_with_different_streams_get_bundles_of_their_own(
    sessions: ModuleType, held: Any, who: Signer, tmp_path: Path
) -> None:
    all_keys = [age.new_classical() for _ in range(3)] + [age.new_hybrid()]
    few = frozenset({KEYBOARD})
    study = sessions.terms(
        sessions.recipient(all_keys[0], "A"),
        sessions.recipient(all_keys[1], "B", few),
        sessions.recipient(all_keys[2], "C"),
        sessions.recipient(all_keys[3], "D"),
    )
    made = release(held.path, held.identity, study, who, tmp_path)
    assert sorted(one.recipients for one in made) == [("A", "C"), ("B",), ("D",)]
    known = sessions.Known(who.key.public)
    for one in made:
        for name, me in zip("ABCD", all_keys, strict=True):
            if name not in one.recipients:
                with pytest.raises(KeyError_):
                    opened(one, me, known)
                continue
            manifest, members = opened(one, me, known)
            assert {reader.name for reader in manifest.recipients} == set(one.recipients)
            assert ("screen-1.mp4" in members) == (name != "B")
            assert manifest.post_quantum == (name == "D")


@pytest.mark.promise("P4")
def test_a_later_recipient_gets_a_bundle_alone_and_nobody_gets_a_second_one(
    sessions: ModuleType, held: Any, who: Signer, tmp_path: Path
) -> None:
    first, late = age.new_classical(), age.new_classical()
    study = sessions.terms(sessions.recipient(first, "Lab"), sessions.recipient(late, "Late"))
    (made,) = release(held.path, held.identity, study, who, tmp_path, revision=2, got=[first.recipient])
    known = sessions.Known(who.key.public)
    manifest, _ = opened(made, late, known)
    assert (made.recipients, manifest.revision) == (("Late",), 2)
    assert [reader.name for reader in manifest.recipients] == ["Late"]
    with pytest.raises(KeyError_):
        opened(made, first, known)
    with pytest.raises(ConsentError, match="have it already"):
        release(held.path, held.identity, study, who, tmp_path, got=[first.recipient, late.recipient])
    assert list(tmp_path.iterdir()) == [made.path]


def test_the_chain_of_releases_shows_its_gaps(sessions: ModuleType, held: Any, who: Signer, tmp_path: Path) -> None:
    me = age.new_classical()
    chain = Chain()
    seen = []
    for _ in range(3):
        (made,) = sessions.released(held, who, tmp_path, sessions.recipient(me), after=chain)
        manifest, _ = opened(made, me, sessions.Known(who.key.public))
        assert manifest.release.counter == chain.counter + 1
        assert manifest.release.previous == chain.digest
        chain = made.chain
        seen.append(chain.digest)
    assert len(set(seen)) == 3


def test_the_manifest_says_what_was_recorded_and_nothing_of_the_machine(
    sessions: ModuleType, held: Any, who: Signer, tmp_path: Path
) -> None:
    me = age.new_classical()
    (made,) = sessions.released(held, who, tmp_path, sessions.recipient(me))
    manifest, _ = opened(made, me, sessions.Known(who.key.public))
    counts = {stream.topic: stream.count for stream in manifest.streams}
    for topic in ("keyboard", "pointer", "screen/1", "screen/2"):
        assert counts[topic] == sum(message.topic == topic for message in held.messages)
    assert [gap.reason for gap in manifest.gaps] == ["withheld", "indicator"]
    assert manifest.environment.keyboard_layouts == ("ch", "us")
    assert manifest.recorder.frames_dropped == 1
    assert manifest.clock.input_resolution_us == 1000
    assert manifest.complete
    assert "must-never-leave" not in manifest.model_dump_json()
    assert "xterm" not in manifest.model_dump_json()
    secret = withdrawal_secret(who.key, manifest.session)
    assert manifest.withdrawal_sha256 == hashlib.sha256(secret).hexdigest()


@pytest.mark.promise("P10")
def test_a_session_that_ended_in_a_crash_is_released_as_incomplete(
    sessions: ModuleType, who: Signer, tmp_path: Path
) -> None:
    me = age.new_classical()
    crashed = sessions.make_held(tmp_path / "held", complete=False)
    with crashed.path.open("r+b") as file:
        file.truncate(crashed.path.stat().st_size - 700)  # torn in its last part
    (made,) = sessions.released(crashed, who, tmp_path / "out", sessions.recipient(me))
    manifest, members = opened(made, me, sessions.Known(who.key.public))
    assert not manifest.complete
    assert manifest.recorder.frames_dropped is None
    assert "keyboard" in topics(members)


@pytest.mark.promise("P10")
def test_a_session_that_was_mended_after_a_crash_is_released_as_incomplete(
    sessions: ModuleType, who: Signer, tmp_path: Path
) -> None:
    me = age.new_classical()
    crashed = sessions.make_held(tmp_path / "held", complete=False)
    assert Store(tmp_path / "held").recover()
    (made,) = sessions.released(crashed, who, tmp_path / "out", sessions.recipient(me))
    assert not opened(made, me, sessions.Known(who.key.public))[0].complete


def test_notes_that_can_be_done_without_never_hinder_a_release(
    sessions: ModuleType, who: Signer, tmp_path: Path
) -> None:
    me = age.new_classical()
    odd = {"keyboard_layouts": '["", "us", 7]', "input_resolution_us": "0", "max_fps": "many", "os": "a\nb" * 200}
    session = sessions.make_held(tmp_path / "held", [], about={**sessions.ABOUT, **odd})
    (made,) = sessions.released(session, who, tmp_path / "out", sessions.recipient(me))
    manifest, _ = opened(made, me, sessions.Known(who.key.public))
    assert manifest.environment.keyboard_layouts == ("us",)
    assert (manifest.clock.input_resolution_us, manifest.recorder.max_fps) == (None, None)
    assert len(manifest.environment.os) == 200


def test_nothing_is_released_that_was_recorded_for_oneself(sessions: ModuleType, who: Signer, tmp_path: Path) -> None:
    me = age.new_classical()
    own = sessions.make_held(tmp_path / "held", about={**sessions.ABOUT, "study": OWN_STUDY})
    with pytest.raises(ConsentError, match="another study, or for yourself"):
        release(own.path, own.identity, sessions.terms(sessions.recipient(me)), who, tmp_path)
    device = Recipient("Me", OWN_DEVICE, RecipientKind.HYBRID, frozenset(Category))
    with pytest.raises(ConsentError, match="nobody"):
        release(own.path, own.identity, sessions.terms(device), who, tmp_path)


def test_nothing_is_released_to_the_examples_recipient(
    sessions: ModuleType, held: Any, who: Signer, tmp_path: Path
) -> None:
    assert EXAMPLE_SEED_TEXT
    example = age.example_identity()
    for found in (
        Recipient("Lab", example.recipient, example.kind, frozenset(Category)),
        Recipient("Lab", age.new_hybrid().recipient, example.kind, frozenset(Category), is_example=True),
    ):
        with pytest.raises(ConfigError, match="everybody"):
            release(held.path, held.identity, sessions.terms(found), who, tmp_path)
    assert list(tmp_path.iterdir()) == []


CATEGORIES = st.frozensets(st.sampled_from(Category))


@pytest.mark.promise("P4")
@settings(max_examples=200)
@given(
    offered=CATEGORIES,
    states=st.dictionaries(
        st.tuples(st.sampled_from(["training", "checking", "other"]), st.sampled_from(Category)),
        st.sampled_from(State),
    ),
    gets=st.lists(st.tuples(CATEGORIES, st.sampled_from(RecipientKind)), min_size=1, max_size=5),
)
def test_nobody_gets_more_than_policy_and_consent_both_allow(
    offered: frozenset[Category],
    states: dict[tuple[str, Category], State],
    gets: list[tuple[frozenset[Category], RecipientKind]],
    sessions: ModuleType,
) -> None:
    recipients = [Recipient(f"R{n}", f"age1{n}", kind, some) for n, (some, kind) in enumerate(gets)]
    made: Policy = sessions.policy(*recipients, categories=offered)
    study = dataclasses.replace(made, purposes={"training": "a", "checking": "b"})
    consent = Consent(states)
    agreed = {
        category
        for (purpose, category), state in states.items()
        if state in {State.GIVEN, State.RENEWED} and purpose in study.purposes
    }
    wanted = {r.name: widest(implied(agreed) & offered & implied(r.categories)) for r in recipients}
    if not any(wanted.values()):
        with pytest.raises(ConsentError):
            recipient_groups(study, consent)
        return
    groups = recipient_groups(study, consent)
    found = {recipient.name: group.categories for group in groups for recipient in group.recipients}
    assert found == {name: some for name, some in wanted.items() if some}
    for group in groups:
        assert len({recipient.kind for recipient in group.recipients}) == 1
        for purpose, some in group.purposes.items():
            assert some <= implied(consent.permitted(purpose))


def test_more_recipients_than_fit_get_several_bundles(sessions: ModuleType) -> None:
    many = [Recipient(f"R{n}", f"age1{n}", RecipientKind.CLASSICAL, frozenset(Category)) for n in range(40)]
    groups = recipient_groups(sessions.policy(*many), sessions.agreeing())
    assert [len(group.recipients) for group in groups] == [16, 16, 8]


def test_if_one_bundle_fails_none_is_left(sessions: ModuleType, held: Any, who: Signer, tmp_path: Path) -> None:
    good = sessions.recipient(age.new_classical(), "A", frozenset({KEYBOARD}))
    wrong = Recipient("B", "age1wrong", RecipientKind.CLASSICAL, frozenset({KEYBOARD, POINTER}))
    with pytest.raises(ConfigError):
        release(held.path, held.identity, sessions.terms(good, wrong), who, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_session_is_named_and_leaves_nothing(sessions: ModuleType, who: Signer, tmp_path: Path) -> None:
    broken = sessions.make_held(tmp_path / "held")
    data = bytearray(broken.path.read_bytes())
    data[len(data) // 2] ^= 1
    broken.path.write_bytes(data)
    (tmp_path / "out").mkdir()
    with pytest.raises(VerificationError, match="part-"):
        sessions.released(broken, who, tmp_path / "out", sessions.recipient(age.new_classical()))
    assert list((tmp_path / "out").iterdir()) == []


def test_a_consent_record_that_is_not_json_is_not_released(
    sessions: ModuleType, held: Any, who: Signer, tmp_path: Path
) -> None:
    terms = sessions.terms(sessions.recipient(age.new_classical()))
    with pytest.raises(VerificationError, match=r"consent\.json"):
        release(held.path, held.identity, dataclasses.replace(terms, record=b'{"a":1,"a":2}'), who, tmp_path)


def test_a_monitor_that_changes_its_size_goes_on_in_another_file(
    sessions: ModuleType, who: Signer, tmp_path: Path
) -> None:
    me = age.new_classical()
    first = sessions.video(1, range(0, 1_000_000, 100_000))
    then = sessions.video(1, range(1_000_000, 2_000_000, 100_000), 640, 400)
    again = sessions.video(1, range(2_000_000, 3_000_000, 100_000))
    session = sessions.make_held(tmp_path / "held", first + then + again)
    (made,) = sessions.released(session, who, tmp_path / "out", sessions.recipient(me))
    manifest, members = opened(made, me, sessions.Known(who.key.public))
    assert [name for name in members if name.endswith(".mp4")] == ["screen-1.mp4", "screen-1-2.mp4", "screen-1-3.mp4"]
    assert [stream.count for stream in manifest.streams] == [10, 10, 10]


def test_frames_without_the_key_frame_they_need_are_left_out(sessions: ModuleType, who: Signer, tmp_path: Path) -> None:
    me = age.new_classical()
    session = sessions.make_held(tmp_path / "held", sessions.video(1, range(0, 2_000_000, 100_000))[4:])
    (made,) = sessions.released(session, who, tmp_path / "out", sessions.recipient(me))
    manifest, _ = opened(made, me, sessions.Known(who.key.public))
    (stream,) = manifest.streams
    assert (stream.count, stream.first_us) == (10, 1_000_000)


def test_an_empty_session_can_be_released(sessions: ModuleType, who: Signer, tmp_path: Path) -> None:
    me = age.new_classical()
    session = sessions.make_held(tmp_path / "held", [])
    (made,) = sessions.released(session, who, tmp_path / "out", sessions.recipient(me))
    manifest, _ = opened(made, me, sessions.Known(who.key.public))
    assert manifest.streams == ()
    assert manifest.clock.duration_us == 0


def runs(data: bytes, length: int = 16) -> set[bytes]:
    """Every run of bytes in it that is this long, but for the words that begin each age file."""
    body = data.split(b"\n---", 1)[1]
    return {body[at : at + length] for at in range(len(body) - length)}


@pytest.mark.promise("P4")
def test_nothing_in_two_files_of_one_recording_says_that_they_belong_together(
    sessions: ModuleType, who: Signer, tmp_path: Path
) -> None:
    me = age.new_hybrid()
    held = sessions.make_held(tmp_path / "held", sessions.work(6), session="a" * 32)
    first, second = (sessions.released(held, who, tmp_path / "out", sessions.recipient(me))[0].path for _ in range(2))
    assert first.name[:8] != second.name[:8]
    assert not runs(first.read_bytes()) & runs(second.read_bytes())


@pytest.mark.promise("P4")
def test_the_storage_sees_a_random_name_and_a_rounded_size_only(
    sessions: ModuleType, who: Signer, tmp_path: Path
) -> None:
    me = age.new_hybrid()
    made = []
    for seconds, session in ((6, "a" * 32), (8, "b" * 32)):
        held = sessions.make_held(tmp_path / "held", sessions.work(seconds), session=session)
        made += sessions.released(held, who, tmp_path / "out", sessions.recipient(me))
    files = [one.path for one in made]
    assert len({path.stat().st_size for path in files}) == 1
    for path, session in zip(files, ("a" * 32, "b" * 32), strict=True):
        assert session not in path.name
        data = path.read_bytes()
        for told in (b"quiet-otter", b"study-of-work", session.encode(), b"ustar", who.key.public.encode()):
            assert told not in data


def test_a_mark_that_is_damaged_is_an_error_of_the_session(sessions: ModuleType, who: Signer, tmp_path: Path) -> None:
    bad = Message("marks", 5, json.dumps({"kind": "monitors", "monitors": [{"number": 1}]}).encode())
    session = sessions.make_held(tmp_path / "held", [bad])
    with pytest.raises(StorageError, match="mark"):
        sessions.released(session, who, tmp_path / "out", sessions.recipient(age.new_classical()))

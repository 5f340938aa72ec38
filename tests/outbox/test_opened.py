"""One's own session opens into files that say what was recorded; nothing half done is left."""

from __future__ import annotations

import io
import json
import stat
import tracemalloc
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest
from PIL import Image

from capture_agent.core.errors import ConfigError, KeyError_, VerificationError
from capture_agent.core.events import Button, Key, Move
from capture_agent.encode import video
from capture_agent.encode.event_log import decode, read_log
from capture_agent.keys import age
from capture_agent.keys.age import Identity
from capture_agent.outbox.compose import compose
from capture_agent.outbox.folder import OpenedFolder
from capture_agent.outbox.held_recording import HeldRecording
from capture_agent.outbox.opened import Extras, derive
from capture_agent.outbox.order import everything
from capture_agent.outbox.own import open_own
from capture_agent.outbox.release import release


@pytest.fixture(scope="module")
def held(sessions: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return sessions.make_held(tmp_path_factory.mktemp("held"))


@pytest.fixture(scope="module")
def opened(held: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("opened") / "mine"
    open_own(held.path, held.identity, out, extras=Extras(stills=True, table=True))
    return out


def test_ones_own_session_opens_without_anyone_else(opened: Path, held: Any) -> None:
    names = {path.name for path in opened.iterdir()}
    assert names == {"events.mcap", "screen-1.mp4", "screen-2.mp4", "events.parquet", "stills", "report.json"}
    with (opened / "events.mcap").open("rb") as file:
        assert list(read_log(file)) == [m for m in held.messages if not m.topic.startswith("screen/")]


def test_the_person_sees_their_own_pauses_as_pauses(opened: Path) -> None:
    found = json.loads((opened / "report.json").read_text())
    assert [gap["reason"] for gap in found["gaps"]] == ["paused", "indicator"]
    assert found["usable"] == "yes"


def test_everything_opened_is_private(opened: Path) -> None:
    for path in (opened, *opened.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


def test_the_table_holds_every_event_with_its_frame(opened: Path, held: Any) -> None:
    rows = pyarrow.parquet.read_table(opened / "events.parquet").to_pylist()
    events = [message for message in held.messages if not message.topic.startswith("screen/")]
    assert [(row["t_us"], row["topic"]) for row in rows] == [(m.t_us, m.topic) for m in events]
    frames = [message.t_us for message in held.messages if message.topic == "screen/1"]
    for row, message in zip(rows, events, strict=True):
        said = decode(message)
        assert json.loads(row["json"]) == {name: said[name] for name in said if name not in {"t_us", "topic"}}
        if row["kind"] == "button":
            assert (row["x"], row["y"], row["button"], row["down"]) == (said["x"], said["y"], "left", said["down"])
            assert (row["frame_video"], row["frame_us"]) == ("screen-1.mp4", max(t for t in frames if t <= row["t_us"]))
        if row["kind"] == "scroll":
            assert row["frame_video"] == "screen-2.mp4"
        if row["kind"] == "focus":
            assert (row["app"], row["title"], row["window"]) == ("xterm", "~/thesis", 7)


def test_each_click_has_the_picture_that_was_seen(opened: Path, held: Any) -> None:
    with (opened / "screen-1.mp4").open("rb") as file:
        pictures = dict(video.decode(file))
    clicks = [m.t_us for m in held.messages if m.topic == "pointer" and decode(m).get("button") and decode(m)["down"]]
    assert len(clicks) == 20
    assert sorted(path.name for path in (opened / "stills").iterdir()) == [f"{t:012}-screen-1.png" for t in clicks]
    for t_us in clicks:
        still = np.asarray(Image.open(opened / "stills" / f"{t_us:012}-screen-1.png"))
        assert np.array_equal(still, pictures[max(t for t in pictures if t <= t_us)])


def test_a_folder_with_something_in_it_is_left_alone(held: Any, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(ConfigError, match="not an empty folder"):
        open_own(held.path, held.identity, tmp_path)
    with pytest.raises(ConfigError, match="not an empty folder"):
        open_own(held.path, held.identity, tmp_path / "mine")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_an_empty_folder_may_be_used(held: Any, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    open_own(held.path, held.identity, tmp_path, extras=Extras(table=False))
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700
    assert (tmp_path / "report.json").exists()


def test_another_key_opens_nothing_and_leaves_nothing(held: Any, tmp_path: Path) -> None:
    with pytest.raises(KeyError_):
        open_own(held.path, age.new_classical(), tmp_path / "mine")
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_session_leaves_nothing(sessions: ModuleType, tmp_path: Path) -> None:
    broken = sessions.make_held(tmp_path / "held")
    data = bytearray(broken.path.read_bytes())
    data[len(data) * 3 // 4] ^= 1
    broken.path.write_bytes(data)
    with pytest.raises(VerificationError):
        open_own(broken.path, broken.identity, tmp_path / "mine")
    assert not (tmp_path / "mine").exists()


def test_an_error_after_some_files_leaves_none_of_them(tmp_path: Path) -> None:
    with pytest.raises(VerificationError), OpenedFolder(tmp_path / "mine") as folder:
        with folder.create("stills/one.png") as file:
            file.write(b"x")
        with folder.create("events.mcap") as file:
            file.write(b"x")
        raise VerificationError("something was changed")
    assert list(tmp_path.iterdir()) == []


def test_progress_is_told_while_a_session_is_opened(held: Any, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    extras = Extras(stills=True, table=False)
    open_own(held.path, held.identity, tmp_path, extras=extras, progress=lambda *one: told.append(one))
    assert {"reading", "events.mcap", "screen-1.mp4", "events", "stills"} <= {what for what, _, _ in told}
    assert all(done <= total or not total for _, done, total in told)


@pytest.mark.promise("P3")
def test_nothing_is_on_disk_in_the_clear_while_a_session_is_released(
    sessions: ModuleType, held: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = b"canary-7f1d"
    record = json.dumps({"note": canary.decode()}).encode()
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    (tmp_path / "out").mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    monkeypatch.setattr("tempfile.tempdir", None)
    study = sessions.terms(sessions.recipient(age.new_classical()))
    terms = type(study)(study.policy, study.consent, record)
    looks = 0

    def look(*_: object) -> None:
        nonlocal looks
        looks += 1
        for path in tmp_path.rglob("*"):
            if path.is_file():
                data = path.read_bytes()
                assert canary not in data
                assert b"ustar\x0000" not in data
                assert b"\x89MCAP" not in data
                assert b"ftyp" not in data[:64]

    release(held.path, held.identity, terms, sessions.signer(), tmp_path / "out", progress=look)
    look()
    assert looks > 10
    assert list(scratch.iterdir()) == []


def _long(sessions: ModuleType, folder: Path, parts: int) -> tuple[Path, Identity]:
    """Return a held session of about `parts` × 256 KiB that does not compress."""
    from capture_agent.held.writer import Writer

    identity = age.new_classical()
    writer = Writer.create(folder, f"{parts:032}", identity.recipient, sessions.ABOUT)
    random = np.random.default_rng(1)
    for number in range(parts):
        text = random.integers(33, 90, 64 << 10, np.uint8).tobytes().decode().replace("\\", "/").replace('"', "'")
        made = sessions.events(Key(number * 1_200_000, True, 1, "a", text, (), False))
        writer.append([*made, *sessions.events(Button(number * 1_200_000 + 5, True, "left", 1, 1, False))])
    writer.close("stopped", {})
    return writer.path, identity


def _peak(sessions: ModuleType, path: Path, identity: Identity, out: Path) -> int:
    out.mkdir()
    terms = sessions.terms(sessions.recipient(age.new_classical()))
    tracemalloc.start()
    try:
        release(path, identity, terms, sessions.signer(), out)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("parts", [80, pytest.param(800, marks=pytest.mark.soak)])
def test_memory_does_not_grow_with_the_session(parts: int, sessions: ModuleType, tmp_path: Path) -> None:
    short = _peak(sessions, *_long(sessions, tmp_path / "short", 45), tmp_path / "a")
    long = _peak(sessions, *_long(sessions, tmp_path / "long", parts), tmp_path / "b")
    print(f"peak: {short >> 10} KiB for 45 parts, {long >> 10} KiB for {parts} parts")
    assert long < short + (1 << 20)
    assert long < 16 << 20


def test_messages_of_one_moment_are_all_there(sessions: ModuleType, tmp_path: Path) -> None:
    many = sessions.events(*(Move(7, n, 0, False) for n in range(9)))
    held = sessions.make_held(tmp_path / "held", many)
    open_own(held.path, held.identity, tmp_path / "mine", extras=Extras(table=False))
    data = (tmp_path / "mine" / "events.mcap").read_bytes()
    assert [message.data for message in read_log(io.BytesIO(data))] == [message.data for message in many]


def test_a_log_that_expands_beyond_what_was_said_is_read_no_further(sessions: ModuleType, tmp_path: Path) -> None:
    moves = sessions.events(*(Move(n, n, 0, False) for n in range(5000)))
    held = sessions.make_held(tmp_path / "held", moves)
    composed = compose(HeldRecording(held.path, held.identity), everything)
    (stream,) = composed.described.streams
    said = composed.described.model_copy(update={"streams": (stream.model_copy(update={"count": 10}),)})
    seen: list[int] = []
    with (
        pytest.raises(VerificationError, match=r"events\.mcap holds something else"),
        OpenedFolder(tmp_path / "a") as out,
    ):
        with out.create("events.mcap") as file:
            composed.members[0][1].make(file)
        derive(out, said, frozenset(), {}, progress=lambda what, done, total: seen.append(done))
    assert seen == [0]

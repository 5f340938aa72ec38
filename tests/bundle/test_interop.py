"""Bundles open with what everybody has: age and tar, npm's age-encryption, the mcap library, ffprobe."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from mcap.reader import make_reader

from capture_agent.keys import age
from capture_agent.outbox.release import Signer

NAMES = ["manifest.dsse.json", "consent.json", "events.mcap", "screen-1.mp4", "screen-2.mp4"]


@pytest.fixture(scope="module")
def unpacked(sessions: ModuleType, held: Any, who: Signer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classical bundle, opened as SECURITY.md says anybody can: `age -d -i me.key x.capture | tar x`."""
    folder = tmp_path_factory.mktemp("unpacked")
    me = age.new_classical()
    (folder / "me.key").write_text(me.secret)
    (made,) = sessions.released(held, who, folder / "out", sessions.recipient(me))
    files = folder / "files"
    files.mkdir()
    # tar stops at the end of the archive; with -i it reads the padding too, so that age gets to check every byte.
    for command in (
        f"age -d -i '{folder}/me.key' '{made.path}' | tar x -C '{files}'",
        f"set -o pipefail; age -d -i '{folder}/me.key' '{made.path}' | tar xi -C '{files}'",
    ):
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
        assert done.stderr == ""
    return files


@pytest.mark.promise("P4")
def test_debians_age_and_tar_open_a_classical_bundle(unpacked: Path) -> None:
    assert sorted(path.name for path in unpacked.iterdir()) == sorted(NAMES)


@pytest.mark.promise("P4")
def test_npms_age_encryption_opens_a_hybrid_bundle(
    node: Callable[..., bytes], sessions: ModuleType, held: Any, who: Signer, tmp_path: Path
) -> None:
    me = age.new_hybrid()
    (made,) = sessions.released(held, who, tmp_path / "out", sessions.recipient(me))
    tar = node("age.mjs", "decrypt", me.secret, given=made.path.read_bytes())
    assert [name for name, _ in sessions.members_of(tar)] == NAMES


def test_the_mcap_library_reads_the_events_by_index(unpacked: Path, held: Any) -> None:
    with (unpacked / "events.mcap").open("rb") as file:
        reader = make_reader(file)
        summary = reader.get_summary()
        assert summary is not None
        assert summary.chunk_indexes
        topics = {channel.topic for channel in summary.channels.values()}
        assert topics == {"keyboard", "pointer", "windows", "tasks", "marks"}
        assert all(schema.encoding == "jsonschema" for schema in summary.schemas.values())
        keys = [json.loads(message.data) for _, _, message in reader.iter_messages(topics=["keyboard"])]
    assert keys == [json.loads(message.data) for message in held.messages if message.topic == "keyboard"]


def test_ffprobe_counts_the_frames_at_their_exact_times(unpacked: Path, held: Any) -> None:
    for monitor, size in ((1, (320, 200)), (2, (160, 120))):
        command = [
            "ffprobe",
            "-v",
            "error",
            "-show_entries",
            "stream=codec_name,width,height:packet=pts_time",
            "-of",
            "json",
        ]
        path = str(unpacked / f"screen-{monitor}.mp4")
        probed = json.loads(subprocess.run([*command, path], capture_output=True, check=True).stdout)
        (stream,) = probed["streams"]
        assert (stream["codec_name"], stream["width"], stream["height"]) == ("h264", *size)
        times = [round(float(packet["pts_time"]) * 1_000_000) for packet in probed["packets"]]
        assert times == [message.t_us for message in held.messages if message.topic == f"screen/{monitor}"]


def test_ffmpeg_decodes_every_frame_without_a_word(unpacked: Path) -> None:
    for monitor in (1, 2):
        command = ["ffmpeg", "-v", "warning", "-i", str(unpacked / f"screen-{monitor}.mp4"), "-f", "null", "-"]
        assert subprocess.run(command, capture_output=True, text=True, check=True).stderr == ""


def test_what_pythons_tarfile_lists_is_what_was_signed(unpacked: Path, plain: bytes, sessions: ModuleType) -> None:

    with tarfile.open(fileobj=io.BytesIO(plain), mode="r|") as opened:
        assert [member.name for member in opened] == NAMES

"""How true a video is to the screen: SSIM against lossless grabs, and small text read back by OCR.

Each lossless grab was taken while probe N stood still; the frame to compare is the last one that
shows bar code N, whatever the video's clock says.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks import barcode, stage

Gray = NDArray[np.uint8]
COMPARED_HEIGHT = 1_040  # px from the top: below is the panel, which a recorder with an app list may paint over
OCR_SCALE = 3  # tesseract wants letters of 20 px and more
PAGE_BOX = (stage.READING_AT[0], stage.READING_AT[1] + 18, 700, 420)  # x, y, width, height of the page
TYPED_BOX = (stage.TYPING_AT[0], stage.TYPING_AT[1] + 18, 720, 460)


@dataclass(frozen=True, slots=True)
class Match:
    """One probe as decoded, and as it was. Luma, height × width."""

    number: int
    decoded: Gray
    truth: Gray


@dataclass(frozen=True, slots=True)
class Quality:
    """What a video preserves. Shares are 0 … 1; `probes` found of `expected`."""

    ssim: float
    ocr: float
    ocr_lossless: float
    probes: int
    expected: int
    frames: int


def gray(bgrx: NDArray[np.uint8]) -> Gray:
    """Return the luma (BT.709, full range) of (height, width, 4) BGRX pixels."""
    blue, green, red = (bgrx[..., n].astype(np.float32) for n in range(3))
    luma: Gray = np.rint(0.0722 * blue + 0.7152 * green + 0.2126 * red).astype(np.uint8)
    return luma


def frames(video: Path) -> Iterator[Gray]:
    """Yield the luma of every frame of a video, stretched to full range."""
    with av.open(str(video)) as container:
        for frame in container.decode(video=0):
            plane = frame.planes[0]
            luma = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]
            full = (luma.astype(np.float32) - 16) * (255 / 219)
            yield np.rint(full.clip(0, 255)).astype(np.uint8)


def match(video: Path, folder: Path) -> tuple[list[Match], int]:
    """Return the probes found in `video`, compared with the grabs in `folder`, and how many frames it has."""
    truths = {int(path.stem.rpartition("-")[2]): path for path in folder.glob("truth-*.npy")}
    last: dict[int, Gray] = {}
    count = 0
    for luma in frames(video):
        count += 1
        whole = luma if luma.shape == (1080, 1920) else np.asarray(Image.fromarray(luma).resize((1920, 1080)))
        number = barcode.read(whole)
        if number in truths:
            last[number] = whole
    found = [Match(number, last[number], gray(np.load(truths[number]))) for number in sorted(last)]
    return found, count


def ssim(pairs: Sequence[Match]) -> float:
    """Return the mean SSIM of the pairs' luma above the panel, by ffmpeg's `ssim` filter; 1 is identical."""
    values = []
    with tempfile.TemporaryDirectory() as folder:
        for pair in pairs:
            files = []
            for name, picture in (("a", pair.decoded), ("b", pair.truth)):
                file = Path(folder) / f"{name}.png"
                Image.fromarray(picture[:COMPARED_HEIGHT]).save(file, compress_level=1)
                files += ["-i", str(file)]
            graph = "[0]format=gray[a];[1]format=gray[b];[a][b]ssim"
            command = ("ffmpeg", "-hide_banner", *files, "-lavfi", graph, "-f", "null", "-")
            said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
            values.append(parse_ssim(said))
    return _mean(values)


def parse_ssim(said: str) -> float:
    """Return the number that ffmpeg's `ssim` filter printed at its end.

    Raises:
        ValueError: There is none.
    """
    found = re.findall(r"All:([0-9.]+|inf)", said)
    if not found:
        raise ValueError("ffmpeg printed no SSIM")
    return float(found[-1])


def read_text(picture: Gray, box: tuple[int, int, int, int]) -> str:
    """Return the text in a part of a picture, as tesseract reads it."""
    x, y, width, height = box
    part = Image.fromarray(picture[y : y + height, x : x + width])
    part = part.resize((width * OCR_SCALE, height * OCR_SCALE), Image.Resampling.LANCZOS)
    with tempfile.NamedTemporaryFile(suffix=".png") as file:
        part.save(file.name, compress_level=1)
        command = ("tesseract", file.name, "-", "--psm", "6", "-l", "eng")
        return subprocess.run(command, capture_output=True, text=True, check=True, env=_ONE_THREAD).stdout


_ONE_THREAD = {"OMP_THREAD_LIMIT": "1", "PATH": "/usr/local/bin:/usr/bin:/bin"}


def legible(read: str, shown: Sequence[str]) -> float:
    """Return the share of the characters shown that were read, in order; spaces and line ends do not count.

    By difflib's matching blocks, which may find a little less than there is, never more.
    """
    wanted = "".join("".join(shown).split())
    got = "".join(read.split())
    blocks = SequenceMatcher(None, wanted, got, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks) / len(wanted) if wanted else 1.0


def judge(video: Path, folder: Path, pages: dict[int, tuple[str, ...]]) -> tuple[Quality, list[Match]]:
    """Return what `video` preserves of the run whose grabs are in `folder`."""
    found, count = match(video, folder)
    read = [legible(read_text(pair.decoded, PAGE_BOX), pages[pair.number]) for pair in found]
    best = [legible(read_text(pair.truth, PAGE_BOX), pages[pair.number]) for pair in found]
    return Quality(ssim(found), _mean(read), _mean(best), len(found), len(pages), count), found


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0

"""Search everything that was written for words that must not be there, however they are written."""

from __future__ import annotations

import base64
import os
from pathlib import Path

CHUNK = 4 * 1024 * 1024  # bytes read at a time; a word across two chunks is found by their overlap


def writings(word: str) -> frozenset[bytes]:
    """Return the ways in which programs write `word`: encodings of text, backwards, hex, Base64 at each offset."""
    raw = word.encode()
    ways = {raw, raw[::-1], word.encode("utf-16-le"), word.encode("utf-16-be"), word.encode("utf-32-le")}
    ways |= {raw.hex().encode(), raw.hex().upper().encode(), raw.replace(b" ", b"%20")}
    for offset in range(3):
        # What stands before shifts the bits; the first and last characters mix with the neighbours.
        encoded = base64.b64encode(b"\0" * offset + raw).rstrip(b"=")
        first = -(-offset * 4 // 3)
        ways |= {encoded[first:-1], encoded[first:-1].replace(b"+", b"-").replace(b"/", b"_")}
    return frozenset(ways)


def hits(folder: Path, word: str) -> list[str]:
    """Return the files below `folder` that hold `word`, relative to it; sockets and pipes are passed over."""
    wanted = writings(word)
    overlap = max(len(way) for way in wanted)
    found = []
    for root, _, names in os.walk(folder):
        for name in names:
            path = Path(root, name)
            if path.is_file() and not path.is_symlink() and _holds(path, wanted, overlap):
                found.append(str(path.relative_to(folder)))
    return sorted(found)


def _holds(path: Path, wanted: frozenset[bytes], overlap: int) -> bool:
    before = b""
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(CHUNK):
                text = before + chunk
                if any(way in text for way in wanted):
                    return True
                before = text[-overlap:]
    except FileNotFoundError:
        return False  # it was removed while we looked: then nothing is left of it
    return False

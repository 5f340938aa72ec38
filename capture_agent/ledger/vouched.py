"""Entries that the head among the secrets vouches for: one chain of hashes instead of a signature each. Pure.

The head holds the hash of the last entry; that entry holds the hash of the one before it, and so on. So whoever knows
the head knows all lines before it, byte for byte, and they were checked when they were written or first read. A record
of 10,000 entries is read in a fifth of a second that way; checking each signature takes twenty times as long.
"""

from __future__ import annotations

import binascii
import hashlib
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

_PAYLOAD = b'{"payload":"'  # as `dsse` writes it; whatever a line has besides was checked when it was read first


class Vouched(NamedTuple):
    """One line, what it says, its SHA-256, and whether it may name a text that is kept beside the record."""

    line: bytes
    payload: dict[str, Any]
    sha256: str
    names_text: bool


def vouched(lines: Sequence[bytes], head: str, before: str) -> tuple[Vouched, ...] | None:
    """Return what `lines` say if `head` is the hash of the last one and each names the one before; `before` the first.

    None: they are not that, or not well formed; then each has to be looked at by itself, to say what is wrong.
    """
    hashes = [hashlib.sha256(line).hexdigest() for line in lines]
    if not lines or hashes[-1] != head:
        return None
    try:
        said = list(map(_payload, lines))
        # All of them at once: what reads JSON is called once, not ten thousand times.
        payloads = json.loads(b"[%s]" % b",".join(said))
        chained = [one["prev"] for one in payloads] == [before, *hashes[:-1]]
    except (ValueError, KeyError, TypeError):
        return None
    # A line that held two things, or half of one, would be found here: from the last one back, each hash is that of a
    # line that was written whole.
    if len(payloads) != len(lines) or not chained:
        return None
    return tuple(map(Vouched, lines, payloads, hashes, (b'"text"' in one for one in said)))


def _payload(line: bytes) -> bytes:
    """Return what a line says: no JSON to be read for that, as what is in Base64 needs no escapes.

    Raises:
        ValueError: It is not the first thing in it.
    """
    if not line.startswith(_PAYLOAD):
        raise ValueError
    return binascii.a2b_base64(line[len(_PAYLOAD) : line.index(b'"', len(_PAYLOAD))], strict_mode=True)

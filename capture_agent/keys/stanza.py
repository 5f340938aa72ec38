"""The header of an age file: stanzas, each with the file key wrapped for one recipient, and their MAC.

Source: C2SP age, "The age file header". Reading is strict: base64 is canonical, lines are as long
as the format says, so that there is one way only to write a header.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Sequence
from typing import BinaryIO, NamedTuple

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

FILE_KEY_BYTES = 16
MAX_HEADER_BYTES = 1 << 20  # about 500 hybrid recipients; no honest header is longer
_VERSION_LINE = b"age-encryption.org/v1\n"
_STANZA_START = b"-> "
_MAC_START = b"---"
_ARGUMENT = re.compile(r"[!-~]+")
_COLUMNS = 64  # characters of a full line of a stanza's body


class Stanza(NamedTuple):
    """One recipient's part of the header. `args[0]` is its type."""

    args: tuple[str, ...]
    body: bytes

    @property
    def type(self) -> str:
        """What kind of recipient it is for."""
        return self.args[0]


class Header(NamedTuple):
    """The stanzas of a file, and what authenticates them once the file key is known."""

    stanzas: tuple[Stanza, ...]
    signed: bytes  # from the first byte to the `---`
    mac: bytes

    def is_authentic(self, file_key: bytes) -> bool:
        """Whether the header is as it was written by who chose `file_key`."""
        return hmac.compare_digest(self.mac, _mac(self.signed, file_key))


def write(stanzas: Sequence[Stanza], file_key: bytes) -> bytes:
    """Return a whole header."""
    lines = [_VERSION_LINE]
    for stanza in stanzas:
        lines.append(_STANZA_START + " ".join(stanza.args).encode() + b"\n")
        body = b64encode(stanza.body).encode()
        # The body ends with a line that is not full, even if that line is empty.
        lines += [body[n : n + _COLUMNS] + b"\n" for n in range(0, len(body) + 1, _COLUMNS)]
    signed = b"".join(lines) + _MAC_START
    return signed + b" " + b64encode(_mac(signed, file_key)).encode() + b"\n"


def read(stream: BinaryIO) -> Header:
    """Read a header, up to and with its last line feed.

    Raises:
        ValueError: It is not the header of an age v1 file.
    """
    lines = _Lines(stream)
    if lines.next() != _VERSION_LINE:
        raise ValueError("it does not begin as an age v1 file does")
    stanzas: list[Stanza] = []
    while (line := lines.next()).startswith(_STANZA_START):
        args = tuple(line[len(_STANZA_START) : -1].decode("ascii").split(" "))
        if not all(map(_ARGUMENT.fullmatch, args)):
            raise ValueError("a stanza of its header is not well formed")
        body = [lines.next()]
        while len(body[-1]) == _COLUMNS + 1:
            body.append(lines.next())
        if len(body[-1]) > _COLUMNS:
            raise ValueError("a line of its header is too long")
        stanzas.append(Stanza(args, b64decode(b"".join(part[:-1] for part in body).decode("ascii"))))
    if not stanzas or not line.startswith(_MAC_START + b" "):
        raise ValueError("its header is not well formed")
    mac = b64decode(line[len(_MAC_START) + 1 : -1].decode("ascii"))
    return Header(tuple(stanzas), lines.before_last + _MAC_START, mac)


def b64encode(data: bytes) -> str:
    """Return unpadded standard base64."""
    return base64.b64encode(data).decode().rstrip("=")


def b64decode(text: str) -> bytes:
    """Return the bytes of unpadded, canonical base64.

    Raises:
        ValueError: It is not that, or could be written in another way.
    """
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        raise ValueError("it holds base64 that is not well formed") from None
    if b64encode(data) != text:
        raise ValueError("it holds base64 that is not canonical")
    return data


def _mac(signed: bytes, file_key: bytes) -> bytes:
    key = HKDF(SHA256(), 32, salt=None, info=b"header").derive(file_key)
    return hmac.digest(key, signed, "sha256")


class _Lines:
    """The lines of a header, bounded, with what has been read until now."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._read: list[bytes] = []
        self._bytes = 0

    def next(self) -> bytes:
        """Return the next line with its line feed.

        Raises:
            ValueError: There is none, or the header is too long.
        """
        line = self._stream.readline(MAX_HEADER_BYTES - self._bytes)
        if not line.endswith(b"\n"):
            raise ValueError("its header is cut short or too long")
        self._read.append(line)
        self._bytes += len(line)
        return line

    @property
    def before_last(self) -> bytes:
        """Everything before the line that was read last."""
        return b"".join(self._read[:-1])

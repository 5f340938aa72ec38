"""The payload of an age file: chunks of 64 KiB, each authenticated, the last one marked as last.

What has been read was authentic; that nothing is missing is known when the end was read without
an error. Source: C2SP age, "Payload" (STREAM).
"""

from __future__ import annotations

import io
import secrets
from typing import TYPE_CHECKING, BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from capture_agent.core.errors import VerificationError
from capture_agent.core.language import noted

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

CHUNK_BYTES = 64 * 1024
_TAG_BYTES = 16
_NONCE_BYTES = 16
_COUNTER_BYTES = 11
_DAMAGED_HINT = "Get the file again from where it came from; what was read before this point was authentic."


class SealedWriter(io.RawIOBase):
    """Writes the payload to `stream`. Without `finish` a reader sees that the end is missing.

    Not to be used after an error of `stream`.
    """

    def __init__(self, stream: BinaryIO, file_key: bytes) -> None:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        self._stream = stream
        self._cipher = _payload_cipher(file_key, nonce)
        self._waiting = (
            bytearray()
        )  # never empty once something was written: the last chunk is not known before the end
        self._chunks = 0
        self._written = 0
        stream.write(nonce)

    def writable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Return how many bytes of plaintext were written."""
        return self._written

    def write(self, data: ReadableBuffer) -> int:
        """Take all of `data`, and write the chunks that are full."""
        view = memoryview(data).cast("B")
        self._waiting += view
        self._written += len(view)
        whole = (len(self._waiting) - 1) // CHUNK_BYTES if self._waiting else 0
        for n in range(whole):
            self._put(self._waiting[n * CHUNK_BYTES : (n + 1) * CHUNK_BYTES], last=False)
        if whole:
            del self._waiting[: whole * CHUNK_BYTES]
        return len(view)

    def finish(self) -> None:
        """Write the last chunk. `stream` is neither synced nor closed."""
        self._put(self._waiting, last=True)
        self._waiting = bytearray()

    def _put(self, chunk: bytearray, *, last: bool) -> None:
        self._stream.write(self._cipher.encrypt(_nonce(self._chunks, last=last), bytes(chunk), None))
        self._chunks += 1


class OpenedReader(io.RawIOBase):
    """Reads the payload from `stream`, in order only, holding two chunks at most."""

    def __init__(self, stream: BinaryIO, file_key: bytes) -> None:
        nonce = _read_up_to(stream, _NONCE_BYTES)
        if len(nonce) != _NONCE_BYTES:
            raise _damaged(noted("the sealed file is cut short"))
        self._stream = stream
        self._cipher = _payload_cipher(file_key, nonce)
        self._sealed = _read_up_to(stream, CHUNK_BYTES + _TAG_BYTES)
        self._open = memoryview(b"")
        self._chunks = 0
        self._ended = False
        self._advance()  # so that an empty or foreign payload shows before anything is read

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill `buffer` as far as the current chunk goes; 0 at the end.

        Raises:
            VerificationError: The next chunk was changed, moved, or the end is missing.
        """
        if not self._open and not self._ended:
            self._advance()
        view = memoryview(buffer).cast("B")
        count = min(len(view), len(self._open))
        view[:count] = self._open[:count]
        self._open = self._open[count:]
        return count

    def _advance(self) -> None:
        following = _read_up_to(self._stream, CHUNK_BYTES + _TAG_BYTES)
        last = not following
        self._open = memoryview(_open_chunk(self._cipher, self._chunks, self._sealed, last=last))
        self._sealed = following
        self._chunks += 1
        self._ended = last


def opened(payload: memoryview, file_key: bytes) -> bytes:
    """Return all that is in `payload`, which is in memory as a whole: what `OpenedReader` reads, in less time.

    Raises:
        VerificationError: It was changed or is cut short.
    """
    if len(payload) < _NONCE_BYTES:
        raise _damaged(noted("the sealed file is cut short"))
    cipher, sealed = _payload_cipher(file_key, bytes(payload[:_NONCE_BYTES])), payload[_NONCE_BYTES:]
    chunks: list[bytes] = []
    for start in range(0, max(1, len(sealed)), CHUNK_BYTES + _TAG_BYTES):
        end = start + CHUNK_BYTES + _TAG_BYTES
        chunks.append(_open_chunk(cipher, len(chunks), sealed[start:end], last=end >= len(sealed)))
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _open_chunk(cipher: ChaCha20Poly1305, number: int, sealed: bytes | memoryview, *, last: bool) -> bytes:
    try:
        chunk = cipher.decrypt(_nonce(number, last=last), sealed, None)
    except InvalidTag:
        raise _damaged(noted("the sealed file was changed or is cut short")) from None
    if not chunk and number:  # only a payload without any byte has an empty chunk
        raise _damaged(noted("the sealed file ends in a way that no age file does"))
    return chunk


def _payload_cipher(file_key: bytes, nonce: bytes) -> ChaCha20Poly1305:
    return ChaCha20Poly1305(HKDF(SHA256(), 32, salt=nonce, info=b"payload").derive(file_key))


def _nonce(chunk: int, *, last: bool) -> bytes:
    return chunk.to_bytes(_COUNTER_BYTES, "big") + bytes([last])


def _read_up_to(stream: BinaryIO, wanted: int) -> bytes:
    """Return `wanted` bytes, fewer only at the end: a raw stream may return less at a time."""
    parts = []
    while wanted and (part := stream.read(wanted)):
        parts.append(part)
        wanted -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _damaged(sentence: str) -> VerificationError:
    return VerificationError(sentence, hint=_DAMAGED_HINT)

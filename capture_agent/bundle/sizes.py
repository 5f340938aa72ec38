"""How long a bundle file is, so that its length says little about what is in it.

The unit is one age chunk as stored: 64 KiB and its 16-byte tag. The number of chunks is rounded
up with Padmé (Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and
Communication with PURBs", PETS 2019, section 4): of a length of E + 1 bits only the upper
⌊log₂ E⌋ + 1 may differ from zero. A length then tells O(log log n) bits, at no more than 12 % of overhead.
"""

from __future__ import annotations

CHUNK = 65_536  # bytes of plaintext in an age chunk (age specification, "Payload")
SEALED_CHUNK = CHUNK + 16  # the same chunk as stored, with its tag
NONCE = 16  # bytes between an age header and its first chunk
HEADER_ROOM = CHUNK - 2 * NONCE  # bytes that the age header may take: about 30 hybrid recipients
MIN_CHUNKS = 16  # 1 MiB; below that all bundles look alike


def padme(length: int) -> int:
    """Return `length` rounded up to the next size that Padmé allows."""
    if length < 2:
        return length
    exponent = length.bit_length() - 1
    free = exponent - exponent.bit_length()
    mask = (1 << max(free, 0)) - 1
    return (length + mask) & ~mask


def chunks(content: int) -> int:
    """Return how many sealed chunks long the file is that holds `content` bytes of tar.

    It depends on nothing but `content`: room for the longest header is counted always, because
    an age header may contain random stanzas.
    """
    needed = -(-(content + HEADER_ROOM + NONCE) // CHUNK)
    return padme(max(needed, MIN_CHUNKS))


def file_size(content: int) -> int:
    """Return the size in bytes of the file that holds `content` bytes of tar."""
    return chunks(content) * SEALED_CHUNK


def plain_size(content: int, age_header: int) -> int:
    """Return how many bytes of plaintext make the file `file_size(content)` bytes long.

    `age_header` is the length of the age header in bytes, at most `HEADER_ROOM`. The header and
    nonce take the place of as much plaintext in the last chunk.
    """
    return chunks(content) * CHUNK - age_header - NONCE


def most_plain(content: int) -> int:
    """Return the most plaintext that a file with `content` bytes of tar can hold."""
    return plain_size(content, 0)

"""The tar inside a bundle: ustar (POSIX.1-1988), one way to write each header, and no other way is read.

Nothing of the machine that wrote it is in a header: no owner, no time, mode 0600. A reader
rebuilds the header from the name and size that it found and compares every byte, so there is
nothing to hide in and nothing for another tar program to interpret differently.
"""

from __future__ import annotations

from capture_agent.core.errors import VerificationError

BLOCK = 512  # bytes; POSIX
END = bytes(2 * BLOCK)  # two zero blocks end a tar
MAX_SIZE = 8**11 - 1  # bytes; what eleven octal digits can say (8 GiB)
MAX_NAME = 99  # bytes; the field has 100, and one NUL ends it

_CHECKSUM = slice(148, 156)


def header(name: str, size: int) -> bytes:
    """Return the 512 bytes that stand before a member of `size` bytes.

    Raises:
        ValueError: The name or size cannot be said in this form. Callers have checked both.
    """
    raw = name.encode("ascii")
    if not 0 < len(raw) <= MAX_NAME or not 0 <= size <= MAX_SIZE:
        raise ValueError("name or size does not fit a ustar header")
    fields = (
        raw.ljust(100, b"\0"),
        b"0000600\0",  # mode
        b"0000000\0",  # uid
        b"0000000\0",  # gid
        b"%011o\0" % size,
        b"00000000000\0",  # mtime
        b" " * 8,  # checksum, counted as spaces
        b"0",  # a plain file
        bytes(100),  # link name
        b"ustar\x0000",
        bytes(32),  # user name
        bytes(32),  # group name
        b"0000000\0",  # device, major
        b"0000000\0",  # device, minor
        bytes(155 + 12),  # prefix; padding
    )
    block = bytearray(b"".join(fields))
    block[_CHECKSUM] = b"%06o\0 " % sum(block)
    return bytes(block)


def parse(block: bytes) -> tuple[str, int]:
    """Return name and size of the member that follows `block`.

    Raises:
        VerificationError: `block` is not, byte for byte, what `header` makes.
    """
    raw = block[:100].rstrip(b"\0")
    try:
        name, size = raw.decode("ascii"), int(block[124:135], 8)
        canonical = header(name, size)
    except ValueError:  # UnicodeDecodeError is one too
        canonical = b""
        name, size = "", 0
    if canonical != block:
        raise VerificationError(
            "a file header inside the bundle was changed, or was not written by Capture Agent",
            hint="Ask the participant to send the bundle again.",
        )
    return name, size


def filling(size: int) -> int:
    """Return how many zero bytes follow a member of `size` bytes."""
    return -size % BLOCK

"""Bech32 (BIP-173, without its length limit): the text form of age keys and of our signing keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

_ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECKSUM_LENGTH = 6


class Bech32Error(ValueError):
    """The text is not Bech32. The message says what is wrong and where, and never repeats the text."""


def encode(prefix: str, data: bytes) -> str:
    """Return `data` as lower-case Bech32 with `prefix`."""
    values = list(_regroup(data, 8, 5, pad=True))
    check = _polymod([*_expand(prefix), *values, *([0] * _CHECKSUM_LENGTH)]) ^ 1
    values += [check >> 5 * (_CHECKSUM_LENGTH - 1 - n) & 31 for n in range(_CHECKSUM_LENGTH)]
    return f"{prefix}1{''.join(_ALPHABET[value] for value in values)}"


def decode(text: str) -> tuple[str, bytes]:
    """Return the prefix in lower case, and the data.

    Raises:
        Bech32Error: What is wrong, and at which character, counted from 1.
    """
    if text not in {text.lower(), text.upper()}:
        raise Bech32Error("it mixes capital and small letters")
    lower = text.lower()
    prefix, separator, rest = lower.rpartition("1")
    if not separator or not prefix or len(rest) < _CHECKSUM_LENGTH:
        raise Bech32Error("it is not a whole key: a part is missing")
    for place, character in enumerate(rest, len(prefix) + 2):
        if character not in _VALUES:
            raise Bech32Error(f"character {place} is one that no key contains")
    values = [_VALUES[character] for character in rest]
    residue = _polymod([*_expand(prefix), *values]) ^ 1
    if residue:
        places = [len(lower) - back for back in _single_errors(residue, len(rest))]
        where = " or ".join(str(place) for place in sorted(places))
        raise Bech32Error(f"character {where} looks wrong" if where else "more than one character is wrong or missing")
    return prefix, bytes(_regroup(values[:-_CHECKSUM_LENGTH], 5, 8, pad=False))


def _polymod(values: Iterable[int], start: int = 1) -> int:
    """Return the checksum register of BIP-173 after `values`."""
    register = start
    for value in values:
        top = register >> 25
        register = (register & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(_GENERATOR):
            if top >> bit & 1:
                register ^= generator
    return register


def _single_errors(residue: int, length: int) -> Iterator[int]:
    """Yield how many characters from the end a single mistyped character stands that explains `residue`.

    The code is linear: a difference d at distance n from the end leaves the residue d·xⁿ. It
    repeats every 1023 characters, so a long key can have two such places.
    """
    differences = list(range(1, 32))
    for back in range(length):
        if residue in differences:
            yield back
        differences = [_polymod([0], difference) for difference in differences]


def _expand(prefix: str) -> list[int]:
    codes = prefix.encode("ascii", "replace")
    return [*(code >> 5 for code in codes), 0, *(code & 31 for code in codes)]


def _regroup(data: Iterable[int], width: int, wanted: int, *, pad: bool) -> Iterator[int]:
    """Yield the bits of `data`, groups of `width`, in groups of `wanted`; unpadded, what is over must be zero."""
    register = bits = 0
    for group in data:
        register = register << width | group
        bits += width
        while bits >= wanted:
            bits -= wanted
            yield register >> bits
            register &= (1 << bits) - 1
    if pad:
        if bits:
            yield register << (wanted - bits)
    elif bits >= width or register:
        raise Bech32Error("its last character is not one that a whole key ends with")

"""Secrets in ordinary text, found by their form: numbers of cards and accounts, keys, tokens, named passwords. Pure.

Each pattern is anchored, so that text and code are left alone: at most 1 % of the lines of a clean
corpus may be hit. What has no form of its own (a password in a sentence) is not found.

Text that is still being typed has a second question, `undecided`: from where on can what comes next make a secret
of it? Each pattern has its beginnings there; a test types the corpus of secrets and holds the two against each other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

MASK = "▇▇▇"  # of one length, whatever it stands for

_CARD = re.compile(r"(?<![\w.,/+-])\d(?:[ -]?\d){12,18}(?![\w/]|[.,-]\d)")  # ISO/IEC 7812: 13 to 19 digits
_IBAN = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}(?!\w)", re.IGNORECASE)  # ISO 13616
_PRIVATE_KEY = re.compile(
    r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"
    r"(?:.*?-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----|.*)",
    re.DOTALL,
)
_KEY_HEAD = re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----")
_KEY_END = re.compile(r"-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----")
_AGE_KEY = re.compile(r"AGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]{20,}")
_JWT = re.compile(
    r"(?<![\w.-])eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{16,}(?![\w.-])"
)  # RFC 7519: header and claims are JSON objects
# Prefixes that their issuers made to be found: each with the least length that is issued.
_TOKEN = re.compile(
    r"""(?<![\w-])(?:
        gh[pousr]_[A-Za-z0-9]{30,} | github_pat_\w{30,} | glpat-[\w-]{20,} | xox[abeprs]-[\w-]{10,}
        | sk-(?:proj-|ant-|live-)?[\w-]{20,} | [rs]k_(?:live|test)_[A-Za-z0-9]{16,} | (?:AKIA|ASIA)[A-Z0-9]{16}
        | AIza[\w-]{35} | npm_[A-Za-z0-9]{30,} | pypi-[\w-]{30,} | hf_[A-Za-z0-9]{30,} | dop_v1_[a-f0-9]{40,}
    )(?![\w-])""",
    re.VERBOSE,
)
_NAMES = "passwor[dt]|passwd|passphrase|pwd|secret|api[_-]?key|access[_-]?token|auth[_-]?token|client[_-]?secret"
# The value only; `password=os.environ[…]`, `password = None` and questions about passwords are code and prose.
_NAMED = re.compile(
    rf"""(?i)(?<![A-Za-z])(?:{_NAMES})["']?\s*(?:=|:)\s*
        (?P<value>"(?=[^"\s]*\d)[^"\s]{{6,}}" | '(?=[^'\s]*\d)[^'\s]{{6,}}'
            | (?=[^\s"'&;,()\[\]{{}}<>]*\d)[^\s"'&;,()\[\]{{}}<>.]{{6,}}(?![\w.(\[]))""",
    re.VERBOSE,
)
_BEARER = re.compile(r"(?i)\bauthorization:\s*(?:bearer|basic|token)\s+(?P<value>[\w.~+/=-]{12,})")
_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/:@]+:(?P<value>[^\s/@]{3,})@")


def _is_card(found: str) -> bool:
    """ISO/IEC 7812-1, annex B (Luhn); one digit repeated is no number of a card."""
    digits = [int(character) for character in found if character.isdecimal()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0 and len(set(digits)) > 1 and digits[0] in {2, 3, 4, 5, 6}


def _is_iban(found: str) -> bool:
    """ISO 13616: the first four characters moved to the end, letters as numbers, mod 97 is 1."""
    packed = found.replace(" ", "").upper()
    return int("".join(str(int(c, 36)) for c in packed[4:] + packed[:4])) % 97 == 1


_ALWAYS = (_PRIVATE_KEY, _AGE_KEY, _JWT, _TOKEN, _BEARER, _URL, _NAMED)
# Numbers with a check: what follows in the same line may look as if it belonged to them, so shorter ones are tried too.
_CHECKED: tuple[tuple[re.Pattern[str], Callable[[str], bool], int], ...] = (
    (_IBAN, _is_iban, 15),
    (_CARD, _is_card, 13),
)


# What the text ends with while a secret may be coming, from where on it is one: what announces it (`ghp_`, `password=`,
# the country of an account) is none. One character more where a pattern above looks ahead.
_ISSUED = r"gh[pousr]_|github_pat_|glpat-|xox[abeprs]-|sk-|[rs]k_(?:live|test)_|AKIA|ASIA|AIza|npm_|pypi-|hf_|dop_v1_"
_BEGINNINGS = tuple(
    re.compile(pattern + r"\Z", flags)
    for pattern, flags in (
        (r"(?<![\w.,/+-])(?P<value>\d(?:[ -]?\d){0,18}[ .,-]?)", 0),
        (r"(?<!\w)[A-Z]{2}(?P<value>\d(?:\d(?: ?[A-Z0-9]){0,30} ?)?)", re.IGNORECASE),
        (r"AGE-SECRET-KEY-(?:PQ-)?1(?P<value>[0-9A-Z]*)", 0),
        (r"(?<![\w.-])eyJ(?P<value>[\w-]*(?:\.(?:ey?|eyJ[\w-]*(?:\.[\w-]*)?)?)?)", 0),
        (rf"(?<![\w-])(?:{_ISSUED})(?P<value>[\w-]*)", 0),
        (
            rf"""(?<![A-Za-z])(?:{_NAMES})["']?\s*(?:=|:)\s*"""
            r"""(?P<value>"[^"\s]*"?|'[^'\s]*'?|[^\s"'&;,()\[\]{}<>.]*)""",
            re.IGNORECASE,
        ),
        (r"\bauthorization:\s*(?:bearer|basic|token)\s+(?P<value>[\w.~+/=-]*)", re.IGNORECASE),
        (r"[a-z][a-z0-9+.-]*://[^\s/:@]+:(?P<value>[^\s/@]*)", 0),
    )
)


def undecided(text: str) -> int:
    """Return where the end of `text` begins that more characters can still make a secret of; its length: nowhere.

    A private key is not looked for: its first line announces it (`private_key_is_open`).
    """
    begins = len(text)
    for pattern in _BEGINNINGS:
        match = pattern.search(text)
        if match is not None:
            begins = min(begins, match.start("value"))
    # A secret that is whole already may become longer, or turn out to be none.
    return min([begins, *(start for start, end in secrets_in(text) if end > begins)])


def private_key_is_open(text: str) -> bool:
    """Whether a private key begins in `text` that does not end there."""
    return any(_KEY_END.search(text, match.start()) is None for match in _KEY_HEAD.finditer(text))


def private_key_ends(text: str) -> bool:
    """Whether `text` ends with the end of a private key."""
    return any(match.end() == len(text) for match in _KEY_END.finditer(text))


def secrets_in(text: str) -> tuple[tuple[int, int], ...]:
    """Return the spans (start, end) of `text` that are secrets, in order and disjoint."""
    spans = sorted(_found(text))
    joined: list[tuple[int, int]] = []
    for start, end in spans:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)


def _found(text: str) -> Iterator[tuple[int, int]]:
    for pattern in _ALWAYS:
        for match in pattern.finditer(text):
            yield match.span("value" if "value" in pattern.groupindex else 0)
    for pattern, holds, least in _CHECKED:
        for match in pattern.finditer(text):
            start, end = match.span()
            while end - start >= least and not holds(text[start:end]):
                end = max(text.rfind(" ", start, end), text.rfind("-", start, end))
            if end - start >= least:
                yield start, end


def scrub(text: str) -> str:
    """Return `text` with `MASK` in place of each secret."""
    result, done = "", 0
    for start, end in secrets_in(text):
        result, done = result + text[done:start] + MASK, end
    return result + text[done:]

"""JSON that can be read in one way only, and written in one way only.

Parsers disagree about a key that stands twice, about NaN and about half a surrogate pair. What
they disagree about could be checked as one thing and used as another, so it is refused.
"""

from __future__ import annotations

import json
import math
import re
from typing import NoReturn

from capture_agent.core.errors import VerificationError
from capture_agent.core.language import noted

_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


def strict_json(data: bytes, name: str = "the file") -> object:
    """Return the value in `data`; `name` is what errors call it.

    Raises:
        VerificationError: Not UTF-8, not JSON, a key twice, a number not finite, half a surrogate pair, too deep.
    """
    try:
        text = data.decode("utf-8")
        found: object = json.loads(text, object_pairs_hook=_unique, parse_constant=_not_finite, parse_float=_finite)
        if _SURROGATE_ESCAPE.search(text):
            json.dumps(found, ensure_ascii=False).encode("utf-8")
    except _NotStrictError as error:
        raise _refused(name, str(error)) from None
    except (ValueError, RecursionError):
        raise _refused(name, noted("it is not JSON")) from None
    return found


def strict_object(data: bytes, name: str = "the file") -> dict[str, object]:
    """Return the object in `data`; as `strict_json`, and anything but an object is refused."""
    found = strict_json(data, name)
    if not isinstance(found, dict):
        raise _refused(name, noted("it is not a JSON object"))
    return found


def canonical_json(value: object) -> bytes:
    """Return `value` as compact UTF-8 JSON with sorted keys: equal values give equal bytes."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("utf-8")


class _NotStrictError(ValueError):
    """What strict reading refuses although other parsers take it."""


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _NotStrictError(noted("a key stands in it twice"))
    return found


def _not_finite(_: str) -> NoReturn:
    raise _NotStrictError(noted("it holds a number that is not finite"))


def _finite(text: str) -> float:
    number = float(text)  # "1e999" is JSON, and infinite
    return number if math.isfinite(number) else _not_finite(text)


def _refused(name: str, why: str) -> VerificationError:
    return VerificationError(
        "{name} cannot be trusted: {why}", hint="Get it again from where it came from.", name=name, why=why
    )

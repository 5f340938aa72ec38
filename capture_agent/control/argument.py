"""What a command takes: of which kind, and how long or large at most."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from capture_agent.core.errors import ConfigError

_UNPRINTED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")  # half a surrogate pair cannot be stored


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument: `str` has `least` to `most` characters, `int` lies between them. Nothing else is accepted."""

    kind: type[int] | type[str]
    least: int
    most: int
    required: bool = False

    def check(self, name: str, value: object) -> int | str:
        """Return `value` if it may be used.

        Raises:
            ConfigError: It may not; the value itself is not repeated.
        """
        if type(value) is not self.kind or not isinstance(value, int | str):
            raise ConfigError(f"{name} must be {_NOUN[self.kind]}")
        if isinstance(value, str) and _UNPRINTED.search(value):
            raise ConfigError(f"{name} must not have control characters")
        size, unit = (value, "") if isinstance(value, int) else (len(value), " characters")
        if not self.least <= size <= self.most:
            raise ConfigError(f"{name} must be {self.least} to {self.most}{unit}")
        return value


_NOUN: Mapping[type, str] = {int: "a whole number", str: "a text"}

"""Programs that are never recorded: read once from the data file beside this module."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources


@cache
def never_recorded() -> frozenset[str]:
    """Return the names, in lower case, of programs that are always out."""
    text = resources.files("capture_agent.core").joinpath("never.toml").read_text("utf-8")
    return frozenset(name for group in tomllib.loads(text)["never"] for name in group["names"])

"""Lengths of time as people type them: 15m, 1h, 1h30m."""

from __future__ import annotations

import re

import typer

_LENGTH = re.compile(r"(?=\d)(?:(\d{1,5})h)?(?:(\d{1,5})m)?", re.ASCII)


def minutes(text: str, *, most: int) -> int:
    """Return the length in minutes, 1 to `most`.

    Raises:
        typer.BadParameter: It is none, or out of range.
    """
    found = _LENGTH.fullmatch(text.strip().lower())
    if found is None:
        raise typer.BadParameter("say minutes or hours, such as 15m or 1h")
    length = int(found[1] or 0) * 60 + int(found[2] or 0)
    if not 1 <= length <= most:
        raise typer.BadParameter(f"say 1m to {most // 60}h")
    return length

"""The file that starts a program when its user logs in.

Specifications: freedesktop.org, "Desktop Application Autostart" 0.5 and "Desktop Entry" 1.5 (quoting: "The Exec key").
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

NAME = "capture-agent.desktop"
_ESCAPED = '"`$\\'  # within quotes, each of these has a backslash before it


def command() -> tuple[str, ...]:
    """Return what starts this program again, with full paths."""
    started = shutil.which(sys.argv[0]) if Path(sys.argv[0]).name == "capture-agent" else None
    if started is not None:
        return (str(Path(started).absolute()),)
    return (sys.executable, "-m", "capture_agent")


def entry(words: Sequence[str]) -> str:
    """Return the file's content: `words` is the command."""
    return (
        "[Desktop Entry]\n"
        "Type=Application\n"
        "Name=Capture Agent\n"
        "Comment=Records only while you agree\n"
        "Comment[de]=Nimmt nur auf, solange Sie zustimmen\n"
        f"Exec={' '.join(map(_quoted, words))}\n"
        "Terminal=false\n"
    )


def _quoted(word: str) -> str:
    escaped = "".join(f"\\{char}" if char in _ESCAPED else char for char in word)
    # The value itself is a string of a key file, in which a backslash is written twice; % begins a field code.
    return f'"{escaped}"'.replace("\\", "\\\\").replace("%", "%%")

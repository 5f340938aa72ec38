"""What the figures were measured on: facts that explain them, and nothing that names the machine or its owner."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

LIBRARIES = ("av", "mss", "numpy", "mcap", "pyrage", "PySide6-Essentials", "python-xlib")


def when_and_what() -> dict[str, str]:
    """Return the date (UTC) and the commit that is measured, "+" behind it if files differ that are not its docs."""
    place = Path(__file__).parent.parent
    git = ("git", "-C", str(place), "-c", "safe.directory=*")
    commit = subprocess.run((*git, "rev-parse", "--short", "HEAD"), capture_output=True, text=True, check=False).stdout
    program = ("status", "--short", "-uno", "--", ".", ":!docs")
    changed = subprocess.run((*git, *program), capture_output=True, text=True, check=False).stdout
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": (commit.strip() or "unknown") + ("+" if changed.strip() else ""),
    }


def facts() -> dict[str, object]:
    """Return processor, memory, system and versions."""
    information = Path("/proc/cpuinfo").read_text("utf-8")
    models = re.findall(r"model name\s*:\s*(.+)", information)
    memory = re.search(r"MemTotal:\s*(\d+) kB", Path("/proc/meminfo").read_text("ascii"))
    release = platform.freedesktop_os_release() if hasattr(platform, "freedesktop_os_release") else {}
    ffmpeg = subprocess.run(("ffmpeg", "-version"), capture_output=True, text=True, check=True).stdout
    return {
        "processor": models[0] if models else platform.processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(int(memory[1]) / 1e6, 1) if memory else None,
        "system": release.get("PRETTY_NAME", platform.system()),
        "python": platform.python_version(),
        "ffmpeg": ffmpeg.split()[2],
        "load": round(os.getloadavg()[0], 2),
        "libraries": {name: importlib.metadata.version(name) for name in LIBRARIES},
    }

"""Where the files lie. No environment variable can put another policy in the place of the system's."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

from capture_agent.core.errors import DesktopError
from capture_agent.settings.problems import Problem, WrongFileError

APP = "capture-agent"
POLICY_NAME = "policy.toml"
_CSIDL_COMMON_APPDATA = 0x0023  # shlobj_core.h; asked of Windows, because %ProgramData% can be set by anyone
_MAX_PATH = 260


def system_policy_path(platform: str = sys.platform) -> Path:
    """Return where an administrator puts a policy for everyone on this machine."""
    if platform == "win32":
        return _program_data() / APP / POLICY_NAME
    if platform == "darwin":
        return Path("/Library/Application Support") / APP / POLICY_NAME
    return Path("/etc") / APP / POLICY_NAME


def policy_path(joined: Path | None, *, system: Path | None = None) -> Path | None:
    """Return the policy file in force: the system's if there is one, else the study that was joined.

    Args:
        joined: The study file that the person joined, if any.
        system: Only for tests; without it, `system_policy_path()`.

    Raises:
        WrongFileError: There is a system policy that anyone can write, or it cannot be seen whether there is one.
    """
    place = system_policy_path() if system is None else system
    try:
        status = place.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return joined
    except OSError as error:  # never fall back to the other one: it may be wider
        found = error.strerror or "an error"
        raise WrongFileError([Problem(str(place), 1, 1, "", "a folder that can be looked into", found)]) from None
    if stat.S_ISLNK(status.st_mode) and place.exists():
        status = place.stat()
    if os.name == "posix" and stat.S_ISREG(status.st_mode) and status.st_mode & stat.S_IWOTH:
        raise WrongFileError([Problem(str(place), 1, 1, "", "a file that only an administrator can write", "all can")])
    return place


def _program_data() -> Path:
    if sys.platform != "win32":
        raise DesktopError("This is not Windows.", hint="Ask for the path of the system you are on.")
    import ctypes

    buffer = ctypes.create_unicode_buffer(_MAX_PATH)
    if ctypes.windll.shell32.SHGetFolderPathW(None, _CSIDL_COMMON_APPDATA, None, 0, buffer):
        raise DesktopError("Windows does not say where ProgramData is.", hint="Repair the Windows installation.")
    return Path(buffer.value)

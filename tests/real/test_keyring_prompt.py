"""A locked keyring on a desktop: it opens a window, asks for its password, and waits for ever."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from capture_agent.demo.desktop import PrivateDesktop

# Runs on a bus of its own, where the keyring is started by the first call, locked, and finds nobody to unlock it.
PROGRAM = """
import os, sys, time
from capture_agent.core.errors import KeyError_
from capture_agent.keys.os_keyring import KeyringSecrets
from capture_agent.keys.secret_store import choose_secrets

began = time.monotonic()
try:
    KeyringSecrets(os.environ, timeout_s=2).set("name", "value")
    print("it was not locked")
except KeyError_ as error:
    print(f"KeyError_: {error} | {error.hint}")
print(f"waited {time.monotonic() - began:.1f} s", flush=True)
os._exit(0)  # the thread that waits is a daemon; what matters is that nothing else waits for it
"""


@pytest.mark.real
def test_a_locked_keyring_that_waits_in_a_window_hangs_nothing(desktop: PrivateDesktop, tmp_path: Path) -> None:
    environ = {**os.environ, **desktop.env}
    for name, below in {"HOME": "home", "XDG_RUNTIME_DIR": "run", "XDG_DATA_HOME": "data"}.items():
        (tmp_path / below).mkdir(mode=0o700)
        environ[name] = str(tmp_path / below)
    environ.pop("DBUS_SESSION_BUS_ADDRESS", None)
    environ.pop("PYTHON_KEYRING_BACKEND", None)
    command = ("dbus-run-session", "--", sys.executable, "-c", PROGRAM)
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=True)
    assert "did not answer within 2 s, perhaps it asks for its password | Unlock the keyring" in done.stdout

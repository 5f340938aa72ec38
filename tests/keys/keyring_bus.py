"""A message bus of its own with a real gnome-keyring on it, unlocked or locked."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Self

START_S = 15.0
_FOLDERS = {"HOME": "home", "XDG_RUNTIME_DIR": "run", "XDG_DATA_HOME": "data", "XDG_CONFIG_HOME": "config"}
# Owning its name is not enough: under load it does so before it is unlocked.
_IS_LOCKED = (
    "dbus-send",
    "--session",
    "--print-reply",
    "--dest=org.freedesktop.secrets",
    "/org/freedesktop/secrets/collection/login",
    "org.freedesktop.DBus.Properties.Get",
    "string:org.freedesktop.Secret.Collection",
    "string:Locked",
)


class KeyringBus:
    """Started with `with`; `env` is what a program needs to reach it. Stops what it started, by pid."""

    def __init__(self, folder: Path, *, keyring: bool = True) -> None:
        self.folder = folder
        self.env = {name: str(folder / below) for name, below in _FOLDERS.items()}
        self._keyring = keyring
        self._started: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        try:
            self._begin()
        except BaseException:  # Ctrl+C too: what was started must not stay
            self.__exit__()
            raise
        return self

    def _begin(self) -> None:
        for below in _FOLDERS.values():
            (self.folder / below).mkdir(mode=0o700)
        (self.folder / "services").mkdir()
        # Without activation: what is not started here is not there.
        config = self.folder / "bus.conf"
        config.write_text(
            "<busconfig><type>session</type><listen>unix:tmpdir=/tmp</listen><auth>EXTERNAL</auth>"
            '<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/>'
            '<allow own="*"/></policy></busconfig>'
        )
        bus = self._start(("dbus-daemon", "--nofork", f"--config-file={config}", "--print-address=1"))
        assert bus.stdout is not None
        self.env["DBUS_SESSION_BUS_ADDRESS"] = bus.stdout.readline().decode().strip()
        if self._keyring:
            self.start_keyring()

    def start_keyring(self) -> None:
        """Start gnome-keyring, unlocked with a password of its own, and wait until it answers."""
        daemon = self._start(("gnome-keyring-daemon", "--unlock", "--components=secrets", "--foreground"))
        assert daemon.stdin is not None
        daemon.stdin.write(b"a password\n")
        daemon.stdin.close()
        deadline = time.monotonic() + START_S
        while b"false" not in subprocess.run(_IS_LOCKED, env=self._whole(), capture_output=True, check=False).stdout:
            assert time.monotonic() < deadline, "gnome-keyring did not start"
            time.sleep(0.02)

    def freeze_keyring(self) -> None:
        """Let the keyring answer nothing any more, as one does that waits for its password."""
        self._started[-1].send_signal(signal.SIGSTOP)

    def thaw_keyring(self) -> None:
        self._started[-1].send_signal(signal.SIGCONT)

    def stop_keyring(self) -> None:
        self._stop(self._started.pop())

    def __exit__(self, *_: object) -> None:
        while self._started:
            self._stop(self._started.pop())

    def _start(self, command: tuple[str, ...]) -> subprocess.Popen[bytes]:
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, env=self._whole(), stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)
        self._started.append(process)
        return process

    def _whole(self) -> dict[str, str]:
        hidden = {"DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "GNOME_KEYRING_CONTROL"}
        return {**{name: value for name, value in os.environ.items() if name not in hidden}, **self.env}

    @staticmethod
    def _stop(process: subprocess.Popen[bytes]) -> None:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()

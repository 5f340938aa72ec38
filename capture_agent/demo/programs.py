"""Programs that end with the one who started them, whatever they do to detach themselves."""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

from capture_agent.core.errors import DesktopError

START_S = 20.0  # a loaded machine with two cores needs up to 6 s for the slowest, the keyring
STOP_S = 5.0  # until SIGKILL follows SIGTERM: an agent needs up to 1 s to seal
MARK = "CAPTURE_AGENT_DESKTOP"  # in the environment of all that is started: finds what left its process group
if sys.platform == "win32":
    KILL = signal.SIGTERM
else:
    KILL = signal.SIGKILL


class Programs:
    """What was started here and still runs.

    Three nets, because each has holes: the kernel kills a program when the thread that started it
    ends (PR_SET_PDEATHSIG; children of the program are not told), `close` ends process groups
    (a daemon leaves its group) and then everything that carries this object's mark in its
    environment (a process that is not dumpable hides that, but those are never daemons here).

    Attributes:
        env: The environment that programs get.
        folder: Where they start, and where `log(program)` lies.
    """

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self.folder = folder
        self._mark = uuid.uuid4().hex
        self.env = {**env, MARK: self._mark}
        self._running: list[subprocess.Popen[bytes]] = []

    def log(self, program: str) -> Path:
        """Return the file that holds what `program` printed."""
        return self.folder / f"{Path(program).name}.log"

    def start(
        self,
        *command: str,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        given: bytes | None = None,
        pass_fds: tuple[int, ...] = (),
    ) -> subprocess.Popen[bytes]:
        """Start a program in a session of its own, with `given` on its standard input, its output in `log(program)`.

        Raises:
            DesktopError: There is no such program.
        """
        # Looked up here, because what ties the program to us is what would fail to find it.
        if shutil.which(command[0], path=self.env.get("PATH")) is None:
            raise DesktopError(f"{command[0]} is not installed", hint="Run scripts/setup demo.")
        with self.log(command[0]).open("ab") as log:
            program = subprocess.Popen(
                _tied(command),
                env={**self.env, **(env or {})},
                cwd=cwd or self.folder,
                stdin=subprocess.DEVNULL if given is None else subprocess.PIPE,
                stdout=log,
                stderr=log,
                pass_fds=pass_fds,
                start_new_session=True,
            )
        if program.stdin is not None:
            program.stdin.write(given or b"")
            program.stdin.close()
        self._running.append(program)
        return program

    def start_server(self, *command: str, option: str) -> str:
        """Start a program that says on the file descriptor given with `option` that it is ready; return that line."""
        read, write = os.pipe()
        try:
            # "--print-address=5" and "-displayfd 5": both ways exist
            told = (f"{option}={write}",) if option.startswith("--") else (option, str(write))
            self.start(*command, *told, pass_fds=(write,))
        finally:
            os.close(write)
        try:
            return _line(read)
        except TimeoutError:
            said = self.log(command[0]).read_text(encoding="utf-8", errors="replace")[-300:]
            raise DesktopError(f"{command[0]} did not start: {said}", hint=f"Try {command[0]} by hand.") from None
        finally:
            os.close(read)

    def stop(self, program: subprocess.Popen[bytes], *, by: int = signal.SIGTERM) -> int:
        """End one program with its process group; return its exit code (negative: the signal that ended it)."""
        _signal_group(program, by)
        _wait(program, time.monotonic() + STOP_S)
        self._running = [other for other in self._running if other is not program]
        return program.returncode

    def close(self) -> None:
        """End all that was started, the newest first."""
        for program in reversed(self._running):
            _signal_group(program, signal.SIGTERM)
        deadline = time.monotonic() + STOP_S
        for program in reversed(self._running):
            _wait(program, deadline)
        self._running.clear()
        for pid in marked(self._mark):
            try:
                os.kill(pid, KILL)
            except ProcessLookupError:
                continue  # it ended by itself


def _tied(command: tuple[str, ...]) -> list[str]:
    """Return `command` such that the kernel kills it when the thread that starts it ends."""
    if sys.platform == "linux":
        return ["setpriv", "--pdeathsig", "KILL", "--", *command]
    return list(command)


def _wait(program: subprocess.Popen[bytes], deadline: float) -> None:
    try:
        program.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        _signal_group(program, KILL)
        program.wait()


def _signal_group(program: subprocess.Popen[bytes], number: int) -> None:
    if program.poll() is None and sys.platform != "win32":
        try:
            os.killpg(program.pid, number)
        except ProcessLookupError:
            return  # it ended between the two lines


def marked(mark: str) -> Iterator[int]:
    """Yield the processes of this user whose environment carries `mark`."""
    wanted = f"{MARK}={mark}".encode()
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                environment = (entry / "environ").read_bytes()
            except OSError:
                continue  # ended, or another user's
            if wanted in environment.split(b"\0"):
                yield int(entry.name)


def _line(fd: int) -> str:
    """Return the first line that comes through `fd`.

    Raises:
        TimeoutError: None came within `START_S`, or the writer closed before.
    """
    text = b""
    with selectors.DefaultSelector() as selector:
        selector.register(fd, selectors.EVENT_READ)
        while b"\n" not in text:
            if not selector.select(START_S):
                raise TimeoutError
            more = os.read(fd, 4096)
            if not more:
                raise TimeoutError
            text += more
    return text.decode().splitlines()[0]

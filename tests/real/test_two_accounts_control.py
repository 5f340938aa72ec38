"""Two users of one machine: neither hears the other's commands. `make test` runs this as both at the same time."""

from __future__ import annotations

import os
import socket
import time
from concurrent.futures import Future
from pathlib import Path

import pytest

from capture_agent.control.client import Client
from capture_agent.control.commands import Request
from capture_agent.control.instance import Instance
from capture_agent.control.server import Server
from capture_agent.control.wire import Response
from capture_agent.core.errors import StorageError

PATIENCE_SECONDS = 60.0  # for the other account; both run on a busy machine
MEETING = Path(os.environ.get("CAPTURE_AGENT_MEETING", "/nonexistent"))
ME = os.environ.get("CAPTURE_AGENT_ACCOUNT", "1")
OTHER = {"1": "2", "2": "1"}[ME]


def meet(step: str) -> None:
    """Wait until the other account has come to `step` too."""
    (MEETING / f"control-{ME}-{step}").touch()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (MEETING / f"control-{OTHER}-{step}").exists():
        assert time.monotonic() < deadline, f"the other account did not come to {step}"
        time.sleep(0.02)


def heard(path: Path) -> bytes | str:
    """Return what a socket answers to "stop", or the name of the error."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(PATIENCE_SECONDS)
        try:
            connection.connect(str(path))
            connection.sendall(b'{"v":1,"command":"stop"}\n')
            return connection.recv(1_000)
        except OSError as error:
            return type(error).__name__


@pytest.mark.two_accounts
def test_each_account_has_its_agent_and_neither_hears_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    asked: list[str] = []

    def dispatch(request: Request) -> Future[Response]:
        asked.append(request.command)
        future: Future[Response] = Future()
        future.set_result(Response({"me": ME}))
        return future

    folders = {name: MEETING / f"control-profile-{name}" for name in (ME, OTHER)}
    folders[ME].mkdir(mode=0o700)
    instance = Instance.take(folders[ME])
    assert instance is not None
    faults: list[BaseException] = []
    server = Server(instance, dispatch, faults.append)
    try:
        assert Client(folders[ME]).ask("status") == {"me": ME}
        meet("listening")
        # As it is, the modes keep the other out.
        assert heard(folders[OTHER] / "control.sock") == "PermissionError"
        with pytest.raises(StorageError):
            Client(folders[OTHER]).ask("stop")
        meet("knocked")
        # Even if somebody opens them, who asks is looked at.
        folders[ME].chmod(0o777)
        server.path.chmod(0o666)
        (folders[ME] / "agent.lock").chmod(0o666)
        meet("open")
        assert heard(folders[OTHER] / "control.sock") in {b"", "ConnectionResetError", "BrokenPipeError"}
        with pytest.raises(StorageError):
            Client(folders[OTHER]).ask("stop")
        meet("asked")
    finally:
        server.close()
        instance.release()
    assert asked == ["status"]
    assert faults == []

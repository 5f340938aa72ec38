"""A command's end of the control socket."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

from capture_agent.control.commands import Result, check
from capture_agent.control.instance import announced_socket
from capture_agent.control.peer import Connection, check_peer, check_supported, short_name, unix_socket
from capture_agent.control.private import open_folder
from capture_agent.control.wire import ANSWER_SECONDS, MAX_RESPONSE_BYTES, decode_response, encode_request
from capture_agent.core.errors import CaptureAgentError, FaultError

STARTING_SECONDS = 15.0  # an agent takes its lock first, and may ask for a keyring's password before it listens
_AGAIN_SECONDS = 0.1
_WAIT_SECONDS = ANSWER_SECONDS + 5.0  # the agent answers first, also to say that it cannot


class NotRunningError(CaptureAgentError):
    """No agent runs for this profile, so nothing is recorded."""

    def __init__(self) -> None:
        super().__init__("The agent is not running, so nothing is recorded.", hint="Start it with: capture-agent")


class Client:
    """Asks the agent of the profile in `folder`; one connection a request."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def ask(self, command: str, arguments: Mapping[str, int | str] | None = None) -> Result:
        """Return what the agent answers to `command`.

        Raises:
            NotRunningError: There is no agent.
            CaptureAgentError: The agent cannot do it, or does not answer; the class is the agent's.
        """
        check_supported()
        request = check(command, arguments or {})
        with self._connect() as connection:
            check_peer(connection)
            try:
                connection.sendall(encode_request(request))
                line = _read_line(connection)
            except (TimeoutError, ConnectionError):
                line = b""
        if not line.endswith(b"\n"):
            raise FaultError("The agent does not answer.", hint="If its icon does not either, end it and start again.")
        response = decode_response(line)
        if response.error is not None:
            raise response.error
        return response.result

    def ask_when_ready(self, command: str, seconds: float = STARTING_SECONDS) -> Result:
        """As `ask`, for somebody who knows that there is an agent which may still be starting.

        Raises:
            NotRunningError: It did not listen within `seconds`.
        """
        deadline = time.monotonic() + seconds
        while True:
            try:
                return self.ask(command)
            except NotRunningError:
                if time.monotonic() >= deadline:
                    raise
            time.sleep(_AGAIN_SECONDS)

    def _connect(self) -> Connection:
        path = announced_socket(self._folder)
        if path is None or not path.is_absolute() or not path.parent.is_dir():
            raise NotRunningError
        folder = open_folder(path.parent)
        connection = unix_socket()
        connection.settimeout(_WAIT_SECONDS)
        try:
            connection.connect(short_name(folder, path.name))
        except OSError:  # refused or gone: it was killed, and what it announced is old
            connection.close()
            raise NotRunningError from None
        finally:
            os.close(folder)
        return connection


def _read_line(connection: Connection) -> bytes:
    line = bytearray()
    while not line.endswith(b"\n") and len(line) <= MAX_RESPONSE_BYTES:
        more = connection.recv(65_536)
        if not more:
            break
        line += more
    return bytes(line)

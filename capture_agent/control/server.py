"""The running agent's end of the control socket: a thread that listens, and one a connection.

Nothing is decided here: every request is handed to `dispatch`, which carries it to the main thread.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from capture_agent.control.commands import COMMANDS, Effect, Request, Result, Windows, perform
from capture_agent.control.instance import Instance
from capture_agent.control.peer import (
    SOCKET_NAME,
    Connection,
    check_peer,
    check_supported,
    runtime_folder,
    short_name,
    unix_socket,
    wake_pair,
)
from capture_agent.control.private import FILE_MODE, open_folder
from capture_agent.control.wire import ANSWER_SECONDS, MAX_REQUEST_BYTES, Response, decode_request, encode_response
from capture_agent.core.errors import CaptureAgentError, ConfigError, FaultError, StorageError
from capture_agent.session.snapshot import Agent

IDLE_SECONDS = 5.0  # for one line to come or go; a command sends its line at once
CONNECTIONS = 8  # at once; a person has no more shells than that waiting
_POLL_SECONDS = 0.1  # how late `close` is noticed while the main thread works
_CHUNK_BYTES = 4_096

Dispatch: TypeAlias = Callable[[Request], "Future[Response]"]
"""Hands a request to the main thread and returns at once. Called on any thread, never raises; what
happens on the main thread is `answer(request, future, …)`."""


def answer(request: Request, future: Future[Response], agent: Agent, windows: Windows, now: datetime) -> None:
    """Do `request` and put what came of it into `future`. Main thread only; never raises a `CaptureAgentError`.

    The rest of what takes long is done on a thread, and said when it is done.
    """
    if not future.set_running_or_notify_cancel():
        return
    going_on = False
    try:
        done, rest = perform(request, agent, windows, now), COMMANDS[request.command].rest
        if rest is None:
            future.set_result(Response(done))
        else:
            threading.Thread(target=_rest, args=(rest, agent, done, future), name="command", daemon=True).start()
            going_on = True
    except CaptureAgentError as error:
        future.set_result(Response(error=error))
    finally:
        if not going_on and not future.done():
            future.set_result(Response(error=_fault()))


def _rest(rest: Callable[[Agent], None], agent: Agent, done: Result, future: Future[Response]) -> None:
    try:
        rest(agent)
        response = Response(done)
    except CaptureAgentError as error:
        response = Response(error=error)
    except Exception:  # noqa: BLE001 - the thread's boundary: whoever asked is told
        response = Response(error=_fault())
    future.set_result(response)


def _fault() -> FaultError:
    return FaultError("The agent has a fault; look at its window.")


class Server:
    """Listens from construction to `close`.

    Args:
        instance: The right to be the one agent; it learns where the socket is.
        dispatch: See `Dispatch`.
        fault: Told, on the server's thread, that the listening thread died; commands no longer arrive.

    Raises:
        DesktopError: This system has no control socket yet.
        StorageError: No folder for the socket that is private to this user.
    """

    def __init__(self, instance: Instance, dispatch: Dispatch, fault: Callable[[BaseException], None]) -> None:
        check_supported()
        self._instance = instance
        self._dispatch = dispatch
        self._fault = fault
        self._folder, self.path = _place(instance.folder)
        try:
            self._listener = _listen(self._folder, self.path)
        except StorageError:
            os.close(self._folder)
            raise
        self._wake_reader, self._wake_writer = wake_pair()
        self._closing = threading.Event()
        self._places = threading.BoundedSemaphore(CONNECTIONS)
        self._threads: set[threading.Thread] = set()
        self._thread = threading.Thread(target=self._bounded, args=(self._listen,), name="control", daemon=True)
        self._thread.start()
        instance.announce(self.path)

    def close(self) -> None:
        """Stop listening, end all connections and join. Safe to call twice, and on the main thread."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._instance.announce(None)
        self._wake_writer.send(b"\0")
        self._thread.join()
        for thread in tuple(self._threads):
            thread.join()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(SOCKET_NAME, dir_fd=self._folder)
        os.close(self._folder)
        self._wake_reader.close()
        self._wake_writer.close()

    def _bounded(self, body: Callable[..., None], *arguments: Connection) -> None:
        try:
            body(*arguments)
        except Exception as error:  # noqa: BLE001 - the boundary of each thread here: it becomes a fault
            self._fault(error)

    def _listen(self) -> None:
        with self._listener, selectors.DefaultSelector() as waiting:
            waiting.register(self._listener, selectors.EVENT_READ)
            waiting.register(self._wake_reader, selectors.EVENT_READ)
            self._accept_all(waiting)

    def _accept_all(self, waiting: selectors.BaseSelector) -> None:
        while True:
            waiting.select()
            if self._closing.is_set():
                return
            try:
                connection, _ = self._listener.accept()
            except OSError:  # it left before we came, or there are no descriptors: the next one may do better
                self._closing.wait(_POLL_SECONDS)
                continue
            if not self._places.acquire(blocking=False):
                connection.close()
                continue
            thread = threading.Thread(
                target=self._bounded, args=(self._serve, connection), name="control connection", daemon=True
            )
            self._threads.add(thread)
            thread.start()

    def _serve(self, connection: Connection) -> None:
        try:
            with connection:
                self._converse(connection)
        except (OSError, StorageError):
            return  # it hung up, was too slow, or is another user: nobody is there to be told
        finally:
            self._places.release()
            self._threads.discard(threading.current_thread())

    def _converse(self, connection: Connection) -> None:
        check_peer(connection)
        rest = b""
        while True:
            line, rest = self._read_line(connection, rest)
            if not line:
                return
            response = self._respond(line)
            connection.settimeout(IDLE_SECONDS)
            connection.sendall(encode_response(response))
            if len(line) > MAX_REQUEST_BYTES:
                return  # what follows is the rest of it

    def _read_line(self, connection: Connection, rest: bytes) -> tuple[bytes, bytes]:
        """Return the next line, or what there is of one that is too long, or nothing at the end."""
        deadline = time.monotonic() + IDLE_SECONDS
        while b"\n" not in rest and len(rest) <= MAX_REQUEST_BYTES:
            if self._closing.is_set() or time.monotonic() >= deadline:
                return b"", b""
            connection.settimeout(_POLL_SECONDS)
            try:
                more = connection.recv(_CHUNK_BYTES)
            except TimeoutError:
                continue
            if not more:
                return b"", b""
            rest += more
        line, found, rest = rest.partition(b"\n")
        return line + found, rest

    def _respond(self, line: bytes) -> Response:
        if len(line) > MAX_REQUEST_BYTES:
            return Response(error=ConfigError(f"a line has at most {MAX_REQUEST_BYTES} bytes"))
        try:
            request = decode_request(line)
        except ConfigError as error:
            return Response(error=error)
        future = self._dispatch(request)
        deadline = time.monotonic() + ANSWER_SECONDS
        while not self._closing.is_set() and time.monotonic() < deadline:
            try:
                return future.result(timeout=_POLL_SECONDS)
            except FutureTimeoutError:
                continue
        if COMMANDS[request.command].effect is not Effect.NARROWS:
            future.cancel()  # nobody waits for it any more; what narrows is done even if late
        if future.done() and not future.cancelled():
            return future.result()
        return Response(error=FaultError("The agent does not answer.", hint="If its icon does not either, end it."))


def _place(profile: Path) -> tuple[int, Path]:
    """Return the folder for the socket, open, and the socket's path: in the runtime folder, else in the profile."""
    runtime = runtime_folder()
    if runtime is not None:
        folder = open_folder(runtime)
        if not _answers(folder):
            return folder, runtime / SOCKET_NAME
        os.close(folder)  # the agent of another profile of this user is there
    return open_folder(profile), profile / SOCKET_NAME


def _answers(folder: int) -> bool:
    with unix_socket() as probe:
        return probe.connect_ex(short_name(folder)) == 0


def _listen(folder: int, path: Path) -> Connection:
    listener = unix_socket()
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(SOCKET_NAME, dir_fd=folder)  # of an agent that was killed; we hold the lock
        listener.bind(short_name(folder))
        os.chmod(SOCKET_NAME, FILE_MODE, dir_fd=folder)
        listener.listen(CONNECTIONS)
    except OSError as error:
        listener.close()
        raise StorageError(
            f"{path} cannot be made: {error.strerror}", hint="Make sure that its folder is yours and not full."
        ) from None
    return listener

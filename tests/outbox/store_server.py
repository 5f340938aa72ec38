"""Real S3 servers on loopback for the tests of delivery, and a proxy before them that does harm on purpose."""

from __future__ import annotations

import socket
import socketserver
import struct
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from benchmarks.rclone import ACCESS as ACCESS
from benchmarks.rclone import BUCKET, free_port
from capture_agent.core.delivery import Trouble, Undelivered
from capture_agent.core.destination import parse
from capture_agent.outbox.courier import carry
from capture_agent.outbox.inbox import Cap


@dataclass
class Clock:
    """A clock that goes by what is slept alone; no test waits for it. Any thread."""

    time: float = 0.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds
        self.slept.append(seconds)


@dataclass
class Bucket:
    """A bucket of a server. What tests ask of it goes around the proxy, as its owner's requests would."""

    port: int

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/{BUCKET}"

    def destination(self, port: int | None = None, prefix: str = "/in") -> str:
        return f"s3://{BUCKET}{prefix}?endpoint=http://127.0.0.1:{port or self.port}"

    def names(self) -> list[str]:
        listed = self._ask("GET", "?list-type=2").decode()
        return sorted(one.split("</Key>")[0] for one in listed.split("<Key>")[1:])

    def read(self, name: str) -> bytes:
        return self._ask("GET", f"/{name}")

    def put(self, name: str, data: bytes) -> None:
        self._ask("PUT", f"/{name}", data)

    def empty(self) -> None:
        for name in self.names():
            self._ask("DELETE", f"/{name}")

    def _ask(self, method: str, path: str, data: bytes | None = None) -> bytes:
        signed = {"Authorization": "AWS4-HMAC-SHA256 Credential=x/20300101/us-east-1/s3/aws4_request"}
        signed["Content-Type"] = "application/octet-stream"
        request = urllib.request.Request(self.address + path, data, signed, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return bytes(answer.read())


@contextmanager
def moto() -> Iterator[Bucket]:
    """Run `moto_server` on a port of its own, with one bucket."""
    bucket = Bucket(free_port())
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(bucket.port)]
    with serving(command, lambda: bucket._ask("PUT", "")):
        yield bucket


@contextmanager
def serving(command: Sequence[str | Path], ask: Callable[[], object]) -> Iterator[None]:
    """Run a server for as long as the block lasts, which begins when `ask` gets an answer."""
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(1200):
            with suppress(OSError):
                ask()
                break
            assert server.poll() is None
            time.sleep(0.05)
        yield
    finally:
        server.kill()
        server.wait()


def deliver(path: Path, destination: str, access: Mapping[str, str] = ACCESS, cap: Cap | None = None) -> None:
    """Deliver in this process: what runs in one of its own is the same, and takes a second longer."""
    carry(path, parse(destination), access, lambda _done, _size: None, cap)


def trouble(path: Path, destination: str, access: Mapping[str, str] = ACCESS) -> Trouble:
    """Return why a file does not arrive."""
    with pytest.raises(Undelivered) as caught:
        deliver(path, destination, access)
    return caught.value.trouble


@dataclass
class Seen:
    """A request as the proxy read it: its head, how many bytes of the body are still to come, and how many passed."""

    method: str
    path: str
    head: str
    left: int = 0
    passed: int = 0


Harm = Callable[["Seen", socket.socket, socket.socket], bool]
"""Does something to a request, with the sockets of client and server; returns whether it still goes to the server."""


@dataclass(frozen=True)
class Cut:
    """What ends a connection once so many bytes of a body went to the server, which then sees it end, too."""

    after: int  # fewer than there are
    then: Callable[[socket.socket], object]


@dataclass
class Proxy:
    """One connection, one request; `harms` are taken one a request, the last one for all that follow."""

    upstream: int
    harms: list[Harm] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    cut_answer: bool = False  # reset the connection after the server has answered, without handing the answer on
    cut: Cut | None = None  # once: end the connection in the middle of a body
    pace: float = 0.0  # seconds before each 64 KiB of a body
    port: int = 0

    def __post_init__(self) -> None:
        proxy = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with suppress(OSError):
                    proxy._serve(self.request)

        class Threads(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                """Say nothing: harm was meant."""

        self._server = Threads(("127.0.0.1", 0), Handler)
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _serve(self, client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            data = client.recv(65536)
            if not data:
                return
            head += data
        head, _, body = head.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        method, path, _ = lines[0].split(" ", 2)
        length = next((int(line.split(":")[1]) for line in lines if line.lower().startswith("content-length:")), 0)
        seen = Seen(method, unquote(urlsplit(path).path), head.decode("latin-1"), length - len(body))
        self.seen.append(seen)
        harm = (self.harms.pop(0) if len(self.harms) > 1 else self.harms[0]) if self.harms else None
        with socket.create_connection(("127.0.0.1", self.upstream), timeout=60) as server:
            if harm is not None and not harm(seen, client, server):
                return
            kept = [line for line in lines if not line.lower().startswith(("connection:", "expect:"))]
            server.sendall("\r\n".join([*kept, "Connection: close", "", ""]).encode("latin-1"))
            seen.left += len(body)  # which goes first
            while seen.left > 0:
                time.sleep(self.pace)
                data = body or client.recv(65536)
                body = b""
                if not data:
                    return
                cut = self.cut if self.cut is not None and seen.passed + len(data) > self.cut.after else None
                if cut is not None:
                    data = data[: cut.after - seen.passed]
                server.sendall(data)
                seen.left -= len(data)
                seen.passed += len(data)
                if cut is not None:
                    self.cut = None
                    cut.then(client)
                    return
            answer = b""
            while data := server.recv(65536):
                answer += data
        if self.cut_answer:
            self.cut_answer = False
            reset(client)
            return
        answer_head, _, answer_body = answer.partition(b"\r\n\r\n")
        client.sendall(answer_head + b"\r\nConnection: close\r\n\r\n" + answer_body)


def reset(client: socket.socket) -> None:
    """End a connection as a network does that breaks: RST, not FIN."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def resets(_seen: Seen, client: socket.socket, _server: socket.socket) -> bool:
    reset(client)
    return False


def passes(_seen: Seen, _client: socket.socket, _server: socket.socket) -> bool:
    return True


def answers(status: str, body: str = "") -> Harm:
    """Answer instead of the server, once the whole request has come."""

    def harm(seen: Seen, client: socket.socket, _server: socket.socket) -> bool:
        while seen.left > 0 and (data := client.recv(65536)):
            seen.left -= len(data)
        text = body.encode()
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n"
        client.sendall(head.encode() + text)
        return False

    return harm


def create_only(seen: Seen, client: socket.socket, server: socket.socket) -> bool:
    """Let objects be created and nothing else be done, as an account for participants should."""
    if seen.method == "PUT" and "if-none-match: *" in seen.head.lower():
        return True
    return answers("403 Forbidden", "<Error><Code>AccessDenied</Code></Error>")(seen, client, server)

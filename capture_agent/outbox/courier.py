"""Carry one file that was released to where it has to go. The only module that opens connections.

To a store it runs as a process of its own (`errand` sends it off): the program that sees what you type never opens a
connection, and a request that hangs, or a library that fails, takes nothing with it. It is given one sealed file, one
destination and what opens it, on standard input, and says on standard output what came of it:

    {"path": …, "destination": …, "credentials": {…}, "rate": …}  →  {"sha256": …, "size": …}  or  {"trouble": …}

**Once, and only once.** The file's name is 128 random bits, in the ledger before the first try, and files are only ever
created: whole, or not at all, and nothing is replaced. A try of which nobody knows how it ended is made again; that the
name is there then means that the first one arrived. Where reading is allowed that is checked, byte for byte. With an
account that may only create, it has to be concluded: nobody else can have known the name before we used it, and a store
shows nothing under a name before all of it is there.

**No faster than it may go.** An atomic request wants all of the file at once, and obstore sends it as fast as the line
takes it. With a cap it is told to go through a proxy, `_Relay`, on a port of this computer that is open for this one
delivery, and lets the bytes through at their pace: to the address of the store, for who knows its password, and nothing
else. TLS goes through it from end to end.
"""

from __future__ import annotations

import base64
import hashlib
import json
import mmap
import re
import secrets
import socket
import socketserver
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import SplitResult, unquote, urlsplit

from capture_agent.core.delivery import Trouble, Undelivered, patience_s
from capture_agent.core.destination import Destination, Kind, parse
from capture_agent.desktop.process import harden
from capture_agent.outbox import inbox
from capture_agent.outbox.inbox import CHUNK, Cap, Carried, Watch

if TYPE_CHECKING:
    from obstore.store import ObjectStore

CONNECT_S = 15  # a server that does not take a connection by then is away
_HEAD = 1 << 16  # bytes: how long the head of a request may be
_STATUS = re.compile(r"status: (\d{3})")  # as object_store shows an answer that it does not know
_TLS = "InvalidCertificate"
# How a store says that the name is taken. Not any 409 is that, which the library takes for it: S3 answers so when two
# requests met and neither may have arrived, Azure when all of it is about to go. And who may only create gets a 403
# from Azure and Google, as it may replace nothing.
_TAKEN = re.compile(
    r"status: (304|412)"
    r"|<Code>(BlobAlreadyExists|UnauthorizedBlobOverwrite)</Code>"
    r"|does not have storage\.objects\.delete access"
)


def carry(
    path: Path, destination: Destination, credentials: Mapping[str, str], watch: Watch, cap: Cap | None = None
) -> Carried:
    """Deliver the file at `path` under its own name. It may be there already, from a try that was cut short.

    Raises:
        Undelivered: It did not arrive, as far as is known.
    """
    try:
        with path.open("rb") as stream:
            carried = inbox.measure(stream, lambda done, size: watch(done // 2, size))
    except OSError:
        raise Undelivered(Trouble.UNREADABLE) from None
    if destination.is_folder:
        inbox.put(path, Path(destination.text), carried, watch, cap)
    else:
        _into_store(path, destination, credentials, carried, cap)
    watch(carried.size, carried.size)
    return carried


# --- a store


def _into_store(
    path: Path, destination: Destination, credentials: Mapping[str, str], carried: Carried, cap: Cap | None
) -> None:
    try:
        import obstore
        from obstore import exceptions
    except ImportError:
        raise Undelivered(Trouble.NO_LIBRARY) from None
    name = "/".join(filter(None, (destination.prefix, path.name)))
    try:
        with nullcontext("") if cap is None else _relay(_address(destination), cap) as proxy:
            store = _open(destination, credentials, patience_s(carried.size, None if cap is None else cap.rate), proxy)
            # Mapped, not read: an atomic request needs all of the file at once, and so it takes no memory.
            with path.open("rb") as stream:
                data = memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
            try:
                obstore.put(store, name, data, mode="create", use_multipart=False)
            except (exceptions.AlreadyExistsError, exceptions.PermissionDeniedError) as error:
                if not _TAKEN.search(str(error)):
                    raise
                _compare_stored(store, name, carried)
    except (exceptions.BaseError, NotImplementedError) as error:
        raise Undelivered(_trouble_of_store(error)) from None
    except OSError as error:
        missing = isinstance(error, FileNotFoundError) and path.exists()
        raise Undelivered(Trouble.NO_SUCH_PLACE if missing else Trouble.UNREADABLE) from None


def _compare_stored(store: ObjectStore, name: str, carried: Carried) -> None:
    """Return if what the store has under `name` is ours, or if it lets nobody look: see the head of this file."""
    import obstore
    from obstore import exceptions

    try:
        found = obstore.get(store, name)
        digest = hashlib.sha256()
        if found.meta["size"] == carried.size:
            for data in found.stream(min_chunk_size=CHUNK):
                digest.update(data)
        if digest.hexdigest() != carried.sha256:
            raise Undelivered(Trouble.NOT_OURS)
    except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError):
        return
    except (exceptions.BaseError, OSError) as error:
        raise Undelivered(_trouble_of_store(error)) from None


def _trouble_of_store(error: Exception) -> Trouble:
    """Return what an error of obstore means. Its text is shown to nobody: it repeats what a server said."""
    from obstore import exceptions

    if isinstance(error, exceptions.PermissionDeniedError | exceptions.UnauthenticatedError):
        return Trouble.REFUSED
    if isinstance(error, FileNotFoundError):
        return Trouble.NO_SUCH_PLACE
    if isinstance(error, NotImplementedError | exceptions.NotSupportedError):
        return Trouble.NOT_ATOMIC
    said = str(error)
    status = _STATUS.search(said)
    match status[1] if status is not None else "":
        case "507":
            return Trouble.FULL
        case "501":
            return Trouble.NOT_ATOMIC
        case "":
            return Trouble.NOT_TRUSTED if _TLS in said else Trouble.AWAY
        case _:
            return Trouble.BUSY


def _address(destination: Destination) -> str:
    """Return the URL of the server that has the store."""
    own = {
        Kind.S3: f"https://s3.{destination.region}.amazonaws.com",
        Kind.GCS: "https://storage.googleapis.com",
        Kind.AZURE: f"https://{destination.account}.blob.core.windows.net",
    }
    return destination.endpoint or own[destination.kind]


def _open(destination: Destination, credentials: Mapping[str, str], patience: int, proxy: str) -> ObjectStore:
    """Return the store. TLS is always verified; http is for this computer alone; nothing is retried in here."""
    from obstore.store import AzureStore, GCSStore, S3Store

    client: Any = {
        "allow_http": destination.in_the_clear,
        "allow_invalid_certificates": False,
        "connect_timeout": f"{CONNECT_S}s",
        "timeout": f"{patience}s",
        "user_agent": "capture-agent",
    }
    if proxy:
        client |= {"proxy_url": proxy, "pool_max_idle_per_host": "0"}  # a connection for each request: see `_Relayed`
    options: Any = {
        "client_options": client,
        "retry_config": {"max_retries": 0, "retry_timeout": timedelta(seconds=0)},
    }
    match destination.kind:
        case Kind.S3:
            keys = {
                "access_key_id": credentials["AWS_ACCESS_KEY_ID"],
                "secret_access_key": credentials["AWS_SECRET_ACCESS_KEY"],
            }
            if "AWS_SESSION_TOKEN" in credentials:
                keys["session_token"] = credentials["AWS_SESSION_TOKEN"]
            config: Any = {"region": destination.region, "endpoint": _address(destination), **keys}
            config["conditional_put"] = "etag"
            return S3Store(destination.bucket, config=config, **options)
        case Kind.GCS:
            # Said here, because a key may name another address in itself, and the library would obey it.
            config = {
                "service_account_key": credentials["GOOGLE_SERVICE_ACCOUNT_KEY"],
                "base_url": _address(destination),
            }
            return GCSStore(destination.bucket, config=config, **options)
        case _:
            config = {"account_name": destination.account}
            if destination.endpoint:
                config["endpoint"] = destination.endpoint
            if "AZURE_STORAGE_SAS_TOKEN" in credentials:
                config["sas_key"] = credentials["AZURE_STORAGE_SAS_TOKEN"]
            else:
                config["account_key"] = credentials["AZURE_STORAGE_ACCOUNT_KEY"]
            return AzureStore(destination.bucket, config=config, **options)


# --- at its pace


@contextmanager
def _relay(address: str, cap: Cap) -> Iterator[str]:
    """Yield the URL of a proxy to `address`, a URL, that is there in here, and as fast as `cap` lets it be."""
    with _Relay(address, cap) as relay:
        threading.Thread(target=relay.serve_forever, args=(0.05,), name="relay", daemon=True).start()
        try:
            yield relay.url
        finally:
            relay.shutdown()


class _Relay(socketserver.ThreadingTCPServer):
    """A proxy on the loopback (RFC 9110, 9.3.6: CONNECT; http as it is), to one address, for who has the password."""

    daemon_threads = True

    def __init__(self, address: str, cap: Cap) -> None:
        super().__init__(("127.0.0.1", 0), _Relayed)
        url = urlsplit(address)
        self.secure = url.scheme == "https"
        self.host, self.port = str(url.hostname), url.port or (443 if self.secure else 80)
        self.cap = cap
        self.url = f"http://courier:{secrets.token_hex(32)}@127.0.0.1:{self.server_address[1]}"
        self.credential = _basic(urlsplit(self.url))

    def admits(self, method: str, target: str) -> bool:
        """Return whether this is what obstore asks in order to get to the one address."""
        try:
            url = urlsplit(f"//{target}" if self.secure else target)
            there = (url.hostname, url.port or 80) == (self.host, self.port)
        except ValueError:
            return False
        return there and (method == "CONNECT" if self.secure else url.scheme == "http")

    def dial(self) -> socket.socket:
        """Return a connection to the address, through the proxy that the environment names, as obstore would.

        Raises:
            OSError: There is none.
        """
        from http.client import HTTPConnection, HTTPException
        from urllib.request import getproxies_environment, proxy_bypass

        found = getproxies_environment()
        named = found.get("https") or found.get("all") or ""
        if not self.secure or not named or proxy_bypass(self.host):
            line = HTTPConnection(self.host, self.port, timeout=CONNECT_S)
        else:
            via = urlsplit(named if "://" in named else f"http://{named}")
            if via.scheme != "http" or not via.hostname:
                raise ConnectionError
            line = HTTPConnection(via.hostname, via.port or 80, timeout=CONNECT_S)
            line.set_tunnel(self.host, self.port, {"Proxy-Authorization": _basic(via)} if via.username else {})
        try:
            line.connect()
        except HTTPException as error:
            raise ConnectionError from error
        line.sock.settimeout(None)
        return line.sock


def _basic(proxy: SplitResult) -> str:
    """Return what a proxy wants to know from who has its URL (RFC 7617)."""
    word = f"{unquote(proxy.username or '')}:{unquote(proxy.password or '')}"
    return "Basic " + base64.b64encode(word.encode()).decode()


class _Relayed(socketserver.BaseRequestHandler):
    """One connection of obstore's, which is one request: its head is looked at, all that follows only passes."""

    server: _Relay

    def handle(self) -> None:
        """Pass it on, or refuse it; where either end goes away the other sees its connection end."""
        with suppress(OSError):
            head, rest = self._head()
            first, *lines = head.split("\r\n")
            method, target = (*first.split(" "), "", "")[:2]
            given = next((line[20:].strip() for line in lines if line.lower().startswith("proxy-authorization:")), "")
            if not secrets.compare_digest(given.encode(), self.server.credential.encode()):
                self.request.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            elif not self.server.admits(method, target):
                self.request.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            else:
                with self.server.dial() as store:
                    if self.server.secure:
                        self.request.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                    else:
                        kept = [line for line in lines if not line.lower().startswith("proxy-")]
                        path = "/" + target.removeprefix("http://").partition("/")[2]
                        rest = "\r\n".join([f"{method} {path} HTTP/1.1", *kept, "", ""]).encode("latin-1") + rest
                    self._pass(store, rest)

    def _head(self) -> tuple[str, bytes]:
        """Return the head of a request, and what came with it."""
        self.request.settimeout(CONNECT_S)
        got = b""
        while b"\r\n\r\n" not in got:
            data = self.request.recv(_HEAD)
            if not data or len(got) > _HEAD:
                raise ConnectionError
            got += data
        self.request.settimeout(None)
        head, _, rest = got.partition(b"\r\n\r\n")
        return head.decode("latin-1"), rest

    def _pass(self, store: socket.socket, rest: bytes) -> None:
        """Pass `rest` on, and then what comes from either end, until both have ended."""
        back = threading.Thread(target=self._pump, args=(store, self.request), name="relay back", daemon=True)
        back.start()
        self._pump(self.request, store, rest)
        back.join()

    def _pump(self, source: socket.socket, sink: socket.socket, data: bytes = b"") -> None:
        with suppress(OSError):
            while data or (data := source.recv(self.server.cap.step)):
                step, data = data[: self.server.cap.step], data[self.server.cap.step :]
                sink.sendall(step)
                self.server.cap.wait(len(step))
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)


# --- as a process of its own


def main(stdin: BinaryIO, tell: Callable[[str], object]) -> None:
    """Do the errand that `stdin` tells of, and `tell` what came of it. It ends with whoever sent it."""
    harden()
    _end_with_parent()
    order = json.loads(stdin.read())
    cap = None if order["rate"] is None else Cap(order["rate"])
    try:
        carried = carry(
            Path(order["path"]), parse(order["destination"]), order["credentials"], lambda _done, _size: None, cap
        )
    except Undelivered as error:
        tell(json.dumps({"trouble": error.trouble.value}))
        return
    tell(json.dumps({"sha256": carried.sha256, "size": carried.size}))


def _end_with_parent() -> None:
    """Let the system end this process when the one that sent it ends, however that happens (prctl(2))."""
    if sys.platform == "linux":
        import ctypes
        import signal

        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL, 0, 0, 0)


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.write)

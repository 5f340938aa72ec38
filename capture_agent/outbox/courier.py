"""Carry one file that was released to where it has to go. The only module that opens connections.

To a store it runs as a process of its own (`errand` sends it off): the program that sees what you type never opens a
connection, and a request that hangs, or a library that fails, takes nothing with it. It is given one sealed file, one
destination and what opens it, on standard input, and says on standard output what came of it:

    {"path": …, "destination": …, "credentials": {…}}  →  {"sha256": …, "size": …}  or  {"trouble": …}

**Once, and only once.** The file's name is 128 random bits, in the ledger before the first try, and files are only ever
created: whole, or not at all, and nothing is replaced. A try of which nobody knows how it ended is made again; that the
name is there then means that the first one arrived. Where reading is allowed that is checked, byte for byte. With an
account that may only create, it has to be concluded: nobody else can have known the name before we used it, and a store
shows nothing under a name before all of it is there.
"""

from __future__ import annotations

import errno
import hashlib
import json
import mmap
import os
import re
import secrets
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from capture_agent.core.delivery import Trouble, Undelivered, patience_s
from capture_agent.core.destination import Destination, Kind, parse
from capture_agent.desktop.process import harden

if TYPE_CHECKING:
    from obstore.store import ObjectStore

CHUNK = 1 << 20  # bytes: how much of a file is in memory while it is copied or compared
CONNECT_S = 15  # a server that does not take a connection by then is away
SHARED_FILE = 0o644  # sealed, and meant for others: a folder that others read is of no use with 0600
_PART = ".part"
_STATUS = re.compile(r"status: (\d{3})")  # as object_store shows an answer that it does not know
_TLS = "InvalidCertificate"

Watch = Callable[[int, int], None]
"""Told how many bytes of how many are done; raises to stop. What was begun leaves nothing behind."""


@dataclass(frozen=True, slots=True)
class Carried:
    """A file that arrived: what it is, whatever it is called."""

    sha256: str
    size: int


def carry(path: Path, destination: Destination, credentials: Mapping[str, str], watch: Watch) -> Carried:
    """Deliver the file at `path` under its own name. It may be there already, from a try that was cut short.

    Raises:
        Undelivered: It did not arrive, as far as is known.
    """
    try:
        with path.open("rb") as stream:
            carried = _measure(stream, lambda done, size: watch(done // 2, size))
    except OSError:
        raise Undelivered(Trouble.UNREADABLE) from None
    if destination.is_folder:
        _into_folder(path, Path(destination.text), carried, watch)
    else:
        _into_store(path, destination, credentials, carried)
    watch(carried.size, carried.size)
    return carried


# --- a folder, or a share


def _into_folder(path: Path, folder: Path, carried: Carried, watch: Watch) -> None:
    target = folder / path.name
    try:
        if not folder.is_dir():
            # It is never made: where a share is not mounted, that would be a folder which nobody looks into.
            raise Undelivered(Trouble.AWAY)
        for left in folder.glob(f".{path.name}.*{_PART}"):
            left.unlink(missing_ok=True)  # of a try that was killed
        if target.exists():
            _compare(target, carried)
            return
        part = folder / f".{path.name}.{secrets.token_hex(4)}{_PART}"
        try:
            _copy(path, part, carried, watch)
            _appear(part, target, carried)
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)
        _sync(folder)
    except OSError as error:
        raise Undelivered(_trouble_of(error)) from None


def _copy(path: Path, part: Path, carried: Carried, watch: Watch) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(part, flags, SHARED_FILE)
    with path.open("rb") as source, os.fdopen(descriptor, "wb") as sink:
        if sys.platform != "win32":
            with suppress(OSError):  # a share may have modes of its own
                os.fchmod(descriptor, SHARED_FILE)  # whatever this process makes is private otherwise
        copied = _measure(source, lambda done, size: watch((size + done) // 2, size), sink)
        sink.flush()
        os.fsync(sink.fileno())
    if copied != carried:
        raise Undelivered(Trouble.UNREADABLE)


def _appear(part: Path, target: Path, carried: Carried) -> None:
    """Give a whole file its name, if nothing has it."""
    try:
        os.link(part, target, follow_symlinks=False)
    except FileExistsError:
        _compare(target, carried)
    except OSError as error:
        if error.errno not in {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EINVAL}:
            raise
        # FAT and some shares know no links. Between look and name nobody can take it: it is random, and ours.
        if target.exists():
            _compare(target, carried)
        else:
            part.rename(target)


def _compare(target: Path, carried: Carried) -> None:
    with target.open("rb") as stream:
        if _measure(stream) != carried:
            raise Undelivered(Trouble.NOT_OURS)


def _measure(stream: BinaryIO, watch: Watch = lambda _done, _size: None, sink: BinaryIO | None = None) -> Carried:
    digest, done, size = hashlib.sha256(), 0, os.fstat(stream.fileno()).st_size
    while data := stream.read(CHUNK):
        digest.update(data)
        done += len(data)
        if sink is not None:
            sink.write(data)
        watch(done, size)
    return Carried(digest.hexdigest(), done)


def _sync(folder: Path) -> None:
    """Make the name survive a power cut. Some shares and Windows cannot be asked to, and do it by themselves."""
    if sys.platform != "win32":
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            with suppress(OSError):
                os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _trouble_of(error: OSError) -> Trouble:
    if error.errno in {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}:
        return Trouble.FULL
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return Trouble.REFUSED
    return Trouble.AWAY


# --- a store


def _into_store(path: Path, destination: Destination, credentials: Mapping[str, str], carried: Carried) -> None:
    try:
        import obstore
        from obstore import exceptions
    except ImportError:
        raise Undelivered(Trouble.NO_LIBRARY) from None
    name = "/".join(filter(None, (destination.prefix, path.name)))
    try:
        store = _open(destination, credentials, carried.size)
        # Mapped, not read: an atomic request needs all of the file at once, and so it takes no memory.
        with path.open("rb") as stream:
            data = memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
        obstore.put(store, name, data, mode="create", use_multipart=False)
    except exceptions.AlreadyExistsError:
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


def _open(destination: Destination, credentials: Mapping[str, str], size: int) -> ObjectStore:
    """Return the store. TLS is always verified; http is for this computer alone; nothing is retried in here."""
    from obstore.store import AzureStore, GCSStore, S3Store

    options: Any = {
        "client_options": {
            "allow_http": destination.in_the_clear,
            "allow_invalid_certificates": False,
            "connect_timeout": f"{CONNECT_S}s",
            "timeout": f"{patience_s(size)}s",
            "user_agent": "capture-agent",
        },
        "retry_config": {"max_retries": 0, "retry_timeout": timedelta(seconds=0)},
    }
    match destination.kind:
        case Kind.S3:
            endpoint = destination.endpoint or f"https://s3.{destination.region}.amazonaws.com"
            keys = {
                "access_key_id": credentials["AWS_ACCESS_KEY_ID"],
                "secret_access_key": credentials["AWS_SECRET_ACCESS_KEY"],
            }
            if "AWS_SESSION_TOKEN" in credentials:
                keys["session_token"] = credentials["AWS_SESSION_TOKEN"]
            config: Any = {"region": destination.region, "endpoint": endpoint, "conditional_put": "etag", **keys}
            return S3Store(destination.bucket, config=config, **options)
        case Kind.GCS:
            config = {"service_account_key": credentials["GOOGLE_SERVICE_ACCOUNT_KEY"]}
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


# --- as a process of its own


def main(stdin: BinaryIO, tell: Callable[[str], object]) -> None:
    """Do the errand that `stdin` tells of, and `tell` what came of it. It ends with whoever sent it."""
    harden()
    _end_with_parent()
    order = json.loads(stdin.read())
    try:
        carried = carry(
            Path(order["path"]), parse(order["destination"]), order["credentials"], lambda _done, _size: None
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

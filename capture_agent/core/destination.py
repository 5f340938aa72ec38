"""Where a study wants what was shared to go: a folder, or a place in a store. Pure.

::

    /srv/inbox                                       a folder, on this computer or a share; it has to be there
    s3://BUCKET/PREFIX?region=R&endpoint=URL         Amazon S3, or with `endpoint` whatever speaks S3
    gs://BUCKET/PREFIX?endpoint=URL                  Google Cloud Storage
    az://ACCOUNT/CONTAINER/PREFIX?endpoint=URL       Azure Blob Storage

A prefix may be left out. An endpoint is https; http is for this computer alone (127.0.0.1, ::1, localhost).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath, PureWindowsPath
from urllib.parse import parse_qsl, urlsplit

DEFAULT_REGION = "us-east-1"  # what S3-compatible servers without regions expect
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_PROXIES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")  # as curl and the library of the courier know them
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,221}")  # GCS allows the longest: 222
_ACCOUNT = re.compile(r"[a-z0-9]{3,24}")
_PREFIX = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*")
_REGION = re.compile(r"[a-z0-9-]{1,40}")


class Kind(StrEnum):
    """Who takes what is delivered."""

    FOLDER = "folder"
    S3 = "s3"
    GCS = "gs"
    AZURE = "az"


_OPTIONS = {Kind.S3: {"region", "endpoint"}, Kind.GCS: {"endpoint"}, Kind.AZURE: {"endpoint"}}


@dataclass(frozen=True, slots=True)
class Destination:
    """A destination, taken apart. `text` is what the study says, and people read; no secret is ever in it."""

    kind: Kind
    text: str
    bucket: str = ""  # the container, for Azure
    prefix: str = ""
    account: str = ""
    region: str = DEFAULT_REGION
    endpoint: str = ""  # empty: the store's own

    @property
    def is_folder(self) -> bool:
        """Whether it is reached without a connection of ours."""
        return self.kind is Kind.FOLDER

    def needs_network(self, environ: Mapping[str, str]) -> bool:
        """Return whether nothing gets there while this computer has no network, for all that is known.

        Not a folder: even a share may be on this computer. Nor what goes to this computer first, to a proxy on it that
        `environ` names, and on from there by ways that nobody knows here.
        """
        proxies = (environ.get(name, "") for name in _PROXIES)
        return not self.is_folder and not any(map(_is_here, (self.endpoint, *proxies)))

    @property
    def in_the_clear(self) -> bool:
        """Whether it is reached over http, which only this computer may be."""
        return self.endpoint.startswith("http://")


def parse(text: str) -> Destination:
    """Return the destination that `text` stands for.

    Raises:
        ValueError: It is none; says why.
    """
    if "://" not in text:
        if PurePosixPath(text).is_absolute() or PureWindowsPath(text).is_absolute():
            return Destination(Kind.FOLDER, text)
        raise ValueError("it is no full path")
    url = urlsplit(text)
    try:
        kind = Kind(url.scheme)
        options = _OPTIONS[kind]
    except (ValueError, KeyError):
        raise ValueError("it is no full path, and begins with none of s3://, gs:// and az://") from None
    if url.username is not None or url.password is not None or url.fragment or ":" in url.netloc:
        raise ValueError("it must have no user name, password, port or fragment")
    given = dict(parse_qsl(url.query, keep_blank_values=True, strict_parsing=bool(url.query)))
    if not set(given) <= options:
        raise ValueError(f"after ? it takes {' and '.join(sorted(options))}")
    account, path = ("", url.path.strip("/"))
    bucket = url.netloc
    if kind is Kind.AZURE:
        account, (bucket, _, path) = bucket, path.partition("/")
        if not _ACCOUNT.fullmatch(account):
            raise ValueError("its account is not of 3 to 24 of a-z and 0-9")
    if not _BUCKET.fullmatch(bucket):
        raise ValueError("it names no bucket of a-z, 0-9, . _ and -")
    if path and (not _PREFIX.fullmatch(path) or {".", ".."} & set(path.split("/"))):
        raise ValueError("what follows the bucket has other characters than A-Z, a-z, 0-9, . _ - and /")
    region = given.get("region", DEFAULT_REGION)
    if not _REGION.fullmatch(region):
        raise ValueError("its region has other characters than a-z, 0-9 and -")
    endpoint = given.get("endpoint", "")
    if "endpoint" in given:
        _check_endpoint(endpoint)
    return Destination(kind, text, bucket, path, account, region, endpoint)


def _is_here(address: str) -> bool:
    """Return whether an address, with scheme or without, is one of this computer, or none that is understood."""
    try:
        host = urlsplit(address if "://" in address else f"//{address}").hostname or ""
    except ValueError:
        return True
    return host in LOOPBACK or host.startswith("127.") or host.endswith(".localhost")


def _check_endpoint(text: str) -> None:
    """Return if `text` is an address that is only ever reached encrypted, or on this computer.

    Raises:
        ValueError: It is not.
    """
    url = urlsplit(text)
    if url.scheme not in {"https", "http"} or not url.hostname or url.username is not None or url.query:
        raise ValueError("its endpoint is no address such as https://s3.example.org")
    if url.scheme == "http" and url.hostname not in LOOPBACK:
        raise ValueError("its endpoint is not https")

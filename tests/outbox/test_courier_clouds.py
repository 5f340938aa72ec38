"""Delivering to Google's and Azure's stores: what the courier asks of them, on the wire, and what it makes of answers.

Google has no server that could be among the tests, and Azure's says some things in other words than Azure does
(docs/delivery.md), so the answers are scripted here, after
https://cloud.google.com/storage/docs/xml-api/put-object and
https://learn.microsoft.com/en-us/rest/api/storageservices/put-blob.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from store_server import Bucket, Harm, Proxy, Seen, answers

from capture_agent.core.delivery import Trouble, Undelivered
from capture_agent.core.destination import parse
from capture_agent.outbox.courier import carry

pytestmark = pytest.mark.promise("P14")
SAS = "sv=2020-12-06&sr=c&sp=c&sig=bm9uZQ"  # for creating, and nothing else
ACCOUNT = "participant@study.iam.gserviceaccount.com"
CREATED = answers('201 Created\r\nETag: "1"')
REFUSED = answers("403 Forbidden", "<Error><Code>AccessDenied</Code></Error>")


def denied(permission: str) -> Harm:
    said = f"{ACCOUNT} does not have {permission} access to the Google Cloud Storage object."
    return answers("403 Forbidden", f"<Error><Code>AccessDenied</Code><Details>{said}</Details></Error>")


def azure(status: str, code: str) -> Harm:
    return answers(status, f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code></Error>')


TAKEN = [  # the second of each to who may replace nothing
    ("gs", answers("412 Precondition Failed", "<Error><Code>PreconditionFailed</Code></Error>")),
    ("gs", denied("storage.objects.delete")),
    ("az", azure("409 Conflict", "BlobAlreadyExists")),
    ("az", azure("403 Forbidden", "UnauthorizedBlobOverwrite")),
]
TROUBLE = [
    ("gs", denied("storage.objects.create"), Trouble.REFUSED),
    ("gs", answers("404 Not Found", "<Error><Code>NoSuchBucket</Code></Error>"), Trouble.NO_SUCH_PLACE),
    ("gs", answers("409 Conflict", "<Error><Code>OperationAborted</Code></Error>"), Trouble.BUSY),
    ("az", azure("409 Conflict", "ContainerBeingDeleted"), Trouble.BUSY),
    ("az", azure("403 Forbidden", "AuthorizationPermissionMismatch"), Trouble.REFUSED),
    ("az", azure("403 Forbidden", "AuthenticationFailed"), Trouble.REFUSED),
    ("az", azure("404 Not Found", "ContainerNotFound"), Trouble.NO_SUCH_PLACE),
]


@pytest.fixture
def cloud(server: Bucket) -> Iterator[Proxy]:
    one = Proxy(server.port)  # which no request ever reaches
    yield one
    one.close()


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def access(key: rsa.RSAPrivateKey) -> dict[str, str]:
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    told = {"type": "service_account", "client_email": ACCOUNT, "private_key_id": "the-first", "client_id": "1"}
    google = json.dumps({**told, "private_key": key.private_bytes(*form).decode()})
    return {"GOOGLE_SERVICE_ACCOUNT_KEY": google, "AZURE_STORAGE_SAS_TOKEN": SAS}


def deliver(path: Path, kind: str, cloud: Proxy, access: dict[str, str]) -> None:
    place = {"gs": "gs://study/in", "az": "az://account/study/in"}[kind]
    destination = f"{place}?endpoint=http://127.0.0.1:{cloud.port}"
    carry(path, parse(destination), access, lambda _done, _size: None)


def decoded(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def fields(seen: Seen) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in seen.head.split("\r\n")[1:])


def test_one_signed_request_creates_the_file_at_google_and_would_replace_nothing(
    parcel: Path, cloud: Proxy, access: dict[str, str], key: rsa.RSAPrivateKey
) -> None:
    cloud.harms = [CREATED]
    deliver(parcel, "gs", cloud, access)
    (seen,) = cloud.seen
    assert (seen.method, seen.path) == ("PUT", f"/study/in/{parcel.name}")
    found = fields(seen)
    assert found["x-goog-if-generation-match"] == "0"  # only if nothing has that name
    assert found["content-length"] == str(parcel.stat().st_size)
    signed, _, signature = found["authorization"].removeprefix("Bearer ").rpartition(".")
    key.public_key().verify(decoded(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    assert json.loads(decoded(signed.partition(".")[2]))["iss"] == ACCOUNT


def test_one_request_creates_the_file_at_azure_and_would_replace_nothing(
    parcel: Path, cloud: Proxy, access: dict[str, str]
) -> None:
    cloud.harms = [CREATED]
    deliver(parcel, "az", cloud, access)
    (seen,) = cloud.seen
    assert (seen.method, seen.path) == ("PUT", f"/study/in/{parcel.name}")
    assert f"?{SAS} " in seen.head.split("\r\n")[0]
    found = fields(seen)
    assert (found["if-none-match"], found["x-ms-blob-type"]) == ("*", "BlockBlob")
    assert found["content-length"] == str(parcel.stat().st_size)


@pytest.mark.parametrize(("kind", "taken"), TAKEN)
def test_a_name_that_is_taken_counts_as_arrived_if_nobody_may_look_or_it_is_the_same(
    parcel: Path, cloud: Proxy, access: dict[str, str], kind: str, taken: Harm
) -> None:
    """As after a try whose answer got lost: with an account that may only create, a cloud may say so with 403."""
    cloud.harms = [taken, REFUSED]
    deliver(parcel, kind, cloud, access)
    assert [one.method for one in cloud.seen] == ["PUT", "GET"]
    there = parcel.read_bytes().hex()  # answers are text
    shown = answers('200 OK\r\nETag: "1"\r\nLast-Modified: Sun, 29 Nov 2026 00:00:00 GMT', there)
    parcel.write_text(there)
    cloud.harms = [taken, shown]
    deliver(parcel, kind, cloud, access)
    parcel.write_text(there[::-1])
    cloud.harms = [taken, shown]
    with pytest.raises(Undelivered) as caught:
        deliver(parcel, kind, cloud, access)
    assert caught.value.trouble is Trouble.NOT_OURS


@pytest.mark.parametrize(("kind", "harm", "wanted"), TROUBLE)
def test_any_other_answer_is_no_delivery(
    parcel: Path, cloud: Proxy, access: dict[str, str], *, kind: str, harm: Harm, wanted: Trouble
) -> None:
    cloud.harms = [harm, REFUSED]
    with pytest.raises(Undelivered) as caught:
        deliver(parcel, kind, cloud, access)
    assert caught.value.trouble is wanted
    assert len(cloud.seen) == 1

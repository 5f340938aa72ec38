"""Delivering to Google Cloud Storage: what the courier asks of it, on the wire, and what it makes of Google's answers.

No server of Google's runs on a loopback, and none that others wrote speaks what obstore asks (docs/delivery.md). So
the answers are scripted here, after https://cloud.google.com/storage/docs/xml-api/put-object.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from store_server import Bucket, Harm, Proxy, answers

from capture_agent.core.delivery import Trouble, Undelivered
from capture_agent.core.destination import parse
from capture_agent.outbox.courier import carry

pytestmark = pytest.mark.promise("P14")
ACCOUNT = "participant@study.iam.gserviceaccount.com"
CREATED = answers('200 OK\r\nETag: "1"')
TAKEN = answers("412 Precondition Failed", "<Error><Code>PreconditionFailed</Code></Error>")
REFUSED = answers("403 Forbidden", "<Error><Code>AccessDenied</Code></Error>")
NO_BUCKET = answers("404 Not Found", "<Error><Code>NoSuchBucket</Code></Error>")
MODIFIED = "Last-Modified: Sun, 29 Nov 2026 00:00:00 GMT"


@pytest.fixture
def google(server: Bucket) -> Iterator[Proxy]:
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
    return {"GOOGLE_SERVICE_ACCOUNT_KEY": json.dumps({**told, "private_key": key.private_bytes(*form).decode()})}


def deliver(path: Path, google: Proxy, access: dict[str, str]) -> None:
    destination = f"gs://study/in?endpoint=http://127.0.0.1:{google.port}"
    carry(path, parse(destination), access, lambda _done, _size: None)


def decoded(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def test_one_signed_request_creates_the_file_and_would_replace_nothing(
    parcel: Path, google: Proxy, access: dict[str, str], key: rsa.RSAPrivateKey
) -> None:
    google.harms = [CREATED]
    deliver(parcel, google, access)
    (seen,) = google.seen
    assert (seen.method, seen.path) == ("PUT", f"/study/in/{parcel.name}")
    fields = dict(line.split(": ", 1) for line in seen.head.split("\r\n")[1:])
    assert fields["x-goog-if-generation-match"] == "0"  # only if nothing has that name
    assert fields["content-length"] == str(parcel.stat().st_size)
    signed, _, signature = fields["authorization"].removeprefix("Bearer ").rpartition(".")
    key.public_key().verify(decoded(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    assert json.loads(decoded(signed.partition(".")[2]))["iss"] == ACCOUNT


def test_a_name_that_is_taken_counts_as_arrived_if_nobody_may_look_or_it_is_the_same(
    parcel: Path, google: Proxy, access: dict[str, str]
) -> None:
    google.harms = [TAKEN, REFUSED]
    deliver(parcel, google, access)
    assert [one.method for one in google.seen] == ["PUT", "GET"]
    there = parcel.read_bytes().hex()  # answers are text
    parcel.write_text(there)
    google.harms = [TAKEN, answers(f'200 OK\r\nETag: "1"\r\n{MODIFIED}', there)]
    deliver(parcel, google, access)
    parcel.write_text(there[::-1])
    google.harms = [TAKEN, answers(f'200 OK\r\nETag: "1"\r\n{MODIFIED}', there)]
    with pytest.raises(Undelivered) as caught:
        deliver(parcel, google, access)
    assert caught.value.trouble is Trouble.NOT_OURS


@pytest.mark.parametrize(("harm", "wanted"), [(REFUSED, Trouble.REFUSED), (NO_BUCKET, Trouble.NO_SUCH_PLACE)])
def test_what_google_refuses_is_known(
    parcel: Path, google: Proxy, access: dict[str, str], harm: Harm, wanted: Trouble
) -> None:
    google.harms = [harm]
    with pytest.raises(Undelivered) as caught:
        deliver(parcel, google, access)
    assert caught.value.trouble is wanted

"""Delivering to a store with a cap: through the courier's relay, which passes on what it is there for and no more.

That it delivers as without one, and knows what went wrong, is in test_courier_store.py.
"""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import store_server
from store_server import ACCESS, Bucket, Clock, Proxy

from capture_agent.core.delivery import Trouble, Undelivered
from capture_agent.core.destination import parse
from capture_agent.core.progress import CancelledError
from capture_agent.outbox import courier
from capture_agent.outbox.courier import carry
from capture_agent.outbox.errand import send
from capture_agent.outbox.inbox import Cap, Carried

pytestmark = pytest.mark.promise("P14")
SLOW, FAST = 8_000, 3_000_000  # bytes a second: the lowest cap, and one that takes a tenth of a second


def deliver(path: Path, destination: str, cap: Cap | None = None) -> Carried:
    return carry(path, parse(destination), ACCESS, lambda _done, _size: None, cap or Cap(FAST))


def trouble(path: Path, destination: str) -> Trouble:
    with pytest.raises(Undelivered) as caught:
        deliver(path, destination)
    return caught.value.trouble


def whole(bucket: Bucket, parcel: Path) -> bool:
    return bucket.names() == [f"in/{parcel.name}"] and bucket.read(f"in/{parcel.name}") == parcel.read_bytes()


def test_it_arrives_whole_and_takes_the_time_that_the_cap_says(parcel: Path, bucket: Bucket, proxy: Proxy) -> None:
    clock = Clock()
    carried = deliver(parcel, bucket.destination(proxy.port), Cap(SLOW, clock.now, clock.sleep))
    assert whole(bucket, parcel)
    head_and_answer = 4096
    assert carried.size / SLOW < clock.time < (carried.size + head_and_answer) / SLOW
    assert max(clock.slept) < 0.126  # smooth
    (seen,) = proxy.seen
    assert seen.head.startswith(f"PUT /study/in/{parcel.name} HTTP/1.1\r\n")  # as without a relay
    assert "proxy-" not in seen.head.lower()


def test_nobody_there_is_said(parcel: Path) -> None:
    assert trouble(parcel, f"s3://study?endpoint=http://127.0.0.1:{store_server.free_port()}") is Trouble.AWAY
    assert trouble(parcel, f"s3://study?endpoint=https://127.0.0.1:{store_server.free_port()}") is Trouble.AWAY


def test_a_stop_in_the_middle_leaves_nothing(parcel: Path, bucket: Bucket, proxy: Proxy) -> None:
    """As a process of its own, with a cap that would take half a minute; stopping kills it (`kill -9`)."""
    stop = threading.Event()

    def stops(seen: store_server.Seen, _client: object, _server: object) -> bool:
        threading.Timer(0.5, stop.set).start()
        return True

    proxy.harms = [stops]
    with pytest.raises(CancelledError):
        send(parcel, parse(bucket.destination(proxy.port)), ACCESS, lambda _done, _size: None, stop, rate=SLOW)
    (seen,) = proxy.seen
    assert seen.left > 0
    assert bucket.names() == []
    deliver(parcel, bucket.destination())
    assert whole(bucket, parcel)


# --- TLS


@pytest.fixture
def https(bucket: Bucket, tmp_path: Path) -> Iterator[tuple[Proxy, Path]]:
    """The server over TLS, and the certificate of who vouches for it."""

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=tmp_path)

    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *key, "-days", "1", "-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.pem")
    openssl("req", *key, "-subj", "/CN=store", "-keyout", "store.key", "-out", "store.csr")
    (tmp_path / "names").write_text("subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
    signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "1", "-extfile", "names"]
    openssl("x509", "-req", "-in", "store.csr", *signed, "-out", "store.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "store.pem", tmp_path / "store.key")
    proxy = Proxy(bucket.port)
    proxy._server.socket = context.wrap_socket(proxy._server.socket, server_side=True)
    yield proxy, tmp_path / "ca.pem"
    proxy.close()


def test_tls_goes_through_from_end_to_end(
    parcel: Path, bucket: Bucket, https: tuple[Proxy, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, authority = https
    destination = f"s3://study/in?endpoint=https://127.0.0.1:{proxy.port}"
    assert trouble(parcel, destination) is Trouble.NOT_TRUSTED
    assert proxy.seen == []
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))  # which the process reads when it starts
    send(parcel, parse(destination), ACCESS, lambda _done, _size: None, threading.Event(), rate=FAST)
    assert len(proxy.seen) == 1
    assert whole(bucket, parcel)


# --- the relay itself


@contextmanager
def listener() -> Iterator[tuple[socket.socket, int]]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        yield server, server.getsockname()[1]


def asked(proxy: str, request: str) -> bytes:
    """Return what the relay with the URL `proxy` answers before it ends the connection."""
    with socket.create_connection(("127.0.0.1", urlsplit(proxy).port or 0), timeout=20) as line:
        line.sendall(request.encode())
        answer = b""
        while data := line.recv(4096):
            answer += data
        return answer


def password(proxy: str, of: str | None = None) -> str:
    url = urlsplit(proxy)
    word = f"{url.username}:{of or url.password}"
    return f"Proxy-Authorization: Basic {b64encode(word.encode()).decode()}\r\n"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_who_does_not_know_the_password_gets_nowhere(scheme: str) -> None:
    with listener() as (store, port), courier._relay(f"{scheme}://127.0.0.1:{port}", Cap(FAST)) as proxy:
        store.setblocking(False)
        wants = f"CONNECT 127.0.0.1:{port}" if scheme == "https" else f"GET http://127.0.0.1:{port}/"
        for line in ("", password(proxy, "0" * 64), password(proxy, "é"), "Proxy-Authorization: \r\n"):
            answer = asked(proxy, f"{wants} HTTP/1.1\r\n{line}\r\n")
            assert answer.startswith(b"HTTP/1.1 407 ")
        with pytest.raises(BlockingIOError):
            store.accept()


@pytest.mark.parametrize(
    ("scheme", "wants"),
    [
        ("https", "CONNECT 127.0.0.1:{other}"),
        ("https", "CONNECT 127.0.0.2:{port}"),
        ("https", "CONNECT localhost:{port}"),
        ("https", "CONNECT 127.0.0.1:http"),
        ("https", "CONNECT [127.0.0.1"),
        ("https", "GET 127.0.0.1:{port}"),
        ("https", "GET http://127.0.0.1:{port}/"),
        ("http", "CONNECT 127.0.0.1:{port}"),
        ("http", "GET http://127.0.0.1:{other}/"),
        ("http", "GET https://127.0.0.1:{port}/"),
        ("http", "GET /"),
        ("http", ""),
    ],
)
def test_the_relay_goes_to_the_one_address_and_nowhere_else(scheme: str, wants: str) -> None:
    with listener() as (store, port), listener() as (other, other_port):
        with courier._relay(f"{scheme}://127.0.0.1:{port}", Cap(FAST)) as proxy:
            request = wants.format(port=port, other=other_port)
            answer = asked(proxy, f"{request} HTTP/1.1\r\n{password(proxy)}\r\n")
            assert answer.startswith(b"HTTP/1.1 403 ")
        for one in (store, other):
            one.setblocking(False)
            with pytest.raises(BlockingIOError):
                one.accept()


def test_a_head_without_an_end_is_not_kept() -> None:
    with listener() as (_, port), courier._relay(f"http://127.0.0.1:{port}", Cap(FAST)) as proxy:
        with pytest.raises(OSError, match=r"reset|Broken pipe"):
            asked(proxy, "x" * 10_000_000)


def test_the_relay_is_for_this_computer_and_is_closed_with_the_delivery() -> None:
    with listener() as (_, port), courier._relay(f"http://127.0.0.1:{port}", Cap(FAST)) as proxy:
        url = urlsplit(proxy)
        assert url.hostname == "127.0.0.1"
        assert len(url.password or "") == 64
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.2", url.port or 0), timeout=20)
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", url.port or 0), timeout=20)


@pytest.fixture(scope="module")
def clouds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What opens stores that are not there."""
    key = tmp_path_factory.mktemp("clouds") / "key.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-out", key], check=True, capture_output=True)
    account = {"type": "service_account", "client_email": "one@example.org", "private_key_id": "1"}
    # A key may say where to go, which the library would obey: that is for the study's policy alone to say.
    elsewhere = {"token_uri": "https://x.invalid", "gcs_base_url": "https://elsewhere.invalid"}
    google = json.dumps({**account, "private_key": key.read_text(), "client_id": "1", **elsewhere})
    return {**ACCESS, "AZURE_STORAGE_ACCOUNT_KEY": "bm9uZQ==", "GOOGLE_SERVICE_ACCOUNT_KEY": google}


@pytest.mark.parametrize(
    ("destination", "address"),
    [
        ("s3://study?region=eu-west-1", "s3.eu-west-1.amazonaws.com:443"),
        ("gs://study/in", "storage.googleapis.com:443"),
        ("gs://study/in?endpoint=https://gcs.example.org:8443", "gcs.example.org:8443"),
        ("az://account/study/in", "account.blob.core.windows.net:443"),
        ("az://account/study?endpoint=https://blob.example.org:8443", "blob.example.org:8443"),
    ],
)
@pytest.mark.parametrize("cap", [None, Cap(FAST)], ids=["no-cap", "cap"])
def test_the_proxy_of_a_network_is_used_with_a_cap_as_without_one(
    parcel: Path,
    clouds: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    *,
    destination: str,
    address: str,
    cap: Cap | None,
) -> None:
    with listener() as (network, port):
        heads = []

        def refuse() -> None:
            line, _ = network.accept()
            with line:
                heads.append(line.recv(65536).decode())
                line.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=refuse)
        thread.start()
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:pass%2Fword@127.0.0.1:{port}")
        with pytest.raises(Undelivered) as caught:
            carry(parcel, parse(destination), clouds, lambda _done, _size: None, cap)
        thread.join()
    assert caught.value.trouble is Trouble.AWAY
    (head,) = heads
    assert head.startswith(f"CONNECT {address} HTTP/1.")
    assert f"Proxy-Authorization: Basic {b64encode(b'me:pass/word').decode()}".lower() in head.lower()


def test_a_proxy_that_the_environment_excepts_or_of_another_kind_is_not_used(
    parcel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with listener() as (network, port), listener() as (store, store_port):
        network.setblocking(False)
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        relay = courier._Relay(f"https://127.0.0.1:{store_port}", Cap(FAST))
        with relay:
            relay.dial().close()
            store.accept()[0].close()
            monkeypatch.delenv("NO_PROXY")
            monkeypatch.setenv("HTTPS_PROXY", f"socks5://127.0.0.1:{port}")
            with pytest.raises(ConnectionError):
                relay.dial()
        with pytest.raises(BlockingIOError):
            network.accept()

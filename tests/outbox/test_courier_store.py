"""Delivering to a store: a real S3 server on loopback, behind a proxy that breaks what a network can break."""

from __future__ import annotations

import json
import secrets
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import store_server
from store_server import ACCESS, Bucket, Proxy, answers, create_only, passes, resets

from capture_agent.core.delivery import Trouble, Undelivered
from capture_agent.core.destination import parse
from capture_agent.core.errors import FaultError
from capture_agent.core.progress import CancelledError
from capture_agent.outbox import errand
from capture_agent.outbox.courier import carry
from capture_agent.outbox.errand import send
from capture_agent.outbox.inbox import Cap, Carried

pytestmark = pytest.mark.promise("P14")
FORBIDDEN = "<Error><Code>SignatureDoesNotMatch</Code><StringToSign>the words of a server</StringToSign></Error>"


@pytest.fixture(params=[None, 3_000_000], ids=["no-cap", "cap"])
def rate(request: pytest.FixtureRequest) -> int | None:
    """Bytes a second: with a cap all goes through the courier's relay."""
    found: int | None = request.param
    return found


def deliver(path: Path, destination: str, rate: int | None = None) -> Carried:
    """In this process: what runs in one of its own is the same, and takes a second longer."""
    return carry(path, parse(destination), ACCESS, lambda _done, _size: None, None if rate is None else Cap(rate))


def trouble(path: Path, destination: str, rate: int | None = None) -> Trouble:
    with pytest.raises(Undelivered) as caught:
        deliver(path, destination, rate)
    return caught.value.trouble


def whole(bucket: Bucket, parcel: Path) -> bool:
    return bucket.names() == [f"in/{parcel.name}"] and bucket.read(f"in/{parcel.name}") == parcel.read_bytes()


def test_a_file_arrives_whole_and_once_however_often_it_is_tried(parcel: Path, bucket: Bucket) -> None:
    first = deliver(parcel, bucket.destination())
    assert whole(bucket, parcel)
    assert deliver(parcel, bucket.destination()) == first
    assert whole(bucket, parcel)


def test_with_an_account_that_may_only_create_it_arrives_and_again_counts_as_arrived(
    parcel: Path, bucket: Bucket, proxy: Proxy, rate: int | None
) -> None:
    proxy.harms = [create_only]
    first = deliver(parcel, bucket.destination(proxy.port), rate)
    assert [one.method for one in proxy.seen] == ["PUT"]  # nothing else is even asked for
    assert "if-none-match: *" in proxy.seen[0].head.lower()
    assert deliver(parcel, bucket.destination(proxy.port), rate) == first
    assert [one.method for one in proxy.seen] == ["PUT", "PUT", "GET"]
    assert whole(bucket, parcel)


def test_another_object_of_the_same_name_is_left_as_it_is(parcel: Path, bucket: Bucket) -> None:
    for other in (b"of somebody else", secrets.token_bytes(parcel.stat().st_size)):
        bucket.put(f"in/{parcel.name}", other)
        assert trouble(parcel, bucket.destination()) is Trouble.NOT_OURS
        assert bucket.read(f"in/{parcel.name}") == other


def test_an_answer_that_got_lost_is_no_second_object(
    parcel: Path, bucket: Bucket, proxy: Proxy, rate: int | None
) -> None:
    proxy.harms, proxy.cut_answer = [create_only], True
    assert trouble(parcel, bucket.destination(proxy.port), rate) is Trouble.AWAY
    assert whole(bucket, parcel)
    deliver(parcel, bucket.destination(proxy.port), rate)
    assert whole(bucket, parcel)


@pytest.mark.parametrize(
    ("harm", "wanted"),
    [
        (resets, Trouble.AWAY),
        (answers("500 Internal Server Error"), Trouble.BUSY),
        (answers("409 Conflict", "<Error><Code>ConditionalRequestConflict</Code></Error>"), Trouble.BUSY),
        (answers("503 Service Unavailable", "<Error><Code>SlowDown</Code></Error>"), Trouble.BUSY),
        (answers("507 Insufficient Storage"), Trouble.FULL),
        (answers("403 Forbidden", FORBIDDEN), Trouble.REFUSED),
        (answers("401 Unauthorized"), Trouble.REFUSED),
        (answers("404 Not Found", "<Error><Code>NoSuchBucket</Code></Error>"), Trouble.NO_SUCH_PLACE),
        (answers("501 Not Implemented"), Trouble.NOT_ATOMIC),
    ],
    ids=lambda value: value.value if isinstance(value, Trouble) else "",
)
def test_what_a_server_or_network_does_is_known_and_the_next_try_delivers(
    parcel: Path, bucket: Bucket, proxy: Proxy, rate: int | None, *, harm: store_server.Harm, wanted: Trouble
) -> None:
    proxy.harms = [harm, passes]
    assert trouble(parcel, bucket.destination(proxy.port), rate) is wanted
    assert len(proxy.seen) == 1  # nothing is tried again in there: that is decided, and noted, outside
    assert bucket.names() == []
    deliver(parcel, bucket.destination(proxy.port), rate)
    assert whole(bucket, parcel)


def test_a_slow_line_is_waited_for(parcel: Path, bucket: Bucket, proxy: Proxy, rate: int | None) -> None:
    proxy.pace = 0.1
    deliver(parcel, bucket.destination(proxy.port), rate)
    assert whole(bucket, parcel)


def test_nobody_there_is_said(parcel: Path) -> None:
    assert trouble(parcel, f"s3://study?endpoint=http://127.0.0.1:{store_server.free_port()}") is Trouble.AWAY


def test_a_server_that_cannot_prove_who_it_is_gets_nothing(
    parcel: Path, bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the environment asks for no proof: what a store's library would obey does not reach it."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"]
    named = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(["openssl", *made, *named, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    proxy = Proxy(bucket.port)
    proxy._server.socket = context.wrap_socket(proxy._server.socket, server_side=True)
    monkeypatch.setenv("AWS_ALLOW_INVALID_CERTIFICATES", "true")
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    destination = f"s3://study/in?endpoint=https://127.0.0.1:{proxy.port}"
    try:
        assert trouble(parcel, destination) is Trouble.NOT_TRUSTED
        with pytest.raises(Undelivered) as caught:
            send(parcel, parse(destination), ACCESS, lambda _done, _size: None, threading.Event())
        assert caught.value.trouble is Trouble.NOT_TRUSTED
    finally:
        proxy.close()
    assert proxy.seen == []


# --- as a process of its own


def test_the_courier_obeys_no_variable_of_the_environment(
    parcel: Path, bucket: Bucket, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = f"http://127.0.0.1:{store_server.free_port()}"
    for name in ("AWS_ENDPOINT", "AWS_ENDPOINT_URL", "AWS_PROXY_URL"):
        monkeypatch.setenv(name, nowhere)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "another")
    monkeypatch.setenv("AWS_CONDITIONAL_PUT", "disabled")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of another account")
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
    sent = send(parcel, parse(bucket.destination(proxy.port)), ACCESS, lambda _done, _size: None, threading.Event())
    (seen,) = proxy.seen
    assert f"Credential={ACCESS['AWS_ACCESS_KEY_ID']}" in seen.head
    assert "another" not in seen.head
    assert sent.size == parcel.stat().st_size
    assert whole(bucket, parcel)


def test_what_the_courier_met_is_told_by_its_name_alone(parcel: Path, bucket: Bucket, proxy: Proxy) -> None:
    """Neither the words of a server nor what opens it come back, or stand on standard error or in an argument."""
    proxy.harms = [answers("403 Forbidden", FORBIDDEN)]
    order = {"path": str(parcel), "destination": bucket.destination(proxy.port), "credentials": ACCESS, "rate": None}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "capture_agent.outbox.courier"],
        input=json.dumps(order),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert json.loads(done.stdout) == {"trouble": "refused"}
    assert done.stderr == ""
    assert done.returncode == 0


def test_stopping_ends_a_courier_that_hangs(parcel: Path, bucket: Bucket, proxy: Proxy) -> None:
    stop, began, over = threading.Event(), threading.Event(), threading.Event()

    def hangs(_seen: store_server.Seen, client: object, _server: object) -> bool:
        began.set()
        over.wait(60)
        return False

    proxy.harms = [hangs]
    threading.Thread(target=lambda: (began.wait(60), stop.set())).start()
    with pytest.raises(CancelledError):
        send(parcel, parse(bucket.destination(proxy.port)), ACCESS, lambda _done, _size: None, stop)
    over.set()
    assert bucket.names() == []


def test_a_courier_that_does_not_come_back_is_a_fault(parcel: Path) -> None:
    for said in ("", "not JSON", "[]", '{"sha256": "x"}', '{"trouble": "unheard of"}'):
        with pytest.raises(FaultError):
            errand._answer(said)


def test_it_ends_with_whoever_sent_it(parcel: Path, bucket: Bucket, proxy: Proxy) -> None:
    began = threading.Event()
    ended = threading.Event()

    def hangs(_seen: store_server.Seen, client: store_server.socket.socket, _server: object) -> bool:
        began.set()
        client.settimeout(30)
        try:
            while client.recv(65536):
                pass
        except OSError:
            pass
        ended.set()  # the kernel closed its end
        return False

    proxy.harms = [hangs]
    script = """
import json, sys, threading
from pathlib import Path
from capture_agent.core.destination import parse
from capture_agent.outbox.errand import send
order = json.load(sys.stdin)
send(Path(order["path"]), parse(order["destination"]), order["credentials"], lambda *_: None, threading.Event())
"""
    order = {"path": str(parcel), "destination": bucket.destination(proxy.port), "credentials": ACCESS}
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, text=True) as sender:
        assert sender.stdin is not None
        sender.stdin.write(json.dumps(order))
        sender.stdin.close()
        assert began.wait(60)
        sender.kill()
    assert ended.wait(20)


def test_a_large_file_takes_no_memory(tmp_path: Path, bucket: Bucket) -> None:
    large = tmp_path / f"{secrets.token_hex(16)}.capture"
    with large.open("wb") as stream:
        for _ in range(64):
            stream.write(secrets.token_bytes(1 << 20))
    script = """
import json, resource, sys
from pathlib import Path
from capture_agent.core.destination import parse
from capture_agent.outbox.courier import carry
import obstore.store
order = json.load(sys.stdin)
def own():
    return sum(int(line.split()[1]) for line in Path("/proc/self/smaps_rollup").read_text().splitlines()
               if line.startswith("Anonymous:")) // 1024
import threading
seen = [own()]
done = threading.Event()
def look():
    while not done.wait(0.02):
        seen.append(own())
watch = threading.Thread(target=look)
watch.start()
carry(Path(order["path"]), parse(order["destination"]), order["credentials"], lambda done, size: None)
done.set()
watch.join()
print(max(seen) - seen[0])
"""
    order = {"path": str(large), "destination": bucket.destination(), "credentials": ACCESS}
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", script], input=json.dumps(order), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 24, f"MiB of its own, in {time.monotonic() - began} s"

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_agent.core.errors import ConfigError, KeyError_, VerificationError
from capture_agent.keys import dsse

KEY = dsse.SigningKey.new()
OTHER = dsse.SigningKey.new()
TYPES = (dsse.MANIFEST, dsse.LEDGER_ENTRY, dsse.TOMBSTONE, dsse.ENROLMENT, dsse.POLICY, dsse.ACCESS)


@given(st.binary(max_size=2000), st.sampled_from(TYPES))
def test_what_is_signed_verifies_with_the_key_that_signed(payload: bytes, kind: str) -> None:
    found = dsse.verify(KEY.sign(kind, payload), kind, [OTHER.public, KEY.public])
    assert found == (payload, KEY.public)


def test_the_encoding_that_is_signed_is_the_one_of_the_specification() -> None:
    assert dsse.pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_an_envelope_verifies_with_cryptography_alone() -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from capture_agent.keys import bech32

    envelope = json.loads(KEY.sign(dsse.MANIFEST, b"{}"))
    key = Ed25519PublicKey.from_public_bytes(bech32.decode(KEY.public)[1])
    key.verify(base64.b64decode(envelope["signatures"][0]["sig"]), dsse.pae(dsse.MANIFEST, b"{}"))


@pytest.mark.promise("P9")
def test_a_changed_payload_type_or_signature_is_noticed() -> None:
    envelope = json.loads(KEY.sign(dsse.MANIFEST, b"as it was"))
    sig = base64.b64encode(bytes(64)).decode()
    changes = [
        {"payload": base64.b64encode(b"as it is").decode()},
        {"payloadType": dsse.TOMBSTONE},
        {"signatures": [{"keyid": dsse.key_id(KEY.public), "sig": sig}]},
    ]
    for change in changes:
        forged = json.dumps({**envelope, **change}).encode()
        for kind in (dsse.MANIFEST, dsse.TOMBSTONE):
            with pytest.raises(VerificationError):
                dsse.verify(forged, kind, [KEY.public])


@pytest.mark.promise("P9")
def test_a_signature_of_somebody_else_is_not_enough() -> None:
    with pytest.raises(VerificationError):
        dsse.verify(OTHER.sign(dsse.MANIFEST, b"x"), dsse.MANIFEST, [KEY.public])
    with pytest.raises(VerificationError):
        dsse.verify(KEY.sign(dsse.MANIFEST, b"x"), dsse.MANIFEST, [])
    claims = json.loads(OTHER.sign(dsse.MANIFEST, b"x"))
    claims["signatures"][0]["keyid"] = dsse.key_id(KEY.public)
    with pytest.raises(VerificationError):
        dsse.verify(json.dumps(claims).encode(), dsse.MANIFEST, [KEY.public])


@pytest.mark.promise("P9")
def test_a_signature_over_one_kind_is_none_over_another() -> None:
    for kind in TYPES:
        for other in set(TYPES) - {kind}:
            with pytest.raises(VerificationError):
                dsse.verify(KEY.sign(kind, b"x"), other, [KEY.public])


@pytest.mark.promise("P9")
@given(st.data())
def test_a_flipped_bit_anywhere_is_noticed_or_without_meaning(draw: st.DataObject) -> None:
    envelope = bytearray(KEY.sign(dsse.MANIFEST, b"some payload"))
    place = draw.draw(st.integers(0, len(envelope) - 1))
    envelope[place] ^= 1 << draw.draw(st.integers(0, 7))
    try:
        found = dsse.verify(bytes(envelope), dsse.MANIFEST, [KEY.public])
    except VerificationError:
        return
    assert found.payload == b"some payload"  # the key id is a hint and not signed
    assert json.loads(KEY.sign(dsse.MANIFEST, b"some payload"))["signatures"][0]["sig"].encode() in envelope


@pytest.mark.parametrize(
    "envelope",
    [
        b"",
        b"[]",
        b"{}",
        b'{"payload":"","payloadType":"x","signatures":[]}',
        b'{"payload":"","payloadType":"x","signatures":[{"sig":"AA=="}]}',
        b'{"payload":"","payloadType":"x","signatures":[{"sig":1}]}',
        b'{"payload":"AB==","payloadType":"x","signatures":[{"sig":"' + b"A" * 86 + b'=="}]}',
        b'{"payload":"","payload":"","payloadType":"x","signatures":[{"sig":"' + b"A" * 86 + b'=="}]}',
        b'{"payload":"","payloadType":"x","more":1,"signatures":[{"sig":"' + b"A" * 86 + b'=="}]}',
        b'{"payload":"\xc3\xa4","payloadType":"x","signatures":[{"sig":"' + b"A" * 86 + b'=="}]}',
    ],
)
def test_a_malformed_envelope_is_refused(envelope: bytes) -> None:
    with pytest.raises(VerificationError):
        dsse.verify(envelope, "x", [KEY.public])


def test_a_key_survives_being_written_down() -> None:
    assert dsse.SigningKey.parse(KEY.secret + "\n") == KEY
    for wrong in ("", KEY.public, KEY.secret[:-1], KEY.secret[:-1] + "B", "AGE-SECRET-KEY-1X"):
        with pytest.raises(KeyError_):
            dsse.SigningKey.parse(wrong)


def test_a_mistyped_public_key_is_refused_with_where() -> None:
    dsse.check_public_key(KEY.public)
    wrong = KEY.public[:40] + ("q" if KEY.public[40] != "q" else "p") + KEY.public[41:]
    with pytest.raises(ConfigError, match="character 41 looks wrong"):
        dsse.check_public_key(wrong)
    for text in ("", KEY.secret, KEY.public.upper()):
        with pytest.raises(ConfigError):
            dsse.check_public_key(text)


@pytest.mark.promise("P3")
def test_no_secret_is_in_the_text_of_a_key() -> None:
    assert KEY.secret not in repr(KEY)
    assert KEY.secret.encode() not in KEY.sign(dsse.MANIFEST, b"")

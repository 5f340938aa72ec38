from __future__ import annotations

import io
import tracemalloc
from collections.abc import Callable

import pyrage
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capture_agent.core.errors import ConfigError, KeyError_, VerificationError
from capture_agent.core.policy import RecipientKind
from capture_agent.keys import age, bech32, scrypt, stanza
from capture_agent.keys.stream import CHUNK_BYTES

# One of each for the whole module: making keys is slow, and nothing here changes them.
CLASSICAL = age.new_classical()
HYBRID = age.new_hybrid()
BOTH = pytest.mark.parametrize("me", [CLASSICAL, HYBRID], ids=["classical", "hybrid"])
NEW = pytest.mark.parametrize("new", [age.new_classical, age.new_hybrid])
SIZES = (0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES, 2 * CHUNK_BYTES + 7)


def sealed_as_stream(data: bytes, *recipients: str, step: int = 50_000) -> bytes:
    out = io.BytesIO()
    with age.encrypting(out, recipients) as sealed:
        for n in range(0, len(data), step):
            sealed.write(data[n : n + step])
    return out.getvalue()


def read_in_steps(sealed: bytes, me: age.Identity) -> bytes:
    with age.decrypting(io.BytesIO(sealed), [me]) as stream:
        return b"".join(iter(lambda: stream.read(777), b""))


@BOTH
@pytest.mark.parametrize("size", SIZES)
def test_what_is_sealed_opens_again_whole_or_as_a_stream(me: age.Identity, size: int) -> None:
    data = bytes(n % 251 for n in range(size))
    for sealed in (age.encrypt(data, [me.recipient]), sealed_as_stream(data, me.recipient)):
        assert age.decrypt(sealed, [me]) == data
        assert read_in_steps(sealed, me) == data


@BOTH
@settings(max_examples=30, deadline=None)
@given(pieces=st.lists(st.binary(max_size=40_000), max_size=8))
def test_how_a_stream_is_cut_into_writes_does_not_matter(me: age.Identity, pieces: list[bytes]) -> None:
    out = io.BytesIO()
    with age.encrypting(out, [me.recipient]) as sealed:
        for piece in pieces:
            sealed.write(piece)
    assert age.decrypt(out.getvalue(), [me]) == b"".join(pieces)


@BOTH
def test_every_recipient_opens_it_and_nobody_else(me: age.Identity) -> None:
    new = age.new_classical if me.kind is RecipientKind.CLASSICAL else age.new_hybrid
    other = new()
    sealed = age.encrypt(b"for two", [me.recipient, other.recipient])
    assert age.decrypt(sealed, [me]) == age.decrypt(sealed, [other]) == b"for two"
    with pytest.raises(KeyError_):
        age.decrypt(sealed, [new(), age.new_classical(), age.new_hybrid()])
    with pytest.raises(KeyError_):
        age.decrypt(sealed, [])


def test_hybrid_and_classical_recipients_are_never_mixed() -> None:
    with pytest.raises(ConfigError, match="together"):
        age.encrypt(b"", [CLASSICAL.recipient, HYBRID.recipient])
    with pytest.raises(ConfigError, match="nobody"):
        age.encrypt(b"", [])


def regions(sealed: bytes) -> dict[str, int]:
    """Return one byte of each part of an age file: version, stanza, its body, MAC, nonce, chunks, tags."""
    mac = sealed.index(b"\n--- ")
    payload = sealed.index(b"\n", mac + 1) + 1
    body = sealed.index(b"\n", sealed.index(b"-> ")) + 1
    return {
        "version": 3,
        "stanza's type": sealed.index(b"-> ") + 5,
        "stanza's argument": body - 20,
        "stanza's body": body + 4,
        "MAC": mac + 12,
        "nonce": payload + 5,
        "first chunk": payload + 16 + 100,
        "first tag": payload + 16 + CHUNK_BYTES + 3,
        "last chunk": len(sealed) - 20,
        "last tag": len(sealed) - 2,
    }


@BOTH
@pytest.mark.promise("P9")
def test_a_flipped_bit_anywhere_is_noticed(me: age.Identity) -> None:
    sealed = sealed_as_stream(bytes(CHUNK_BYTES + 500), me.recipient)
    for name, place in regions(sealed).items():
        damaged = bytearray(sealed)
        damaged[place] ^= 1
        with pytest.raises((VerificationError, KeyError_)):
            age.decrypt(bytes(damaged), [me])
            pytest.fail(f"a flipped bit in the {name} was not noticed")


@BOTH
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_file_cut_anywhere_is_noticed(me: age.Identity, draw: st.DataObject) -> None:
    sealed = sealed_as_stream(bytes(2 * CHUNK_BYTES), me.recipient)
    start = sealed.index(b"\n--- ")
    edges = [start, start + 60, len(sealed) - 1, len(sealed) - CHUNK_BYTES - 16, len(sealed) - CHUNK_BYTES]
    cut = draw.draw(st.one_of(st.sampled_from(edges), st.integers(0, len(sealed) - 1)))
    with pytest.raises(VerificationError):
        age.decrypt(sealed[:cut], [me])


@BOTH
@pytest.mark.parametrize("size", SIZES)
def test_a_file_with_something_behind_it_is_noticed(me: age.Identity, size: int) -> None:
    sealed = sealed_as_stream(bytes(size), me.recipient)
    for more in (b"\0", b"x" * 16, bytes(CHUNK_BYTES + 16), sealed):
        with pytest.raises(VerificationError):
            age.decrypt(sealed + more, [me])


@BOTH
def test_chunks_in_another_order_are_noticed(me: age.Identity) -> None:
    sealed = sealed_as_stream(bytes(3 * CHUNK_BYTES), me.recipient)
    length = CHUNK_BYTES + 16
    one, two, three = (sealed[start:][:length] for start in range(len(sealed) - 3 * length, len(sealed), length))
    head = sealed[: -3 * length]
    assert head + one + two + three == sealed
    for other in (two + one + three, one + one + three, one + three, one + two):
        with pytest.raises(VerificationError):
            age.decrypt(head + other, [me])


@BOTH
def test_a_stream_that_was_not_finished_has_no_end(me: age.Identity) -> None:
    out = io.BytesIO()
    with pytest.raises(RuntimeError, match="the disk is full"), age.encrypting(out, [me.recipient]) as sealed:
        sealed.write(bytes(3 * CHUNK_BYTES))
        raise RuntimeError("the disk is full")
    with pytest.raises(VerificationError):
        age.decrypt(out.getvalue(), [me])
    opened = age.decrypting(io.BytesIO(out.getvalue()), [me])
    assert opened.read(CHUNK_BYTES) == bytes(CHUNK_BYTES), "what was authentic can be read up to there"


@BOTH
def test_streams_need_no_more_memory_for_more_data(me: age.Identity) -> None:
    class Zeros(io.RawIOBase):
        """A sealed file of 30 MB is not kept: only its opening is looked at."""

        written = 0

        def writable(self) -> bool:
            return True

        def write(self, data: object) -> int:
            self.written += len(data)  # type: ignore[arg-type]
            return len(data)  # type: ignore[arg-type]

    def peak(megabytes: int) -> int:
        block = bytes(1_000_000)
        tracemalloc.start()
        with age.encrypting(Zeros(), [me.recipient]) as sealed:  # type: ignore[arg-type]
            for _ in range(megabytes):
                sealed.write(block)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(30) < peak(3) + 1_000_000
    sealed = sealed_as_stream(bytes(20_000_000), me.recipient)
    tracemalloc.start()
    opened = age.decrypting(io.BytesIO(sealed), [me])
    while opened.read(100_000):
        pass
    assert tracemalloc.get_traced_memory()[1] < len(sealed) + 2_000_000  # BytesIO copies its content
    tracemalloc.stop()


def test_unknown_stanzas_are_passed_over() -> None:
    """Age implementations put one of a random type into headers, so that readers keep allowing them."""
    sealed = age.encrypt(b"content", [HYBRID.recipient])
    header = stanza.read(io.BytesIO(sealed))
    payload = sealed[sealed.index(b"\n", sealed.index(b"\n--- ") + 1) + 1 :]

    file_key = HYBRID.unwrap(header.stanzas[0])
    assert file_key is not None
    for body in (b"", b"x", bytes(48), bytes(96)):
        greased = stanza.write([stanza.Stanza(("x-grease", "of", "no", "meaning"), body), *header.stanzas], file_key)
        assert age.decrypt(greased + payload, [HYBRID]) == b"content"
    with pytest.raises(VerificationError, match="header"):  # without the file key nobody can add one
        extra = stanza.write([stanza.Stanza(("x-grease",), b""), *header.stanzas], bytes(16))
        age.decrypt(extra + payload, [HYBRID])


def test_a_passphrase_opens_what_it_locked_and_no_other_does() -> None:
    locked = age.lock(b"AGE-SECRET", "correct horse battery staple")
    assert age.unlock(locked, "correct horse battery staple") == b"AGE-SECRET"
    with pytest.raises(KeyError_):
        age.unlock(locked, "correct horse battery stable")
    with pytest.raises(KeyError_):
        age.unlock(b"not an age file", "x")


def test_pyrage_opens_what_a_passphrase_locked_and_we_what_pyrage_locked() -> None:
    assert pyrage.passphrase.decrypt(age.lock(b"AGE-SECRET", "correct horse"), "correct horse") == b"AGE-SECRET"
    assert age.unlock(pyrage.passphrase.encrypt(b"AGE-SECRET", "correct horse"), "correct horse") == b"AGE-SECRET"


def test_a_file_that_asks_for_too_much_work_is_refused_before_any_is_done() -> None:
    locked = age.lock(b"AGE-SECRET", "correct horse")
    greedy = locked.replace(b" %d\n" % scrypt.WORK, b" %d\n" % (scrypt.MAX_WORK + 1), 1)
    with pytest.raises(KeyError_, match="more work"):
        age.unlock(greedy, "correct horse")


@NEW
def test_an_identity_file_is_read_with_its_comments(new: Callable[[], age.Identity]) -> None:
    me = new()
    assert age.parse_identity(me.secret) == me
    assert age.parse_identity(f"# created: 2026\n# public key: {me.recipient}\n\n  {me.secret}\r\n") == me
    assert age.parse_identities(f"{me.secret}\n{CLASSICAL.secret}\n") == (me, CLASSICAL)


NOT_ONE_IDENTITY = [
    ("", "no identity"),
    ("# only a comment", "no identity"),
    ("AGE-PLUGIN-YUBIKEY-1XYZ", "line 1 is a plugin's identity"),
    (f"{CLASSICAL.secret}\nage-plugin-evil-1xyz", "line 2 is a plugin's identity"),
    (f"{CLASSICAL.secret}\n{HYBRID.secret}", "there are 2"),
    (CLASSICAL.recipient, "line 1 is not an identity"),
    (CLASSICAL.secret[:-1], "line 1 is not an identity"),
    (CLASSICAL.secret[:-1] + "B", "line 1 is not an identity: character 74"),
    ("hello", "line 1 is not an identity"),
]


# Named by the reason: keys are made anew in each worker, and all workers must find the same tests.
@pytest.mark.parametrize(("text", "reason"), NOT_ONE_IDENTITY, ids=[reason for _, reason in NOT_ONE_IDENTITY])
def test_what_is_not_one_identity_is_refused_with_its_line(text: str, reason: str) -> None:
    with pytest.raises(KeyError_, match=reason) as caught:
        age.parse_identity(text)
    assert "AGE-SECRET" not in str(caught.value)
    assert caught.value.hint


def test_a_recipient_says_its_kind() -> None:
    assert age.check_recipient(CLASSICAL.recipient) is RecipientKind.CLASSICAL
    assert age.check_recipient(HYBRID.recipient) is RecipientKind.HYBRID


def test_a_classical_recipient_whose_data_begins_like_a_hybrid_one_is_classical() -> None:
    """One key in 1,024 reads `age1pq…`; only `age1pq1…` is post-quantum."""
    recipient = bech32.encode("age", bytes([8, 0, *range(30)]))
    assert recipient.startswith("age1pq")
    assert age.check_recipient(recipient) is RecipientKind.CLASSICAL
    assert age.encrypt(b"x", [recipient])


def mistyped(text: str, place: int) -> str:
    return text[: place - 1] + ("q" if text[place - 1] != "q" else "p") + text[place:]


NOT_A_RECIPIENT = [
    ("", "a part is missing"),
    (mistyped(CLASSICAL.recipient, 30), "character 30 looks wrong"),
    (mistyped(HYBRID.recipient, 1500), "character 477 or 1500 looks wrong"),
    (CLASSICAL.recipient[:-1], "61 characters instead of 62"),
    (HYBRID.recipient[:900], "900 characters instead of 1959"),
    (CLASSICAL.recipient.replace("1", "1b", 1)[:62], "character 5 is one that no key contains"),
    (CLASSICAL.recipient.upper(), "small letters"),
    (f" {CLASSICAL.recipient}", "spaces"),
    (CLASSICAL.secret, "secret key"),
    (HYBRID.secret, "secret key"),
    ("ssh-ed25519 AAAAC3Nza", "ssh key"),
    ("age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t", "not a recipient|mistyped"),
]


# Named by the reason: keys are made anew in each worker, and all workers must find the same tests.
@pytest.mark.parametrize(("text", "reason"), NOT_A_RECIPIENT, ids=[reason for _, reason in NOT_A_RECIPIENT])
def test_a_wrong_recipient_is_refused_with_what_and_where(text: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason) as caught:
        age.check_recipient(text)
    assert caught.value.hint


def test_a_fingerprint_is_nine_words_of_the_list() -> None:
    for me in (CLASSICAL, HYBRID):
        words = age.fingerprint(me.recipient).split(" ")
        assert len(words) == age.FINGERPRINT_WORDS == 9
        assert age.fingerprint(me.recipient) == age.fingerprint(me.recipient)
    assert age.fingerprint(CLASSICAL.recipient) != age.fingerprint(age.new_classical().recipient)
    with pytest.raises(ConfigError):
        age.fingerprint("age1")


def test_the_fingerprint_of_the_example_stays_what_it_is() -> None:
    """People compare it with what is printed elsewhere; computed by hand from SHA-256 and the word list."""
    assert age.fingerprint(age.example_identity().recipient) == (
        "stomach best border gorilla alter extra sign panic ramp"
    )


def test_the_word_list_has_2048_words_that_four_letters_tell_apart() -> None:
    words = age._words()
    assert len(words) == len(set(words)) == len({word[:4] for word in words}) == 2048


def test_the_example_is_recognised_and_nobody_else() -> None:
    example = age.example_identity()
    assert age.is_example(example.recipient)
    assert age.is_example(f" {example.recipient.upper()}\n")
    assert not age.is_example(HYBRID.recipient)
    assert example.kind is RecipientKind.HYBRID


@pytest.mark.promise("P3")
def test_no_secret_is_in_the_text_of_an_identity() -> None:
    for me in (CLASSICAL, HYBRID):
        assert me.secret not in repr(me)
        assert me.recipient not in str(me)

"""Make tombstones with known outcomes: `python tests/vectors/tombstone/make.py [FOLDER]`.

Each vector is a file, plain (`.tombstone`) or sealed (`.capture`), and an entry of `vectors.json`: what it withdraws,
or why it is refused. As with bundles, the files of a released version are never made again. The keys in them are for
this only.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from capture_agent.bundle import tombstone, ustar
from capture_agent.bundle.manifest import NO_WITHDRAWALS
from capture_agent.keys import age, dsse
from capture_agent.keys.dsse import SigningKey
from capture_agent.outbox.release import withdrawal_secret

FOLDER = Path(__file__).parent / f"v{tombstone.FORMAT}"
STUDY, SESSION = "study-of-work", "0123456789abcdef0123456789abcdef"


def make(out: Path) -> None:
    """Make all of them."""
    key, other, me = SigningKey.new(), SigningKey.new(), age.new_classical()
    secret = withdrawal_secret(key, SESSION)
    named = tombstone.code_sha256(secret)
    chained = tombstone.after(NO_WITHDRAWALS, named)
    signed = tombstone.sign(key, STUDY, named, chained)
    fields: dict[str, Any] = json.loads(dsse.unverified_payload(signed))
    coded = tombstone.from_code(tombstone.code_text(secret))
    found: dict[str, dict[str, Any]] = {}

    def put(name: str, data: bytes, says: str = "", error: str = "VerificationError") -> None:
        (out / name).write_bytes(data)
        found[name] = {"outcome": "refused", "error": error, "says": says} if says else {"outcome": "withdraws", **who}

    def again(by: SigningKey = key, payload_type: str = dsse.TOMBSTONE, **changes: object) -> bytes:
        return by.sign(payload_type, json.dumps(fields | changes).encode())

    def sealed(envelope: bytes, end: bytes = ustar.END) -> bytes:
        member = ustar.header(tombstone.TOMBSTONE_NAME, len(envelope)) + envelope + bytes(ustar.filling(len(envelope)))
        return age.encrypt(member + end, [me.recipient])

    who: dict[str, Any] = {
        "withdrawal_sha256": named,
        "study": STUDY,
        "device": key.public,
        "count": chained.count,
        "sha256": chained.sha256,
    }
    put("signed.tombstone", signed)
    put("sealed.capture", sealed(signed))
    who = {"withdrawal_sha256": named, "study": None, "device": None, "count": None, "sha256": None}
    put("by-code.tombstone", coded)
    put("sealed-by-code.capture", sealed(coded))

    put("signed-by-another.tombstone", again(other), "somebody else signed it")
    put("signed-as-a-manifest.tombstone", again(payload_type=dsse.MANIFEST), "another kind")
    put("unknown-field.tombstone", again(why="x"), "not as the format says")
    put("newer-format.tombstone", again(format=tombstone.FORMAT + 1), "Install a newer version", "StorageError")
    put("no-chain.tombstone", again(withdrawals={"count": 0, "sha256": chained.sha256}), "not as the format says")
    put("another-kind.tombstone", again(kind="capture-agent/bundle"), "no withdrawal")
    put("changed-signature.tombstone", signed.replace(b'"sig":"', b'"sig":"AAAA', 1), "not well formed")
    forged = json.dumps({"kind": tombstone.KIND, "format": 1, "code": tombstone.code_text(secret)}).encode()
    put("code-signed-by-another.tombstone", other.sign(dsse.TOMBSTONE, forged), "somebody else signed it")
    mistyped = forged.replace(b"withdrawal-1", b"withdrawal-1q")
    put("mistyped-code.tombstone", other.sign(dsse.TOMBSTONE, mistyped), "not as the format says")
    put("hidden-behind-the-end.capture", sealed(signed, ustar.END + b"x" * 512), "hidden behind the end")
    put("one-member-more.capture", sealed(signed, ustar.header("x", 0) + ustar.END), "hidden behind the withdrawal")
    described = {"identity": me.secret, "code": tombstone.code_text(secret), "files": found}
    text = json.dumps(described, indent=1, sort_keys=True, ensure_ascii=False)
    (out / "vectors.json").write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    make(folder)

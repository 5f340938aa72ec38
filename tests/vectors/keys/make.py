"""Make the files of this folder anew: `python tests/vectors/keys/make.py`.

They pin formats that have to be read for ever: what a version has once written, every later one
opens with the outcome that `expected.json` names. Add files for a new format; never change old ones.
"""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

from capture_agent.keys import age, dsse

HERE = Path(__file__).parent
PAYLOAD = bytes(66_000)  # more than one chunk


def main() -> None:
    """Write every vector, and what is expected of it."""
    hybrid, classical, signing = age.new_hybrid(), age.new_classical(), dsse.SigningKey.new()
    sealed = {"hybrid.age": hybrid, "classical.age": classical}
    expected: dict[str, dict[str, str]] = {}
    for name, identity in sealed.items():
        out = io.BytesIO()
        with age.encrypting(out, [identity.recipient]) as stream:
            stream.write(PAYLOAD)
        whole = out.getvalue()
        stem = name.removesuffix(".age")
        files = {
            name: (whole, "success"),
            f"{stem}-cut.age": (whole[:-100], "VerificationError"),
            f"{stem}-flipped.age": (whole[:-1] + bytes([whole[-1] ^ 1]), "VerificationError"),
            f"{stem}-foreign.age": (age.encrypt(b"x", [_other(identity)]), "KeyError_"),
        }
        for file, (data, outcome) in files.items():
            (HERE / file).write_bytes(data)
            expected[file] = {
                "identity": identity.secret,
                "recipient": identity.recipient,
                "fingerprint": age.fingerprint(identity.recipient),
                "outcome": outcome,
                "sha256": hashlib.sha256(PAYLOAD).hexdigest(),
            }
    envelope = signing.sign(dsse.MANIFEST, b'{"format":1}')
    for file, data, outcome in (
        ("signed.dsse.json", envelope, "success"),
        ("signed-changed.dsse.json", envelope.replace(b"eyJmb3JtYXQiOjF9", b"eyJmb3JtYXQiOjJ9"), "VerificationError"),
    ):
        (HERE / file).write_bytes(data)
        expected[file] = {"public": signing.public, "secret": signing.secret, "outcome": outcome}
    (HERE / "expected.json").write_text(json.dumps(expected, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _other(identity: age.Identity) -> str:
    return (age.new_hybrid if identity.recipient.startswith("age1pq") else age.new_classical)().recipient


if __name__ == "__main__":
    main()

"""Make bundles with known outcomes: `python tests/vectors/bundle/make.py [FOLDER]`.

Each vector is a `.capture` file, and an entry of `vectors.json`: the key that is used, the device
key that is known, and the outcome. The files of a released version are never made again: they show
that later versions still read them, and still refuse what was refused. The keys in them are
for this only.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

from capture_agent.bundle import manifest, ustar
from capture_agent.keys import age, dsse
from capture_agent.keys.age import Identity
from capture_agent.keys.dsse import SigningKey

HERE = Path(__file__).parent
FORMAT = f"v{manifest.FORMAT}"
Members = list[tuple[str, bytes]]


def sessions() -> ModuleType:
    """Return what makes sessions and bundles for tests."""
    spec = importlib.util.spec_from_file_location("vector_sessions", HERE.parents[1] / "bundle" / "sessions.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["vector_sessions"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Maker:
    """Makes vectors out of two real bundles of one participant."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.made = sessions()
        self.me = age.new_classical()
        self.hybrid = age.new_hybrid()
        self.who = self.made.signer()
        self.found: dict[str, dict[str, Any]] = {}
        self.whole = self._members("a" * 32, complete=True)
        self.other = self._members("b" * 32, complete=True)
        self.crashed = self._members("c" * 32, complete=False)

    def _members(self, session: str, *, complete: bool) -> Members:
        offset = ord(session[0])  # so that no two sessions have equal members
        events = [message for message in self.made.work(2) if not message.topic.startswith("screen/")]
        small = [message._replace(t_us=message.t_us + offset) for message in events]
        small += self.made.video(1, range(offset, 2_000_000, 500_000), 64, 48)
        with tempfile.TemporaryDirectory() as folder:
            held = self.made.make_held(
                Path(folder) / "held", sorted(small, key=lambda m: m.t_us), session=session, complete=complete
            )
            (released,) = self.made.released(held, self.who, Path(folder) / "out", self.made.recipient(self.me))
            members: Members = self.made.members_of(age.decrypt(released.path.read_bytes(), [self.me]))
        return members

    def put(self, name: str, tar: bytes, outcome: dict[str, Any], me: Identity | None = None, **other: str) -> None:
        """Seal `tar`, or write it as it is under `sealed`, and note the outcome."""
        key = me or self.me
        sealed = age.encrypt(tar, [key.recipient])
        self.write(name, sealed, outcome, key, **other)

    def write(self, name: str, sealed: bytes, outcome: dict[str, Any], me: Identity, **other: str) -> None:
        """Write one file and note its outcome."""
        (self.out / f"{name}.capture").write_bytes(sealed)
        self.found[name] = {"identity": me.secret, "device": self.who.key.public, **other, **outcome}

    def opens(self, members: Members, *, complete: bool = True) -> dict[str, Any]:
        """Return the outcome of a bundle that is as it was signed."""
        hashes = {name: hashlib.sha256(data).hexdigest() for name, data in members[1:]}
        return {"outcome": "verified", "complete": complete, "members": hashes}

    def signed(self, members: Members, key: SigningKey, kind: str = dsse.MANIFEST, **changes: object) -> Members:
        """Return the members behind a manifest that `key` signed, with `changes`."""
        fields = {**json.loads(dsse.unverified_payload(members[0][1])), **changes}
        return [(members[0][0], key.sign(kind, json.dumps(fields).encode())), *members[1:]]

    def make(self) -> None:
        """Make all of them."""
        tar_of, whole = self.made.tar_of, self.whole
        self.put("whole-classical", tar_of(whole), self.opens(whole))
        self.put("whole-hybrid", tar_of(whole), self.opens(whole), self.hybrid)
        self.put("whole-padded", tar_of(whole, 12_345), self.opens(whole))
        self.put("incomplete", tar_of(self.crashed), self.opens(self.crashed, complete=False))

        for number, (name, data) in enumerate(whole):
            flipped = bytes([data[0] ^ 1]) + data[1:] if number else data.replace(b'"sig":"', b'"sig":"AAAA', 1)
            says = "signature" if not number else name
            self.put(f"changed-{name}", tar_of([*whole[:number], (name, flipped), *whole[number + 1 :]]), refused(says))
        for name, _ in whole[1:]:
            kept = [one for one in whole if one[0] != name]
            self.put(f"dropped-{name}", tar_of(kept), refused(f"{name} is missing"))
        self.put("swapped", tar_of([*whole[:2], whole[3], whole[2]]), refused("events.mcap"))
        self.put("duplicate", tar_of([*whole, whole[2]]), refused("events.mcap is in the bundle twice"))
        self.put("unlisted", tar_of([*whole, ("screen-9.mp4", b"more")]), refused("'screen-9.mp4'"))
        self.put("spliced", tar_of([*whole[:2], self.other[2], whole[3]]), refused("events.mcap"))
        self.put("foreign-manifest", tar_of([self.other[0], *whole[1:]]), refused("events.mcap"))
        self.put("truncated", tar_of(whole)[: -len(ustar.END) - 100], refused("cut short in screen-1.mp4"))
        self.put("hidden-behind-the-end", tar_of(whole, 512)[:-1] + b"x", refused("hidden behind the end"))

        owned = bytearray(tar_of(whole))
        owned[108:115] = b"0001750"  # a user id, with a checksum that fits
        owned[148:156] = b" " * 8
        owned[148:156] = b"%06o\0 " % sum(owned[:512])
        self.put("header-with-an-owner", bytes(owned), refused("file header"))

        key = SigningKey.new()
        self.put("foreign-signature", tar_of(self.signed(whole, key)), refused("somebody else signed it"))
        self.put("unknown-device", tar_of(self.signed(whole, key, device=key.public)), refused("unknown device"))
        tombstone = self.signed(whole, self.who.key, dsse.TOMBSTONE)
        self.put("signed-as-another-kind", tar_of(tombstone), refused("another kind"))
        newer = tar_of(self.signed(whole, self.who.key, format=manifest.FORMAT + 1))
        self.put("newer-format", newer, refused(f"format {manifest.FORMAT + 1}", "StorageError"))
        older = tar_of(self.signed(whole, self.who.key, format=manifest.FORMAT - 1))
        self.put("older-format-with-a-newer-field", older, refused("withdrawals"))
        unknown = tar_of(self.signed(whole, self.who.key, hostname="x"))
        self.put("unknown-field", unknown, refused("hostname"))
        payload = dsse.unverified_payload(whole[0][1])
        twice = self.who.key.sign(dsse.MANIFEST, b'{"complete":false,' + payload[1:])
        self.put("repeated-json-key", tar_of([(whole[0][0], twice), *whole[1:]]), refused("twice"))

        sealed = age.encrypt(tar_of(whole), [self.me.recipient])
        self.write("changed-seal", sealed[:-1] + bytes([sealed[-1] ^ 1]), refused(""), self.me)
        self.write("truncated-seal", sealed[:-40], refused(""), self.me)
        self.write("another-recipient", sealed, refused("none of the keys", "KeyError_"), age.new_classical())

        text = json.dumps(self.found, indent=1, sort_keys=True, ensure_ascii=False)
        (self.out / "vectors.json").write_text(text + "\n", encoding="utf-8")


def refused(says: str, error: str = "VerificationError") -> dict[str, str]:
    """Return the outcome of a bundle that is refused with `error`, whose message contains `says`."""
    return {"outcome": "refused", "error": error, "says": says}


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / FORMAT
    folder.mkdir(parents=True, exist_ok=True)
    Maker(folder).make()

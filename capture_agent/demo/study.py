"""A study for the demo: its policy file, and the researcher's key that nobody else has."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from capture_agent.keys import age

POLICY = """\
format = 1
study = "demo"
version = 1
title = "Demo: how a list is written"
controller = "The demo, on this computer"
controller_address = "This computer"
contact = "nobody@example.org"
independent_contact = "nobody-else@example.org"
complaint_authority = "Nobody: no person is recorded"
jurisdiction = "EU"
storage = "This computer, for the minute that the demo takes"
expires = 2099-12-31T23:59:59Z
enabled = true
categories = ["keyboard", "pointer", "windows", "screen", "tasks"]
retention_days = 7
max_fps = 10
destination = "{destination}"

[purposes]
demonstration = "Showing that what is opened is what was done."

[[recipient]]
name = "The demo's researcher"
key = "{recipient}"

[[notice]]
locale = "en"
version = 1
template = true

[[notice]]
locale = "de"
version = 1
template = true
storage = "Dieser Computer, solange die Vorführung dauert"
purposes = {{ demonstration = "Zu zeigen, dass das, was geöffnet wird, ist, was getan wurde." }}
"""


@dataclass(frozen=True, slots=True)
class Study:
    """Where its files are. `identity` opens what is released to it."""

    file: Path
    identity: Path

    @classmethod
    def make(cls, folder: Path, destination: str) -> Self:
        """Make a key and write the files below `folder`; what is shared goes to `destination`."""
        study = cls(folder / "study.toml", folder / "researcher.key")
        made = age.new_hybrid()
        study.identity.touch(mode=0o600)
        study.identity.write_text(f"{made.secret}\n", encoding="utf-8")
        policy = POLICY.format(destination=destination, recipient=made.recipient)
        study.file.write_text(policy, encoding="utf-8")
        return study

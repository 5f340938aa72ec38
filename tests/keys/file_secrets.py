"""Secrets in a plain file, for tests: what a keyring does, where a test can look and a crash can strike.

Run as a program it performs one action on a vault and kills itself with SIGKILL just before the
n-th time that anything below the folder is opened, renamed or removed:

    python file_secrets.py FOLDER N ACTION
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Final

from capture_agent.core.errors import KeyError_


class FileSecrets:
    """The contract of `Secrets`, kept in `path`. While `locked` every call fails as a locked keyring's does."""

    kind: Final = "os"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.locked = False
        self.calls: list[tuple[str, str]] = []

    def everything(self) -> dict[str, str]:
        return json.loads(self.path.read_text()) if self.path.exists() else {}

    def get(self, name: str) -> str | None:
        self._called("get", name)
        return self.everything().get(name)

    def set(self, name: str, value: str) -> None:
        self._called("set", name)
        self._save({**self.everything(), name: value})

    def delete(self, name: str) -> None:
        self._called("delete", name)
        self._save({key: value for key, value in self.everything().items() if key != name})

    def _called(self, verb: str, name: str) -> None:
        self.calls.append((verb, name))
        if self.locked:
            raise KeyError_("the keyring is locked", hint="Unlock it.")

    def _save(self, kept: dict[str, str]) -> None:
        temporary = self.path.with_suffix(".new")
        temporary.write_text(json.dumps(kept))
        temporary.replace(self.path)


def strike(folder: Path, countdown: int) -> None:
    """Kill this process before the `countdown`-th effect below `folder`."""
    left = countdown

    def hook(event: str, args: tuple[object, ...]) -> None:
        nonlocal left
        if event not in {"open", "os.rename", "os.remove", "os.mkdir", "os.truncate"}:
            return
        if any(isinstance(arg, str | os.PathLike) and str(folder) in os.fspath(arg) for arg in args):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def main(folder: Path, countdown: int, action: str) -> None:
    from capture_agent.keys import age
    from capture_agent.keys.vault import Vault

    vault = Vault(folder / "vault", FileSecrets(folder / "keyring.json"))
    replacement = age.new_classical()
    strike(folder, countdown)
    match action:
        case "begin":
            _ = vault.device_recipient
        case "add":
            vault.add("added", replacement)
        case "destroy":
            vault.destroy(["gone"])
        case "replace":
            vault.destroy(["gone"], {"gone": replacement})
        case "check":
            vault.check()
    print("done")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])

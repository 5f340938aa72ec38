"""The texts that people were shown, each kept once under its SHA-256: entries of the record name it, and it is checked.

Wherever an entry's body has {"sha256": …, "text": …} and the two belong together, the record holds the hash and
null, and the text is a file beside it. So a notice of some pages is not written again with every click.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from capture_agent.core.errors import VerificationError
from capture_agent.keys.files import make_private_folder, read_private, replace_private

_HINT = "Nothing was deleted. Restore this file from a backup; recording stays off until then. You can opt out."


class KeptTexts:
    """The folder of texts. Nothing is made before the first one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, body: Mapping[str, object]) -> dict[str, object]:
        """Return `body` as the record holds it, and keep its texts durably.

        Raises:
            StorageError: One cannot be written.
        """
        texts: dict[str, str] = {}
        held = _without_texts(body, texts)
        for sha256, text in texts.items():
            path = self._path(sha256)
            if read_private(path) != text.encode():
                make_private_folder(self._folder)
                replace_private(path, text.encode())
        if not isinstance(held, dict):
            raise TypeError("a body is an object")
        return held

    def restore(self, body: Mapping[str, object]) -> dict[str, object]:
        """Return `body` as it was given to `keep`.

        Raises:
            VerificationError: A text is missing, or is not the one that was shown.
        """
        restored = self._with_texts(body)
        if not isinstance(restored, dict):
            raise TypeError("a body is an object")
        return restored

    def _with_texts(self, value: object) -> object:
        if isinstance(value, list):
            return [self._with_texts(one) for one in value]
        if not isinstance(value, Mapping):
            return value
        found = {key: self._with_texts(one) for key, one in value.items()}
        if "text" in found and found["text"] is None:
            found["text"] = self._read(str(found.get("sha256")))
        return found

    def _read(self, sha256: str) -> str:
        data = read_private(self._path(sha256)) if sha256.isalnum() else None
        if data is None:
            raise VerificationError("a text that you were shown is missing beside the consent record", hint=_HINT)
        if hashlib.sha256(data).hexdigest() != sha256:
            raise VerificationError("a text that you were shown was changed beside the consent record", hint=_HINT)
        return data.decode()

    def _path(self, sha256: str) -> Path:
        return self._folder / f"{sha256}.txt"


def _without_texts(value: object, texts: dict[str, str]) -> object:
    if isinstance(value, list | tuple):
        return [_without_texts(one, texts) for one in value]
    if not isinstance(value, Mapping):
        return value
    found = {key: _without_texts(one, texts) for key, one in value.items()}
    text, sha256 = found.get("text"), found.get("sha256")
    if isinstance(text, str) and hashlib.sha256(text.encode()).hexdigest() == sha256:
        texts[sha256] = text
        found["text"] = None
    return found

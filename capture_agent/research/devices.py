"""The device keys that a researcher knows: which participant's bundles are signed with which key.

A key becomes known in two ways. A person *trusts* it, having compared it with the participant's.
Or it is *pinned on first use*, when the researcher asks for that: written down with the first
bundle, so that a later change shows; nobody has compared it, and nothing calls that verified.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import platformdirs
from pydantic import AwareDatetime, Field, ValidationError

from capture_agent.bundle.manifest import Closed, Short
from capture_agent.bundle.read import Standing
from capture_agent.core.errors import ConfigError, StorageError, VerificationError
from capture_agent.keys import dsse
from capture_agent.keys.strict_json import strict_object

FORMAT = 1
MAX_BYTES = 16 << 20  # of the file: some 50,000 participants
_COMPARE = (
    "Compare the key with the one that the participant's agent shows, and say so with "
    "`capture-agent research devices trust`."
)


class Device(Closed):
    """One known key."""

    study: Short
    pseudonym: Short
    key: Short
    standing: Standing  # TRUSTED or PINNED
    since: AwareDatetime


class _File(Closed):
    format: Literal[1] = 1
    devices: Annotated[tuple[Device, ...], Field(max_length=100_000)]


def default_path() -> Path:
    """Return where this person's known devices are kept."""
    return platformdirs.user_data_path("capture-agent-research") / "devices.json"


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


class Devices:
    """Known device keys, as a bundle's reader asks for them. Nothing is written before `save`."""

    def __init__(self, path: Path, *, pin: bool = False, now: Callable[[], datetime] = _now) -> None:
        """Read `path`, if it is there. With `pin`, a participant's first key is pinned on first use.

        Raises:
            StorageError: The file is damaged or of a newer version.
        """
        self.path = path
        self._pin = pin
        self._now = now
        self._devices = {(device.study, device.pseudonym): device for device in _load(path)}

    @property
    def devices(self) -> tuple[Device, ...]:
        """All that are known, by study and pseudonym."""
        return tuple(device for _, device in sorted(self._devices.items()))

    def judge(self, study: str, pseudonym: str, key: str) -> Standing:
        """Return the standing of `key`; see `bundle.read.KnownDevices`.

        Raises:
            VerificationError: The key is not known, or not this participant's.
        """
        known = self._devices.get((study, pseudonym))
        if known is not None and known.key == key:
            return known.standing
        if known is not None:
            raise VerificationError(
                "the bundle is signed with another device key than this participant's, which is known",
                hint=f"If the participant has a new device: {_COMPARE} Otherwise somebody else made this bundle.",
            )
        if any(device.key == key for device in self._devices.values()):
            raise VerificationError(
                "the bundle is signed with the device key of another participant or study",
                hint="Somebody changed who it says it is from. Do not use it.",
            )
        if not self._pin:
            raise VerificationError(
                f"the bundle is signed with an unknown device key: study {study}, participant {pseudonym}, {key}",
                hint=f"{_COMPARE} Or pin it on first use with --pin; it is then not called verified.",
            )
        self._devices[study, pseudonym] = self._device(study, pseudonym, key, Standing.PINNED)
        return Standing.FIRST_USE

    def trust(self, study: str, pseudonym: str, key: str) -> Device:
        """Trust `key` for a participant, instead of any key known for them before; return what was known.

        Raises:
            ConfigError: It is not a public signing key, or is known as another participant's.
        """
        dsse.check_public_key(key)
        for device in self._devices.values():
            if device.key == key and (device.study, device.pseudonym) != (study, pseudonym):
                raise ConfigError(
                    f"this key is known as that of {device.pseudonym} in {device.study}",
                    hint="Every participant has a key of their own in every study. Check what you were sent.",
                )
        try:
            self._devices[study, pseudonym] = self._device(study, pseudonym, key, Standing.TRUSTED)
        except ValidationError:
            raise ConfigError(
                "the study or pseudonym is empty or too long", hint="Copy both from the participant's agent."
            ) from None
        return self._devices[study, pseudonym]

    def forget(self, study: str, pseudonym: str) -> None:
        """Know nothing of a participant's key any more.

        Raises:
            ConfigError: Nothing is known of it.
        """
        if self._devices.pop((study, pseudonym), None) is None:
            raise ConfigError("no key of this participant is known", hint="See `capture-agent research devices list`.")

    def save(self) -> None:
        """Write the file, 0600, in one step.

        Raises:
            StorageError: It cannot be written; the old one is still there.
        """
        data = _File(devices=self.devices).model_dump_json(indent=1).encode() + b"\n"
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(".new", self.path.name, self.path.parent)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                Path(name).replace(self.path)
            finally:
                Path(name).unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(
                f"{self.path} cannot be written ({error.strerror})", hint="Check the folder and its owner."
            ) from error

    def _device(self, study: str, pseudonym: str, key: str, standing: Standing) -> Device:
        return Device(study=study, pseudonym=pseudonym, key=key, standing=standing, since=self._now())


def _load(path: Path) -> tuple[Device, ...]:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES)
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise StorageError(f"{path} cannot be read ({error.strerror})", hint="Check the file and its owner.") from error
    try:
        number = strict_object(data, str(path)).get("format")
        if isinstance(number, int) and number > FORMAT:
            raise StorageError(f"{path} has the newer format {number}", hint="Install a newer version.")
        return _File.model_validate_json(data).devices
    except (ValidationError, VerificationError):
        raise StorageError(
            f"{path} is damaged", hint="Restore it from a copy, or move it away and trust again."
        ) from None

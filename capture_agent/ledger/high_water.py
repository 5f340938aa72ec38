"""What this device has seen, kept among its secrets: an older copy of the profile does not have it, and is found out.

Two things only rise: the version of each study's policy, and the time. (The third, how many entries the
consent record has, is kept by `record`.)
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from capture_agent.core.errors import ConfigError, VerificationError
from capture_agent.core.policy import Policy
from capture_agent.keys.secret_store import Secrets
from capture_agent.keys.strict_json import canonical_json, strict_object

FORMAT = 1
_NAME = "high-water"
WRITE_EVERY = timedelta(minutes=10)  # how much later it must be for the time to be written again: a keyring is slow


class HighWater:
    """The highest version and the latest time. Main thread only.

    Raises:
        VerificationError: What is kept there cannot be read.
        KeyError_: The secrets are locked.
    """

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._policies, self._written = _parse(secrets.get(_NAME))
        self._latest = self._written

    @property
    def latest(self) -> datetime | None:
        """The latest time that was seen."""
        return self._latest

    def check_policy(self, policy: Policy) -> None:
        """Return if this version may come after what was seen. What is built in has no older copies.

        Raises:
            ConfigError: A higher version of this study was in force here.
        """
        seen = self._policies.get(policy.study, 0)
        if not policy.is_own and policy.version < seen:
            raise ConfigError(
                "this policy is version {version} of {study!r}, and version {seen} was in force here",
                hint="Whoever runs the study has to send a policy with a higher version; the last one stays in force.",
                version=policy.version,
                study=policy.study,
                seen=seen,
            )

    def saw_policy(self, policy: Policy) -> None:
        """Keep the version of a policy that is in force now."""
        if self._policies.get(policy.study, 0) < policy.version:
            self._policies[policy.study] = policy.version
            self._write()

    def saw_time(self, now: datetime) -> None:
        """Remember that it is `now`, as long as this program runs."""
        if self._latest is None or self._latest < now:
            self._latest = now

    def keep_time(self, *, at_once: bool = False) -> None:
        """Write down how late it is, every `WRITE_EVERY` or `at_once`."""
        if self._latest is None:
            return
        if self._written is None or self._latest - self._written >= (timedelta() if at_once else WRITE_EVERY):
            self._write()

    def begin_time_anew(self, now: datetime) -> None:
        """Take `now` for right, because the person begins anew with it: a clock may have been wrong before."""
        self._latest = now
        self._write()

    def _write(self) -> None:
        kept = {
            "format": FORMAT,
            "policies": dict(self._policies),
            "time": None if self._latest is None else self._latest.astimezone(UTC).isoformat(timespec="seconds"),
        }
        self._secrets.set(_NAME, canonical_json(kept).decode())
        self._written = self._latest


def forget(secrets: Secrets) -> None:
    """Forget what cannot be read, for the person who begins anew."""
    secrets.delete(_NAME)


def _parse(stored: str | None) -> tuple[dict[str, int], datetime | None]:
    if stored is None:
        return {}, None
    found = strict_object(stored.encode(), "what the keyring holds")
    try:
        if found["format"] != FORMAT or not isinstance(found["policies"], Mapping):
            raise ValueError("another format")
        policies = {str(study): int(str(version)) for study, version in found["policies"].items()}
        time = None if found["time"] is None else datetime.fromisoformat(str(found["time"]))
    except (KeyError, ValueError, TypeError):
        raise VerificationError(
            "what the keyring holds about this profile cannot be read",
            hint="Nothing was deleted. Install the newest version, or opt out and join again.",
        ) from None
    return policies, time

"""The agent of a profile that does not fit together: it records nothing, says why, deletes nothing, and can be left.

An older copy of the profile was put back, the consent record is damaged, the keyring is another one or locked:
what was agreed to cannot be known then, so nothing was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import NoReturn, cast

from capture_agent.core.errors import CaptureAgentError, ConsentError, KeyError_, NewerVersionError, VerificationError
from capture_agent.core.language import noted, say
from capture_agent.core.policy import OWN_STUDY, Settings
from capture_agent.core.recording import State
from capture_agent.keys.secret_store import Secrets
from capture_agent.keys.vault import Vault
from capture_agent.ledger.record import Ledger
from capture_agent.session.changes import PLACES, Changes, Place
from capture_agent.session.clockwork import Clockwork
from capture_agent.session.profile import Memory, Profile
from capture_agent.session.setting_aside import begin_anew, last_study
from capture_agent.session.snapshot import Agreed, HeldSession, Snapshot
from capture_agent.session.world import World

_WHAT: Mapping[type[CaptureAgentError], str] = MappingProxyType(
    {
        ConsentError: noted("An older copy of your data was put back, so nothing is recorded."),
        VerificationError: noted("The record of what you agreed to is damaged, so nothing is recorded."),
        KeyError_: noted("The keys of your recordings cannot be opened, so nothing is recorded."),
    }
)
_ELSE = noted("What Capture Agent keeps on this computer cannot be read, so nothing is recorded.")
_RESTORE = noted("Nothing was deleted. Put the newest copy back and start again, or opt out and begin anew.")
_UNLOCK = noted("Nothing was deleted. Unlock the keyring and start again, or opt out and begin anew.")


def open_agent(
    profile: Profile, secrets: Callable[[], Secrets], world: World, places: Mapping[str, Place] = PLACES
) -> Clockwork:
    """Return the agent of a profile; if the profile cannot be used as it is, one that is closed.

    `secrets` opens the place where secrets are kept, and may ask the person.

    Raises:
        NewerVersionError: It is not ours to open, not even to leave: nothing is touched.
    """
    found: Secrets | None = None
    try:
        found = secrets()
        vault = Vault(profile.vault, found)
        return Clockwork(profile, vault, Ledger(profile.ledger, vault), world, places)
    except NewerVersionError:
        raise
    except CaptureAgentError as error:
        with suppress(CaptureAgentError):  # what is said first is why nothing can be recorded
            Changes(profile.changes, places).undo_all(lasting=False)
        # Whatever else a controller can be asked for, a closed one refuses: see `Closed.__getattr__`.
        return cast(Clockwork, Closed(profile, found, world, error))


class Closed:
    """Stands for a `Clockwork`. Everything that it does not have is refused, what is added to it later included."""

    recording_state = State.OFF
    rests = True  # nothing ever waits

    def __init__(self, profile: Profile, secrets: Secrets | None, world: World, error: CaptureAgentError) -> None:
        self._profile = profile
        self._secrets = secrets
        self._world = world
        self._error = error
        self._left = False

    def __getattr__(self, name: str) -> Callable[..., NoReturn]:
        if name.startswith("_"):
            raise AttributeError(name)

        def refused(*_arguments: object, **_named: object) -> NoReturn:
            raise self._problem()

        return refused

    def _problem(self) -> CaptureAgentError:
        if self._left:
            return CaptureAgentError(
                noted("You have opted out, and nothing is recorded."),
                hint=noted("Quit, and start Capture Agent again, if you want to choose anew."),
            )
        return self._error.with_traceback(None)

    @property
    def settings(self) -> Settings:
        """What the person chose, as far as it can be read."""
        try:
            return self._world.settings()
        except CaptureAgentError:
            return Settings()

    def snapshot(self) -> Snapshot:
        """Return that nothing is recorded, and why."""
        problem, hint = self._in_words()
        kind = "os" if self._secrets is None else self._secrets.kind
        return Snapshot(
            State.OFF,
            None,
            None,
            problem=problem,
            hint=hint,
            broken=True,
            can_leave=not self._left and self._profile.ledger.exists(),
            keyring=kind,
        )

    def _in_words(self) -> tuple[str, str]:
        if self._left:
            return self._problem().said()
        what = next((said for kind, said in _WHAT.items() if isinstance(self._error, kind)), _ELSE)
        again = _UNLOCK if isinstance(self._error, KeyError_) else _RESTORE
        return say(what), f"{say(again)} ({self._error.said()[0]})"

    def withdraw(self, *, destroy: bool) -> None:
        """Opt out: what cannot be trusted is set aside and kept, a new record begins with this withdrawal.

        With `destroy`, no recording of this profile can be opened again: which were released is not known.

        Raises:
            CaptureAgentError: It cannot be written down yet. The agent stays closed, so nothing is recorded.
        """
        if self._left:
            return
        secrets = self._usable_secrets()
        if secrets is None:
            # Without keys nothing can be signed or destroyed: the next start that has them does it first of all.
            study = last_study(self._profile.ledger) or OWN_STUDY
            memory = Memory(self._profile.state)
            memory.change(left=study, left_destroying=destroy, joined="", study_path="")
        else:
            begin_anew(self._profile, secrets, self._world.wall(), type(self._error).__name__, destroy=destroy)
        self._left = True

    def _usable_secrets(self) -> Secrets | None:
        try:
            if self._secrets is not None:
                self._secrets.get("ledger-head")  # a keyring says only then whether it is locked
        except KeyError_:
            return None
        return self._secrets

    # What narrows is done already, and what only shows has nothing to show.

    def tick(self) -> None:
        """Do nothing."""

    def reload(self) -> None:
        """Do nothing: only a start reads the profile."""

    def stop(self) -> None:
        """Do nothing."""

    def pause(self, _minutes: int | None) -> None:
        """Do nothing."""

    def shut_down(self) -> None:
        """Do nothing."""

    def note(self, error: CaptureAgentError) -> None:
        """Do nothing: that the profile is closed is what matters."""

    def fail(self, error: CaptureAgentError) -> None:
        """Do nothing, for the same reason."""

    def sessions(self) -> tuple[HeldSession, ...]:
        """Return none: which there are is not known."""
        return ()

    def agreed(self) -> tuple[Agreed, ...]:
        """Return none."""
        return ()

    def known_apps(self) -> Mapping[str, str]:
        """Return none."""
        return {}

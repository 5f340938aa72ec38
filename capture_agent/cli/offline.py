"""The agent of a profile for the length of one command, without a desktop: it shows and narrows, and has nothing to
record with.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from capture_agent.cli.own import passphrase_from
from capture_agent.control.instance import Instance
from capture_agent.core.asking import Remedy
from capture_agent.core.errors import DesktopError, FaultError
from capture_agent.core.never import NeverRule
from capture_agent.core.policy import Policy, Settings
from capture_agent.desktop import clock
from capture_agent.desktop.base import Presence
from capture_agent.desktop.network import addresses, metered
from capture_agent.session.clockwork import Clockwork
from capture_agent.session.holdings import Surroundings
from capture_agent.session.profile import Profile
from capture_agent.session.world import Plan
from capture_agent.settings import policy_path, read_policy, read_settings
from capture_agent.sources.base import Source


class OfflineWorld:
    """This computer without its desktop, as `session.world.World` wants it."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile

    def now_us(self) -> int:
        """Return the input clock."""
        return clock.now_us()

    def wall(self) -> datetime:
        """Return the wall clock."""
        return datetime.now(UTC)

    def zone(self) -> None:
        """Return the time zone: the system's."""

    def presence(self) -> Presence:
        """Return that somebody is here: who gave the command."""
        return Presence()

    def disk(self) -> tuple[int, int]:
        """Return how many bytes are free where recordings lie, and how large that disk is."""
        return self._profile.disk()

    def elsewhere(self) -> None:
        """Return None: nothing is recorded or released."""

    def sources(self, plan: Plan) -> Sequence[Source]:
        """Refuse: a command records nothing."""
        raise _nothing_here()

    def unseen_fields(self) -> Mapping[str, Remedy]:
        """Return nothing: nothing is looked at."""
        return {}

    def surroundings(self) -> Surroundings:
        """Refuse, for the same reason."""
        raise _nothing_here()

    metered = staticmethod(metered)
    addresses = staticmethod(addresses)

    def limits(self) -> tuple[str, ...]:
        """Return none: nothing is recorded."""
        return ()

    def prove_indicator(self) -> bool:
        """Return False: nothing is shown."""
        return False

    def announce_recording(self) -> None:
        """Refuse, for the same reason."""
        raise _nothing_here()

    def tell(self, title: str, text: str) -> None:
        """Refuse, for the same reason."""
        raise _nothing_here()

    def countdown_shown(self) -> bool:
        """Return False: nothing is shown."""
        return False

    def known_apps(self) -> Mapping[str, str]:
        """Return none."""
        return {}

    def read_study(self, path: Path) -> Policy:
        """Return the study in a file."""
        return read_policy(path, now=self.wall()).policy

    def joined_study(self, chosen: Path | None) -> Policy | None:
        """Return the study in force."""
        path = policy_path(chosen)
        return None if path is None else read_policy(path).policy

    def settings(self) -> Settings:
        """Return the person's own settings."""
        return read_settings(self._profile.settings_file).settings

    def change_never(self, rule: NeverRule, *, on: bool) -> None:
        """Refuse, for the same reason."""
        raise _nothing_here()


class NoWindows:
    """There are none, and no command that comes here asks for one."""

    def show(self) -> None:
        """Refuse."""
        raise _nothing_here()

    def quit(self) -> None:
        """Refuse."""
        raise _nothing_here()


@contextmanager
def offline_agent(passphrase_fd: int | None, *, whole: bool) -> Iterator[Clockwork]:
    """Yield the agent of this user's profile; while it is there, no other one can start.

    Raises:
        CaptureAgentError: One is running or starting; or the profile cannot be used, and it has to be `whole`.
    """
    from capture_agent import app

    profile = Profile.of_user()
    profile.create()
    instance = Instance.take(profile.folder)
    if instance is None:
        raise FaultError("The agent runs and does not answer.", hint="Try again in a moment.")
    with ExitStack() as closing:
        closing.callback(instance.release)
        agent = app.open_controller(profile, passphrase_from(passphrase_fd), OfflineWorld(profile), whole=whole)
        closing.callback(agent.shut_down)  # what could still be undone is done: there is no window for undoing
        yield agent


def _nothing_here() -> DesktopError:
    return DesktopError("nothing can be recorded without a desktop", hint="Start it with: capture-agent")

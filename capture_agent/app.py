"""The composition root: the tray program put together, and the few things that need all of its parts."""

from __future__ import annotations

import atexit
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType, TracebackType
from typing import TYPE_CHECKING

from capture_agent.control.client import Client
from capture_agent.control.commands import Request
from capture_agent.control.instance import Instance
from capture_agent.control.server import Server, answer
from capture_agent.control.wire import Response
from capture_agent.core.asking import Remedy
from capture_agent.core.elsewhere import Elsewhere
from capture_agent.core.errors import CaptureAgentError, DesktopError
from capture_agent.core.language import say
from capture_agent.core.never import NeverRule, never_recorded
from capture_agent.core.policy import Policy, Settings
from capture_agent.desktop import process
from capture_agent.desktop.base import Desktop, InputBackEnd, Presence
from capture_agent.desktop.choose import check, input_back_end, open_desktop, open_lookout
from capture_agent.desktop.network import addresses, metered
from capture_agent.keys import age
from capture_agent.keys.vault import Ask, Vault, choose_secrets
from capture_agent.ledger.record import Ledger
from capture_agent.session.clockwork import Clockwork
from capture_agent.session.closed import open_agent
from capture_agent.session.holdings import Surroundings
from capture_agent.session.hotkeys import Keys
from capture_agent.session.profile import Profile
from capture_agent.session.world import Plan, World
from capture_agent.settings import Stamp, policy_path, read_policy, read_settings, stamp, system_policy_path, write_rule
from capture_agent.sources.base import Source
from capture_agent.sources.choose import choose

if TYPE_CHECKING:
    from capture_agent.sources.fields import Fields

TICK_MS = 100  # marks; see core.intervals
STILL_TICK_MS = 200  # while nothing waits for a mark: as often as the indicator has to be proved
GIVE_BACK_AFTER = 5  # ticks at rest: while frames come and go, what one left is what the next one needs
RELOAD_EVERY_US = 1_000_000  # files that others write are looked at so often
INPUT_RESOLUTION_US = 1000  # an X server stamps milliseconds


class LocalWorld:
    """This computer, as `session.world.World` wants it."""

    def __init__(self, profile: Profile, desktop: Desktop) -> None:
        self._profile = profile
        self._desktop = desktop
        self._lookout = open_lookout(desktop)
        self._input = input_back_end()
        self._fields: Fields | None = None
        self._watched: dict[Path, Stamp | None] = {}
        self.prove: Callable[[], bool] = lambda: False
        self.announce: Callable[[], None] = lambda: None
        self.notify: Callable[[str, str], None] = lambda _title, _text: None
        self.counting: Callable[[], bool] = lambda: False

    def now_us(self) -> int:
        """Return the input clock."""
        return self._desktop.now_us()

    def wall(self) -> datetime:
        """Return the wall clock."""
        return datetime.now(UTC)

    def zone(self) -> None:
        """Return the time zone: the system's."""

    def presence(self) -> Presence:
        """Return whether the person is at this computer."""
        return self._lookout.presence()

    def disk(self) -> tuple[int, int]:
        """Return how many bytes are free where recordings lie, and how large that disk is."""
        return self._profile.disk()

    def elsewhere(self) -> Elsewhere | None:
        """Return where files of the profile go, if they do not stay on this computer."""
        return self._profile.elsewhere()

    def sources(self, plan: Plan) -> Sequence[Source]:
        """Return fresh sources for what is agreed; where the focus is, is always needed by the gate."""
        chosen = choose(plan.categories, max_fps=plan.max_fps, back_end=self._input)
        self._fields = chosen.fields
        return chosen.all

    def unseen_fields(self) -> Mapping[str, Remedy]:
        """Return the programs whose fields could not be seen, each with what helps."""
        return {} if self._fields is None else self._fields.unseen

    def surroundings(self) -> Surroundings:
        """Return what a recording says of where it was made."""
        return Surroundings(
            desktop=os.environ.get("XDG_CURRENT_DESKTOP", ""),
            locale=_locale(),
            keyboard_layouts=self._desktop.keyboard_layouts(),
            input_resolution_us=INPUT_RESOLUTION_US,
            input=self._input.value,
        )

    metered = staticmethod(metered)
    addresses = staticmethod(addresses)

    def limits(self) -> tuple[str, ...]:
        """Return what this display does not tell."""
        if self._input is InputBackEnd.XI2:
            return ()
        return (say("What is typed: this display tells of shortcuts and named keys only."),)

    def prove_indicator(self) -> bool:
        """Return whether the indicator is proved shown."""
        return self.prove()

    def announce_recording(self) -> None:
        """Show that recording begins."""
        self.announce()

    def tell(self, title: str, text: str) -> None:
        """Show a notification."""
        self.notify(title, text)

    def countdown_shown(self) -> bool:
        """Return whether the window that counts a pause down is proved to be in sight."""
        return self.counting()

    def known_apps(self) -> Mapping[str, str]:
        """Return the programs that have a window and may be ticked at all."""
        never = never_recorded()
        return {
            window.app: window.title
            for window in self._desktop.layout().windows
            if window.app and window.pid != os.getpid() and not never & {window.app, *window.aliases}
        }

    def read_study(self, path: Path) -> Policy:
        """Return the study in a file."""
        return read_policy(path, now=self.wall()).policy

    def joined_study(self, chosen: Path | None) -> Policy | None:
        """Return the study in force."""
        path = policy_path(chosen)
        if path is None:
            return None
        # Watched before it is read: a wrong file is read again when it has been mended.
        self._watched[path] = stamp(path)
        file = read_policy(path)
        self._watched.update(file.document.files)
        return file.policy

    def settings(self) -> Settings:
        """Return the person's own settings."""
        path = self._profile.settings_file
        self._watched[path] = stamp(path)
        return read_settings(path).settings

    def change_never(self, rule: NeverRule, *, on: bool) -> None:
        """Add a rule to the person's own settings, or take it out."""
        write_rule(self._profile.settings_file, rule, on=on)

    def files_changed(self) -> bool:
        """Return whether a file that was read has changed since, or a system policy came or went."""
        system = system_policy_path()
        if system not in self._watched and stamp(system) is not None:
            return True
        return any(stamp(path) != before for path, before in self._watched.items())

    def close(self) -> None:
        """Stop listening to what says whether the person is here."""
        self._lookout.close()

    def forget_files(self) -> None:
        """Begin to watch anew, with the next reading."""
        self._watched.clear()


def run() -> int:
    """Run the tray program until the person quits; return its exit code.

    Raises:
        CaptureAgentError: It cannot run here; nothing was recorded and nothing changed.
    """
    process.harden()
    process.use_little_memory()
    for problem in check():
        if problem.blocks:
            raise DesktopError(problem.what, hint=problem.hint)
    profile = Profile.of_user()
    profile.create()
    instance = Instance.take(profile.folder)
    if instance is None:
        Client(profile.folder).ask_when_ready("show")
        return 0
    try:
        return _run(profile, instance)
    finally:
        instance.release()


def _run(profile: Profile, instance: Instance) -> int:
    from PySide6.QtCore import QLoggingCategory, QObject, Qt, QTimer, Signal
    from PySide6.QtWidgets import QApplication

    from capture_agent.ui import colours
    from capture_agent.ui.bridge import in_words
    from capture_agent.ui.passphrase import ask_passphrase
    from capture_agent.ui.shell import Shell
    from capture_agent.ui.tongue import speak_as
    from capture_agent.ui.view_state import Command

    process.forget_sources()

    class Mailbox(QObject):
        """Carries calls from other threads to the main thread."""

        posted = Signal(object)

    # A tray program's output often lands in a log: Qt's remarks can name what is on the screen, and help nobody there.
    QLoggingCategory.setFilterRules("*.debug=false\n*.info=false\n*.warning=false")
    app = QApplication(["capture-agent"])
    app.setApplicationName("capture-agent")
    app.setDesktopFileName("capture-agent")
    app.setQuitOnLastWindowClosed(False)
    desktop = open_desktop()
    world = LocalWorld(profile, desktop)
    colours.follow(app)
    speak_as(_chosen_locale(world))
    with process.to_stay():
        controller = open_controller(profile, ask_passphrase, world)
    left, at_rest, reloaded_us = False, 0, 0

    def leave() -> None:
        nonlocal left
        left = True
        app.quit()

    def announce() -> None:
        shell.announce_recording()
        QTimer.singleShot(process.SETTLED_MS, process.let_go_of_code)

    shell = Shell(controller, desktop.proved_shown, age.fingerprint, leave, desktop.pick if desktop.can_pick else None)
    world.prove = lambda: shell.prove() is not None
    world.announce = announce
    world.counting = shell.countdown_shown
    world.notify = shell.notify
    mailbox = Mailbox()
    mailbox.posted.connect(lambda call: call(), Qt.ConnectionType.QueuedConnection)

    class Windows:
        """What commands may ask of the windows."""

        def show(self) -> None:
            QTimer.singleShot(0, shell.open)

        def quit(self) -> None:
            QTimer.singleShot(0, shell.quit)

    windows = Windows()

    def dispatch(request: Request) -> Future[Response]:
        future: Future[Response] = Future()
        mailbox.posted.emit(lambda: answer(request, future, controller, windows, world.wall()))
        return future

    def fault(error: BaseException) -> None:
        mailbox.posted.emit(lambda: controller.fail(in_words(error)))

    def uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        """Main thread: whatever nobody caught ends the recording, sealed, and is told in words."""
        try:
            controller.fail(in_words(error))
        finally:
            shell.bridge.fault(kind, error, trace)

    def tick() -> None:
        nonlocal at_rest, reloaded_us
        controller.tick()
        shell.bridge.follow()
        rests, now = controller.rests, world.now_us()
        at_rest = at_rest + 1 if rests else 0
        if at_rest == GIVE_BACK_AFTER:
            process.give_back()
        if now - reloaded_us >= RELOAD_EVERY_US:
            reloaded_us = now
            if world.files_changed():
                world.forget_files()
                controller.reload()
                keys.take()
            keys.check()
        pace = STILL_TICK_MS if rests else TICK_MS
        if timer.interval() != pace:
            timer.setInterval(pace)

    def pause_or_open() -> None:
        """Obey the hotkey as a click on the icon: it pauses, or opens the window; it never resumes."""
        shell.click()

    sys.excepthook = uncaught
    timer = QTimer(interval=TICK_MS, timerType=Qt.TimerType.PreciseTimer)
    timer.timeout.connect(tick)
    timer.start()
    server = Server(instance, dispatch, fault)

    keys = Keys(
        controller,
        lambda: mailbox.posted.emit(pause_or_open),
        lambda: mailbox.posted.emit(lambda: shell.open(Command.TASK)),
    )
    keys.take()

    def stop(_number: int, _frame: FrameType | None) -> None:
        leave()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    if sys.platform != "win32":
        signal.signal(signal.SIGHUP, stop)
    if controller.snapshot().joined is None:  # nothing was chosen, or what was cannot be known: both are to be seen
        shell.open()
    with ExitStack() as closing:  # all of it, the last one first: whatever happens, what is recorded is sealed
        for close in (
            desktop.close,
            world.close,
            lambda: shell.close() if left else shell.bridge.close(),
            keys.close,
            server.close,
            controller.shut_down,
            timer.stop,
        ):
            closing.callback(close)
        app.exec()
    if not left:
        # Qt ends its loop by itself when the display has gone.
        atexit.register(_end_without_qt)
        raise DesktopError(
            "the display has gone; what was recorded is saved", hint="Log in again and start capture-agent."
        )
    return 0


def _end_without_qt() -> None:
    """End the process before Qt takes its windows down: without a display it waits for answers that do not come.

    Everything of ours is closed by now, and the message is said. Qt's own end has crashed here, about once in 60 times.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(DesktopError.exit_code)


def open_controller(profile: Profile, ask: Ask | None, world: World, *, whole: bool = False) -> Clockwork:
    """Return the agent of a profile; one that says why nothing is recorded, if the profile cannot be used.

    Raises:
        CaptureAgentError: It cannot be used, and it has to be `whole`.
    """
    if whole:
        vault = Vault(profile.vault, choose_secrets(profile.folder, ask))
        return Clockwork(profile, vault, Ledger(profile.ledger, vault), world)
    return open_agent(profile, lambda: choose_secrets(profile.folder, ask), world)


def _chosen_locale(world: LocalWorld) -> str:
    """Return the locale in the person's settings; none if that file is wrong, which the controller tells of."""
    try:
        return world.settings().locale
    except CaptureAgentError:
        return ""


def _locale() -> str:
    import locale

    return locale.getlocale()[0] or ""

"""Whether the person is here: what stand-ins for lockers say on real buses, the X screen saver, clocks."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from screen_saver import BATTERY, MANAGER, PROFILES, SAVER, SESSION, UPOWER, StandIn, logind, profiles, upower
from Xlib.display import Display

from capture_agent.core.splitting import Reason
from capture_agent.demo.desktop import PrivateDesktop
from capture_agent.desktop import choose
from capture_agent.desktop.bus_locks import BusLocks
from capture_agent.desktop.bus_power import BusPower
from capture_agent.desktop.presence import Lookout, slept_us
from capture_agent.desktop.x11 import X11Desktop

pytestmark = pytest.mark.real

BUSES = ("DBUS_SESSION_BUS_ADDRESS", "DBUS_SYSTEM_BUS_ADDRESS")


@pytest.fixture(scope="module")
def plain() -> Iterator[PrivateDesktop]:
    with PrivateDesktop(tray="none", keyring=False, accessibility=False, window_manager=False) as private:
        yield private


@pytest.fixture
def bus(plain: PrivateDesktop) -> Iterator[str]:
    """One private bus that stands in for both."""
    kept = {name: os.environ.get(name) for name in BUSES}
    address = plain.env["DBUS_SESSION_BUS_ADDRESS"]
    os.environ.update(dict.fromkeys(BUSES, address))
    yield address
    for name, value in kept.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


@pytest.fixture
def locks(bus: str) -> Iterator[BusLocks]:
    listening = BusLocks()
    wait_until(lambda: listening.listening == (True, True))
    yield listening
    listening.close()


def wait_until(done: Callable[[], object], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)


def locked(locks: BusLocks) -> Callable[[], bool]:
    return lambda: locks.away() is not None


def reasons(locks: BusLocks) -> frozenset[Reason]:
    away = locks.away()
    return frozenset() if away is None else away.reasons


def test_a_screen_saver_that_says_it_is_on_locks_and_its_end_unlocks(bus: str) -> None:
    with StandIn(bus, SAVER.bus_name) as saver:
        locks = BusLocks()
        wait_until(lambda: locks.listening[0])
        saver.active(True)
        wait_until(locked(locks))
        away = locks.away()
        assert away is not None
        assert abs(time.monotonic_ns() // 1000 - away.since_us) < 15_000_000
        saver.active(False)
        wait_until(lambda: not locked(locks)())
        saver.active(True)
        wait_until(locked(locks))
    wait_until(lambda: not locked(locks)())  # the locker has gone, and its window with it
    locks.close()


def test_a_screen_that_was_locked_before_is_noticed_at_the_start(bus: str) -> None:
    with StandIn(bus, SAVER.bus_name, {"GetActive": ("b", (True,))}):
        locks = BusLocks()
        wait_until(locked(locks))
        locks.close()


@pytest.mark.promise("P1")
def test_another_program_cannot_say_that_the_screen_is_unlocked(bus: str) -> None:
    with StandIn(bus, SAVER.bus_name, {"GetActive": ("b", (True,))}) as saver, StandIn(bus, "") as stranger:
        locks = BusLocks()
        wait_until(locked(locks))
        since = locks.away()
        stranger.active(False)
        saver.say(SAVER, "ActiveChanged", "b", (True,))  # comes after the stranger's: the bus keeps the order
        time.sleep(0.2)
        assert locks.away() == since  # it was not unlocked in between
        locks.close()


def test_logind_says_who_has_the_screen_and_why_not_this_person(bus: str) -> None:
    with logind(bus) as system:
        locks = BusLocks()
        wait_until(lambda: locks.listening[1])
        assert locks.away() is None
        for reason, begins, ends in (
            (Reason.LOCKED, lambda: system.changed("LockedHint", True), lambda: system.changed("LockedHint", False)),
            (Reason.LOCKED, lambda: system.say(SESSION, "Lock"), lambda: system.say(SESSION, "Unlock")),
            (Reason.ELSEWHERE, lambda: system.changed("Active", False), lambda: system.changed("Active", True)),
            (
                Reason.ASLEEP,
                lambda: system.say(MANAGER, "PrepareForSleep", "b", (True,)),
                lambda: system.say(MANAGER, "PrepareForSleep", "b", (False,)),
            ),
            (
                Reason.SHUTDOWN,
                lambda: system.say(MANAGER, "PrepareForShutdown", "b", (True,)),
                lambda: system.say(MANAGER, "PrepareForShutdown", "b", (False,)),
            ),
        ):
            begins()
            wait_until(lambda reason=reason: reasons(locks) == {reason})
            ends()
            wait_until(lambda: not locked(locks)())
        locks.close()


@pytest.mark.promise("P1")
def test_waking_up_and_coming_back_take_no_request_to_lock_away(bus: str) -> None:
    with logind(bus) as system:
        locks = BusLocks()
        wait_until(lambda: locks.listening[1])
        system.say(SESSION, "Lock")
        for reason, begins, ends in (
            (
                Reason.ASLEEP,
                lambda: system.say(MANAGER, "PrepareForSleep", "b", (True,)),
                lambda: system.say(MANAGER, "PrepareForSleep", "b", (False,)),
            ),
            (Reason.ELSEWHERE, lambda: system.changed("Active", False), lambda: system.changed("Active", True)),
        ):
            begins()
            wait_until(lambda reason=reason: reasons(locks) == {Reason.LOCKED, reason})
            ends()
            wait_until(lambda reason=reason: reason not in reasons(locks))
            assert reasons(locks) == {Reason.LOCKED}
        locks.close()


@pytest.mark.promise("P1")
@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"Active": False}, Reason.ELSEWHERE),
        ({"LockedHint": True}, Reason.LOCKED),
        ({"PreparingForSleep": True}, Reason.ASLEEP),
        ({"PreparingForShutdown": True}, Reason.SHUTDOWN),
    ],
)
def test_what_logind_said_before_is_noticed_at_the_start(bus: str, said: dict[str, bool], reason: Reason) -> None:
    with logind(bus, **said):
        locks = BusLocks()
        wait_until(locked(locks))
        assert reasons(locks) == {reason}
        locks.close()


@pytest.mark.promise("P1")
def test_a_session_that_logind_calls_remote_is_one(plain: PrivateDesktop, bus: str) -> None:
    with logind(bus, Remote=True):
        desktop, locks, power = X11Desktop(plain.display), BusLocks(), BusPower()
        lookout = Lookout(desktop, locks, power, remote=False)
        wait_until(lambda: Reason.REMOTE in lookout.presence().told)
        assert not lookout.presence().locked
        lookout.close()
        desktop.close()


@pytest.mark.parametrize("name", PROFILES)
def test_the_power_saver_of_either_name_saves_until_it_is_off_or_gone(bus: str, name: str) -> None:
    power = BusPower()
    with profiles(bus, name, "power-saver") as daemon:  # it may come after us
        wait_until(power.saving)
        daemon.changed("ActiveProfile", "balanced", PROFILES[name])
        wait_until(lambda: not power.saving())
        daemon.changed("ActiveProfile", "power-saver", PROFILES[name])
        wait_until(power.saving)
    wait_until(lambda: not power.saving())
    power.close()


def test_a_low_battery_saves_and_a_plug_ends_it(bus: str) -> None:
    with upower(bus) as service, profiles(bus, "net.hadess.PowerProfiles", "power-saver"):
        power = BusPower()
        wait_until(power.saving)
        service.changed("OnBattery", False, UPOWER)
        wait_until(lambda: not power.saving())
        service.changed("OnBattery", True, UPOWER)
        wait_until(power.saving)
        power.close()
    with upower(bus) as service:
        power = BusPower()
        service.changed("WarningLevel", 3, BATTERY)
        wait_until(power.saving)
        service.changed("WarningLevel", 1, BATTERY)
        wait_until(lambda: not power.saving())
        power.close()


def test_without_any_bus_nothing_is_locked_and_nothing_waits(bus: str) -> None:
    os.environ.update(dict.fromkeys(BUSES, "unix:path=/nowhere/bus"))
    began = time.monotonic()
    locks = BusLocks()
    assert locks.away() is None
    assert locks.listening == (False, False)
    locks.close()
    assert time.monotonic() - began < 2.0
    del os.environ["DBUS_SESSION_BUS_ADDRESS"]
    locks = BusLocks()
    assert locks.away() is None
    locks.close()


def test_a_bus_that_never_answers_makes_nobody_wait(bus: str, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "bus"))
        silent.listen()
        os.environ.update(dict.fromkeys(BUSES, f"unix:path={tmp_path / 'bus'}"))
        locks = BusLocks()
        began = time.monotonic()
        assert locks.away() is None
        assert time.monotonic() - began < 0.5
        locks.close()


def test_the_x_screen_saver_counts_as_locked_and_input_ends_it(plain: PrivateDesktop, bus: str) -> None:
    desktop = X11Desktop(plain.display)
    lookout = choose.open_lookout(desktop)
    assert not lookout.presence().locked
    subprocess.run(("xset", "s", "activate"), env=plain.env, check=True)
    wait_until(lambda: lookout.presence().locked)
    subprocess.run(("xset", "s", "reset"), env=plain.env, check=True)
    subprocess.run(("xdotool", "mousemove_relative", "3", "3"), env=plain.env, check=True)
    wait_until(lambda: not lookout.presence().locked)
    assert lookout.presence().idle_us < 15_000_000
    lookout.close()
    desktop.close()


@pytest.mark.promise("P1")
def test_a_lockers_window_that_tells_no_bus_counts_as_locked(plain: PrivateDesktop, locks: BusLocks) -> None:
    desktop, program, power = X11Desktop(plain.display), Display(plain.display), BusPower()
    lookout = Lookout(desktop, locks, power, remote=False)
    assert not lookout.presence().locked
    screen = program.screen()
    window = screen.root.create_window(0, 0, 1280, 800, 0, screen.root_depth, override_redirect=True)
    window.set_wm_class("i3lock", "i3lock")
    window.map()
    program.sync()
    wait_until(lambda: lookout.presence().locked)
    window.destroy()
    program.sync()
    wait_until(lambda: not lookout.presence().locked)
    program.close()
    power.close()
    desktop.close()


def test_sleep_is_what_one_clock_counts_and_the_other_does_not() -> None:
    expected = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.monotonic_ns()
    assert abs(slept_us() - expected // 1000) < 100_000

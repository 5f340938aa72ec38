"""A world for the controller without a desktop: an obedient clock, an indicator to cover, sources that tell."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from zoneinfo import ZoneInfo

from capture_agent.core.errors import ConfigError, KeyError_, StorageError
from capture_agent.core.events import Category, FieldFocus, Focus, Key, Rect, Verdict, Window
from capture_agent.core.keyboard import widest
from capture_agent.core.never import NeverKind
from capture_agent.core.policy import Notice, Policy, Recipient, RecipientKind, Settings
from capture_agent.core.recording import State
from capture_agent.desktop.base import Presence
from capture_agent.encode.event_log import decode
from capture_agent.held import reader
from capture_agent.keys import age
from capture_agent.keys.vault import Vault
from capture_agent.ledger.record import Ledger
from capture_agent.session.changes import ACCESSIBILITY, FILE, OFF, Files
from capture_agent.session.clockwork import Clockwork
from capture_agent.session.holdings import Surroundings
from capture_agent.session.profile import Profile

BEGINNING_US = 3_600_000_000  # time passes in `Person.tick` alone: no test depends on how busy the machine is

ALL = widest(frozenset(Category))  # all that one can tick at once: of the keyboard, one mode
STUDY = Policy(
    "study-1", 1, "Work", "Lab", "lab@example.org", {"research": "Research."}, ALL,
    (Recipient("Lab", age.new_classical().recipient, RecipientKind.CLASSICAL, ALL),),
    30, (Notice("en", 1, "The notice."),),
)  # fmt: skip


BERLIN = ZoneInfo("Europe/Berlin")
# A Wednesday that is still to come: clocks that are set back are noticed, and no time of the year matters.
WEDNESDAY = next(
    day for day in (datetime.now(BERLIN).date() + timedelta(days=ahead) for ahead in range(1, 8)) if day.weekday() == 2
)


def local(hour, minute=0, second=0, *, days=0):
    """Return a moment in Berlin on that Wednesday, or `days` later."""
    return datetime.combine(WEDNESDAY + timedelta(days=days), time_of_day(hour, minute, second), BERLIN).astimezone(UTC)


class Secrets:
    """Secrets in memory: what a keyring is to a test that restarts the agent within one process."""

    kind = "os"

    def __init__(self):
        self.kept = {}
        self.locked = False

    def get(self, name):
        return self._open().get(name)

    def set(self, name, value):
        self._open()[name] = value

    def delete(self, name):
        self._open().pop(name, None)

    def _open(self):
        if self.locked:
            raise KeyError_("the keyring is locked", hint="Unlock it.")
        return self.kept


class SpySource:
    """A source that observes nothing and remembers whether it runs, and for what."""

    def __init__(self, world, categories):
        self.world, self.categories, self.sink = world, categories, None
        world.made += 1

    def start(self, sink):
        self.sink = sink
        self.world.started.append(self.categories)
        self.world.running.append(self)
        self.world.at_start(self)

    def request_full(self):
        self.world.looks += 1

    def check(self):
        if self.world.dead is not None:
            raise self.world.dead

    def stop(self):
        if self in self.world.running:
            self.world.running.remove(self)
        self.sink = None
        if self.world.stuck is not None:
            raise self.world.stuck


class SmallSwitch:
    """The session's switch for accessibility, in memory; `gone` while the bus is."""

    def __init__(self):
        self.value, self.gone = OFF, False

    def read(self, where):
        if self.gone:
            raise StorageError("no bus")
        return self.value

    def write(self, where, value):
        self.read(where)
        self.value = value


class SmallWorld:
    """Implements `session.world.World`."""

    def __init__(self):
        self.skipped_us = 0
        self.back = timedelta()
        self.began = datetime.now(UTC)
        self.started, self.running = [], []
        self.plan = None  # what sources were made for last
        self.made = 0  # sources that were constructed, started or not
        self.at_start = lambda source: None  # what a source tells before its start returns
        self.looks = 0  # how often all of the screen was wanted, changed or not
        self.dead = self.stuck = None
        self.sources_each = 1
        self.proved = True
        self.study = None
        self.chosen = Settings()
        self.wrong = None
        self.announced = 0
        self.early = 0  # how often something ran already when it was announced
        self.unseen = {}
        self.accessibility = SmallSwitch()
        self.here = Presence()
        self.free = 10**11
        self.away = None  # where files of the profile go
        self.said = []
        self.counted = True
        self.costs = False  # whether the network does, by volume
        self.networks = lambda: None  # the addresses of this computer; None: nobody knows

    def now_us(self):
        return BEGINNING_US + self.skipped_us

    def wall(self):
        return self.began + timedelta(microseconds=self.skipped_us) - self.back

    def set_back(self, seconds):
        """Set the wall clock back, or with a negative number forward; the input clock knows nothing of it."""
        self.back += timedelta(seconds=seconds)

    def zone(self):
        return BERLIN

    def presence(self):
        return self.here

    def disk(self):
        return self.free, 10**12

    def elsewhere(self):
        return self.away

    def sleep(self, seconds):
        """Let the computer sleep: the clock on the wall goes on, the input clock does not."""
        self.began += timedelta(seconds=seconds)
        self.here = replace(self.here, slept_us=self.here.slept_us + int(seconds * 1e6))

    def sources(self, plan):
        self.plan = plan
        return [SpySource(self, plan.categories) for _ in range(self.sources_each)]

    def unseen_fields(self):
        return dict(self.unseen)

    def surroundings(self):
        return Surroundings("openbox", "en_US", ("us",), 1000)

    def metered(self):
        return self.costs

    def addresses(self):
        return self.networks()

    def limits(self):
        return ()

    def prove_indicator(self):
        return self.proved

    def announce_recording(self):
        self.announced += 1
        self.early += bool(self.running)

    def tell(self, title, text):
        self.said.append((title, text))

    def countdown_shown(self):
        return self.counted

    def known_apps(self):
        return {"editor": "an editor"}

    def read_study(self, path):
        if self.study is None:
            raise ConfigError(f"{path} is no study", hint="Take another file.")
        return self.study

    def joined_study(self, chosen):
        if self.wrong is not None:
            raise self.wrong
        return self.study

    def settings(self):
        return self.chosen

    def change_never(self, rule, *, on):
        names = {NeverKind.PROGRAM: "never_apps", NeverKind.TITLE: "never_titles"}
        before = getattr(self.chosen, names[rule.kind])
        after = before | {rule.text} if on else before - {rule.text}
        self.chosen = replace(self.chosen, **{names[rule.kind]: after})


class Person:
    """One person with a profile: starts the agent, and starts it again after a crash."""

    def __init__(self, folder):
        self.world, self.secrets = SmallWorld(), Secrets()
        self.profile = Profile(folder / "profile", folder / "config" / "capture-agent" / "settings.toml")
        self.agent = self.start_agent()

    def start_agent(self):
        self.profile.create()
        vault = Vault(self.profile.vault, self.secrets)
        places = {FILE: Files(), ACCESSIBILITY: self.world.accessibility}
        self.agent = Clockwork(self.profile, vault, Ledger(self.profile.ledger, vault), self.world, places)
        return self.agent

    def crash(self):
        """The process is gone; nothing was said to anybody."""
        running = self.agent._recorder._running
        if running is not None:
            running.pipeline._writer.abandon()  # what the kernel does with a dead process's files
            running.pipeline._queue.append(None)  # ends the thread: no event looks like this
            running.pipeline._thread.join()
        self.world.running.clear()
        return self.start_agent()

    def agree(self, categories, apps=frozenset({"editor"})):
        self.agent.asked()
        self.agent.accept(frozenset(categories), apps, "en", "the notice as shown")

    def tick(self, seconds=0.25):
        """Let time pass without waiting for it."""
        self.world.skipped_us += int(seconds * 1e6)
        self.agent.tick()


def lock_is_free(person):
    """Return whether another thread, as the main one is to a slow one, gets the lock of ledger and vault."""
    lock, free = person.agent._holdings.lock, []

    def take():
        free.append(lock.acquire(timeout=20))
        if free[0]:
            lock.release()

    other = threading.Thread(target=take)
    other.start()
    other.join()
    return free[0]


def recording(person, categories=ALL):
    person.agent.choose_own()
    person.agree(categories)
    person.agent.start()
    person.tick()
    assert person.agent.recording_state is State.RECORDING
    return person.agent


def in_the_way(path):
    """Put a folder where a file is to be written: no disk takes that, not even root's."""
    path.rename(path.with_name(path.name + ".away"))
    path.mkdir()


def out_of_the_way(path):
    path.rmdir()
    path.with_name(path.name + ".away").rename(path)


def studying(person, **changes):
    person.world.study = replace(STUDY, **changes)
    person.agent.join("study.toml")
    person.agree(ALL)
    person.agent.start()
    person.tick()
    assert person.agent.recording_state is State.RECORDING
    return person.agent


def held_one(person, agent):
    agent.start_task("x")
    agent.stop()
    (held,) = agent.sessions()
    return held.id


EDITOR = Window(7, "editor", "a letter", Rect(0, 0, 800, 600), Rect(0, 0, 800, 600))


def look_at_editor(person):
    """The editor gets the keyboard, as sources say it at the beginning of each stretch."""
    person.world.running[0].sink(Focus(person.world.now_us(), EDITOR))
    look_into_field(person)
    person.tick(0.5)


def look_into_field(person):
    """The field that has the keyboard holds no secret, as the watcher of fields says it many times a second."""
    person.world.running[0].sink(FieldFocus(person.world.now_us(), Verdict.CLEAR, EDITOR.id))


def type_text(person, text, every=0.25):
    """Type into the editor, one key each `every` seconds; all of it is on the disk when this returns."""
    for letter in text:
        person.tick(every)
        look_into_field(person)
        person.world.running[0].sink(Key(person.world.now_us(), True, 38, letter, letter, (), False))
    pipeline = person.agent._recorder._running.pipeline
    for n in range(1000):
        if n < 10:  # as long as the last key is not decided
            look_into_field(person)
        person.tick(0.1)
        if n >= 10 and not (pipeline._queue or pipeline._waiting or pipeline._messages):
            return
        time.sleep(0.01)
    raise AssertionError("the pipeline does not write")


def typed(person, session):
    """Return what was typed in a session, as its owner reads it now."""
    path = person.profile.held / f"{session}.held"
    fields = [decode(m) for part in reader.read(path, person.agent._vault.identity(session)) for m in part.messages]
    return "".join(one["text"] for one in fields if one["kind"] == "key")


def all_typed(person):
    """Return what was typed in all sessions, the oldest first."""
    return [typed(person, one.id) for one in reversed(person.agent.sessions())]

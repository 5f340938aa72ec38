"""Whatever people, admins, crashes, clocks and copied profiles do: captured ⊆ consent ∩ policy ∩ settings, always.

What may be captured is worked out a second time, from what was done to the agent alone: see `oracle`.
"""

import os
import shutil
import tempfile
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from oracle import LONGEST, Oracle, Yes, with_less
from small_world import ALL, STUDY, Person

from capture_agent.core.errors import CaptureAgentError, ConfigError
from capture_agent.core.events import Category
from capture_agent.core.policy import OWN_STUDY, Settings
from capture_agent.core.recording import State
from capture_agent.core.schedule import parse
from capture_agent.core.splitting import HINDERING
from capture_agent.desktop.base import Presence
from capture_agent.session.closed import open_agent

DAY = 86_400
KEPT_EVERY = timedelta(minutes=10)  # a crash forgets how late it was, by that much at most
EDITOR, SHELL = "editor", "shell"
IDLE_US = 600_000_000
WORK, ALWAYS = parse("mon-fri 09:00-17:00"), parse("mon-sun 00:00-00:00")


TOLD = st.just(frozenset()) | st.frozensets(st.sampled_from(HINDERING), max_size=2)
CATEGORIES = st.frozensets(st.sampled_from(Category), min_size=1)


class Life(RuleBasedStateMachine):
    """One person with one profile."""

    @initialize()
    def begin(self):
        self.folder = tempfile.TemporaryDirectory()
        self.person = Person(Path(self.folder.name))
        self.copy = None
        self.oracle = Oracle()
        self.look()

    @property
    def agent(self):
        return self.person.agent

    @property
    def world(self):
        return self.person.world

    def look(self):
        self.oracle.saw(self.world.wall())

    def attempt(self, does, *args, **names):
        try:
            does(*args, **names)
        except CaptureAgentError:
            return False
        return True

    # --- the person

    @rule(own=st.booleans())
    def choose(self, own):
        before = self.oracle.clicked
        if own:
            self.world.study = None
            if done := self.attempt(self.agent.choose_own):
                self.oracle.study, self.oracle.policy = OWN_STUDY, None
        else:
            self.world.study = replace(STUDY, version=max(1, self.oracle.highest))
            done = self.attempt(self.agent.join, "study.toml")
            if done:  # read by this click, whatever becomes of the file later
                self.oracle.policy, self.oracle.study = self.world.study, self.world.study.study
                self.oracle.highest = max(self.oracle.highest, self.world.study.version)
                self.oracle.judge()
        if done:
            if self.oracle.clock_is_wrong(self.world.wall()):
                self.oracle.latest = self.world.wall()  # the person begins anew with it
            self.oracle.reload(self.world)
        self.oracle.clicked = before and not done

    @rule()
    def ask(self):
        self.attempt(self.agent.asked)

    @rule(categories=CATEGORIES, apps=st.sampled_from([{EDITOR}, {EDITOR, SHELL}, set()]))
    def accept(self, categories, apps):
        if self.attempt(self.agent.accept, categories, frozenset(apps), "en", "text"):
            longest = LONGEST[self.oracle.chosen.consent_months]
            policy = self.oracle.policy or STUDY
            self.oracle.yes[self.oracle.study] = Yes(categories, frozenset(apps), self.world.wall(), policy, longest)

    @rule()
    def refuse(self):
        study = self.oracle.study
        if self.attempt(self.agent.refuse):
            self.oracle.yes.pop(study, None)
            self.oracle.hours.pop(study, None)

    @rule(destroy=st.booleans())
    def opt_out(self, destroy):
        study = self.oracle.study
        closed = self.agent.snapshot().broken
        self.attempt(self.agent.withdraw, destroy=destroy)
        self.oracle.yes.clear() if closed else self.oracle.yes.pop(study, None)
        self.oracle.hours.clear() if closed else self.oracle.hours.pop(study, None)
        self.oracle.study, self.oracle.policy = "", None
        self.oracle.clicked = self.oracle.paused = False
        self.oracle.reload(self.world)
        if closed:
            self.open()

    @rule(category=st.sampled_from(Category))
    def take_back(self, category):
        given = self.oracle.yes.get(self.oracle.study)
        if self.attempt(self.agent.withdraw_category, category) and given is not None:
            given.categories -= {one for one in given.categories if category in with_less({one})}

    @rule()
    def start(self):
        if self.attempt(self.agent.start):
            self.oracle.clicked, self.oracle.paused = True, False

    @rule(minutes=st.none() | st.integers(1, 60))
    def pause(self, minutes):
        self.attempt(self.agent.pause, minutes)
        self.oracle.paused = self.agent.recording_state is State.PAUSED

    @rule()
    def resume(self):
        if self.agent.recording_state is State.PAUSED and self.attempt(self.agent.resume):
            self.oracle.clicked, self.oracle.paused = True, False

    @rule(hours=st.sampled_from([None, WORK, ALWAYS]))
    def choose_hours(self, hours):
        if self.attempt(self.agent.choose_schedule, hours):
            self.oracle.hours[self.oracle.study] = hours

    @rule()
    def stop(self):
        self.attempt(self.agent.stop)
        self.oracle.clicked = self.oracle.paused = False

    @rule(categories=CATEGORIES, own=st.booleans())
    def get_to_work(self, categories, own):
        """What mostly happens; by chance alone it would be rare."""
        if self.agent.snapshot().joined is None:
            self.choose(own=own)
        self.ask()
        offered = None if self.oracle.policy is None else self.oracle.policy.apps
        self.accept(categories, offered or {EDITOR, SHELL})
        self.start()
        self.tick(0.25)
        event(f"after getting to work: {self.agent.recording_state}")

    @rule(own=st.booleans(), by=st.sampled_from(["opting out", "refusing", "taking all back"]), crash=st.booleans())
    def leave_and_come_back(self, own, by, crash):
        """Say no, start again, choose the same: a yes of before must not come back, nor hours that were chosen then."""
        self.get_to_work(ALL, own)
        self.choose_hours(ALWAYS)
        match by:
            case "opting out":
                self.opt_out(destroy=False)
            case "refusing":
                self.refuse()
            case _:
                for category in Category:
                    self.take_back(category)
        self.crash() if crash else self.restart()
        if not self.agent.snapshot().broken:
            self.choose(own)
            self.start()
            self.tick(0.25)
            self.ask()
            self.accept(ALL, {EDITOR})
            self.see_a_countdown_through()

    # --- the administrator, and files

    @precondition(lambda self: self.world.study is not None)
    @rule(
        categories=st.sampled_from([ALL, ALL - {Category.SCREEN}, frozenset({Category.SCREEN, Category.TASKS})]),
        days=st.sampled_from([10, 30, 90]),
        apps=st.sampled_from([None, frozenset({EDITOR})]),
        enabled=st.sampled_from([True, True, False]),
        step=st.sampled_from([-1, 0, 1]),
    )
    def push_policy(self, categories, days, apps, enabled, step):
        version = max(1, self.oracle.highest + step)
        self.world.study = replace(
            STUDY, version=version, categories=categories, retention_days=days, apps=apps, enabled=enabled
        )
        self.reload()

    @rule(wrong=st.booleans())
    def spoil_a_file(self, wrong):
        self.world.wrong = ConfigError("policy.toml:3: wrong", hint="Mend it.") if wrong else None
        self.reload()

    @rule(
        categories=st.none() | st.frozensets(st.sampled_from(Category)),
        months=st.sampled_from([None, 1, 3]),
        never=st.sampled_from([frozenset(), frozenset({EDITOR})]),
        hours=st.sampled_from([None, None, WORK]),
    )
    def change_settings(self, categories, months, never, hours):
        self.world.chosen = Settings(categories=categories, consent_months=months, never_apps=never, schedule=hours)
        self.reload()

    def reload(self):
        self.attempt(self.agent.reload)
        self.oracle.reload(self.world)
        self.settle()

    # --- the desktop and time

    @rule(shown=st.booleans())
    def cover(self, shown):
        self.world.proved = shown

    @rule(locked=st.booleans(), idle_us=st.sampled_from([0, 0, 120_000_000, IDLE_US]), told=TOLD)
    def go_away_and_come_back(self, locked, idle_us, told):
        self.world.here = Presence(self.world.now_us() if locked else None, idle_us, told=told)

    @rule(categories=CATEGORIES, own=st.booleans(), hours=st.sampled_from([WORK, ALWAYS]), paused=st.booleans())
    def let_it_begin_by_itself(self, categories, own, hours, paused):
        self.get_to_work(categories, own)
        self.choose_hours(hours)
        self.restart()
        self.see_a_countdown_through()
        if paused:
            self.pause(None)
            self.see_a_countdown_through()

    @rule(by=st.sampled_from(["joining again", "recording for oneself", "the policy", "settings"]))
    def pause_and_have_nothing_to_pause(self, by):
        """Consent that goes and comes back takes no pause along; by chance alone all this would be rare."""
        self.let_it_begin_by_itself(ALL, own=by == "recording for oneself", hours=ALWAYS, paused=True)
        match by:
            case "the policy" if self.world.study is not None:
                self.push_policy(ALL, 30, None, enabled=False, step=0)
                self.push_policy(ALL, 30, None, enabled=True, step=0)
            case "settings":
                self.change_settings(frozenset(), None, frozenset(), None)
                self.change_settings(None, None, frozenset(), None)
            case _:
                self.choose(own=by == "recording for oneself")
        self.see_a_countdown_through()

    @rule()
    def see_a_countdown_through(self):
        for _ in range(50):
            self.tick(0.25)
        assert is_open(self.oracle.chosen.schedule or ALWAYS, self.world) or not self.world.running, "out of hours"

    @rule(seconds=st.sampled_from([0.1, 0.25, 0.25, 1.0, 400.0, 4000.0, 20 * DAY, 100 * DAY]))
    def tick(self, seconds):
        self.world.skipped_us += int(seconds * 1e6)
        self.look()
        self.attempt(self.agent.tick)
        here = self.world.here
        hindered = not self.world.proved or here.locked or here.idle_us >= IDLE_US or here.told
        assert seconds < 0.25 or not hindered or not self.world.running
        self.settle()

    @rule(days=st.sampled_from([27, 32, 95, 190]), months=st.sampled_from([None, 1, 3]), categories=CATEGORIES)
    def work_again_much_later(self, days, months, categories):
        """Agree, and try to record when that may be over: by chance alone this would be rare."""
        self.change_settings(None, months, frozenset(), None)
        self.get_to_work(categories, own=False)
        self.tick(days * DAY)
        for _ in range(2):
            self.start()
            self.tick(0.25)

    @rule(seconds=st.sampled_from([60, 1000, 2 * DAY, 200 * DAY, -60, -4000, -200 * DAY]))
    def set_the_clock_back(self, seconds):
        self.world.set_back(seconds)
        self.tick(0.1)

    def settle(self):
        """What ended a recording for good needs a new click; a consent that is over does not come back with time."""
        if self.agent.recording_state in {State.OFF, State.FAULT}:
            self.oracle.clicked = False
        elif not self.oracle.paused and is_open(self.oracle.hours.get(self.oracle.study), self.world):
            event("began by itself" if not self.oracle.clicked else "goes on in chosen hours")
            self.oracle.clicked = True  # as the person chose
        now = self.world.wall()
        for study, given in list(self.oracle.yes.items()):
            if study == self.oracle.study and now - given.given > LONGEST[None]:
                del self.oracle.yes[study]

    # --- accidents

    def open(self):
        self.world.running.clear()
        self.oracle.clicked = False
        self.person.agent = open_agent(self.person.profile, lambda: self.person.secrets, self.world)
        if not self.agent.snapshot().broken and self.world.wrong is None:
            self.oracle.reload(self.world)
        self.oracle.paused = self.agent.recording_state is State.PAUSED

    def die(self):
        running = None if self.agent.snapshot().broken else self.agent._recorder._running
        if running is not None:
            running.pipeline._writer.abandon()  # what the kernel does with a dead process's files
            running.pipeline._queue.append(None)
            running.pipeline._thread.join()
        self.oracle.latest -= KEPT_EVERY

    @rule()
    def crash(self):
        paused = self.oracle.paused
        self.die()
        self.open_again(paused)

    @rule()
    def restart(self):
        paused = self.oracle.paused
        self.attempt(self.agent.shut_down)
        self.open_again(paused)

    def open_again(self, paused):
        self.open()
        assert not paused or not self.agent.snapshot().consented or self.agent.recording_state is State.PAUSED

    @rule(what=st.sampled_from(["ask", "accept", "refuse", "opt out", "start", "restart", "tick"]))
    def meet_a_locked_keyring(self, what):
        self.person.secrets.locked = True
        do = {"ask": self.ask, "refuse": self.refuse, "start": self.start, "restart": self.restart}
        do |= {"accept": lambda: self.accept(ALL, {EDITOR}), "opt out": lambda: self.opt_out(destroy=True)}
        do.get(what, lambda: self.tick(0.25))()
        assert what != "restart" or self.agent.snapshot().broken
        self.person.secrets.locked = False
        if self.agent.snapshot().broken or self.agent._agreement.ledger.unsettled:
            self.open()  # tells the keyring what it was not told; until then an older copy could pass for the newest

    @rule()
    def copy_the_profile(self):
        copy = Path(self.folder.name) / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.person.profile.folder, copy)
        self.copy = copy

    @precondition(lambda self: self.copy is not None)
    @rule()
    def put_the_copy_back(self):
        self.die()
        folder = self.person.profile.folder
        same = read(self.copy / "ledger.jsonl") == read(folder / "ledger.jsonl")
        shutil.rmtree(folder)
        shutil.copytree(self.copy, folder)
        self.open()
        if not same:
            self.oracle.yes.clear()
            self.oracle.hours.clear()
            assert self.agent.snapshot().broken, "an older record passed for the newest one"
        event(f"an old copy: {'the same record' if same else 'an older record'}")

    # --- always

    @invariant()
    def captured_is_inside_everything_that_permits_it(self):
        if not hasattr(self, "person"):
            return
        categories, apps = self.oracle.allowed(self.world.wall())
        running = frozenset(c for source in self.world.running for c in source.categories)
        assert running <= categories
        assert self.agent.snapshot().consented <= self.consent_alone()
        if running:
            assert self.agent.recording_state is State.RECORDING
            gate = self.agent._recorder._running.pipeline
            inside = lambda: gate._gate.rules.categories <= categories and gate._gate.rules.apps <= apps  # noqa: E731
            assert eventually(inside), "the gate lets through more than is allowed"

    def consent_alone(self):
        given = self.oracle.yes.get(self.oracle.study)
        return frozenset() if given is None else with_less(given.categories)

    def teardown(self):
        if hasattr(self, "person"):
            self.attempt(self.agent.shut_down)
            self.folder.cleanup()


def is_open(hours, world):
    return hours is not None and hours.opening(world.wall().astimezone(world.zone())) is not None


def eventually(holds):
    """Whether it comes true: the pipeline's thread takes new rules in its own time, and nothing before it has."""
    deadline = time.monotonic() + 10
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.001)
    return holds()


def read(path):
    return path.read_bytes() if path.exists() else b""


TestLife = Life.TestCase
TestLife.pytestmark = [
    pytest.mark.long,
    pytest.mark.promise("P1"),
    pytest.mark.promise("P7"),
    pytest.mark.timeout(1800),  # 200 lives, also on a machine with much else to do
]
TestLife.settings = settings(
    max_examples=int(os.environ.get("LIFE_EXAMPLES", "200")),
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


class LongLife(Life):
    """The same for longer; `make soak`."""


TestLongLife = pytest.mark.soak(pytest.mark.timeout(0)(LongLife.TestCase))
TestLongLife.settings = settings(
    max_examples=5_000, stateful_step_count=60, deadline=None, suppress_health_check=list(HealthCheck)
)

"""When recording and sharing happen by themselves, whether the program starts at log-in, whether others use it."""

from __future__ import annotations

from PySide6.QtCore import QTime
from PySide6.QtWidgets import QCheckBox, QTimeEdit, QVBoxLayout, QWidget

from capture_agent.core.language import noted, say
from capture_agent.core.schedule import Schedule
from capture_agent.ui import look
from capture_agent.ui.bridge import Bridge
from capture_agent.ui.hold_card import HoldCard
from capture_agent.ui.switch import Switch
from capture_agent.ui.view_state import View

DAYS = (
    (noted("Mon"), noted("Monday")),
    (noted("Tue"), noted("Tuesday")),
    (noted("Wed"), noted("Wednesday")),
    (noted("Thu"), noted("Thursday")),
    (noted("Fri"), noted("Friday")),
    (noted("Sat"), noted("Saturday")),
    (noted("Sun"), noted("Sunday")),
)
_BEGINS, _ENDS = 9 * 60, 17 * 60  # what the fields show first; nothing is chosen by that
_ROOM = 10  # px more than the style gives: the digits need it at every scale
_FORMAT = "HH:mm"


class HabitsPage(QWidget):
    """Four choices, each a click of its own; nothing is chosen beforehand."""

    def __init__(self, bridge: Bridge) -> None:
        super().__init__()
        self._bridge = bridge
        self._shown: Schedule | None = None
        self.setObjectName("habitsPage")
        content = QWidget()
        layout = look.column(content, margin=look.SPACE, gap=look.SPACE)
        self._hours(layout)
        agent = bridge.agent
        self._login = self._choice(
            layout,
            say("Start Capture Agent when I log &in"),
            say("It then waits as an icon. Nothing is recorded by that."),
            "loginSwitch",
        )
        self._login.clicked.connect(lambda on: bridge.do(lambda: agent.choose_start_at_login(on)))
        self._shared = self._choice(
            layout,
            say("Several people &use this computer"),
            say(
                "At each start, and each time the screen is unlocked, you are asked who is there; nothing is recorded "
                "before you say “It is me”. “Not me” pauses, and forgets since the screen was locked last."
            ),
            "sharedSwitch",
        )
        self._shared.clicked.connect(lambda on: bridge.do(lambda: agent.choose_shared(on)))
        self._hold = HoldCard(bridge)
        layout.addWidget(self._hold.frame)
        layout.addStretch(1)
        look.column(self).addWidget(look.scrolled(content, said=say("When")))
        bridge.changed.connect(self._show)
        self._fill(None)
        self._show(bridge.view)

    def _hours(self, outer: QVBoxLayout) -> None:
        frame, inner = look.card(said=say("Recording that begins by itself"))
        inner.addWidget(look.strong(say("Recording that begins by itself")))
        self._now = look.text(name="hoursLine")
        inner.addWidget(self._now)
        self._days = [QCheckBox(say(short)) for short, _ in DAYS]
        for box, (_, name) in zip(self._days, DAYS, strict=True):
            box.setAccessibleName(say(name))
            box.toggled.connect(self._enable)
        inner.addLayout(look.row(*self._days, push=True))
        self._begins, self._ends = QTimeEdit(), QTimeEdit()
        for field, name in ((self._begins, say("From")), (self._ends, say("To"))):
            field.setDisplayFormat(_FORMAT)
            field.setMinimumHeight(field.sizeHint().height() + _ROOM)
            field.setAccessibleName(name)
            field.timeChanged.connect(self._enable)
        line = look.row()
        line.addLayout(look.labelled(say("From"), self._begins))
        line.addLayout(look.labelled(say("To"), self._ends))
        line.addStretch(1)
        inner.addLayout(line)
        self._use = look.button(say("Begin b&y itself in these hours"), self._choose, name="useHoursButton")
        self._never = look.button(say("Never by itse&lf"), self._drop, name="neverButton")
        inner.addLayout(look.row(self._use, self._never, push=True))
        inner.addWidget(
            look.muted(
                say(
                    "Ten seconds are counted down first, where you see it, and you can say no. When the hours end, "
                    "recording stops and is saved. The hours are those of the clock on this computer."
                )
            )
        )
        outer.addWidget(frame)

    def _choice(self, outer: QVBoxLayout, words: str, more: str, name: str) -> Switch:
        frame, inner = look.card(said=words.replace("&", ""))
        made = Switch(words)
        made.setObjectName(name)
        inner.addWidget(made)
        inner.addWidget(look.muted(more))
        outer.addWidget(frame)
        return made

    def _choose(self) -> None:
        wanted = self._wanted()
        self._bridge.do(lambda: self._bridge.agent.choose_schedule(wanted))

    def _drop(self) -> None:
        self._bridge.do(lambda: self._bridge.agent.choose_schedule(None))

    def _wanted(self) -> Schedule:
        days = frozenset(number for number, box in enumerate(self._days) if box.isChecked())
        return Schedule(days, _minute(self._begins), _minute(self._ends))

    def _fill(self, schedule: Schedule | None) -> None:
        """Show `schedule` in the fields; without one they stay as they are, but for the first time."""
        if schedule is not None:
            for number, box in enumerate(self._days):
                box.setChecked(number in schedule.days)
        for field, minute in (
            (self._begins, _BEGINS if schedule is None else schedule.begins),
            (self._ends, _ENDS if schedule is None else schedule.ends),
        ):
            field.setTime(QTime(minute // 60, minute % 60))

    def _show(self, _view: View) -> None:
        snapshot = self._bridge.snapshot
        if snapshot.schedule != self._shown:
            self._shown = snapshot.schedule
            if snapshot.schedule is not None:
                self._fill(snapshot.schedule)
        self._now.setText(
            say("Now: never. Recording begins by your click alone.")
            if snapshot.schedule is None
            else say("Now: {hours}", hours=in_words(snapshot.schedule))
        )
        self._login.setChecked(snapshot.at_login)
        self._shared.setChecked(snapshot.shared)
        self._hold.show()
        self._enable()

    def _enable(self) -> None:
        wanted = self._wanted()
        self._use.setEnabled(bool(wanted.days) and wanted != self._shown)
        self._never.setEnabled(self._shown is not None)


def in_words(schedule: Schedule) -> str:
    """Return "Mon, Tue, 09:00 to 17:00"."""
    days = ", ".join(say(DAYS[day][0]) for day in sorted(schedule.days))
    begins, ends = (f"{minute // 60:02}:{minute % 60:02}" for minute in (schedule.begins, schedule.ends))
    return say("{days}, {begins} to {ends}", days=days, begins=begins, ends=ends)


def _minute(field: QTimeEdit) -> int:
    return field.time().hour() * 60 + field.time().minute()

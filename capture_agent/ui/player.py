"""The player: one recording of one's own, looked at by time; what is not to stay is marked and cut out of it here."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QKeyEvent
from PySide6.QtWidgets import QComboBox, QStackedWidget, QWidget

from capture_agent.core.errors import CaptureAgentError
from capture_agent.core.language import say
from capture_agent.core.policy import Policy
from capture_agent.core.progress import CancelledError
from capture_agent.held.cut import FOREVER_US, Span
from capture_agent.held.spans import Choice, What
from capture_agent.held.timeline import Timeline
from capture_agent.session.snapshot import HeldSession
from capture_agent.ui import look, words
from capture_agent.ui.bridge import Bridge
from capture_agent.ui.cut_choice import CutChoice
from capture_agent.ui.cuts import Cuts
from capture_agent.ui.delete import ask_delete
from capture_agent.ui.flow import Flow
from capture_agent.ui.looking import Looker
from capture_agent.ui.screen_view import ScreenView
from capture_agent.ui.task_list import Spot, TaskList
from capture_agent.ui.time_bar import MS_US, TimeBar, clock

if TYPE_CHECKING:
    from capture_agent.session.review import Beginning, Picture, Review

_TICK_MS = 50  # while it plays
_SETTLE_MS = 120  # after a jump the nearest key frame is shown, and if nothing more happens for so long the exact one
_GAP_SHOWN_US = 1_000_000  # of a gap, so much is played; the rest is nothing but waiting
_OPEN, _PICTURE = "open", "picture"  # kinds of what is looked at


class Player(QWidget):
    """Opens a recording on a thread of its own, and shows it. Everything is in memory, and gone when it closes.

    Until all of it is read, it can be looked at and nothing else: what is cut is what is known.

    Signals:
        changed: something was marked or cut out of the recording, a task was told anew, or it was deleted.
        shared: it is to be shared now, with those whom this `Policy` names; the player closes.
        opened: the recording is shown, or shown anew; its `Timeline`.
    """

    changed = Signal()
    shared = Signal(object)
    opened = Signal(object)

    def __init__(self, bridge: Bridge, session: HeldSession, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self._bridge = bridge
        self._session = session
        self._review: Review | None = None
        self.opening = True  # whether it is being read: other looking gives way, and what it was may be gone
        self._timeline = Timeline(0)
        self._beginning: Beginning | None = None  # what is shown while it is read
        self._played: float | None = None  # when the position was moved on last, while it plays
        self._looker = Looker(self)
        self._looker.failed.connect(self._failed)
        self.setObjectName("playerWindow")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        title = say("Recording of {day}", day=words.moment(session.started))
        self.setWindowTitle(title)
        self.setAccessibleName(title)
        outer = look.column(self, margin=look.GAP, gap=look.GAP)
        self._pages = QStackedWidget()
        outer.addWidget(self._pages, 1)
        self._pages.addWidget(self._plain_page())
        self._pages.addWidget(self._playing_page())
        self._timer = QTimer(self, interval=_TICK_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._advance)
        self._settled = QTimer(self, interval=_SETTLE_MS, singleShot=True)
        self._settled.timeout.connect(self._look_exactly)
        look.fit(self, 1000, 760)
        self._open()

    # --- what it consists of

    def _plain_page(self) -> QWidget:
        page = QWidget()
        lines = look.column(page, margin=look.SPACE)
        self._head = look.heading(say("Opening the recording…"), name="playerHead")
        self._why = look.text(name="playerWhy")
        lines.addStretch(1)
        lines.addWidget(self._head)
        lines.addWidget(self._why)
        lines.addStretch(1)
        close = look.button(say("&Close"), self.close, name="playerCloseButton")
        lines.addLayout(look.row(close, push=True))
        return page

    def _playing_page(self) -> QWidget:
        page = QWidget()
        layout = look.column(page, gap=6)
        self.view = ScreenView()
        layout.addWidget(self.view, 1)
        self.bar = TimeBar()
        self.bar.valueChanged.connect(self._moved)
        self.bar.sliderPressed.connect(self._stop)
        self.bar.sliderReleased.connect(self._look_exactly)
        layout.addWidget(self.bar)
        self._when = look.strong(name="playerTime")
        self._when.setWordWrap(False)
        self._what = look.text(name="playerWhat")
        line = look.row(self._when, self._what)
        line.setStretch(1, 1)
        layout.addLayout(line)
        self._play = look.button(say("&Play"), self.toggle, name="playButton")
        self._from = look.button(say("Cut &from here"), lambda: self._mark(0), name="cutFromButton")
        self._to = look.button(say("Cut &up to here"), lambda: self._mark(1), name="cutToButton")
        self._cut = look.button(say("Cut &out"), self._cut_out, name="cutOutButton")
        self._choose = look.button(say("C&hoose what to cut…"), self._ask_choice, name="cutChoiceButton")
        delete = look.button(say("De&lete…"), self._ask_delete, name="playerDeleteButton")
        self._tasks = look.button(say("&Tasks…"), self.list_tasks, name="playerTasksButton")
        for button, letter in (self._from, "I"), (self._to, "O"), (self._tasks, "T"), (self._play, say("space bar")):
            button.setToolTip(say("Key: {letter}", letter=letter))
        self._screens = QComboBox()
        self._screens.setObjectName("screenChoice")
        self._screens.setAccessibleName(say("Which screen"))
        self._screens.setMinimumHeight(self._play.minimumHeight())
        self._screens.currentIndexChanged.connect(lambda _at: self._show_monitor())
        self._buttons = self._play, self._from, self._to, self._cut, self._choose, self._tasks, delete
        layout.addLayout(Flow(*self._buttons, self._screens))
        self._cuts = Cuts(self._bridge, self._session)
        self._cuts.changed.connect(self._show_cuts)
        self._cuts.carried_out.connect(self._cut_done)
        self._cuts.chosen.connect(lambda t_us: self.bar.setValue(t_us // MS_US))
        self._cuts.looked_at.connect(self.bar.shade)
        self._cuts.shared.connect(self._share)
        layout.addWidget(self._cuts)
        return page

    # --- opening

    def _open(self) -> None:
        looker, agent, session = self._looker, self._bridge.agent, self._session.id
        self.opening = True

        def progress(_what: str, _done: int, _total: int) -> None:
            if looker.closed:
                raise CancelledError
            looker.meanwhile(_PICTURE)

        begun = partial(looker.tell, self._begun)
        looker.look(_OPEN, lambda: agent.review(session, progress, begun), self._opened)
        self._bridge.do(lambda: agent.looked_at(session))

    def _begun(self, beginning: Beginning) -> None:
        if self._review is not None or not beginning.timeline.duration_us:
            return  # it is opened anew, or empty
        self._beginning, self._timeline = beginning, beginning.timeline
        self.bar.show_timeline(self._timeline)
        self.view.show_timeline(self._timeline, beginning.monitor)
        self._show_picture(beginning.picture)
        self._say_time()
        self._screens.hide()
        self._let(False)
        self._pages.setCurrentIndex(1)
        self.bar.setFocus()

    def _let(self, all_known: bool) -> None:
        for button in self._buttons:
            button.setEnabled(all_known)

    def _opened(self, review: Review) -> None:
        self.opening = False
        here_us = self._timeline.duration_us and self.position_us
        self._review, self._timeline, self._beginning = review, review.timeline, None
        if not self._timeline.duration_us:
            self._refuse(say("There is nothing in this recording."), "")
            return
        self._screens.blockSignals(True)
        self._screens.clear()
        for monitor in review.monitors:
            self._screens.addItem(say("Screen {number}", number=monitor), monitor)
        self._screens.blockSignals(False)
        self._screens.setVisible(len(review.monitors) > 1)
        self._let(True)
        self._cut.setEnabled(False)
        self.bar.show_timeline(self._timeline)
        self._cuts.follow(self._timeline)
        self._pages.setCurrentIndex(1)
        self.bar.setValue(here_us // MS_US)
        self._show_monitor()
        if not review.monitors:
            self._show_picture(None)
        self.bar.setFocus()
        self.opened.emit(self._timeline)

    def _refuse(self, said: str, hint: str) -> None:
        self._stop()
        self._head.setText(said)
        self._why.setText(hint)
        self._pages.setCurrentIndex(0)

    def _failed(self, kind: str, error: CaptureAgentError) -> None:
        self.opening = False
        message, hint = error.said()
        no_further = say("This recording can be shown no further.")
        head = say("This recording cannot be shown.") if kind == _OPEN else no_further
        self._refuse(head, f"{message[:1].upper()}{message[1:]}.\n{hint}")

    # --- time

    @property
    def position_us(self) -> int:
        """The session time that is shown."""
        return self.bar.value() * MS_US

    @property
    def playing(self) -> bool:
        """Whether it goes on by itself."""
        return self._played is not None

    def toggle(self) -> None:
        """Play, or stop playing; at the end, from the beginning."""
        if self._review is None:
            return
        if self.playing:
            self._stop()
            self._look_exactly()
            return
        if self.bar.value() >= self.bar.maximum():
            self.bar.setValue(0)
        self._played = time.monotonic()
        self._play.setText(say("&Pause"))
        self._timer.start()

    def _stop(self) -> None:
        self._played = None
        self._timer.stop()
        self._play.setText(say("&Play"))

    def _advance(self) -> None:
        if self._played is None:
            return
        now = time.monotonic()
        to_us = self.position_us + round((now - self._played) * 1e6)
        self._played = now
        gap = self._timeline.gap_at(to_us)
        if gap is not None and to_us > gap.start_us + _GAP_SHOWN_US:
            to_us = gap.end_us
        self.bar.setValue(to_us // MS_US)
        if self.bar.value() >= self.bar.maximum():
            self._stop()

    def _moved(self, _value: int) -> None:
        """Show another time: events at once, of the picture the nearest that is quick to decode, or the exact one."""
        t_us = self.position_us
        self.view.show_time(t_us)
        self._say_time()
        if self.playing:
            self._look_exactly()
        else:
            self._look_near()
            self._settled.start()

    def _say_time(self) -> None:
        t_us = self.position_us
        self._when.setText(f"{clock(t_us)} / {clock(self._timeline.duration_us)}")
        said = list(self.bar.what_at(t_us))
        if self._review is None:
            said = [say("What was done is still being read.")]
        elif not self._review.complete:
            said.append(say("The end is missing: it was cut off by a crash."))
        self._what.setText(" · ".join(said))

    # --- pictures

    def _monitor(self) -> int | None:
        monitor = self._screens.currentData()
        return monitor if isinstance(monitor, int) else None

    def _show_monitor(self) -> None:
        self.view.show_timeline(self._timeline, self._monitor() or 1)
        self._moved(0)

    def _look_near(self) -> None:
        review, monitor, t_us = None if self.opening else self._review, self._monitor(), self.position_us
        if review is not None and monitor is not None:
            self._looker.look(_PICTURE, lambda: review.near(monitor, t_us), self._show_picture)
        elif (begun := self._beginning) is not None:
            self._looker.look(_PICTURE, lambda: begun.near(t_us), self._show_picture)

    def _look_exactly(self) -> None:
        review, monitor, t_us = None if self.opening else self._review, self._monitor(), self.position_us
        self._settled.stop()
        if review is not None and monitor is not None:
            self._looker.look(_PICTURE, lambda: review.at(monitor, t_us), self._show_picture)

    def _show_picture(self, picture: Picture | None) -> None:
        self.view.show_picture(None if picture is None else picture.pixels)

    # --- taking out

    def _mark(self, end: int) -> None:
        self.bar.mark_here(end)
        self._cut.setEnabled(None not in self.bar.marked)

    def _cut_out(self) -> None:
        start_us, end_us = self.bar.marked
        if start_us is None or end_us is None:
            return
        until_us = FOREVER_US if end_us // MS_US >= self.bar.maximum() else end_us
        self._stop()
        self.bar.mark(None, None)
        self._cut.setEnabled(False)
        self._cuts.mark(What.STRETCH, (Span(start_us, until_us),))

    def _ask_choice(self) -> None:
        self._stop()
        offered, first = self._cuts.to_choose(), self.bar.picked
        choice = CutChoice(self, self._timeline, offered, lambda one: self._cuts.mark(one.what, one.spans), first)
        choice.looked_at.connect(self._shade)

    def _shade(self, spans: tuple[Span, ...]) -> None:
        self.bar.shade(spans)
        if spans:
            self.bar.setValue(spans[0].start_us // MS_US)

    def _show_cuts(self) -> None:
        self.bar.show_cuts(self._cuts.spans)
        self._choose.setEnabled(self._cuts.can_choose())
        self.changed.emit()
        self._moved(0)

    def _cut_done(self) -> None:
        self.changed.emit()
        still = self._session.id in {one.id for one in self._bridge.agent.sessions() if one.here}
        self._open() if still else self.close()

    def list_tasks(self) -> None:
        """Show the tasks of the recording, to word, judge, move, mark or delete them."""
        self._stop()
        spot = Spot(self.position_us, self.bar.marked, self._timeline.duration_us)
        listed = TaskList(self._bridge, self._session, spot, self)
        listed.show_tasks(self._timeline)
        self.opened.connect(listed.show_tasks)
        listed.told.connect(self._told)
        listed.wanted.connect(lambda t_us: self.bar.setValue(t_us // MS_US))
        listed.alone.connect(self._ask_share_only)
        listed.open()

    def _ask_share_only(self, rest: Choice) -> None:
        before = rest.spans[0] if rest.spans else Span(0, 0)
        unseen_us = 0 if self._review is None or before.start_us else self._review.unseen_us(before.end_us)
        self._cuts.ask_share_only(rest, unseen_us)

    def _share(self, joined: Policy) -> None:
        self.shared.emit(joined)
        self.close()

    def _told(self) -> None:
        self.changed.emit()
        self._open()

    def _ask_delete(self) -> None:
        self._stop()
        ask_delete(self, self._bridge, [self._session], self._deleted)

    def _deleted(self) -> None:
        self.changed.emit()
        self.close()

    # --- keys and the end

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Play and stop by the space bar, mark by I and O, list the tasks by T; the time line has the arrows."""
        keys: dict[int, Callable[[], None]] = {
            Qt.Key.Key_Space: self.toggle,
            Qt.Key.Key_I: lambda: self._mark(0),
            Qt.Key.Key_O: lambda: self._mark(1),
            Qt.Key.Key_T: self.list_tasks,
        }
        does = keys.get(event.key()) if self._pages.currentIndex() == 1 and self._review is not None else None
        if does is not None:
            does()
        elif event.key() == Qt.Key.Key_Escape:
            self.close()
        else:
            super().keyPressEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Forget everything that was opened."""
        self._stop()
        self._settled.stop()
        self._looker.close()
        self.opening = False
        self._review = self._beginning = None
        self.view.show_timeline(Timeline(0), 0)
        super().closeEvent(event)

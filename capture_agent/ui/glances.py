"""What the list of recordings shows of each beside what its file tells: a small picture, programs, tasks.

Only lines in sight are looked into, on a thread of their own, one after the other; what was found is kept in memory as
long as the recording stays as it is, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QIcon, QImage, QPixmap
from PySide6.QtWidgets import QTreeWidget, QTreeWidgetItem

from capture_agent.core.errors import CaptureAgentError
from capture_agent.core.language import say
from capture_agent.core.progress import CancelledError
from capture_agent.session.snapshot import Agent, HeldSession, WaitingCut
from capture_agent.ui import words
from capture_agent.ui.bridge import Bridge
from capture_agent.ui.looking import Looker

if TYPE_CHECKING:
    from capture_agent.session.review import Glance

PICTURE_PX = (96, 60)
_REST_MS = 200  # lines that are only scrolled past are not looked into
_MOST_TOLD = 3  # programs and tasks: more have no room
_MOST_KEPT = 200  # glances, of 50 to 170 kB each

# A recording as it is: what is cut out changes its size.
Key = tuple[str, int, str, tuple[WaitingCut, ...]]


class Glances(QObject):
    """Fills the lines of `tree` that are in sight."""

    def __init__(self, bridge: Bridge, tree: QTreeWidget, role: int, column: int) -> None:
        """Lines say under `role` which recording they are; what was done goes into `column`."""
        super().__init__(tree)
        self._agent = bridge.agent
        self._tree = tree
        self._role = role
        self._column = column
        self._sessions: Mapping[str, HeldSession] = {}
        self._known: dict[Key, Glance | None] = {}
        self.gives_way: Callable[[], bool] = lambda: False  # whether something else is opened, which comes first
        self._looker = Looker(self)
        self._looker.failed.connect(self._failed)
        self._rest = QTimer(self, interval=_REST_MS, singleShot=True)
        self._rest.timeout.connect(self._look)
        tree.verticalScrollBar().valueChanged.connect(self.look_soon)

    def show(self, sessions: Mapping[str, HeldSession]) -> None:
        """Look into these recordings, by id, whenever their lines are in sight."""
        self._sessions = sessions
        self.look_soon()

    def look_soon(self) -> None:
        """Look into the lines that are in sight, unless they are out of it in a moment."""
        self._rest.start()

    def drop(self) -> None:
        """Show nothing of what was seen, and look again."""
        self._known.clear()
        for line in self._lines():
            line.setIcon(0, QIcon())
            line.setText(self._column, "–")
            line.setToolTip(self._column, "")
        self.look_soon()

    def close(self) -> None:
        """Look no further, and forget what was seen."""
        self._rest.stop()
        self._looker.close()
        self._known.clear()

    def _look(self) -> None:
        if not self._tree.isVisible():
            return
        self._looker.drop()
        if self.gives_way():
            self._rest.start()  # until it is open
            return
        line = self._tree.itemAt(0, 0)
        height = self._tree.viewport().height()
        while line is not None and self._tree.visualItemRect(line).top() < height:
            session = self._session(line)
            if session is not None and _key(session) not in self._known:
                work = partial(_looked_into, self._agent, session, self._unwanted)
                self._looker.look(session.id, work, partial(self._seen, _key(session)))
            line = self._tree.itemBelow(line)

    def _unwanted(self) -> bool:
        """Return whether to look no further for now; asked on the looker's thread."""
        return self._looker.closed or self.gives_way()

    def _seen(self, key: Key, glance: Glance) -> None:
        while len(self._known) >= _MOST_KEPT:
            del self._known[next(iter(self._known))]
        self._known[key] = glance
        for line in self._lines():
            if line.data(0, self._role) == key[0]:
                self.fill(line)

    def _failed(self, session: str, _error: CaptureAgentError) -> None:
        """A recording that cannot be opened says why when somebody wants to look at it; here it has no picture."""
        if session in self._sessions:
            self._known[_key(self._sessions[session])] = None

    def fill(self, line: QTreeWidgetItem) -> None:
        """Show in a line what was seen of its recording before."""
        session = self._session(line)
        glance = self._known.get(_key(session)) if session is not None else None
        if glance is None:
            return
        line.setText(self._column, done_words(glance))
        line.setToolTip(self._column, done_words(glance))
        if glance.picture is not None:
            height, width = glance.picture.shape[:2]
            data = glance.picture.tobytes()
            image = QImage(data, width, height, 3 * width, QImage.Format.Format_RGB888)
            line.setIcon(0, QIcon(QPixmap.fromImage(image)))

    def _lines(self) -> Iterator[QTreeWidgetItem]:
        lines = (self._tree.topLevelItem(place) for place in range(self._tree.topLevelItemCount()))
        return (line for line in lines if line is not None)

    def _session(self, line: QTreeWidgetItem) -> HeldSession | None:
        return self._sessions.get(str(line.data(0, self._role)))


def done_words(glance: Glance) -> str:
    """Return what was done in a recording: programs, tasks, and how much was withheld, a line each."""
    lines = [_some([words.app_title(app, None) for app in glance.apps])]
    if glance.tasks:
        lines.append(say("Task: {names}", names=_some(list(dict.fromkeys(glance.tasks)))))
    if glance.withheld_s >= 1:
        lines.append(say("Not kept: {time}", time=words.duration(glance.withheld_s)))
    return "\n".join(line for line in lines if line)


def _some(names: list[str]) -> str:
    more = [f"+{len(names) - _MOST_TOLD}"] if len(names) > _MOST_TOLD else []
    return ", ".join([*names[:_MOST_TOLD], *more])


def _key(session: HeldSession) -> Key:
    return session.id, session.size, session.state, session.cuts


def _looked_into(agent: Agent, session: HeldSession, unwanted: Callable[[], bool]) -> Glance:
    """Look into a recording, unless that is `unwanted` meanwhile; on the looker's thread."""
    from capture_agent.session.review import glance  # what decodes video is loaded only when it is wanted

    def progress(_what: str, _done: int, _total: int) -> None:
        if unwanted():
            raise CancelledError

    marked = [span for cut in session.cuts for span in cut.spans]
    return glance(agent.review(session.id, progress), marked)

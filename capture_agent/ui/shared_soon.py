"""What is shared by itself, as the person chose: told a day before, with the ways out, and done when it is due."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from capture_agent.core.language import say, say_many
from capture_agent.session.snapshot import HeldSession
from capture_agent.ui import look, words
from capture_agent.ui.bridge import Bridge
from capture_agent.ui.view_state import View

_WIDTH = 460  # px
_MOST_NAMED = 5  # recordings: more have no room, and are in the list


class SharedSoon(QWidget):
    """Names the recordings; what is chosen here is for all of them. Closing it changes nothing: it is told then."""

    def __init__(self, bridge: Bridge, notify: Callable[[str, str], None], list_them: Callable[[], None]) -> None:
        super().__init__(None, Qt.WindowType.Dialog)
        self._bridge = bridge
        self._notify = notify
        self._list_them = list_them
        self._sessions: dict[str, HeldSession] = {}
        self._sharing = False  # one after the other; after one that failed none until the next start
        self.setObjectName("sharedSoon")
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        title = say("Recordings will be shared")
        self.setWindowTitle(title)
        self.setAccessibleName(title)
        layout = look.column(self, margin=look.SPACE, gap=look.SPACE)
        lines = look.column()
        lines.addWidget(look.heading(title))
        self._words = look.text(name="soonWords")
        self._named = look.text(name="soonLines")
        lines.addWidget(self._words)
        lines.addWidget(self._named)
        layout.addLayout(lines)
        agent = bridge.agent
        self._keep = look.button(say("&Keep for myself"), lambda: self._each(agent.keep), name="soonKeepButton")
        now = look.button(say("&Share now"), self._share, name="soonShareButton")
        delete = look.button(say("&Delete"), lambda: self._each(agent.delete), name="soonDeleteButton")
        them = look.button(say("&Look at them…"), self._look, name="soonLookButton")
        layout.addLayout(look.row(self._keep, now, delete, them, push=True))
        bridge.changed.connect(self.follow)
        self.follow(bridge.view)

    def follow(self, _view: View) -> None:
        """Tell of what is shared soon, and share what is due."""
        soon, due = self._bridge.snapshot.soon, self._bridge.snapshot.due
        if soon:
            self._tell(soon)
        if due and not self._sharing:
            self._sharing = True
            session = due[0]
            self._bridge.run_watched(
                say("Sharing a recording…"),
                lambda progress: self._bridge.agent.release_due(session, progress),
                lambda _paths: self._shared(),
            )

    def _tell(self, soon: tuple[str, ...]) -> None:
        here = {one.id: one for one in self._bridge.agent.sessions()}
        before = self._sessions if self.isVisible() else {}
        self._sessions = {one: here[one] for one in [*before, *soon] if one in here}
        joined = self._bridge.snapshot.joined
        names = "" if joined is None else words.join_words([one.name for one in joined.recipients])
        does = say_many(
            "As you chose, {count} recording is shared with {names} after one more day of use.",
            "As you chose, {count} recordings are shared with {names} after one more day of use.",
            len(self._sessions),
            names=names,
        )
        # Those with cuts first: they must not be among the ones that have no room.
        those = sorted(self._sessions.values(), key=lambda one: not one.cuts)
        if those and those[0].cuts:
            does = f"{does} {say('Cuts that wait are made before, and cannot be undone any more then.')}"
        self._words.setText(does)
        named, more = those[:_MOST_NAMED], those[_MOST_NAMED:]
        lines = [_line([words.moment(one.started), words.duration(one.seconds)], len(one.cuts)) for one in named]
        if more:
            lines.append(_line([f"+{len(more)}"], sum(len(one.cuts) for one in more)))
        self._named.setText("\n".join(lines))
        look.fit(self, _WIDTH)
        self.show()
        self.raise_()
        self._bridge.do(lambda: self._bridge.agent.told(tuple(self._sessions)))

    def _each(self, does: Callable[[str], None]) -> None:
        """Do something with all of them; the first that cannot be done is told, and the window stays."""
        for session in list(self._sessions):
            if not self._bridge.do(lambda one=session: does(one)):  # type: ignore[misc]
                return
        self.hide()

    def _look(self) -> None:
        self.hide()
        self._list_them()

    def _share(self) -> None:
        for session in self._sessions:
            self._bridge.run_watched(
                say("Sharing a recording…"),
                lambda progress, one=session: self._bridge.agent.release(one, progress),  # type: ignore[misc]
                lambda _paths: None,
            )
        self.hide()

    def _shared(self) -> None:
        self._sharing = False
        self._notify(say("A recording was shared"), say("As you chose. It is in the list of your recordings."))
        self.follow(self._bridge.view)


def _line(parts: list[str], cuts: int) -> str:
    """Return a line of what is told of one recording or of several, and how many cuts wait there."""
    waiting = [say_many("{count} cut waits", "{count} cuts wait", cuts)] if cuts else []
    return " · ".join([*parts, *waiting])

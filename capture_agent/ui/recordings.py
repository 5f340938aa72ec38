"""My recordings: what lies on this disk, and what its owner can do with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

from PySide6.QtCore import (
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QSignalBlocker,
    QSize,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QKeySequence, QPalette, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)

from capture_agent.core.language import say
from capture_agent.core.policy import Policy
from capture_agent.session.listing import folder_name
from capture_agent.session.snapshot import HeldSession, Snapshot, Withdrawn
from capture_agent.ui import look
from capture_agent.ui.ask import ask_folder
from capture_agent.ui.bridge import Bridge
from capture_agent.ui.delete import ask_delete, can_be_deleted
from capture_agent.ui.flow import Flow
from capture_agent.ui.glances import PICTURE_PX, Glances
from capture_agent.ui.lines import COLUMNS, session_row, sum_words, undelivered_words, why_not_shared
from capture_agent.ui.player import Player
from capture_agent.ui.share import ask_share, can_be_shared, share
from capture_agent.ui.view_state import View
from capture_agent.ui.withdraw import ask_withdraw, told

_DONE = 2  # the column of what was done, which is known only when a recording was looked into
_STATE = 4
_PADDING_PX = 8
_ID = Qt.ItemDataRole.UserRole
_AT_ONCE = 100  # lines that are made at once, in 5 ms: more than a screen shows


def opened_folder(session: HeldSession, parent: Path) -> Path:
    """Return the new folder that an opened session goes to."""
    return parent / folder_name(session)


class _Wrapped(QStyledItemDelegate):
    """Lets a line of the list be as high as its texts are when they are broken to the width of their columns."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:  # noqa: N802 - Qt's name
        """Return the size of one text of a line; Qt asks without a width, and would have it in one row."""
        tree = self.parent()
        if isinstance(tree, QTreeWidget):
            option.rect = QRect(0, 0, tree.columnWidth(index.column()) - 2 * _PADDING_PX, tree.height())
        return super().sizeHint(option, index)


class RecordingsPage(QWidget):
    """The list, and Play, Open, Keep, Withdraw for the line that is chosen, Share, Delete, Put back for all that are.

    Signals:
        told: something slow ended well; carries a sentence and a folder to show, or None.
    """

    told = Signal(str, object)

    def __init__(self, bridge: Bridge) -> None:
        super().__init__()
        self._bridge = bridge
        self._sessions: dict[str, HeldSession] = {}
        self._to_come: Iterator[HeldSession] = iter(())  # what has no line yet
        self._wanted: frozenset[str] = frozenset()  # the lines that are to be chosen once they are there
        self._current = ""  # and the one among them from which keys go on
        self._more = QTimer(self, singleShot=True)
        self._more.timeout.connect(self._add)
        self._followed: Snapshot | None = None
        self._player: Player | None = None
        self._deleted: tuple[str, ...] = ()  # by the last click, which Ctrl+Z takes back
        self.setObjectName("recordingsPage")
        layout = look.column(self, margin=look.SPACE)
        self._empty = look.muted(
            say("No recordings yet. They appear here when you stop recording."), name="noRecordings"
        )
        layout.addWidget(self._empty)
        self._list = QTreeWidget()
        self._list.setObjectName("recordingsList")
        self._list.setAccessibleName(say("My recordings"))
        self._list.setHeaderLabels([say(column) for column in COLUMNS])
        self._list.setRootIsDecorated(False)
        self._list.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        padding = f"padding: 5px {_PADDING_PX}px;"
        self._list.setStyleSheet(f"QTreeView::item {{ {padding} }} QHeaderView::section {{ {padding} }}")
        self._list.setTabKeyNavigation(False)
        self._list.header().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self._list.header().setResizeContentsPrecision(_AT_ONCE)
        # Long tasks and long names are broken into lines: nothing must lie beyond the window's edge.
        self._list.header().setStretchLastSection(False)
        for column in (_DONE, _STATE):
            self._list.header().setSectionResizeMode(column, QHeaderView.ResizeMode.Stretch)
            self._list.setItemDelegateForColumn(column, _Wrapped(self._list))
        self._list.setWordWrap(True)
        # How high a line is depends on how wide its columns are, of which Qt takes no notice by itself.
        self._anew = QTimer(self, singleShot=True, interval=0)
        self._anew.timeout.connect(self._list.doItemsLayout)
        self._list.header().sectionResized.connect(lambda *_: self._anew.start())
        self._list.header().setAccessibleName(say("Columns"))
        self._list.setIconSize(QSize(*PICTURE_PX))
        self._list.itemSelectionChanged.connect(self._choose)
        self._list.itemActivated.connect(lambda _line, _column: self._play())
        layout.addWidget(self._list, 1)
        self._sum = look.muted(name="chosenLine")
        self._sum.hide()
        layout.addWidget(self._sum)
        self._undelivered = look.muted(name="undeliveredLine")
        layout.addWidget(self._undelivered)
        self._glances = Glances(bridge, self._list, _ID, _DONE)
        self._glances.gives_way = lambda: self._player is not None and self._player.opening
        self._look = look.button(say("Loo&k at it…"), self._play, name="playerButton")
        self._open = look.button(say("&Open…"), self._ask_open, name="openButton")
        self._share = look.button(say("S&hare…"), self._ask_share, name="shareButton")
        self._withdraw = look.button(say("W&ithdraw…"), self._ask_withdraw, name="withdrawButton")
        self._keep = look.button(say("Keep for m&yself"), self._keep_chosen, name="keepButton")
        self._delete = look.button(say("De&lete…"), self._ask_delete, name="deleteButton")
        self._back = look.button(say("Put &back"), self._put_back, name="putBackButton")
        buttons = (self._look, self._open, self._share, self._keep, self._withdraw, self._delete, self._back)
        layout.addLayout(Flow(*buttons))
        for keys, does in (
            (QKeySequence.StandardKey.Delete, self._ask_delete),
            (QKeySequence.StandardKey.Undo, lambda: self._put(self._deleted)),
        ):
            QShortcut(keys, self._list, context=Qt.ShortcutContext.WidgetShortcut).activated.connect(does)
        bridge.changed.connect(self._follow)
        bridge.busy.connect(self._work_ended)
        self._follow(bridge.view)

    def reload(self) -> None:
        """Ask the agent for the sessions and show them; the chosen lines stay chosen."""
        self._bridge.do(self._bridge.agent.sessions, self._show)

    def showEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        """Show what is there now."""
        self.reload()
        self._glances.look_soon()

    def _follow(self, view: View) -> None:
        joined = self._bridge.snapshot.joined
        self._share.setVisible(joined is not None and not joined.is_own)
        self._undelivered.setText(undelivered_words(self._bridge.snapshot.delivery))
        self._undelivered.setVisible(bool(self._undelivered.text()))
        # Every second another view tells for how long; the recordings are the same.
        if self.isVisible() and self._followed is not self._bridge.snapshot:
            self.reload()
        self._followed = self._bridge.snapshot

    def _work_ended(self, going: tuple[str, ...]) -> None:
        if not going and self.isVisible():
            self.reload()  # a recording was shared, or cut after its player was closed

    def _show(self, sessions: tuple[HeldSession, ...]) -> None:
        """Show what can be done something with: not what is over and was never shared."""
        self._fill(tuple(one for one in sessions if one.state != "expired"))

    def _fill(self, sessions: tuple[HeldSession, ...]) -> None:
        filled = self._more.isActive() or self._list.topLevelItemCount() == len(sessions)
        if filled and list(self._sessions.values()) == list(sessions):
            return
        wanted = self._wanted or frozenset(one.id for one in self._chosen())  # some may still be to come
        line = self._list.currentItem()
        current = self._current or ("" if line is None else str(line.data(0, _ID)))
        self._sessions = {session.id: session for session in sessions}
        self._list.clear()
        self._to_come, self._wanted, self._current = iter(sessions), wanted, current
        self._glances.show({one.id: one for one in sessions if one.is_open})
        self._add()
        self._empty.setVisible(not sessions)
        self._list.setVisible(bool(sessions))

    def _add(self) -> None:
        """Add the next lines, and come back for more when nothing else is to be done: a window never waits for all."""
        with QSignalBlocker(self._list):  # this is not the person's choice, and one look at it is enough
            for session in islice(self._to_come, _AT_ONCE):
                line = QTreeWidgetItem(list(session_row(session)))
                line.setData(0, _ID, session.id)
                line.setToolTip(_STATE, line.text(_STATE))
                if session.deleted_until is not None:
                    grey = self.palette().brush(QPalette.ColorGroup.Disabled, QPalette.ColorRole.Text)
                    for column in range(len(COLUMNS)):
                        line.setForeground(column, grey)
                self._list.addTopLevelItem(line)
                self._glances.fill(line)
                if session.id == self._current:
                    self._list.setCurrentItem(line, 0, QItemSelectionModel.SelectionFlag.NoUpdate)
                if session.id in self._wanted:
                    line.setSelected(True)
        self._offer()
        if self._list.topLevelItemCount() < len(self._sessions):
            self._more.start()

    def _choose(self) -> None:
        self._wanted, self._current = frozenset(), ""  # of lines that are still to come none is chosen any more
        self._offer()

    def _chosen(self) -> tuple[HeldSession, ...]:
        """Return the recordings of the lines that are chosen, in the order of the list."""
        ids = {str(line.data(0, _ID)) for line in self._list.selectedItems()}
        return tuple(one for one in self._sessions.values() if one.id in ids) if ids else ()

    def _only(self) -> HeldSession | None:
        chosen = self._chosen()
        return chosen[0] if len(chosen) == 1 else None

    def _offer(self) -> None:
        chosen = self._chosen()
        session = chosen[0] if len(chosen) == 1 else None
        self._sum.setText(sum_words(chosen))
        self._sum.setVisible(len(chosen) > 1)
        is_open = session is not None and session.is_open
        damaged = session is not None and session.state == "damaged" and session.deleted_until is None
        self._look.setEnabled(is_open or damaged)
        self._open.setEnabled(is_open)
        self._share.setEnabled(any(map(can_be_shared, chosen)))
        self._share.setToolTip(why_not_shared(chosen))
        self._withdraw.setEnabled(session is not None and session.is_shared)
        self._keep.setEnabled(session is not None and session.shares_in is not None)
        self._keep.setVisible(any(one.shares_in is not None for one in self._sessions.values()))
        self._withdraw.setVisible(any(one.released_to or one.is_shared for one in self._sessions.values()))
        self._delete.setEnabled(any(map(can_be_deleted, chosen)))
        self._back.setEnabled(any(one.deleted_until is not None for one in chosen))
        self._back.setVisible(any(one.deleted_until is not None for one in self._sessions.values()))

    def play(self, session: HeldSession) -> Player:
        """Show a recording in the player; one that is shown already gives way."""
        self.close_player()
        player = self._player = Player(self._bridge, session)
        player.changed.connect(self.reload)
        player.shared.connect(lambda joined: self._share_now([session], joined))
        player.destroyed.connect(lambda: self._forget_player(player))
        player.show()
        self._glances.look_soon()  # again: what was begun gives way
        return player

    def close_player(self) -> None:
        """Close the player, if it is open."""
        if self._player is not None:
            self._player.close()
        self._player = None

    def drop_shown(self) -> None:
        """Show nothing any more that was looked at: some of it was forgotten just now."""
        self.close_player()
        self._glances.drop()
        self.reload()

    def shut(self) -> None:
        """Forget everything of recordings that was looked at; the program ends."""
        self.close_player()
        self._glances.close()

    def _forget_player(self, player: Player) -> None:
        if self._player is player:
            self._player = None

    def _play(self) -> None:
        session = self._only()
        if session is not None and self._look.isEnabled():
            self.play(session)

    def _ask_open(self) -> None:
        session = self._only()
        if session is None:
            return
        ask_folder(
            self,
            say("Open into which folder?"),
            lambda parent: self._open_into(session, parent),
            yes=say("&Open here"),
            name="openFolderDialog",
        )

    def _open_into(self, session: HeldSession, parent: Path) -> None:
        out = opened_folder(session, parent)
        self._bridge.run_watched(
            say("Opening the recording…"),
            lambda progress: self._bridge.agent.open_own(session.id, str(out), progress),
            lambda _none: self.told.emit(say("Opened. The files in this folder are not encrypted."), out),
        )

    def _ask_share(self) -> None:
        chosen, joined = self._chosen(), self._bridge.snapshot.joined
        sessions = [one for one in chosen if can_be_shared(one)]
        if not sessions or joined is None:
            return
        ask_share(
            self,
            joined,
            sessions,
            lambda: self._share_now(sessions, joined),
            cuts=sum(len(one.cuts) for one in sessions),
            left_out=len(chosen) - len(sessions),
        )

    def _share_now(self, sessions: Sequence[HeldSession], joined: Policy) -> None:
        share(self._bridge, joined, sessions, self.told.emit)

    def _ask_withdraw(self) -> None:
        session = self._only()
        if session is None:
            return
        ask_withdraw(self, self._bridge, session.id, session.released_to, self._withdrawn)

    def _withdrawn(self, withdrawn: Withdrawn) -> None:
        self.told.emit(*told(withdrawn))
        self.reload()

    def _keep_chosen(self) -> None:
        session = self._only()
        if session is not None:
            self._bridge.do(lambda: self._bridge.agent.keep(session.id))
            self.reload()

    def _ask_delete(self) -> None:
        chosen = self._chosen()
        sessions = [one for one in chosen if can_be_deleted(one)]
        if sessions:
            ids = tuple(one.id for one in sessions if one.deleted_until is None)
            then = partial(self._now_deleted, ids)
            ask_delete(self, self._bridge, sessions, then, left_out=len(chosen) - len(sessions))

    def _now_deleted(self, ids: tuple[str, ...]) -> None:
        self._deleted = ids
        self.reload()

    def _put_back(self) -> None:
        self._put(tuple(one.id for one in self._chosen() if one.deleted_until is not None))

    def _put(self, ids: Sequence[str]) -> None:
        """Put back those of `ids` that still can be."""
        there = [one for one in ids if one in self._sessions and self._sessions[one].deleted_until is not None]
        if there:
            self._bridge.do(lambda: self._bridge.agent.put_back(*there))
            self.reload()

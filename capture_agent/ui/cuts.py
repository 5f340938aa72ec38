"""What is marked to be cut out of the recording in the player: which it is, undone one by one, or cut for good."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QSizePolicy, QWidget

from capture_agent.core.errors import ConsentError
from capture_agent.core.language import say, say_many
from capture_agent.core.policy import Policy
from capture_agent.held.cut import Span, is_whole, merged
from capture_agent.held.spans import Choice, What, all_but, choices, each_choice
from capture_agent.held.timeline import Timeline
from capture_agent.session.snapshot import HeldSession, WaitingCut
from capture_agent.ui import look, words
from capture_agent.ui.ask import ask
from capture_agent.ui.bridge import Bridge
from capture_agent.ui.jobs import Job
from capture_agent.ui.share import Alone, ask_share
from capture_agent.ui.time_bar import clock

_MOST_TYPED = 40  # characters: of a longer text the beginning is shown


def name_words(choice: Choice) -> str:
    """Return how something is called that can be cut: the program, the task, what was typed."""
    if choice.what is What.PROGRAM:
        return words.app_title(choice.name, None)
    if choice.what is What.TASK:
        return say("Task: {names}", names=choice.name)
    if choice.what is What.ALL_BUT_TASK:
        return say("All but the task: {names}", names=choice.name)
    if choice.keys:
        return say_many("{count} key", "{count} keys", choice.keys)
    typed = choice.name if len(choice.name) <= _MOST_TYPED else choice.name[: _MOST_TYPED - 1] + "…"
    return say("Typed: {text}", text=typed.strip())


def when_words(spans: Sequence[Span], timeline: Timeline) -> str:
    """Return when that was: from when to when, or how often and how long."""
    ended = [(span.start_us, min(span.end_us, timeline.duration_us)) for span in spans]
    if len(ended) == 1:
        return say("{since} to {until}", since=clock(ended[0][0]), until=clock(ended[0][1]))
    length = clock(sum(end_us - start_us for start_us, end_us in ended))
    return say("{count} stretches, {length} in all", count=str(len(ended)), length=length)


class Cuts(QWidget):
    """A line below the player's buttons, there while something is marked.

    Signals:
        changed: other spans are marked than before.
        carried_out: the recording is another one now, or not there any more; or that was cancelled or failed.
        chosen: one of them was chosen; carries when it begins, µs.
        looked_at: spans that would be marked by the answer to a question; none when it was answered.
        shared: what is left is to be shared now, with those whom this `Policy` names.
    """

    changed = Signal()
    carried_out = Signal()
    chosen = Signal(int)
    looked_at = Signal(object)
    shared = Signal(object)

    def __init__(self, bridge: Bridge, session: HeldSession) -> None:
        super().__init__()
        self._bridge = bridge
        self._session = session
        self._timeline = Timeline(0)
        self._marked: tuple[WaitingCut, ...] = ()
        self._cutting: Job[None] | None = None
        self.setObjectName("cutsLine")
        lines = look.column(self)
        self._words = look.text(name="cutsWords")
        lines.addWidget(self._words)
        self._list = QComboBox()
        self._list.setObjectName("cutsList")
        self._list.setAccessibleName(say("Marked to be cut out"))
        self._list.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._list.setMinimumContentsLength(8)
        self._list.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._list.activated.connect(lambda at: self.chosen.emit(self._marked[at].spans[0].start_us))
        undo = look.button(say("U&ndo"), self._undo, name="undoCutButton")
        good = look.button(say("Cut for &good…"), self._ask_for_good, name="cutForGoodButton")
        self._list.setMinimumHeight(undo.minimumHeight())
        lines.addLayout(look.row(self._list, undo, good))
        bridge.busy.connect(self._follow_work)
        self.hide()

    @property
    def spans(self) -> tuple[Span, ...]:
        """Everything that is marked."""
        return merged(span for one in self._marked for span in one.spans)

    def to_choose(self) -> tuple[Choice, ...]:
        """Return what can be cut by its name and is not marked yet."""
        marked = {one.spans for one in self._marked}
        return tuple(one for one in choices(self._timeline) if one.spans not in marked)

    def can_choose(self) -> bool:
        """Whether there is any; quick, since a recording in which much was typed has thousands."""
        marked = {one.spans for one in self._marked}
        return any(one.spans not in marked for one in each_choice(self._timeline))

    def follow(self, timeline: Timeline) -> None:
        """Show what is marked in the recording that `timeline` is of."""
        self._timeline = timeline
        self._reload()

    def mark(self, what: What, spans: tuple[Span, ...]) -> bool:
        """Mark spans to be cut out; return whether they are."""
        done = self._bridge.do(lambda: self._bridge.agent.cut(self._session.id, spans, what))
        if done:
            self._reload()
        return done

    def ask_share_only(self, rest: Choice, unseen_us: int) -> None:
        """Ask whether to share one task alone: `rest`, all else, is marked to be cut out only if the answer is yes.

        `unseen_us` is how much of the screen at the beginning of the task goes with it.
        """
        joined = self._bridge.snapshot.joined
        if joined is None:
            return
        if is_whole((*self.spans, *rest.spans)):
            self._bridge.failed.emit(
                ConsentError("all of this task is marked to be cut out", hint="Undo that, or choose another task.")
            )
            return
        self.looked_at.emit(rest.spans)
        alone = Alone(rest, unseen_us)
        share = partial(self._share_only, joined, rest)
        asked = ask_share(self.window(), joined, [self._session], share, cuts=len(self._marked), alone=alone)
        asked.finished.connect(lambda _how: self.looked_at.emit(()))

    def _share_only(self, joined: Policy, rest: Choice) -> None:
        if not rest.spans or self.mark(rest.what, rest.spans):
            self.shared.emit(joined)

    def _reload(self) -> None:
        self._bridge.do(lambda: self._bridge.agent.cuts(self._session.id), self._show)

    def _show(self, marked: tuple[WaitingCut, ...]) -> None:
        self._marked = marked
        rest = (all_but(self._timeline, task) for task in self._timeline.tasks)
        offered = (*choices(self._timeline), *(one for one in rest if one is not None)) if marked else ()
        named = {(one.what, one.spans): name_words(one) for one in offered}
        self._words.setText(say("It will be cut out. You can undo that until you share it."))
        self._list.clear()
        for one in marked:
            name, when = named.get((one.what, one.spans), ""), when_words(one.spans, self._timeline)
            self._list.addItem(f"{name} · {when}" if name else when)
        self._list.setCurrentIndex(len(marked) - 1)
        self.setVisible(bool(marked))
        self.changed.emit()

    def _undo(self) -> None:
        number = self._marked[self._list.currentIndex()].number
        self._bridge.do(lambda: self._bridge.agent.undo_cut(self._session.id, number))
        self._reload()

    def _ask_for_good(self) -> None:
        shared = say("What you already shared of it keeps it; you can withdraw that.")
        ask(
            self,
            name="cutDialog",
            title=say("Cut out for good what is marked?"),
            explained=" ".join(
                [
                    say("It can never be opened again, by anyone, and this cannot be undone."),
                    *([shared] if self._session.is_shared else []),
                ]
            ),
            yes=say("Cut for &good"),
            then=self._cut_for_good,
        )

    def _cut_for_good(self) -> None:
        """Carry it out on the bridge's thread, which goes on if this player is closed."""
        agent, session = self._bridge.agent, self._session.id
        self._cutting = self._bridge.run_watched(
            say("Cutting it out for good…"),
            lambda progress: agent.cut_for_good(session, progress),
            lambda _none: None,
        )
        self._follow_work()

    def _follow_work(self, _labels: object = ()) -> None:
        job = self._cutting
        if job is None:
            return
        goes_on = self._bridge.goes_on(job)
        self.setEnabled(not goes_on)
        if goes_on:
            self._words.setText(job.said)
        else:
            self._cutting = None
            self.carried_out.emit()

"""The consent panel. Accept and Refuse look alike and neither is the default; closing it is neither."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QDialog, QFrame, QGridLayout, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from capture_agent.core.events import Category
from capture_agent.core.keyboard import MODES
from capture_agent.core.language import asked_for, noted, say
from capture_agent.core.policy import Effective
from capture_agent.ui import look, words
from capture_agent.ui.bridge import Bridge
from capture_agent.ui.changes import in_words
from capture_agent.ui.notice import NoticeView
from capture_agent.ui.programs import Programs
from capture_agent.ui.readers import Fingerprint, reader_lines, readers
from capture_agent.ui.switch import WIDTH, Switch
from capture_agent.ui.try_it import TryIt
from capture_agent.ui.waking import WakingCard

NOTHING_TICKED = noted("Nothing is ticked. Tick what may be recorded, or choose Refuse.")


class ConsentPanel(QDialog):
    """Asks for consent, once for every category and program that the person ticks.

    `shown_text` is what was on the screen, as rendered: it goes into the consent record.

    Signals:
        leaving: the person wants to opt out instead.
    """

    leaving = Signal()

    def __init__(self, bridge: Bridge, offer: Effective, fingerprint: Fingerprint) -> None:
        super().__init__()
        self._bridge = bridge
        self._fingerprint = fingerprint
        self.offer = offer
        self._policy = offer.policy
        self._boxes: dict[Category, Switch] = {}
        self.setObjectName("consentPanel")
        self.setWindowTitle(say("What may be recorded?"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        notice = self._policy.notice(asked_for())
        self._locale = notice.locale
        self._notice = NoticeView(notice)
        self._try_it = TryIt()
        self._waking = WakingCard()
        self._waking.offer(Category.KEYBOARD in offer.categories)
        outer = look.column(self)
        outer.setSpacing(0)
        self._area = look.scrolled(self._content(), said=say("Consent"))
        outer.addWidget(self._area, 1)
        line = QFrame()
        line.setFrameShape(QFrame.Shape.HLine)
        line.setForegroundRole(self.palette().ColorRole.Mid)
        outer.addWidget(line)
        outer.addLayout(self._bottom())
        self._notice.setFocus()
        look.fit(self, 760, 820)

    @property
    def area(self) -> QScrollArea:
        """What scrolls."""
        return self._area

    def show_program(self, name: str) -> None:
        """Scroll to the switch of a program."""
        box = self._programs.offer(name)
        QTimer.singleShot(0, box, lambda: self._area.ensureWidgetVisible(box, 0, look.SPACE * 4))

    def shown_text(self) -> str:
        """Return all that was shown to be agreed to, as the widgets rendered it."""
        lines = [words.own(self._policy, self._policy.title), self._by(), "", self._notice.toPlainText(), ""]
        lines += [f"{what}: {said}" for what, said in self._facts()]
        lines += [": ".join(part for part in line if part) for line in reader_lines(self._policy, self._fingerprint)]
        lines += [f"{words.CATEGORY_WORDS[c].name}: {words.CATEGORY_WORDS[c].example}" for c in self._boxes]
        changes = (in_words(change) for change in self._bridge.snapshot.widened)
        lines += [f"{what}: {was} → {wants}" for what, was, wants in changes]
        return "\n".join([*lines, say(words.NEVER_RECORDED), self._waking.shown_text()])

    def _content(self) -> QWidget:
        content = QWidget()
        content.setMaximumWidth(look.READING_WIDTH + 2 * look.SPACE)
        layout = look.column(content, margin=look.SPACE + look.GAP, gap=look.SPACE)
        top = look.column(gap=4)
        top.addWidget(look.heading(words.own(self._policy, self._policy.title), title=True))
        top.addWidget(look.muted(self._by()))
        layout.addLayout(top)
        if self._bridge.snapshot.widened:
            layout.addWidget(self._changes())
        layout.addWidget(self._notice)
        for frame in (self._who(), self._what(), self._sample(), self._where(), self._waking):
            layout.addWidget(frame)
        layout.addStretch(1)
        return content

    def _by(self) -> str:
        if self._policy.is_own:
            return say("For you alone. Nothing leaves this computer.")
        return words.run_by(self._policy)

    def _facts(self) -> tuple[tuple[str, str], ...]:
        policy = self._policy
        return (
            (say("What for"), " ".join(words.own(policy, said) for said in policy.purposes.values())),
            (say("Where"), words.where(policy)),
            (say("How long"), words.how_long(policy)),
            (say("If you opt out"), words.when_leaving(policy)),
        )

    def _changes(self) -> QWidget:
        frame, inner = look.card(name="changes", said=say("What changed since you agreed"))
        inner.addWidget(look.strong(say("What changed since you agreed")))
        grid = QGridLayout()
        grid.setHorizontalSpacing(look.SPACE)
        for number, share in enumerate((2, 3, 3)):
            grid.setColumnStretch(number, share)
        for number, title in enumerate(("", say("You agreed to"), say("Now it is")), start=0):
            if title:
                grid.addWidget(look.muted(title), 0, number)
        for line, change in enumerate(self._bridge.snapshot.widened, start=1):
            what, was, wants = in_words(change)
            grid.addWidget(look.text(what), line, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(look.text(was), line, 1, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(look.strong(wants), line, 2, Qt.AlignmentFlag.AlignTop)
        inner.addLayout(grid)
        return frame

    def _who(self) -> QWidget:
        frame, inner = look.card(said=say("Who can read it, where and how long"))
        grid = QGridLayout()
        grid.setHorizontalSpacing(look.SPACE)
        grid.setVerticalSpacing(look.GAP + 2)
        grid.setColumnStretch(1, 1)
        facts: list[tuple[str, QWidget]] = [(say("Who can read it"), readers(self._policy, self._fingerprint))]
        facts += [(what, look.text(said)) for what, said in self._facts()]
        for line, (what, shown) in enumerate(facts):
            label = look.strong(what)
            label.setWordWrap(False)
            grid.addWidget(label, line, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(shown, line, 1)
        inner.addLayout(grid)
        return frame

    def _what(self) -> QWidget:
        frame, inner = look.card(said=say("What may be recorded"))
        inner.addWidget(look.strong(say("What may be recorded")))
        for category, said in words.CATEGORY_WORDS.items():
            if category not in self.offer.categories:
                continue
            box = Switch(said.name)
            box.setObjectName(f"category-{category.value}")
            box.setAccessibleDescription(said.example)
            box.toggled.connect(partial(self._ticked, category))
            self._boxes[category] = box
            example = look.muted(said.example)
            example.setIndent(int(WIDTH) + look.GAP)
            both = look.column(gap=0)  # what belongs together stands together
            both.addWidget(box)
            both.addWidget(example)
            inner.addLayout(both)
            if category is self._last_mode():
                inner.addWidget(look.muted(say("Of the keyboard, one of these: to tick one unticks the others.")))
        inner.addWidget(look.muted(say(words.NEVER_RECORDED)))
        return frame

    def _sample(self) -> QWidget:
        frame, inner = look.card(name="tryItCard", said=say("Try it"))
        inner.addWidget(look.strong(say("Try it")))
        inner.addWidget(
            look.muted(
                say(
                    "Type, click and move in the sample, and turn the switches above on and off. "
                    "Nothing of it is recorded or kept; it is gone when this window closes."
                )
            )
        )
        inner.addWidget(self._try_it)
        return frame

    def _where(self) -> QWidget:
        frame, inner = look.card(said=say("In which programs"))
        inner.addWidget(look.strong(say("In which programs")))
        inner.addWidget(look.muted(say("Other programs are painted over, and what you type there is not kept.")))
        self._programs = Programs(self._bridge.agent.known_apps(), self._policy.apps, self.offer.never_apps)
        inner.addWidget(self._programs)
        return frame

    def _bottom(self) -> QVBoxLayout:
        """Answer below, leave at the far side: who is asked again can go as easily as answer."""
        self._message = look.strong(name="panelMessage")
        self._message.hide()
        refuse = look.button(say("&Refuse"), self._refuse, name="refuseButton")
        accept = look.button(say("&Accept"), self._accept, name="acceptButton")
        width = max(refuse.sizeHint().width(), accept.sizeHint().width(), 120)
        for made in (refuse, accept):
            made.setFixedWidth(width)
            made.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        leave = look.button(say("&Opt out and delete…"), self.leaving.emit, name="panelOptOutButton")
        answers = look.row(leave)
        answers.addStretch(1)
        answers.addWidget(refuse)
        answers.addWidget(accept)
        layout = look.column(gap=look.GAP)
        layout.addWidget(self._message)
        layout.addLayout(answers)
        layout.setContentsMargins(look.SPACE + look.GAP, look.SPACE - 4, look.SPACE + look.GAP, look.SPACE - 4)
        return layout

    def done(self, result: int) -> None:
        """Close, by whatever way, and keep nothing of what was tried."""
        self._try_it.forget()
        super().done(result)

    def _categories(self) -> frozenset[Category]:
        return frozenset(category for category, box in self._boxes.items() if box.isChecked())

    def _last_mode(self) -> Category | None:
        """The last of several modes of the keyboard that are offered."""
        offered = [mode for mode in MODES if mode in self.offer.categories]
        return offered[-1] if len(offered) > 1 else None

    def _ticked(self, category: Category, on: bool) -> None:
        self._message.hide()
        for other in MODES if on and category in MODES else ():
            if other is not category and other in self._boxes:
                self._boxes[other].setChecked(False)
        self._try_it.follow(self._categories())

    def _accept(self) -> None:
        categories = self._categories()
        if not categories:
            self._message.setText(say(NOTHING_TICKED))
            self._message.show()
            first = next(iter(self._boxes.values()), None)
            if first is not None:
                self._area.ensureWidgetVisible(first, 0, look.SPACE * 4)
            return
        apps, text = self._programs.chosen(), self.shown_text()
        waking = self._waking.switch.isChecked() and Category.KEYBOARD in categories
        if self._bridge.do(lambda: self._bridge.agent.accept(categories, apps, self._locale, text)):
            self._bridge.do(lambda: self._bridge.agent.choose_waking(waking))
            self.accept()

    def _refuse(self) -> None:
        if self._bridge.do(self._bridge.agent.refuse):
            self.accept()

"""Every window that people see, and the lines that bring it up in `ui_program`: what the walks walk over."""

from __future__ import annotations

OWN = "agent.choose_own()"
STUDY = "agent.offer_study('/s.toml', m.study_policy()); agent.join('/s.toml')"
AGREE = "agent.asked(); agent.accept(m.MOST, frozenset({'xterm'}), 'en', 'read')"
SESSIONS = (
    "agent.put(*[m.HeldSession(f'{i}' * 12, 'desk-work', m.datetime.now(m.UTC) - m.timedelta(hours=5 * i), 40.0 + i, "
    "10 ** 6, ('held', 'released', 'damaged')[i], True, 60 - i) for i in range(3)])"
)
RECORDINGS = [STUDY, AGREE, SESSIONS, "shell.open(ui_command('recordings'))"]
WITHDRAWABLE = (
    "agent.put(m.HeldSession('9' * 12, 'desk-work', m.datetime.now(m.UTC), 40.0, 10 ** 6, 'released', True, 60, "
    "('Research group', 'Archive')))"
)
CHOOSE_ALL = "shell.window.recordings._list.selectAll()"
CHOOSE_FIRST = "shell.window.recordings._list.setCurrentItem(shell.window.recordings._list.topLevelItem(0))"

# A recording in the player, at a moment at which something was typed and clicked.
PLAYING = [
    *[STUDY, AGREE, SESSIONS, "player = shell.window.recordings.play(agent.sessions()[0])"],
    "import time; within = time.monotonic() + 10",
    "while time.monotonic() < within and player._review is None: app.processEvents()",
    "player.bar.setValue(32_000)",
]

# Two cuts are marked in it.
CUTTING = [
    "from capture_agent.held.spans import What",
    "player._mark(0); player.bar.setValue(60_000); player._mark(1); player._cut_out()",
    "[player._cuts.mark(one.what, one.spans) for one in player._cuts.to_choose() if one.what is What.TASK]",
]

# Two recordings are opened: one runs until the program ends, one waits behind it.
WORKING = [
    *RECORDINGS,
    "import pathlib, threading; gone = threading.Event(); app.aboutToQuit.connect(gone.set)",
    "agent.steps = lambda progress: (progress('screen-1.mp4', 42, 100), gone.wait(60))",
    "[shell.window.recordings._open_into(one, pathlib.Path('/nowhere')) for one in agent.sessions()[:2]]",
]

MONITORED = [
    "from capture_agent.core.policy import Monitoring, MonitoringLaw, Notice",
    "from capture_agent.ledger.monitoring import build",
    "work = m.replace(m.study_policy(), controller_address='1 Main Street', independent_contact='council@example.org')",
    "texts = tuple(Notice(each, 1, build(work, MonitoringLaw, each)) for each in ('en', 'de'))",
    "work = m.replace(work, monitoring=Monitoring(tuple(MonitoringLaw), texts))",
    "agent.offer_study('/s.toml', work); agent.join('/s.toml')",
    "agent._now = m.replace(agent._now, acknowledge=True); shell.bridge.refresh()",
    "shell.monitoring.window.activateWindow()",
]

WINDOWS: dict[str, list[str]] = {
    "first run": ["shell.open()"],
    "study": [
        "agent.offer_study('/s.toml', m.study_policy())",
        "shell.window.first_run.show_study('/s.toml')",
        "shell.open()",
    ],
    "now": [OWN, AGREE, "agent.start()", "shell.open()"],
    "paused": [OWN, AGREE, "agent.start()", "agent.pause(15)", "shell.open()"],
    "recordings": RECORDINGS,
    "looked into": [
        *RECORDINGS,
        "glances = shell.window.recordings._glances; import time; within = time.monotonic() + 10",
        "while time.monotonic() < within and len(glances._known) < 2: app.processEvents()",
    ],
    "working": WORKING,
    "worked": [
        *RECORDINGS,
        "import pathlib; done = say('Opened. The files in this folder are not encrypted.')",
        "shell.window.recordings.told.emit(done, pathlib.Path('/nowhere'))",
    ],
    "receipts": [
        OWN,
        AGREE,
        "agent._now = m.replace(agent._now, decided=True)",
        "shell.bridge.refresh()",
        "shell.open(ui_command('recorded'))",
    ],
    "my data": [
        *[STUDY, AGREE, "agent.shared = tuple(m.shared_file(n) for n in reversed(range(12)))"],
        *["agent._now = m.replace(agent._now, decided=True)", "shell.bridge.refresh()"],
        *["shell.open(ui_command('recorded'))", "shell.window._tabs.widget(2).receipts._look()"],
    ],
    "never": [
        *[OWN, AGREE, "shell.open(ui_command('never'))", "rule = shell.window.recorded.never"],
        *["rule._fields['program'].setText('signal')", "rule._add('program')"],
        *["rule._fields['title'].setText('Sparbank')", "rule._add('title')"],
        *["rule._fields['program'].setText('gimp')", "rule._add('program')", "rule._remove(agent.snapshot().never[0])"],
        "rule._fill('gedit', 'Meier GmbH – gedit')",
    ],
    "monitoring": MONITORED,
    "problem": [
        OWN,
        AGREE,
        "agent.fail(say('The recording indicator is not shown, so nothing is recorded.'), '')",
        "shell.open()",
    ],
    "panel": [OWN, "shell.ask()"],
    "study panel": [STUDY, "shell.ask()"],
    "changed panel": [
        STUDY,
        AGREE,
        "agent.new_policy(m.replace(m.study_policy(2), retention_days=400))",
        "shell.bridge.refresh()",
        "shell.ask()",
    ],
    "start task": [STUDY, AGREE, "agent.start()", "shell.open(ui_command('task'))"],
    "finish task": [
        OWN,
        AGREE,
        "agent.start()",
        "agent.start_task('Write')",
        "shell.bridge.refresh()",
        "shell.open(ui_command('task'))",
    ],
    "opt out": [OWN, AGREE, SESSIONS, "shell.open(ui_command('opt-out'))"],
    "undo": [OWN, AGREE, SESSIONS, "agent.withdraw(destroy=True)", "shell.bridge.refresh()"],
    "countdown": [OWN, AGREE, "agent.start()", "agent.pause(15)", "agent.count_down(7)", "shell.bridge.refresh()"],
    "forget": [STUDY, AGREE, SESSIONS, "agent.start_task('Write')", "shell.open()", "shell.forget(15)"],
    "habits": [
        *[STUDY, AGREE, "from capture_agent.core.room import Room", "agent.choose_hold(3)"],
        "agent._now = m.replace(agent._now, room=Room(4_100_000_000, 5_000_000_000))",
        "shell.open(ui_command.HABITS)",
    ],
    "shared soon": [
        *[STUDY, AGREE, SESSIONS, "from capture_agent.held.spans import What", "agent.cut('0' * 12, (), What.TASK)"],
        *["agent._now = m.replace(agent._now, soon=('0' * 12,))", "shell.bridge.refresh()"],
        "shell.soon.activateWindow()",
    ],
    "who": [OWN, AGREE, "agent.ask_who()", "shell.bridge.refresh()"],
    "beginning": [OWN, AGREE, "agent._now = m.replace(agent._now, starts_in=7)", "shell.bridge.refresh()"],
    "share": [  # as for all of it, and more
        *[*PLAYING, "player._mark(0); player.bar.setValue(60_000); player._mark(1); player._cut_out()"],
        "player.list_tasks(); app.activeModalWidget()._share_alone()",
    ],
    "withdraw": [
        *[STUDY, AGREE, WITHDRAWABLE, "shell.open(ui_command('recordings'))", CHOOSE_FIRST],
        "shell.window.recordings._ask_withdraw()",
    ],
    "withdrawn": [
        *[STUDY, AGREE, WITHDRAWABLE, "shell.open(ui_command('recordings'))", CHOOSE_FIRST],
        "shell.window.recordings._withdrawn(agent.withdraw_shared('9' * 12))",
    ],
    "delete": [
        *[STUDY, AGREE, SESSIONS, "agent.put(m.replace(agent.sessions()[0], shares_in=3))"],
        *["shell.open(ui_command('recordings'))", CHOOSE_ALL, "shell.window.recordings._ask_delete()"],
    ],
    "player": [*PLAYING, *CUTTING],
    "player in a pause": [*PLAYING, "player.bar.setValue(130_000)"],
    "player of a damaged one": [
        *[STUDY, AGREE, SESSIONS, "player = shell.window.recordings.play(agent.sessions()[2])"],
        "import time; within = time.monotonic() + 10",
        "while time.monotonic() < within and not player._why.text(): app.processEvents()",
    ],
    "cut": [*PLAYING, *CUTTING, "player._cuts._ask_for_good()"],
    "choice of cuts": [*PLAYING, "player._ask_choice()"],
    "task form": [
        *[*PLAYING, "player._mark(0); player.bar.setValue(60_000); player._mark(1)", "player.list_tasks()"],
        *["listed = app.activeModalWidget()", "listed._change()"],
    ],
    "deleted": [*RECORDINGS, CHOOSE_FIRST, "agent.delete('0' * 12)", "shell.bridge.refresh()"],
    "passphrase": ["later(lambda: ask(new=True))"],
    "failure": [
        "shell.open()",
        "hint = 'Restore this file from a copy made after the last deletion.'",
        "shell.bridge.failed.emit(m.StorageError('{path} is damaged', hint=hint, path='/home/me/vault'))",
    ],
}

# Windows that never take the keyboard, so that nobody resumes by typing; a click or the hotkey answers them.
WITHOUT_KEYBOARD = {"countdown", "beginning"}
# Texts that are the study's or the person's own and are shown as they are, in any language.
OWN_WORDS = (
    "How people work at a desk",
    "Example University, Department of Informatics",
    "To understand how people use ordinary programs.",
    "Research group",
    "Archive",
    "Book a room for Tuesday",
    "Write a short report",
    "Find last month's invoice",
    "nowhere.toml is not a study file",
    "Nowhere.toml is not a study file",
    "Ask the researcher for it.",
    "It protects your recordings.",
)

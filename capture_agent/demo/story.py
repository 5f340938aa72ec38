"""The demo: a person's first day with the agent, on a desktop of its own, with real clicks and keys.

What hands did is compared with what the opened bundle says, and everything that was written is
searched for what must not be there.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from capture_agent.core.errors import DesktopError, FaultError
from capture_agent.demo.acts import Expect
from capture_agent.demo.desktop import PrivateDesktop
from capture_agent.demo.eyes import Eyes, Seen
from capture_agent.demo.hands import Hands
from capture_agent.demo.store import Store
from capture_agent.demo.study import Study
from capture_agent.demo.usage import Usage
from capture_agent.demo.windows import Placed, Windows

APP = "capture-agent"  # WM_CLASS of the agent's windows
SIZE = (1280, 800)  # px of the demo's screen
SETTLE_S = 0.8  # the gate keeps input only 250 ms away from any change; a person takes longer to look anyway
LOOK_S = 0.3  # until a window has drawn itself, for a screenshot
STATE_S = 20.0  # until the agent is as it should be, on a loaded machine
FRAME_PX = 40  # a window manager's frame is at most this wide, and a terminal's size is whole characters
COMMAND_S = 120.0  # the slowest command opens a bundle

TASK_ONE = "Write a list of fruit"
TASK_TWO = "Find the largest file"
TYPED = "Apples, pears & 3 plums (ripe!)"
CANARY_PAUSED = "xylophone-quartz-while-paused"  # typed during the pause: must be nowhere
CANARY_KEPT = "jackdaw-sphinx-while-recording"  # typed while recording: only in what is opened


class Story:
    """One run. The methods are the chapters, in order; each leaves the desktop as the next expects it."""

    def __init__(
        self, out: Path, desktop: PrivateDesktop, hands: Hands, eyes: Eyes, windows: Windows, *, store: Store
    ) -> None:
        self.out = out
        self.desktop = desktop
        self.store = store
        self.hands = hands
        self.eyes = eyes
        self.windows = windows
        self.pictures: list[str] = []
        self.study = Study.make(desktop.folder, store.destination)

    def set_the_scene(self) -> None:
        """Open a terminal and an editor, as anybody might have when the agent is installed."""
        prompt = {"PS1": "$ ", "HISTFILE": ""}
        self.desktop.start("xterm", "-fa", "Monospace", "-fs", "10", "-e", "bash", "--norc", "-i", env=prompt)
        self.desktop.start("mousepad")
        self.terminal = self._put("xterm", 20, 40, 560, 640)
        self.editor = self._put("mousepad", 620, 40, 620, 640)

    def join(self) -> None:
        """First run: join a study by its file, look at who is behind it."""
        # Qt then says what it shows without the desktop's accessibility switch being on.
        told = {"QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1"}
        self.agent = self.desktop.start(sys.executable, "-m", "capture_agent", env=told)
        self.eyes.wait("Join a study…", "push button")
        self.icon = self.windows.wait_tray_icon()
        self.picture("window-first-run")
        self.press("Join a study…")
        time.sleep(SETTLE_S)
        self.hands.type(f"{self.study.file}\n")
        self.eyes.wait("Join this study", "push button")
        self.picture("window-study")
        self.press("Join this study")

    def consent(self) -> None:
        """Tick categories and programs, and accept."""
        self.eyes.wait("Accept", "push button")
        self.picture("panel")
        for name in ("Keyboard", "Mouse", "Windows", "Screen", "Tasks"):
            self.tick(name)
        for program in ("xterm", "mousepad"):
            self.tick(re.compile(rf"(?i)\b{program}\b"))
        self.picture("panel-ticked")
        self.press("Accept")
        self.eyes.wait_gone("Accept", "push button")

    def begin(self) -> None:
        """Start recording and put the window away."""
        self.press("Start recording")
        self.eyes.wait(re.compile("^Recording"))
        time.sleep(SETTLE_S)
        self.picture("window-recording")
        self.windows.close(self.windows.wait(APP))

    def first_task(self) -> None:
        """Say what one sets out to do, do it in the editor, and say that it is done."""
        self.menu("t", picture="menu")
        self.eyes.wait("Start a task", "dialog")
        time.sleep(SETTLE_S)
        self.hands.type(TASK_ONE)
        self.picture("task")
        self.hands.key("Return")
        with self.working_in(self.editor):
            self.hands.type(f"{TYPED}\n\tand so on, and so forth\n")
            self.hands.key("Home", hold=("Control_L",))
            time.sleep(LOOK_S)  # nobody is faster, and what is typed between two such keys at once is not kept
            self.hands.key("End", hold=("Shift_L",))
            self.hands.scroll(0, 3)
            self.hands.scroll(0, -2)
        self.menu("t")
        self.press("Done", "radio button")
        self.press("Finish")
        time.sleep(SETTLE_S)

    def second_task(self) -> None:
        """Work in the terminal; pause in the middle of it, type what nobody may ever see, and go on."""
        self.command("task", "start", TASK_TWO)
        x, y = self.terminal.centre
        with self.working_in(self.terminal):
            # Typed here and not in the editor, which saves drafts by itself: what the agent writes is searched.
            self.hands.type(f"seq 1 400 # {CANARY_KEPT}\n")
            time.sleep(SETTLE_S)
            self.hands.scroll(0, -4)
            self.hands.move(x - 120, y - 60)
            self.hands.drag(x + 40, y + 30)
            self.hands.click(x, y, button=3)
        self.picture("recording")
        self.hands.click(*self.icon.centre)
        self.until_state("paused")
        self.picture("paused")
        with self.expecting(Expect.NEVER):
            self.hands.click(*self.terminal.centre)
            self.hands.type(f"# {CANARY_PAUSED}\n")
            self.hands.type("clear\n")  # or the next frame would show it, and rightly so
            self.hands.move(x + 200, y + 100)
            self.hands.scroll(0, 2)
        self.menu("r", picture="menu-paused")
        self.until_state("recording")
        with self.working_in(self.terminal):
            self.hands.type("echo and on it goes\n")
        with self.working_in(self.editor):
            self.hands.type("back again")
        self.command("task", "finish", "--outcome", "gave-up", "--difficulty", "4", "--note", "too many files")

    def stop(self) -> None:
        """Stop recording."""
        self.usage = Usage.of(self.agent.pid)
        self.menu("m")
        self.press("Stop and save")
        self.until_state("off")

    def end(self) -> None:
        """Wait until the agent has quit."""
        self.agent.wait(COMMAND_S)

    def keep_evidence(self) -> None:
        """Keep what shows why a chapter failed."""
        self.desktop.screenshot(self.out / "failed.png")
        log = self.desktop.log(sys.executable)
        said = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
        done = self.attempt("status")
        (self.out / "failed.txt").write_text(said + done.stdout + done.stderr, encoding="utf-8")

    # --- what the chapters are made of

    def picture(self, name: str) -> None:
        """Take a screenshot once everything has drawn itself."""
        time.sleep(LOOK_S)
        self.desktop.screenshot(self.out / f"{name}.png")
        self.pictures.append(f"{name}.png")

    def press(self, name: str, role: str = "push button") -> None:
        """Click a widget of the agent."""
        self.hands.click(*self.eyes.wait(name, role).centre)

    def tick(self, name: str | re.Pattern[str]) -> None:
        """Tick a box of the panel, scrolling to it first, and see that it is ticked."""
        area = self.eyes.wait("Consent")
        box = self.eyes.wait(name, "check box")
        while not _inside(box, area):
            self.hands.move(*area.centre)
            self.hands.scroll(0, 1 if box.y > area.y else -1)
            time.sleep(LOOK_S / 3)
            before, box = box, self.eyes.again(box)
            if before.y == box.y:
                raise DesktopError(f"the panel does not scroll to {box.name!r}", hint="Look at panel.png.")
        self.hands.click(box.x + min(10, box.width // 2), box.centre[1])
        self.until(lambda: "checked" in self.eyes.again(box).states, f"{box.name!r} is not ticked")

    def menu(self, entry: str, *, picture: str = "") -> None:
        """Open the menu of the tray icon, and choose the entry with this underlined letter.

        Menus are not among the things that Qt tells assistive programs of while no window is open.
        """
        self.hands.click(*self.icon.centre, button=3)
        self.windows.wait_popup(APP)
        time.sleep(LOOK_S)
        if picture:
            self.picture(picture)
        self.hands.key(entry)

    def working_in(self, window: Placed) -> ExitStack:
        """Give `window` the keyboard; what is done inside the `with` must be in the recording."""
        self.windows.activate(window)
        self.windows.wait_active(window.app)
        return self.expecting(Expect.KEPT)

    def expecting(self, expect: Expect) -> ExitStack:
        """Let acts inside the `with` count as `expect`, well away from what was before and comes after."""

        def until_here() -> None:
            time.sleep(SETTLE_S)
            self.hands.expect = Expect.EITHER

        time.sleep(SETTLE_S)
        self.hands.expect = expect
        stack = ExitStack()
        stack.callback(until_here)
        return stack

    def command(self, *words: str, env: Mapping[str, str] | None = None) -> str:
        """Run a `capture-agent` command on this desktop, with `env` besides, and return what it printed.

        Raises:
            FaultError: It failed.
        """
        done = self.attempt(*words, env=env)
        if done.returncode:
            raise FaultError(f"capture-agent {words[0]} failed: {done.stderr.strip()[-500:]}")
        return done.stdout

    def attempt(self, *words: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run a `capture-agent` command on this desktop, and return how it went."""
        return subprocess.run(
            (sys.executable, "-m", "capture_agent", *words),
            env={**self.desktop.env, **(env or {})},
            cwd=self.desktop.folder,
            capture_output=True,
            text=True,
            timeout=COMMAND_S,
            check=False,
        )

    def until_state(self, state: str) -> None:
        """Wait until the agent says that it is in this state."""
        self.until(lambda: json.loads(self.command("status", "--json"))["state"] == state, f"the agent is not {state}")

    def until(self, ready: Callable[[], bool], otherwise: str, within_s: float = STATE_S) -> None:
        """Wait until `ready`; `otherwise` says what is wrong if that does not come."""
        deadline = time.monotonic() + within_s
        while not ready():
            if time.monotonic() > deadline:
                raise DesktopError(otherwise, hint=f"Look at {self.out / 'failed.png'}, and failed.txt beside it.")
            time.sleep(0.1)

    def _put(self, app: str, x: int, y: int, width: int, height: int) -> Placed:
        """Give a window its place, and return it once it is there.

        Its old place must never be taken for the new one: what is meant for the terminal would be done in the editor,
        where a right click opens a menu, and an open menu takes the next click, wherever that is.
        """
        self.windows.place(self.windows.wait(app), x, y, width, height)

        def there() -> bool:
            now = self.windows.wait(app)
            differences = (now.x - x, now.y - y, width - now.width, height - now.height)
            return all(0 <= difference <= FRAME_PX for difference in differences)

        self.until(there, f"{app} does not get its place")
        return self.windows.wait(app)


def _inside(box: Seen, area: Seen) -> bool:
    return area.y <= box.y and box.y + box.height <= area.y + area.height

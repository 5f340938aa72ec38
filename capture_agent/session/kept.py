"""What is asked of the agent about what it keeps: tasks, and the sessions on this disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from capture_agent.core.errors import CaptureAgentError, ConsentError, DesktopError
from capture_agent.core.events import Category, Outcome
from capture_agent.core.progress import Progress, silent
from capture_agent.core.splitting import Reason
from capture_agent.held.cut import Span
from capture_agent.held.lifecycle import Input as Destiny
from capture_agent.held.lifecycle import State as Life
from capture_agent.held.spans import What
from capture_agent.held.timeline import TaskTime
from capture_agent.keys.vault import Vault
from capture_agent.ledger.my_data import SharedFile, shared_files
from capture_agent.session import retelling
from capture_agent.session.agreement import Agreement
from capture_agent.session.forgetting import Forgetting
from capture_agent.session.holdings import Holdings
from capture_agent.session.listing import with_agreed_readers
from capture_agent.session.my_data import Saved, save
from capture_agent.session.recorder import Recorder
from capture_agent.session.retelling import Edit
from capture_agent.session.rhythm import Rhythm
from capture_agent.session.snapshot import Forgotten, HeldSession, Task, WaitingCut, Withdrawn
from capture_agent.session.tasks import Tasks, keep_task
from capture_agent.session.world import World

if TYPE_CHECKING:
    from capture_agent.session.review import Begun, Review


def _no_tasks() -> ConsentError:
    return ConsentError("you did not agree to record tasks", hint="Open the window to change what is recorded.")


class Kept:
    """The part of the controller that records nothing. Main thread only, but for what `Agent` says of any thread."""

    _agreement: Agreement
    _forgetting: Forgetting
    _holdings: Holdings
    _recorder: Recorder
    _rhythm: Rhythm
    _tasks: Tasks
    _vault: Vault
    _world: World
    _problem: CaptureAgentError | None = None
    _held = 0
    _tended_us = 0

    def note(self, error: CaptureAgentError) -> None:
        """Say that something does not work, and go on without it."""
        self._problem = error

    @contextmanager
    def _noting(self) -> Iterator[None]:
        """Go on without what cannot be done, and say so."""
        try:
            yield
        except CaptureAgentError as error:
            self.note(error)

    def _count(self) -> None:
        self._held = self._holdings.waiting
        self._rhythm.room.look()

    # --- tasks

    def start_task(self, text: str) -> Task:
        """Begin a task."""
        if Category.TASKS not in self._agreement.captured:
            raise _no_tasks()
        task = self._tasks.start(text, self._world.wall())
        self._remember_task()
        return task

    def finish_task(self, outcome: Outcome, difficulty: int | None, note: str) -> None:
        """End the task that is going on."""
        self._tasks.finish(outcome, difficulty, note)
        self._remember_task()

    def _remember_task(self) -> None:
        with self._noting(), self._holdings.lock:  # at worst, only a restart does not know of the task
            keep_task(self._vault.secrets, self._tasks.current)

    # --- held sessions

    def receipts(self) -> tuple[Mapping[str, Any], ...]:
        """Return the receipt of every decision."""
        return self._holdings.receipts()

    def my_data(self) -> tuple[SharedFile, ...]:
        """Return every file that was ever shared."""
        return self._agreement.ledger.folded(shared_files)

    def save_my_data(self, out: str, locale: str, progress: Progress = silent) -> Saved:
        """Write everything into a new folder. Slow; any thread."""
        return save(self._holdings, Path(out), locale, progress)

    def sessions(self) -> tuple[HeldSession, ...]:
        """Return the sessions on this disk, newest first; of those that were shared, who may get them and has not."""
        lines = self._holdings.sessions()
        try:
            policy = self._agreement.check_release()
            return with_agreed_readers(lines, policy, self._agreement.standing.consent, self._agreement.ledger)
        except CaptureAgentError:  # nobody gets anything now
            return lines

    def release(self, session: str, progress: Progress = silent) -> tuple[str, ...]:
        """Compose and sign bundles. Slow; any thread."""
        return self._release(session, progress)

    def _release(
        self, session: str, progress: Progress, still: Callable[[], bool] = lambda: True, chosen: int | None = None
    ) -> tuple[str, ...]:
        place = self._world.elsewhere()
        if place is not None:
            raise DesktopError(
                "what is shared would first lie in {place}",
                hint="Set XDG_DATA_HOME to a folder on this computer's own disk, and start again.",
                place=place.said(),
            )
        policy, standing = self._agreement.check_release(), self._agreement.standing
        return self._holdings.release(session, policy, standing, progress, still=still, chosen=chosen)

    def open_own(self, session: str, out: str, progress: Progress = silent) -> None:
        """Write one's own session, opened. Slow; any thread."""
        self._holdings.open_own(session, Path(out), progress)

    def review(self, session: str, progress: Progress = silent, begun: Begun | None = None) -> Review:
        """Return one's own session to look at. Slow; any thread."""
        return self._holdings.review(session, progress, begun)

    def cut(self, session: str, spans: Sequence[Span], what: What) -> None:
        """Mark spans of a held session to be cut out."""
        self._holdings.cut(session, spans, what)

    def cuts(self, session: str) -> tuple[WaitingCut, ...]:
        """Return what is marked and can still be undone."""
        return self._holdings.intents.cuts(self._holdings.find(session))

    def undo_cut(self, session: str, number: int) -> None:
        """Keep what was marked."""
        self._holdings.intents.undo_cut(self._holdings.find(session), number)

    def cut_for_good(self, session: str, progress: Progress = silent) -> None:
        """Cut out what is marked. Slow; any thread."""
        self._holdings.intents.cut_for_good(self._holdings.find(session), progress)

    def put_task(self, session: str, task: TaskTime, progress: Progress = silent) -> Edit:
        """Word, judge, move or add a task of a held session. Words are kept only with consent, as while recording."""
        if Category.TASKS not in self._agreement.captured:
            raise _no_tasks()
        return retelling.put_task(self._holdings.shelf, self._holdings.retold(session), task, progress)

    def remove_task(self, session: str, task: str, progress: Progress = silent) -> Edit:
        """Take a task out of a held session: its words and marks."""
        return retelling.remove_task(self._holdings.shelf, self._holdings.retold(session), task, progress)

    def undo_edit(self, session: str, edit: Edit, progress: Progress = silent) -> Edit:
        """Take an edit of tasks back. Words come back only with consent, too."""
        if Category.TASKS not in self._agreement.captured:
            raise _no_tasks()
        return retelling.undo_edit(self._holdings.shelf, self._holdings.retold(session), edit, progress)

    def withdraw_shared(self, session: str) -> Withdrawn:
        """Withdraw what was shared. That its readers cannot be told yet is said, and tried again."""
        withdrawn, hindered = self._holdings.withdraw(session)
        if hindered is not None:
            self.note(hindered)
        self._count()
        return withdrawn

    def delete(self, *sessions: str, for_good: bool = False) -> None:
        """Destroy held sessions, those of a study at once; none if one of them is not there, or being recorded.

        Only what goes `for_good` goes now; the rest in a day, until which it can be put back.
        """
        here = {one.id: one for one in self._holdings.sessions() if one.here}
        gone = [here[one if one in here else self._holdings.find(one)] for one in sessions]
        for one in gone:
            if one.state in {Life.RECORDING, "damaged"}:  # of thousands, only these need a look at the table
                self._holdings.allow(one.id, Destiny.DESTROY)
        for study in {one.study for one in gone}:
            those = [one for one in gone if one.study == study]
            if for_good:
                self._holdings.intents.destroy(study, [one.id for one in those])
            else:
                self._holdings.intents.delete(study, [one.id for one in those if one.deleted_until is None])
        self._count()

    def put_back(self, *sessions: str) -> None:
        """Keep sessions that were deleted."""
        self._holdings.intents.put_back(sessions)
        self._count()

    def undo(self) -> None:
        """Keep the recordings that are about to be destroyed."""
        self._holdings.intents.undo()
        self._count()

    # --- forgetting

    def would_forget(self, minutes: int) -> Forgotten:
        """Return what forgetting the last minutes would take."""
        back = timedelta(minutes=minutes)
        return self._forgetting.would(back, self._tasks.begun_since(self._world.wall() - back))

    def forget(self, minutes: int) -> Forgotten:
        """Forget the last minutes of every recording."""
        return self.forget_since(timedelta(minutes=minutes))

    def forget_since(self, back: timedelta) -> Forgotten:
        """Forget everything since `back` ago. An open session ends first, and recording goes on in a new one."""
        since = self._world.wall() - back
        tasks = self._tasks.begun_since(since)
        self._tasks.forget(since)
        try:
            return self._forgetting.forget(back, lambda: self._recorder.split(Reason.FORGET), tasks)
        finally:
            self._tended_us = 0
            self._remember_task()
            self._count()

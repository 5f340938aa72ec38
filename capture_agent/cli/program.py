"""The commands: what each takes, says and prints. The long help texts are the manual, and make docs/commands.md."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from capture_agent import __version__
from capture_agent.cli.later import Later
from capture_agent.core.events import Outcome

PROGRAM = "capture-agent"
MAX_PAUSE_MINUTES = 7 * 24 * 60  # as control.commands, which is not imported to show help; a test compares
SETTINGS: dict[str, Any] = {"max_content_width": 100}  # columns; longer lines are hard to read

EXIT_CODES = """\b
Exit codes:
  0    done
  1    cannot be done now, for example because the agent is not running; or the output's reader has gone
  2    the command line, a policy or the settings are wrong; nothing was started
  3    this desktop lacks something that recording needs
  4    what was asked for was not agreed to
  5    data is damaged, was changed, or comes from a device that is not known
  6    a key is missing, locked or not the right one
  7    the disk is full or read-only, or holds something of a newer version
  70   a fault of the program
  130  interrupted (Ctrl+C)

\b
With --json a command prints one JSON object on standard output; if it fails, that is
{"error": …, "message": …, "hint": …}. Errors in words, and progress, go to standard error."""

app = typer.Typer(
    name=PROGRAM,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings=SETTINGS,
)
task_app = typer.Typer(
    name="task",
    short_help="Say what you set out to do, and how it went.",
    rich_markup_mode=None,
    no_args_is_help=True,
    context_settings=SETTINGS,
    help="""Say what you set out to do, and how it went.

    What you write is kept with your recordings if you agreed to tasks; else it is refused. The same can be done from
    the tray, and with a hotkey.
    """,
)
app.add_typer(task_app)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
SessionId = Annotated[str, typer.Argument(metavar="ID", help="A recording's id, or how it begins.")]

PassphraseFd = Annotated[
    int | None,
    typer.Option(
        "--passphrase-fd", min=0, help="Read the passphrase from this descriptor, if your keys are behind one."
    ),
]


@app.callback(invoke_without_command=True, epilog=EXIT_CODES)
def tray(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False,
) -> None:
    """Record keyboard, pointer, windows and screen, only while you agree; sealed, on your disk, until you release it.

    Without a command, capture-agent is the tray program. The first time, it opens a window in which you choose what to
    record for: for yourself, or for a study. If it runs already, its window comes to the front.

    No command gives consent, starts recording, resumes it or releases anything. That takes your click in a
    window.

    \b
    Examples:
      capture-agent                     start the tray program
      capture-agent pause --for 15m     pause now
      capture-agent sessions            what was recorded
      capture-agent open 3f9c --out day look at one of your recordings
      capture-agent doctor              what is missing here
    """
    if version:
        typer.echo(f"{PROGRAM} {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        from capture_agent import app as program

        raise typer.Exit(program.run())


@app.command(short_help="What the agent does now, and what it does not record.")
def status(as_json: AsJson = False) -> None:
    """Say what the agent does now, for what, and what it does not record and why.

    Exit code 0 also if no agent runs: then nothing is recorded, and the JSON is {"running": false, "state": "off"}.

    \b
    JSON: running, state (off, recording, paused, suspended, fault), study {id, title, version} or null,
    consented [category], programs [name], must_ask, refused, decided (there are receipts),
    acknowledge (a monitoring notice has to be read), widened [{what, was, wants}], problem, hint,
    paused_until and recording_since (ISO 8601 or null), resumes_in (seconds of the countdown, or null),
    pause_note (why a timed pause goes on, or empty), pause_keys (the hotkey), task {id, text, started} or null,
    waiting (why a guard lets nothing be recorded: locked, other-user, idle, asleep, shutdown, remote, network-folder,
    low-disk, recordings-full, battery-saver, who-is-there, or null), schedule (when recording begins by itself, or
    null), shared, at_login, waking (accessibility may be switched on), woken (it was, and is put back), starts_in
    (seconds until it does, or null), hours_over, today {day, recorded, paused, not_recorded {reason: seconds}, told}
    (seconds), held (recordings that wait for you), room {used, limit, full} (bytes, when it is nearly taken) or null,
    hold_days (of use, before recordings are shared by themselves, or null), delivery {waiting (files), to [place],
    going, problem, hint, code, again} or null, not_recorded [sentence], unseen_text [those of them that name a program
    whose fields cannot be seen], just_now (what is not recorded at this moment), never [[program or title, text]],
    keyring (os or passphrase), going {until, recordings} or null (what opting out is about to destroy, while you can
    undo it).
    """
    from capture_agent.cli.words import status_lines
    from capture_agent.control.client import NotRunningError

    try:
        found = _ask("status")
    except NotRunningError:
        found = {"running": False, "state": "off"}
    _say(found, status_lines(found), as_json)


@app.command(short_help="Open the window, where a click starts recording.")
def start(as_json: AsJson = False) -> None:
    """Bring the agent's window to the front, where you can start recording with a click.

    Recording never starts by a command. The agent has to run: start it with `capture-agent`.
    """
    _say(_ask("start"), ["The window is open. Click Start recording there."], as_json)


@app.command(short_help="Pause at once.")
def pause(
    length: Annotated[
        str | None, typer.Option("--for", metavar="15m|1h", help="Go on after that, once a countdown was seen.")
    ] = None,
    until_resumed: Annotated[
        bool, typer.Option("--until-resumed", help="Go on when you resume by a click. The default.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Pause at once.

    When a timed pause is over, a window counts down 10 seconds, in which you can say no. If the screen is locked or
    nobody is there, the pause goes on until you resume. No command resumes, or shortens a pause that is there.

    \b
    Examples:
      capture-agent pause
      capture-agent pause --for 15m
    """
    from capture_agent.cli.lengths import minutes
    from capture_agent.cli.words import status_lines

    if length is not None and until_resumed:
        raise typer.BadParameter("either --for or --until-resumed")
    found = _ask("pause", {} if length is None else {"minutes": minutes(length, most=MAX_PAUSE_MINUTES)})
    _say(found, status_lines(found)[:1], as_json)


@app.command(short_help="Stop recording and save.")
def stop(as_json: AsJson = False) -> None:
    """Stop recording and save. The agent stays in the tray. If none runs, there is nothing to stop (exit code 0)."""
    _end("stop", "Stopped. What was recorded is saved.", as_json)


@app.command("quit", short_help="Stop, save, and end the agent.")
def leave(as_json: AsJson = False) -> None:
    """Stop recording, save, and end the agent. If none runs, there is nothing to end (exit code 0)."""
    _end("quit", "Stopped and saved; the agent ends.", as_json)


@task_app.command("start")
def task_start(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What you set out to do, in a sentence.")],
    as_json: AsJson = False,
) -> None:
    """Begin a task. One that is going on ends without a judgement.

    \b
    Example:
      capture-agent task start "Book a meeting room for Monday"
    """
    from capture_agent.cli.words import task_lines

    found = _ask("task-start", {"text": text})
    _say(found, task_lines(found), as_json)


@task_app.command("finish")
def task_finish(
    outcome: Annotated[Outcome, typer.Option("--outcome", "-o", help="How it went.")],
    difficulty: Annotated[
        int | None, typer.Option("--difficulty", "-d", min=1, max=5, help="1 (easy) to 5 (hard).")
    ] = None,
    note: Annotated[str, typer.Option("--note", "-n", help="Anything that is worth knowing about it.")] = "",
    as_json: AsJson = False,
) -> None:
    """Finish the task that is going on, and say how it went.

    \b
    Example:
      capture-agent task finish --outcome done --difficulty 2
    """
    from capture_agent.cli.words import task_lines

    arguments: dict[str, int | str] = {"outcome": outcome.value, "note": note}
    if difficulty is not None:
        arguments["difficulty"] = difficulty
    found = _ask("task-finish", arguments)
    _say(found, task_lines(found), as_json)


@task_app.command("show")
def task_show(as_json: AsJson = False) -> None:
    """Say which task is going on. JSON: task {id, text, started} or null."""
    from capture_agent.cli.words import task_lines

    found = _ask("task-show")
    _say(found, task_lines(found), as_json)


@app.command(short_help="List your recordings.")
def sessions(
    all_: Annotated[bool, typer.Option("--all", help="Say of all, not the newest 100, what was not kept.")] = False,
    passphrase_fd: PassphraseFd = None,
    as_json: AsJson = False,
) -> None:
    """List your recordings, newest first. Works without a running agent.

    What you shared stays listed when it is no longer on this disk, because it can still be withdrawn; so does what
    was destroyed because its time was over.

    \b
    JSON: sessions [{id, study ("myself" for your own), started (ISO 8601), seconds, bytes, state (recording,
    held, released, delivered, withdrawn, expired, damaged), complete, days_left, released_to [name], here (on this
    disk), later_readers [name: who may get what was shared, too, as you agreed since, if you share it again],
    pending (withdrawn, and its readers cannot be told yet), delivered_to [place], waiting (to be delivered),
    shares_in (days of use until it is shared by itself, or null), cuts (how many are marked in the player and wait:
    they are made, for good, before it is shared; until then seconds and bytes are those of all of it), deleted_until
    (ISO 8601: until then what was deleted can be put back in the window, or null), withheld_us {reason: how long
    input was not kept, µs} or null: it cannot be read, not yet, or was not looked into}].
    """
    from capture_agent.cli.own import list_sessions

    found = list_sessions(_ask, passphrase_fd, all_=all_)
    if as_json and found:  # one a line
        encode = json.JSONEncoder(ensure_ascii=False).encode
        typer.echo('{"sessions": [\n' + ",\n".join(map(encode, found)) + "\n]}")
        return
    from capture_agent.cli.words import session_lines

    _say({"sessions": found}, session_lines(found), as_json)


@app.command("open", short_help="Open one of your recordings into a folder.")
def open_own(
    session: SessionId,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="A folder that is new or empty.")],
    passphrase_fd: PassphraseFd = None,
    as_json: AsJson = False,
) -> None:
    """Open one of your own recordings into DIR: events.mcap, screen-N.mp4, events.parquet and report.json.

    Nobody else can do this with what is on your disk. The files in DIR are not sealed. Works without a running agent.
    JSON: session, out.

    \b
    Example:
      capture-agent open 3f9c --out monday
    """
    from capture_agent.cli.bars import bars
    from capture_agent.cli.own import open_session

    with bars(quiet=as_json) as progress:
        opened = open_session(session, out, passphrase_fd, progress)
    _say({"session": opened, "out": str(out)}, [f"{out}: report.json says what there is."], as_json)


@app.command(short_help="Open one of your recordings into a ZIP file.")
def export(
    session: SessionId,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="The ZIP file to make; without it, ID.zip here.")
    ] = None,
    passphrase_fd: PassphraseFd = None,
    as_json: AsJson = False,
) -> None:
    """Open one of your own recordings into one ZIP file, to keep or to hand on. The file is not sealed.

    Works without a running agent. JSON: session, out.

    \b
    Example:
      capture-agent export 3f9c --out monday.zip
    """
    from capture_agent.cli.bars import bars
    from capture_agent.cli.own import export_session

    with bars(quiet=as_json) as progress:
        exported, file = export_session(session, out, passphrase_fd, progress)
    _say({"session": exported, "out": str(file)}, [f"{file} is written. It is not sealed."], as_json)


@app.command(short_help="What is missing here, and what to do.")
def doctor(as_json: AsJson = False) -> None:
    """Say what is missing on this computer for recording, and what to do. Changes nothing.

    Looks at the desktop, system libraries, keyring, your profile and its modes, policy, settings and the agent's
    socket, and names the programs that have a window now, as `programs` in a policy does. Exit code 3 if recording
    is not possible.

    \b
    JSON: ok, running, problems [{name, what, hint, blocks}], places {profile, settings, policy},
    input (what reads keyboard and mouse: xi2 or pynput), programs [name], accessibility (on, off, or empty: not known),
    never [[program or title, text]].
    """
    from capture_agent.cli.doctor import examine
    from capture_agent.cli.words import doctor_lines
    from capture_agent.session.profile import Profile

    found = examine(Profile.of_user())
    _say(found, doctor_lines(found), as_json)
    if not found["ok"]:
        raise typer.Exit(3)


def build() -> Any:
    """Return the whole command, with the groups that are imported later."""
    from capture_agent.cli.deliver import deliver_app
    from capture_agent.cli.demo import demo_app
    from capture_agent.cli.forget import forget_app
    from capture_agent.cli.my_data import my_data_app
    from capture_agent.cli.not_me import not_me_app
    from capture_agent.cli.remove import remove_app
    from capture_agent.cli.withdraw import withdraw_app

    group = typer.main.get_command(app)
    add = getattr(group, "add_command")  # noqa: B009 - typer's own type for what it returns does not say that it is a group
    for name, summary, module in (
        ("consent", "What you agreed to, and how to take it back.", "capture_agent.cli.consent"),
        ("admin", "Write a study: check and compare policies.", "capture_agent.admin.commands"),
        ("research", "Receive what was released: keys, verify, open.", "capture_agent.research.commands"),
    ):
        add(Later(name, summary, module, f"{name}_app"))
    for single in (deliver_app, forget_app, not_me_app, withdraw_app, my_data_app, remove_app, demo_app):
        add(typer.main.get_command(single))
    return group


def _ask(command: str, arguments: Mapping[str, int | str] | None = None) -> dict[str, Any]:
    from capture_agent.control.client import Client
    from capture_agent.session.profile import Profile

    return Client(Profile.of_user().folder).ask(command, arguments)


def _end(command: str, said: str, as_json: bool) -> None:
    from capture_agent.control.client import NotRunningError

    try:
        _say(_ask(command), [said], as_json)
    except NotRunningError as error:
        _say({"running": False, "state": "off"}, [str(error)], as_json)


def _say(found: Mapping[str, Any], lines: Sequence[str], as_json: bool) -> None:
    typer.echo(json.dumps(found, indent=2, ensure_ascii=False) if as_json else "\n".join(lines))

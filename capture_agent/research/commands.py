"""`capture-agent research …`: keys, known devices, verifying and opening bundles. No display is touched."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from capture_agent.bundle.manifest import EVENTS_NAME, video_place
from capture_agent.core.errors import CaptureAgentError
from capture_agent.core.progress import Progress as Told
from capture_agent.keys.age import Identity
from capture_agent.outbox.opened import Extras
from capture_agent.research import keyfile, tombstones
from capture_agent.research import open as opening
from capture_agent.research import purge as purging
from capture_agent.research.devices import Device, Devices, default_path
from capture_agent.research.passphrase import read_passphrase

research_app = typer.Typer(
    name="research",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="""Receive what participants released: make your key, verify bundles, open them.

    A *bundle* (`….capture`) is one age file for the recipients that its participant agreed to. Your key opens it;
    the participant's device key, which you have to know, proves that nobody changed it.

    A participant may withdraw a recording after it was released. A withdrawal is a file, too; keep it beside the
    bundles, or import it. `open` then refuses the recording, and `purge` removes it.

    **Exit codes**: 0 done; 2 wrong command line or file; 4 withdrawn, or past the agreed time; 5 not verified: damaged,
    changed, or from an unknown device; 6 the key is missing, locked or another one; 7 the disk, or a newer format.
    """,
)
devices_app = typer.Typer(
    name="devices",
    no_args_is_help=True,
    help="""The device keys that you know: which participant's bundles are signed with which key.

    Trust a key after comparing it, character by character, with the one that the participant's agent shows.
    """,
)
research_app.add_typer(devices_app)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
KeyFile = Annotated[
    Path, typer.Option("--identity", "-i", help="Your key, as `research keygen` or age-keygen made it.", metavar="FILE")
]
PassphraseFd = Annotated[
    int | None,
    typer.Option("--passphrase-fd", help="Read the passphrase from this open descriptor instead of asking.", min=0),
]
Known = Annotated[
    Path | None, typer.Option("--devices", help="Known device keys; default: in your data folder.", metavar="FILE")
]
Pin = Annotated[
    bool,
    typer.Option("--pin", help="Pin the key of a participant whose first bundle this is. It is not called verified."),
]
BundleFile = Annotated[Path, typer.Argument(metavar="BUNDLE", help="The `….capture` file.")]


@research_app.command()
def keygen(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="Where the key goes; it must not exist.")],
    classical: Annotated[
        bool,
        typer.Option("--classical", help="Make an X25519 key (`age1…`), not a post-quantum one (`age1pq…`)."),
    ] = False,
    passphrase_fd: PassphraseFd = None,
    as_json: AsJson = False,
) -> None:
    """Make your key: FILE, protected by a passphrase, and FILE.pub, the recipient for the study's policy.

    Give the admin FILE.pub and tell them the nine words over another way, in full. Keep FILE off the machines of
    participants, server and admin. If it is lost, nobody can open what was sealed to it.
    """
    with _told_errors(as_json):
        made = keyfile.make(path, read_passphrase(passphrase_fd, "Passphrase: ", twice=True), classical=classical)
        found = {
            "identity": str(made.path),
            "public": str(made.public_path),
            "recipient": made.recipient,
            "fingerprint": made.fingerprint,
            "post_quantum": not classical,
        }
        lines = [f"Key:         {made.path}", f"Recipient:   {made.public_path}", f"Nine words:  {made.fingerprint}"]
        if classical:
            lines.append("Note:        this key is not post-quantum.")
        _say(found, lines, as_json)


@devices_app.command("list")
def list_devices(known: Known = None, as_json: AsJson = False) -> None:
    """List the known device keys: trusted by you, or pinned on first use."""
    with _told_errors(as_json):
        devices = _devices(known).devices
        lines = [_line(device) for device in devices] or ["No device key is known."]
        _say({"devices": [device.model_dump(mode="json") for device in devices]}, lines, as_json)


@devices_app.command()
def trust(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="The study's id.")],
    pseudonym: Annotated[str, typer.Argument(metavar="PSEUDONYM", help="The participant's pseudonym in it.")],
    key: Annotated[str, typer.Argument(metavar="KEY", help="`capture-agent-key-1…`, compared with the participant's.")],
    known: Known = None,
    as_json: AsJson = False,
) -> None:
    """Trust KEY as the one with which this participant's bundles are signed, instead of any known before."""
    with _told_errors(as_json):
        devices = _devices(known)
        device = devices.trust(study, pseudonym, key)
        devices.save()
        _say(device.model_dump(mode="json"), [_line(device)], as_json)


@devices_app.command()
def forget(
    study: Annotated[str, typer.Argument(metavar="STUDY")],
    pseudonym: Annotated[str, typer.Argument(metavar="PSEUDONYM")],
    known: Known = None,
    as_json: AsJson = False,
) -> None:
    """Know nothing of a participant's key any more."""
    with _told_errors(as_json):
        devices = _devices(known)
        devices.forget(study, pseudonym)
        devices.save()
        _say({"forgotten": {"study": study, "pseudonym": pseudonym}}, [f"Forgotten: {pseudonym} in {study}"], as_json)


@research_app.command()
def verify(
    bundle: BundleFile,
    *,
    identity: KeyFile,
    pin: Pin = False,
    known: Known = None,
    passphrase_fd: PassphraseFd = None,
    as_json: AsJson = False,
) -> None:
    """Check that BUNDLE is whole and as its participant signed it. Nothing is written but a pinned key.

    Every byte is read: the seal, the signature and whose key made it, each member's hash, and that nothing was added,
    removed, repeated or moved. The first thing that is wrong is named. Whether it was withdrawn is said, and whether
    withdrawals that its participant made are missing here.
    """
    with _told_errors(as_json), _bars(as_json) as progress:
        identities, devices = _identities(identity, passphrase_fd), _devices(known, pin=pin)
        front = opening.verify(bundle, identities, devices, progress)
        said = opening.told(front, opening.withdrawals(bundle, identities, devices))
        lines = [
            "Verified." if said["verified"] else "Whole, and NOT verified.",
            said["says"],
            f"Study {said['study']}, participant {said['pseudonym']}, session {said['session']}, "
            f"revision {said['revision']}, release {said['release']['counter']}",
        ]
        lines += [f"  {stream.topic:<12}{stream.count:>9}  {stream.member}" for stream in front.manifest.streams]
        lines += _warnings(said)
        _say({**said, "streams": [stream.model_dump() for stream in front.manifest.streams]}, lines, as_json)


@research_app.command("open")
def open_bundle(
    bundle: BundleFile,
    *,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="A folder that is empty or does not exist.")],
    identity: KeyFile,
    stills: Annotated[bool, typer.Option("--stills", help="Also write the picture at each click, before it.")] = False,
    table: Annotated[
        bool | None,
        typer.Option(
            "--table/--no-table", help="Write events.parquet (needs pyarrow); default: if pyarrow is installed."
        ),
    ] = None,
    pin: Pin = False,
    known: Known = None,
    passphrase_fd: PassphraseFd = None,
    as_json: AsJson = False,
) -> None:
    """Verify BUNDLE, then write its files into DIR.

    You get consent.json, events.mcap, screen-N.mp4 (a second size of monitor N is screen-N-2.mp4), events.parquet,
    stills/, manifest.json and report.json: streams, counts, gaps, clock, environment, frames, and whether the session
    is usable, with reasons. If anything is not as it was signed, DIR stays empty and the exit code is 5; if it was
    withdrawn, or the agreed time is over, 4. Withdrawals count that lie beside BUNDLE or were imported.
    """
    with _told_errors(as_json), _bars(as_json) as progress:
        report = opening.open_bundle(
            bundle,
            _identities(identity, passphrase_fd),
            _devices(known, pin=pin),
            out,
            extras=Extras(stills=stills, table=table),
            progress=progress,
        )
        said = report["verification"]
        videos = [stream["member"] for stream in report["streams"] if video_place(stream["member"]) is not None]
        lines = [
            "Verified." if said["verified"] else "Whole, and NOT verified.",
            said["says"],
            f"{out}: {', '.join(dict.fromkeys([EVENTS_NAME, *videos]))} and report.json",
            f"Usable: {report['usable']}",
            *(f"  - {reason}" for reason in report["reasons"]),
            *(f"  {remark}" for remark in report["remarks"]),
            *_warnings(said),
        ]
        _say(report, lines, as_json)


@research_app.command("import")
def import_withdrawal(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Withdrawals: `….tombstone` or `….capture`.")],
    *,
    identity: Annotated[
        Path | None, typer.Option("--identity", "-i", help="Your key; a `….capture` is sealed to it.", metavar="FILE")
    ] = None,
    known: Known = None,
    passphrase_fd: PassphraseFd = None,
    as_json: AsJson = False,
) -> None:
    """Keep withdrawals that reached you another way than beside the bundles: they count wherever the bundle lies.

    A participant whose device is lost makes one from the code on a receipt, with `capture-agent withdraw --code`.
    One that is not as it was signed, or is of another study, does nothing.
    """
    with _told_errors(as_json):
        identities = [] if identity is None else _identities(identity, passphrase_fd)
        folder = tombstones.imported_to(known or default_path())
        hashes = [tombstones.add(path, identities, folder).withdrawal_sha256 for path in files]
        _say({"imported": hashes, "folder": str(folder)}, [f"Imported: {one}" for one in hashes], as_json)


@research_app.command()
def purge(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where bundles and opened recordings lie.")],
    *,
    identity: KeyFile,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Remove. Without it, only say what would go.")] = False,
    known: Known = None,
    passphrase_fd: PassphraseFd = None,
    as_json: AsJson = False,
) -> None:
    """Remove what was withdrawn, and what may not be kept any longer. Without --yes, only say what would go.

    Looks at FOLDER and everything below it: bundles, and folders that `open` made. Exactly these recordings go, and of
    an opened folder exactly the files that `open` wrote; what you put beside them stays, and is named. So are
    withdrawals that participants made and that are missing here. Models and copies elsewhere are yours to deal with.

    JSON: removed, recordings [path, why (withdrawn, retention), study, pseudonym, session, files], kept, left [path],
    unread [path, why], missing [study, pseudonym, device,
    claimed, missing, contradiction].
    """
    with _told_errors(as_json), _bars(as_json) as progress:
        imported = tombstones.imported_to(known or default_path())
        identities = _identities(identity, passphrase_fd)
        looked = purging.look(folder, identities, imported, datetime.now(UTC), progress)
        left = purging.remove(looked.doomed) if yes else []
        found = purging.describe(looked, removed=yes, left=left)
        _say(found, _purge_lines(found), as_json)


def _purge_lines(found: dict[str, Any]) -> list[str]:
    """Return what `purge` says."""
    verb = "Removed" if found["removed"] else "Would be removed"
    lines = [f"{verb} ({one['why']}): {one['path']}" for one in found["recordings"]]
    lines = lines or ["Nothing has to go."]
    lines += [f"Left, because of files that `open` did not write: {path}" for path in found["left"]]
    lines += [f"Could not be judged: {one['path']}: {one['why']}" for one in found["unread"]]
    for one in found["missing"]:
        lines += _missing_lines(f"{one['pseudonym']} in {one['study']}", one)
    lines.append(f"May stay: {found['kept']}")
    if found["recordings"] and not found["removed"]:
        lines.append("Nothing was removed. To remove it, say --yes.")
    return lines


def _missing_lines(who: str, found: dict[str, Any]) -> list[str]:
    lines = []
    if found["missing"]:
        count, of = len(found["missing"]), found["claimed"]
        lines.append(
            f"MISSING: {count} of {of} withdrawals that {who} made are not here. Ask for them before you go on."
        )
    if found["contradiction"]:
        lines.append(f"CONTRADICTION: the withdrawals of {who} do not fit together. Ask the participant.")
    return lines


def _warnings(said: dict[str, Any]) -> list[str]:
    lines = [] if said["post_quantum"] else ["Not post-quantum: this bundle is sealed with classical keys."]
    if said["withdrawn"]:
        lines.append("WITHDRAWN: the participant has taken this recording back. It may not be used any more.")
    lines += [f"Ignored: {one['file']}: {one['why']}" for one in said["withdrawals"]["ignored"]]
    return lines + _missing_lines(f"{said['pseudonym']} in {said['study']}", said["withdrawals"])


def _line(device: Device) -> str:
    return f"{device.standing:<8} {device.study}  {device.pseudonym}  {device.key}  since {device.since:%Y-%m-%d}"


def _devices(known: Path | None, *, pin: bool = False) -> Devices:
    return Devices(known or default_path(), pin=pin)


def _identities(path: Path, passphrase_fd: int | None) -> Sequence[Identity]:
    passphrase = None
    if keyfile.needs_passphrase(path):
        passphrase = read_passphrase(passphrase_fd, f"Passphrase for {path.name}: ")
    return keyfile.load(path, passphrase)


def _say(found: dict[str, Any], lines: Sequence[str], as_json: bool) -> None:
    typer.echo(json.dumps(found, indent=2, ensure_ascii=False) if as_json else "\n".join(lines))


@contextmanager
def _told_errors(as_json: bool) -> Iterator[None]:
    """Turn our errors into a message, a hint and their exit code."""
    try:
        yield
    except CaptureAgentError as error:
        if as_json:
            told = {"error": type(error).__name__.rstrip("_"), "message": str(error), "hint": error.hint}
            typer.echo(json.dumps(told, ensure_ascii=False))
        else:
            typer.echo(f"capture-agent: {error}", err=True)
            if error.hint:
                typer.echo(f"  {error.hint}", err=True)
        raise typer.Exit(error.exit_code) from None


@contextmanager
def _bars(as_json: bool) -> Iterator[Told]:
    """Give something that draws a bar for each thing that is done, on a terminal only, on its error stream."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    quiet = as_json or not sys.stderr.isatty()
    bars: dict[str, TaskID] = {}
    with Progress(*columns, console=Console(stderr=True), disable=quiet, transient=True) as progress:

        def told(what: str, done: int, total: int) -> None:
            if what not in bars:
                bars[what] = progress.add_task(what, total=None)
            progress.update(bars[what], completed=done, total=total or None)

        yield told

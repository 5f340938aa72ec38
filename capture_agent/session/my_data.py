"""Everything that a person has a right to see, written into one folder (GDPR, articles 15 and 20).

It is made beside its place, under the name DIR.partial, and gets its own name when it is whole: nothing that was
decrypted is written anywhere else, and what a kill leaves is in that one folder, which the next attempt names.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from capture_agent.core.errors import (
    CaptureAgentError,
    ConfigError,
    KeyError_,
    NewerVersionError,
    StorageError,
    VerificationError,
)
from capture_agent.core.language import noted
from capture_agent.core.progress import NOTING, RECORDINGS, Progress, silent
from capture_agent.ledger.my_data import my_data, shared_files
from capture_agent.ledger.my_data_html import html
from capture_agent.ledger.snapshot import policy_from_json
from capture_agent.ledger.standing import Entry, Kind
from capture_agent.session.listing import folder_name
from capture_agent.session.receipts import PRIVATE_FILE, PRIVATE_FOLDER, Form, no_pdf, write
from capture_agent.session.snapshot import HeldSession

if TYPE_CHECKING:
    from capture_agent.session.holdings import Holdings

PARTIAL = ".partial"
INDEX, PAGE, RECORD = "index.json", "index.html", "ledger.json"
# Why one recording is left out and the others are not: it is damaged, its key is gone, or a newer version made it.
_LEFT_OUT = (VerificationError, KeyError_, NewerVersionError)


@dataclass(frozen=True, slots=True)
class Saved:
    """What the folder holds. `left_out`: recordings that could not be opened, each with the reason in a sentence."""

    shared: int
    recordings: int
    left_out: Mapping[str, str]


def save(holdings: Holdings, out: Path, locale: str, progress: Progress = silent) -> Saved:
    """Write everything into the new folder `out`, as docs/consent.md lists it. Slow.

    Pages are in `locale`, or in the language of the notice that was read last.

    Raises:
        ConfigError: `out` is there already, or what an earlier attempt left is.
        StorageError: It cannot be written; nothing is left.
        CaptureAgentError: The consent record cannot be read.
        CancelledError: `progress` raised it; nothing is left.
    """
    with holdings.lock:
        entries, now = holdings.shelf.ledger.entries, holdings.shelf.now()
        receipts, sessions, keys = holdings.receipts(), holdings.sessions(), _keys(holdings)
    agreed = [one for one in entries if one.kind is Kind.ACCEPTED]
    titles = {one.study: policy_from_json(one.body.get("policy")).title for one in agreed}
    shared = shared_files(entries)
    with _new_folder(out) as folder:
        write(receipts, [Form.JSON, Form.JSONLD, Form.HTML], folder / "receipts", locale, no_pdf)
        _write(folder / RECORD, _json({"keys": keys, "entries": [_entry(one) for one in entries]}))
        recordings = list(_recordings(holdings, sessions, titles, folder, progress))
        index = {**my_data(shared, now), "recordings": recordings}
        _write(folder / PAGE, html(index, locale or _language(agreed)).encode())
        _write(folder / INDEX, _json({**index, "files": list(_files(folder))}))
        progress(NOTING, 0, 0)
    left_out = {one["session"]: one["problem"] for one in recordings if one["problem"]}
    return Saved(len(shared), len(recordings) - len(left_out), left_out)


@contextmanager
def _new_folder(out: Path) -> Iterator[Path]:
    """Give a private folder beside `out` that gets its name when the block ends well, and else goes."""
    out = out.absolute()
    _refuse(out)
    folder = out.with_name(out.name + PARTIAL)
    try:
        folder.mkdir(mode=PRIVATE_FOLDER)
        folder.chmod(PRIVATE_FOLDER)
    except FileExistsError:
        raise ConfigError(
            "{path} is left of an earlier attempt that did not end",
            hint="It is not whole, and not encrypted. Remove it first, with: {command}",
            path=folder,
            command=f"rm -r {shlex.quote(str(folder))}",
        ) from None
    except OSError as error:
        raise _unwritable(out, error) from None
    done = False
    try:
        yield folder
        _refuse(out)
        folder.rename(out)
        done = True
    except OSError as error:
        raise _unwritable(out, error) from None
    finally:
        if not done:
            shutil.rmtree(folder, ignore_errors=True)


def _refuse(out: Path) -> None:
    if os.path.lexists(out):
        raise ConfigError("{path} is there already", hint="Name a folder that does not exist.", path=out)


def _recordings(
    holdings: Holdings,
    sessions: tuple[HeldSession, ...],
    titles: Mapping[str, str],
    folder: Path,
    progress: Progress,
) -> Iterator[dict[str, Any]]:
    """Open each recording on this disk into `folder`, and yield what the index says of it."""
    here = [one for one in sessions if one.here]
    (folder / "recordings").mkdir(mode=PRIVATE_FOLDER)
    for done, one in enumerate(here):
        progress(RECORDINGS, done, len(here))
        place, problem = f"recordings/{folder_name(one)}", ""
        try:
            if one.state == "recording":
                problem = noted("it was still being recorded")
            elif one.deleted_until is not None:
                problem = noted("you deleted it")
            else:
                holdings.open_own(one.id, folder / place, progress)
        except _LEFT_OUT as error:
            problem = str(error)
        except StorageError as error:
            if holdings.shelf.store.path(one.id).exists():
                raise
            problem = str(error)  # destroyed meanwhile
        yield {
            "session": one.id,
            "study": {"id": one.study, "title": titles.get(one.study, "")},
            "recorded": one.started.isoformat(timespec="seconds"),
            "folder": None if problem else place,
            "problem": problem,
        }
    progress(RECORDINGS, len(here), len(here))


def _keys(holdings: Holdings) -> list[dict[str, str]]:
    """Return what the entries of each study are signed with, and the person's random name there."""
    vault = holdings.shelf.vault
    return [
        {"study": study, "public_key": vault.signing_key(study).public, "pseudonym": vault.pseudonym(study)}
        for study in dict.fromkeys(entry.study for entry in holdings.shelf.ledger.entries)
    ]


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "seq": entry.seq,
        "time": entry.time.isoformat(),
        "study": entry.study,
        "kind": entry.kind.value,
        "body": entry.body,
        "record_id": entry.sha256,
        "dsse": entry.line.decode(),
    }


def _language(agreed: Sequence[Entry]) -> str:
    """Return the language of the notice that was read last."""
    notice = agreed[-1].body.get("notice") if agreed else None
    return str(notice.get("locale") or "") if isinstance(notice, Mapping) else ""


def _files(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield {"path": path.relative_to(folder).as_posix(), "bytes": path.stat().st_size}


def _json(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


def _write(path: Path, data: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE), "wb") as stream:
        stream.write(data)


def _unwritable(out: Path, error: OSError) -> CaptureAgentError:
    return StorageError(
        "{folder} cannot be written: {why}", hint="Name another folder.", folder=out, why=error.strerror or ""
    )

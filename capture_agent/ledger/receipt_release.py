"""The receipt of what was shared, and of its withdrawal: with the code that withdraws it from any computer.

For the person alone, as the receipts of decisions. It comes as JSON and as a page; there is no DPV form, because
nothing was decided about consent.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

from capture_agent.core.language import LANGUAGES, noted
from capture_agent.ledger.receipt_html import CATEGORIES, Speech, moment, page, proof, table
from capture_agent.ledger.releases import ReleasedSession
from capture_agent.ledger.snapshot import policy_from_json
from capture_agent.ledger.standing import Entry, Kind

Studies = Mapping[str, Sequence[tuple[int, Mapping[str, str]]]]
SCHEMA = "capture-agent-release-receipt-1"
COMMAND = "capture-agent withdraw --code {code} --out withdrawal.tombstone"

_KINDS: Mapping[str, str] = {
    Kind.RELEASED.value: noted("You shared a recording."),
    Kind.RELEASE_WITHDRAWN.value: noted("You withdrew a recording that you had shared."),
}


def release_receipts(
    released: ReleasedSession, studies: Studies, pseudonym: str, public_key: str, code: str
) -> list[tuple[int, dict[str, Any]]]:
    """Return the receipt of each release of a recording and of its withdrawal, with the number of its entry.

    `studies` is what `studies_of` says of all entries.
    """
    those = [*released.entries, *([] if released.withdrawn is None else [released.withdrawn])]
    found = []
    for entry in those:
        about = _about(studies.get(released.study, ()), entry.seq)
        receipt = _receipt(released, entry, about) | {
            "pii_principal_id": pseudonym,
            "withdrawal": {"code": code, "command": COMMAND.format(code=code), "contact": about["contact"]},
            "signature": {"public_key": public_key, "dsse": entry.line.decode()},
        }
        found.append((entry.seq, receipt))
    return found


@cache
def schema() -> dict[str, object]:
    """Return the JSON Schema (2020-12) of such a receipt."""
    text = (files("capture_agent.ledger") / "schemas" / "release-receipt.schema.json").read_text("utf-8")
    found: dict[str, object] = json.loads(text)
    return found


def html(receipt: Mapping[str, Any], locale: str = "") -> str:
    """Return such a receipt as a page in `locale`; without it, in the language of the notice."""
    said = Speech(locale or receipt["language"] or LANGUAGES[0])
    event, recording, withdrawal = receipt["event"], receipt["recording"], receipt["withdrawal"]
    title = said(noted("Receipt: {study}"), study=receipt["study"]["title"] or receipt["study"]["id"])
    facts = [
        (said(noted("When")), moment(event["event_time"])),
        (said(noted("Recorded")), moment(recording["started"])),
        (said(noted("Who can read it")), ", ".join(recording["recipients"])),
        (said(noted("What is in it")), ", ".join(said(CATEGORIES[one]) for one in recording["categories"])),
        (said(noted("Your random name in this study")), receipt["pii_principal_id"]),
        (said(noted("Name of the recording")), recording["session"]),
    ]
    how = said(
        noted(
            "With this code you can withdraw the recording, also from another computer, if this one is lost. Keep this "
            "page where nobody else sees it: whoever has the code can do the same."
        )
    )
    then = said(
        noted(
            "On any computer with Capture Agent, run this command. It makes a file; give it to those who can read the "
            "recording. Their program then opens it no more and deletes it. What was learned from it before stays "
            "learned."
        )
    )
    parts = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="lead">{escape(said(_KINDS[event["event_kind"]]))}</p>',
        table([(name, value) for name, value in facts if value]),
        f"<h2>{escape(said(noted('To withdraw it')))}</h2>",
        f"<p>{escape(how)}</p>",
        table([(said(noted("Code")), _in_groups(withdrawal["code"])), (said(noted("To whom")), withdrawal["contact"])]),
        f"<p>{escape(then)}</p>",
        f'<p class="small">{escape(withdrawal["command"])}</p>',
        f"<h2>{escape(said(noted('To check this receipt')))}</h2>",
        proof(said, receipt),
    ]
    return page(title, said.language, parts)


def _in_groups(code: str) -> str:
    """Return a code in groups of four, as people copy it from paper; spaces do not count when it is read."""
    prefix, _, rest = code.partition("1")
    return f"{prefix}1 " + " ".join(rest[start : start + 4] for start in range(0, len(rest), 4))


def studies_of(entries: Iterable[Entry]) -> Studies:
    """Return what each study said of itself whenever it was agreed to: by the numbers of these entries, in order."""
    found: dict[str, list[tuple[int, Mapping[str, str]]]] = {}
    for entry in entries:
        if entry.kind is Kind.ACCEPTED:
            policy, notice = policy_from_json(entry.body.get("policy")), entry.body.get("notice")
            locale = str(notice.get("locale") or "") if isinstance(notice, Mapping) else ""
            said = {"title": policy.title, "contact": policy.contact, "language": locale}
            found.setdefault(entry.study, []).append((entry.seq, said))
    return found


def _about(said: Sequence[tuple[int, Mapping[str, str]]], seq: int) -> Mapping[str, str]:
    """Return what the study that was agreed to last, at entry `seq`, said of itself."""
    return next(
        (about for number, about in reversed(said) if number <= seq), {"title": "", "contact": "", "language": ""}
    )


def _receipt(released: ReleasedSession, entry: Entry, about: Mapping[str, str]) -> dict[str, Any]:
    whole = entry.kind is Kind.RELEASE_WITHDRAWN  # of all that was released of it
    those = released.entries if whole else (entry,)
    names = released.recipients if whole else _texts(entry, "recipients")
    return {
        "schema_version": SCHEMA,
        "receipt_id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"urn:sha256:{entry.sha256}")),
        "record_id": entry.sha256,
        "study": {"id": entry.study, "title": about["title"]},
        "language": about["language"],
        "event": {"event_time": entry.time.isoformat(), "event_kind": entry.kind.value},
        "recording": {
            "session": released.session,
            "started": released.started.isoformat(),
            "recipients": list(names),
            "categories": sorted({name for one in those for name in _texts(one, "categories")}),
            "files": [str(one.body.get("bundle")) for one in those],
        },
    }


def _texts(entry: Entry, name: str) -> tuple[str, ...]:
    found = entry.body.get(name)
    return tuple(map(str, found)) if isinstance(found, list) else ()

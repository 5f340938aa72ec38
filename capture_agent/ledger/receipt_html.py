"""A receipt to read and print: one HTML page without anything from elsewhere. Pure.

The tags are those that Qt's text documents know, too: `ui.printing` makes the PDF of the same page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from html import escape
from typing import Any

from capture_agent.core.language import LANGUAGES, noted, word_list

STYLE = """
@page { margin: 18mm; }
body { font-family: sans-serif; font-size: 10.5pt; line-height: 1.4; color: #111; background: #fff; }
body { max-width: 48em; margin: 2em auto; }
h1 { font-size: 18pt; margin: 0 0 4pt 0; }
h2 { font-size: 12.5pt; margin: 16pt 0 4pt 0; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 3pt 10pt 3pt 0; border-bottom: 1px solid #bbb; }
th { font-weight: 600; }
.lead { font-size: 12pt; }
.small { font-size: 8.5pt; color: #333; overflow-wrap: anywhere; }
.notice { border-left: 3px solid #bbb; padding-left: 10pt; }
@media print { body { margin: 0; max-width: none; } h2 { break-after: avoid; } tr { break-inside: avoid; } }
"""

_KINDS: Mapping[str, str] = {
    "accepted": noted("You agreed to recording."),
    "refused": noted("You said no to recording."),
    "withdrawn": noted("You took your consent back."),
    "left": noted("You left the study, and took your consent back."),
    "expired": noted("Your consent was over, because its time had passed."),
    "invalidated": noted("Your consent ended, because the study changed what it asks for."),
}
_STATES: Mapping[str, str] = {
    "Unknown": noted("never asked"),
    "Requested": noted("asked, not answered"),
    "Given": noted("yes"),
    "RenewedGiven": noted("yes, again"),
    "Refused": noted("no"),
    "Withdrawn": noted("taken back"),
    "Expired": noted("time has passed"),
    "Invalidated": noted("ended, the study changed"),
}
_YES = frozenset({"Given", "RenewedGiven"})
CATEGORIES: Mapping[str, str] = {
    "keyboard": noted("Keyboard"),
    "shortcuts": noted("Keyboard, shortcuts only"),
    "counts": noted("Keyboard, counts only"),
    "pointer": noted("Mouse"),
    "windows": noted("Windows"),
    "screen": noted("Screen"),
    "tasks": noted("Tasks"),
}
_METHODS: Mapping[str, str] = {
    "click in the consent panel": noted("by a click in the consent window"),
    "click in a window": noted("by a click in a window"),
    "opt out": noted("by opting out"),
    "stop recording one category": noted("for one kind of recording"),
    "leaving the study": noted("by leaving the study"),
    "time has passed": noted("by itself, when its time had passed"),
    "the study changed": noted("by itself, when the study changed"),
}
_ROLES: Mapping[str, str] = {
    "controller": noted("Who answers for the data"),
    "independent-contact": noted("Somebody who is not your manager"),
    "authority": noted("Where you can complain"),
    "recipient": noted("Who can read what you share"),
}
_RIGHTS: Mapping[str, str] = {
    "withdraw": noted("take back consent"),
    "access": noted("see your data"),
    "rectification": noted("have it corrected"),
    "erasure": noted("have it deleted"),
    "restriction": noted("have its use restricted"),
    "portability": noted("receive it in a common format"),
    "objection": noted("object to its use"),
}


class Speech:
    """Says sentences in one language, whichever one the program speaks."""

    def __init__(self, locale: str) -> None:
        wanted = locale.replace("-", "_").split("_", maxsplit=1)[0]
        self.language = wanted if wanted in LANGUAGES else LANGUAGES[0]
        self._words = word_list(self.language)

    def __call__(self, sentence: str, /, **values: object) -> str:
        """Return `sentence` with `values` in its {places}; what no list has stays as it is."""
        return self._words.get(sentence, sentence).format(**values)


def html(receipt: Mapping[str, Any], locale: str = "") -> str:
    """Return a receipt (`receipt_json.receipt`) as a page in `locale`; without it, in the language of the notice."""
    said = Speech(locale or receipt["language"] or LANGUAGES[0])
    event, study = receipt["event"], receipt["study"]
    title = said(noted("Receipt: {study}"), study=study["title"] or study["id"])
    parts = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="lead">{escape(said(_KINDS[event["event_kind"]]))}</p>',
        table(_facts(said, receipt)),
    ]
    for processing in receipt["pii_processing"]:
        parts += [
            f"<h2>{escape(processing['purpose_text'] or processing['purpose'])}</h2>",
            _processing(said, processing),
        ]
    if receipt["party_identification"]:
        parts += [f"<h2>{escape(said(noted('Who is who')))}</h2>", _parties(said, receipt["party_identification"])]
    if receipt["privacy_notice"] is not None:
        parts += [f"<h2>{escape(said(noted('What you were shown')))}</h2>", _notice(said, receipt["privacy_notice"])]
    parts += [f"<h2>{escape(said(noted('To check this receipt')))}</h2>", proof(said, receipt)]
    return page(title, said.language, parts)


def page(title: str, language: str, parts: Iterable[str], style: str = "") -> str:
    """Return a whole HTML page. `parts` are HTML; `title` is text. Nothing is loaded from anywhere."""
    return (
        f'<!DOCTYPE html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{escape(title)}</title>\n<style>{STYLE}{style}</style>\n</head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body>\n</html>\n"
    )


def _facts(said: Speech, receipt: Mapping[str, Any]) -> list[tuple[str, str]]:
    event = receipt["event"]
    facts = [
        (said(noted("When")), moment(event["event_time"])),
        (said(noted("How")), said(_METHODS.get(event["event_method"], event["event_method"]))),
        (said(noted("Your random name in this study")), receipt["pii_principal_id"]),
    ]
    if event["valid_until"] is not None:
        facts.append((said(noted("Valid until, at the latest")), moment(event["valid_until"])))
    elif event["validity_duration"] is not None:
        facts.append((said(noted("Valid for")), _length(said, event["validity_duration"])))
    if receipt["programs"]:
        facts.append((said(noted("In these programs only")), ", ".join(receipt["programs"])))
    return facts


def _processing(said: Speech, processing: Mapping[str, Any]) -> str:
    facts = [
        (said(CATEGORIES[data["pii_type"]]), said(_STATES[data["consent_state"]]))
        for data in processing["pii_information"]
    ]
    if "lawful_basis" in processing:
        basis = said(noted("your consent")) if processing["lawful_basis"] == "consent" else processing["lawful_basis"]
        facts += [
            (said(noted("Legal basis")), basis),
            (said(noted("Kept where")), "; ".join(processing["storage_locations"])),
            (said(noted("Kept for")), _length(said, processing["retention_period"])),
            (said(noted("Law that holds")), ", ".join(processing["jurisdictions"])),
            (said(noted("Your rights")), ", ".join(said(_RIGHTS[right]) for right in processing["privacy_rights"])),
            (said(noted("Impact assessment")), processing["impact_assessment"] or ""),
            (said(noted("Agreement or vote")), processing["agreement"] or ""),
        ]
    way = noted("“Opt out and delete…” in the icon's menu, or the command: capture-agent consent withdraw")
    if any(data["consent_state"] in _YES for data in processing["pii_information"]):
        facts.append((said(noted("How to take it back")), said(way)))
    return table([(name, value) for name, value in facts if value])


def _parties(said: Speech, parties: Iterable[Mapping[str, Any]]) -> str:
    facts = []
    for party in parties:
        lines = dict.fromkeys([party["party_name"], party["party_address"], party["party_contact"]])
        if party["party_role"] == "recipient":
            categories = ", ".join(said(CATEGORIES[one]) for one in party["pii_types"])
            lines |= dict.fromkeys([categories, party["fingerprint"]])
        facts.append((said(_ROLES[party["party_role"]]), "\n".join(line for line in lines if line)))
    return table(facts)


def _notice(said: Speech, notice: Mapping[str, Any]) -> str:
    about = said(noted("Version {version}, language {locale}."), version=notice["version"], locale=notice["locale"])
    text = escape(notice["text"]).replace("\n", "<br>\n")
    return f'<p>{escape(about)}</p>\n<div class="notice">{text}</div>\n<p class="small">SHA-256 {notice["sha256"]}</p>'


def proof(said: Speech, receipt: Mapping[str, Any]) -> str:
    """Return how to check the signed entry in a receipt, as HTML."""
    how = said(
        noted(
            "The decision is entry {record} of your consent record, signed on your computer. The JSON form of this "
            "receipt has the signed entry in it. The public key is:"
        ),
        record=receipt["record_id"],
    )
    return f'<p class="small">{escape(how)}<br>\n{escape(receipt["signature"]["public_key"])}</p>'


def table(facts: Iterable[tuple[str, str]]) -> str:
    """Return facts (name, text) as an HTML table."""
    rows = [
        f'<tr><th width="34%" align="left">{escape(name)}</th><td>{escape(value).replace(chr(10), "<br>")}</td></tr>'
        for name, value in facts
    ]
    return '<table width="100%" cellspacing="0">\n' + "\n".join(rows) + "\n</table>"


def moment(stored: str) -> str:
    """Return a stored time as people read it."""
    moment = datetime.fromisoformat(stored)
    return f"{moment:%Y-%m-%d %H:%M} {moment.tzname() or ''}".strip()


def _length(said: Speech, duration: str) -> str:
    found = re.fullmatch(r"P(\d+)([DM])", duration)
    if found is None:
        return duration
    count = int(found[1])
    one, many = (noted("1 day in all"), noted("{count} days in all"))
    if found[2] == "M":
        one, many = (noted("1 month in all"), noted("{count} months in all"))
    return said(one if count == 1 else many, count=count)

"""What others have of a person, and what is in a folder with all of it: one page to read and print. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from capture_agent.core.language import noted
from capture_agent.ledger.my_data import STATE_WORDS
from capture_agent.ledger.receipt_html import CATEGORIES, Speech, moment, page

_STYLE = """
@page { size: A4 landscape; }
body { max-width: 76em; }
thead { display: table-header-group; }
"""
_HASH = 16  # characters of a record's SHA-256 that are printed: as much as people compare


def html(index: Mapping[str, Any], locale: str = "") -> str:
    """Return the page of an index (`my_data`, with `recordings`) in `locale`, or in English."""
    said = Speech(locale)
    title = said(noted("What they have of me"))
    made = said(noted("As it was on {when}, by the consent record on your computer."), when=moment(index["made"]))
    keep = said(
        noted(
            "Nothing in this folder is encrypted. Keep it where nobody else sees it: with the codes on the receipts "
            "anybody can withdraw what you shared."
        )
    )
    parts = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="lead">{escape(made)}</p>',
        f"<p>{escape(keep)}</p>",
        f"<h2>{escape(said(noted('What you shared')))}</h2>",
        _shared(said, index["shared"]),
        f"<h2>{escape(said(noted('Recordings on your computer')))}</h2>",
        _recordings(said, index["recordings"]),
        f"<h2>{escape(said(noted('What else is in this folder')))}</h2>",
        _rest(said),
    ]
    return page(title, said.language, parts, _STYLE)


def _shared(said: Speech, shared: Sequence[Mapping[str, Any]]) -> str:
    if not shared:
        return f"<p>{escape(said(noted('Nothing: you have shared no recording.')))}</p>"
    heads = (
        said(noted("Shared")),
        said(noted("To whom")),
        said(noted("What is in it")),
        said(noted("Study")),
        said(noted("Your consent")),
        said(noted("What became of it")),
    )
    rows = [
        (
            [moment(one["shared"]), said(noted("Recorded {when}"), when=moment(one["recorded"])), one["file"]],
            [line for reader in one["readers"] for line in (reader["name"], reader["fingerprint"])],
            [", ".join(said(CATEGORIES[name]) for name in one["categories"])],
            [_study(said, one["study"])],
            [] if one["consent"] is None else [moment(one["consent"]["agreed"]), one["consent"]["record_id"][:_HASH]],
            [
                f"{said(STATE_WORDS[became['state']])}: {moment(became['time'])} {became['place']}".rstrip()
                for became in one["history"]
            ],
        )
        for one in shared
    ]
    return _table(heads, ([_lines(cell) for cell in row] for row in rows))


def _recordings(said: Speech, recordings: Sequence[Mapping[str, Any]]) -> str:
    if not recordings:
        return f"<p>{escape(said(noted('None.')))}</p>"
    heads = (said(noted("Recorded")), said(noted("Study")), said(noted("Where it is")))
    not_opened = _lines([said(noted("It could not be opened; index.json says why."))])
    rows = [
        [
            _lines([moment(one["recorded"])]),
            _lines([_study(said, one["study"])]),
            not_opened if one["folder"] is None else _link(one["folder"]),
        ]
        for one in recordings
    ]
    return _table(heads, rows)


def _study(said: Speech, study: Mapping[str, str]) -> str:
    """Return what a study is called; to record for oneself has a name in every language."""
    return said(study["title"]) or study["id"]


def _rest(said: Speech) -> str:
    what = (
        ("receipts", said(noted("The receipts of all that you decided, shared and withdrew."))),
        ("ledger.json", said(noted("Your consent record: every entry, and the signed form of it."))),
        ("index.json", said(noted("This page for programs, and a list of all files."))),
    )
    return _table((), ([_link(name), _lines([words])] for name, words in what))


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table; `rows` are HTML already."""
    head = "".join(f'<th align="left" scope="col">{escape(one)}</th>' for one in heads)
    body = "\n".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<table width="100%" cellspacing="0">\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>'


def _lines(lines: Iterable[str]) -> str:
    return "<br>".join(escape(line) for line in lines if line)


def _link(place: str) -> str:
    return f'<a href="{escape(place, quote=True)}">{escape(place)}</a>'

"""What an employer has to tell about monitoring, and that somebody has read it. Acknowledging permits nothing. Pure.

New York, Delaware and Connecticut want such a notice, and some of them that it is acknowledged. That is an entry of
its own kind in the consent record, which moves no consent.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from capture_agent.core.events import Category
from capture_agent.core.policy import Monitoring, MonitoringLaw, Notice, Policy
from capture_agent.ledger.snapshot import text_hash
from capture_agent.ledger.standing import Entry, Kind
from capture_agent.ledger.templates import IncompleteError, places, template

PLACES: Mapping[str, frozenset[str]] = {
    "heading": frozenset(),
    "who": frozenset({"controller", "controller_address", "contact", "independent_contact"}),
    "what": frozenset(),
    "voluntary": frozenset(),
    "laws": frozenset(),
}


@cache
def words(language: str) -> Mapping[str, Any]:
    """Return the text that this version brings along in `language`, one of `templates.LANGUAGES`."""
    return parse((files("capture_agent.ledger") / "texts" / f"monitoring.{language}.toml").read_text("utf-8"), language)


def parse(text: str, language: str) -> Mapping[str, Any]:
    """Return the words that are written in `text`.

    Raises:
        IncompleteError: A sentence, a place in it or a law is missing or empty.
    """
    found = tomllib.loads(text)
    laws = found.get("law", {})
    missing = [
        (name, "sentence")
        for name, wanted in PLACES.items()
        if not str(found.get(name, "")).strip() or places(str(found.get(name, ""))) != wanted
    ]
    missing += [("law", law) for law in MonitoringLaw if not str(laws.get(law, "")).strip()]
    if missing:
        raise IncompleteError(f"the monitoring notice in {language!r}", missing)
    return found


def build(policy: Policy, laws: Iterable[MonitoringLaw], language: str) -> str:
    """Return the monitoring notice of a study as Markdown.

    Raises:
        IncompleteError: The policy does not say who answers for it.
    """
    said, tables = words(language), template(language).tables
    who = {name: getattr(policy, name) for name in sorted(PLACES["who"])}
    missing = [("who", name) for name, value in who.items() if not value.strip()]
    if missing:
        raise IncompleteError("what the study says", missing)
    listed = [
        f"- **{tables['names'][category]}**: {tables['recorded'][category].format(max_fps=policy.max_fps)}"
        for category in Category
        if category in policy.categories
    ]
    parts = [
        f"# {said['heading']}",
        said["who"].format(**who),
        said["voluntary"],
        said["what"],
        "\n".join(listed),
        said["laws"],
        "\n".join(f"- {said['law'][law]}" for law in laws),
    ]
    return "\n\n".join(parts) + "\n"


def acknowledged_body(study: str, monitoring: Monitoring, notice: Notice, shown_text: str) -> dict[str, object]:
    """Return the body of an `acknowledged` entry: which notice, and what the window showed."""
    return {
        "laws": [law.value for law in monitoring.laws],
        "notice": {
            "id": f"{study}/monitoring/{notice.locale}/{notice.version}",
            "version": notice.version,
            "locale": notice.locale,
            "source_sha256": text_hash(notice.text),
            "sha256": text_hash(shown_text),
            "text": shown_text,
        },
    }


def is_acknowledged(entries: Iterable[Entry], study: str, monitoring: Monitoring) -> bool:
    """Return whether the notice was acknowledged in any of its languages, word for word as it is now."""
    texts = {text_hash(notice.text) for notice in monitoring.notices}
    shown = [entry.body.get("notice") for entry in entries if (entry.kind, entry.study) == (Kind.ACKNOWLEDGED, study)]
    return any(isinstance(notice, Mapping) and notice.get("source_sha256") in texts for notice in shown)

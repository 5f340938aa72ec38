"""The notice of a study, built from its policy and a text in each language: complete, or not at all. Pure.

`Item` lists what a person must be told before agreeing. A text (`texts/notice.<language>.toml`) has a section
for each, with a heading and the {places} that `PLACES` wants in it; a policy has something for each place.
What lacks anything gives no notice. A notice that a study wrote itself is held against the same list, by its headings.
"""

from __future__ import annotations

import hashlib
import re
import string
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from capture_agent.core.errors import ConfigError
from capture_agent.core.events import Category
from capture_agent.core.policy import TRAINING_PURPOSE, LegalBasis, Policy, Recipient, RecipientKind, Right
from capture_agent.keys import age

LANGUAGES = ("en", "de")  # a study has its notice in each of these, complete, or it is refused


class Item(StrEnum):
    """What every notice says (GDPR art. 7 and 13, and what a participant of such a study should know)."""

    VOLUNTARY = "voluntary"
    WHO = "who"
    PURPOSES = "purposes"
    EVALUATION = "evaluation"
    CATEGORIES = "categories"
    NEVER = "never"
    OTHERS = "others"
    RECIPIENTS = "recipients"
    PLACE = "place"
    RETENTION = "retention"
    WITHDRAWAL = "withdrawal"
    AFTERWARDS = "afterwards"
    VISIBILITY = "visibility"
    RISKS = "risks"
    ADMINISTRATOR = "administrator"
    NOT_PROMISED = "not_promised"
    CONTACTS = "contacts"
    RIGHTS = "rights"
    AUTHORITY = "authority"


# Who records for oneself has no controller, no manager and nobody to complain about; all else applies.
OWN_ITEMS = frozenset(Item) - {Item.WHO, Item.EVALUATION, Item.CONTACTS, Item.RIGHTS, Item.AUTHORITY}

# The places that the text of an item must have, so that no translation loses one.
PLACES: Mapping[Item, frozenset[str]] = MappingProxyType(
    {item: frozenset[str]() for item in Item}
    | {
        Item.WHO: frozenset({"controller", "controller_address", "legal_basis", "jurisdiction", "papers"}),
        Item.PURPOSES: frozenset({"purposes", "training"}),
        Item.CATEGORIES: frozenset({"categories"}),
        Item.NEVER: frozenset({"never"}),
        Item.RECIPIENTS: frozenset({"recipients"}),
        Item.PLACE: frozenset({"storage", "destination"}),
        Item.RETENTION: frozenset({"retention", "consent_lasts"}),
        Item.AFTERWARDS: frozenset({"contact", "training_afterwards"}),
        Item.CONTACTS: frozenset({"contact", "independent_contact"}),
        Item.RIGHTS: frozenset({"rights", "contact", "independent_contact"}),
        Item.AUTHORITY: frozenset({"complaint_authority"}),
    }
)
MAY_BE_EMPTY = frozenset({"papers"})  # not every study has an assessment and an agreement

UNRECORDED = ("microphone", "camera", "clipboard", "files", "location")
_WORDS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "and": frozenset(),
        "all_categories": frozenset(),
        "gets": frozenset({"categories"}),
        "classical": frozenset(),
        "days": frozenset({"count"}),
        "day": frozenset(),
        "months": frozenset({"count"}),
        "month": frozenset(),
        "destination": frozenset({"destination"}),
        "no_destination": frozenset(),
        "training": frozenset(),
        "no_training": frozenset(),
        "training_afterwards": frozenset(),
        "no_training_afterwards": frozenset(),
        "dpia": frozenset({"reference"}),
        "agreement": frozenset({"reference"}),
        "example": frozenset({"example"}),
        TRAINING_PURPOSE: frozenset(),
    }
)
# Tables of words in a text, and the names that each must have, all of them and no other.
TABLES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "words": frozenset(_WORDS),
        "names": frozenset(Category),
        "recorded": frozenset(Category),
        "examples": frozenset(Category),
        "unrecorded": frozenset(UNRECORDED),
        "basis": frozenset(LegalBasis),
        "right": frozenset(Right),
    }
)
_RECORDED_PLACES = {Category.SCREEN: frozenset({"max_fps"})}


class IncompleteError(ConfigError):
    """A notice cannot be built. `missing` names what lacks: (item or table, what of it)."""

    def __init__(self, what: str, missing: Iterable[tuple[str, str]]) -> None:
        self.missing = tuple(missing)
        listed = ", ".join(f"{item}: {lacks}" for item, lacks in self.missing)
        super().__init__(
            f"{what} is not complete: {listed}", hint="People are asked with a complete notice or not at all."
        )


@dataclass(frozen=True, slots=True)
class Section:
    """One item of a notice: its heading, and its text with {places}."""

    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class Template:
    """A complete text in one language."""

    language: str
    sha256: str  # of the text as it was written
    preamble: str
    sections: Mapping[Item, Section]  # in the order in which they are shown
    tables: Mapping[str, Mapping[str, str]]

    def word(self, name: str, **values: object) -> str:
        """Return a word of the table `words`, with `values` in its places."""
        return self.tables["words"][name].format(**values)


@cache
def template(language: str) -> Template:
    """Return the text that this version brings along in `language`, one of `LANGUAGES`."""
    return parse((files("capture_agent.ledger") / "texts" / f"notice.{language}.toml").read_text("utf-8"), language)


def parse(text: str, language: str) -> Template:
    """Return the template that is written in `text`.

    Raises:
        IncompleteError: A section, heading, place or word is missing, empty or unknown.
    """
    found = tomllib.loads(text)
    wrong = [(name, "unknown") for name in found if name not in {*Item, *TABLES, "preamble"}]
    preamble = str(found.get("preamble", "")).strip()
    if places(preamble) != {"controller"}:
        wrong.append(("preamble", "{controller}"))
    for item in Item:
        section = found.get(item, {})
        wrong += [(item, name) for name in ("heading", "text") if not str(section.get(name, "")).strip()]
        there = places(str(section.get("text", "")))
        wrong += [(item, f"{{{name}}}") for name in sorted(there ^ PLACES[item])]
    for table, names in TABLES.items():
        words = found.get(table, {})
        wrong += [(table, name) for name in sorted(names ^ set(words))]
        wrong += [(table, name) for name in sorted(words) if not str(words[name]).strip()]
    wrong += [
        (table, name)
        for table, name, wanted in _word_places()
        if places(str(found.get(table, {}).get(name, ""))) != wanted
    ]
    if wrong:
        raise IncompleteError(f"the notice's text in {language!r}", dict.fromkeys(wrong))
    sections = {
        Item(name): Section(one["heading"].strip(), one["text"].strip())
        for name, one in found.items()
        if name in set(Item)
    }
    return Template(language, _hash(text), preamble, MappingProxyType(sections), {name: found[name] for name in TABLES})


def _word_places() -> list[tuple[str, str, frozenset[str]]]:
    return [
        *(("words", name, wanted) for name, wanted in _WORDS.items()),
        *(("recorded", category, _RECORDED_PLACES.get(category, frozenset())) for category in Category),
    ]


def places(text: str) -> frozenset[str]:
    """Return the names of the {places} in `text`."""
    return frozenset(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


def build(text: Template, policy: Policy, purposes: Mapping[str, str], storage: str) -> str:
    """Return the notice of `policy` as Markdown. `purposes` and `storage` are the policy's, in the language of `text`.

    Raises:
        IncompleteError: The policy lacks something that a person must be told.
    """
    filled = _values(text, policy, purposes, storage)
    lacking = {name for name, value in filled.items() if not value.strip()} - MAY_BE_EMPTY
    missing = [(item, name) for item in text.sections for name in sorted(PLACES[item] & lacking)]
    missing += [(Item.PURPOSES, name) for name in sorted(policy.purposes) if not _purpose(text, name, purposes)]
    if not policy.title.strip():
        missing.append((Item.WHO, "title"))
    if missing:
        raise IncompleteError("what the study says", dict.fromkeys(missing))
    parts = [f"# {policy.title}", text.preamble.format(**filled)]
    for section in text.sections.values():
        parts += [f"## {section.heading}", section.text.format(**filled)]
    return "\n\n".join(parts) + "\n"


def parts(text: Template, policy: Policy, purposes: Mapping[str, str], storage: str) -> frozenset[str]:
    """Return `core.policy.Notice.parts` of the notice that `build` makes of the same."""
    said = {f"purpose {name}": _purpose(text, name, purposes) for name in policy.purposes}
    said |= {"template": text.sha256, "storage": storage, "contact": policy.contact}
    return frozenset(f"{name} {_hash(value)}" for name, value in said.items())


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _values(text: Template, policy: Policy, purposes: Mapping[str, str], storage: str) -> dict[str, str]:
    trained = "" if TRAINING_PURPOSE in policy.purposes else "no_"
    days, months = policy.retention_days, policy.consent_months
    return {
        "controller": policy.controller,
        "controller_address": policy.controller_address,
        "contact": policy.contact,
        "independent_contact": policy.independent_contact,
        "complaint_authority": policy.complaint_authority,
        "jurisdiction": policy.jurisdiction,
        "storage": storage,
        "legal_basis": text.tables["basis"][policy.legal_basis],
        "papers": _papers(text, policy),
        "purposes": "\n".join(f"- {_purpose(text, name, purposes)}" for name in policy.purposes),
        "training": text.word(f"{trained}training"),
        "training_afterwards": text.word(f"{trained}training_afterwards"),
        "categories": "\n".join(
            _category(text, category, policy.max_fps) for category in Category if category in policy.categories
        ),
        "never": _listed(text, [text.tables["unrecorded"][name] for name in UNRECORDED]),
        "recipients": "\n".join(_recipient(text, policy, one) for one in policy.recipients),
        "destination": text.word("destination", destination=policy.destination)
        if policy.destination
        else text.word("no_destination"),
        "retention": text.word("day") if days == 1 else text.word("days", count=days),
        "consent_lasts": text.word("month") if months == 1 else text.word("months", count=months),
        "rights": _listed(text, [text.tables["right"][right] for right in policy.rights]),
    }


def _purpose(text: Template, name: str, purposes: Mapping[str, str]) -> str:
    known = text.word(TRAINING_PURPOSE) if name == TRAINING_PURPOSE else ""
    return purposes.get(name, "").strip() or known


def _papers(text: Template, policy: Policy) -> str:
    named = [("dpia", policy.dpia), ("agreement", policy.agreement)]
    return "".join(f" {text.word(name, reference=reference)}" for name, reference in named if reference.strip())


def _category(text: Template, category: Category, max_fps: int) -> str:
    recorded = text.tables["recorded"][category].format(max_fps=max_fps)
    example = text.word("example", example=text.tables["examples"][category])
    return f"- **{text.tables['names'][category]}**: {recorded} {example}"


def _recipient(text: Template, policy: Policy, one: Recipient) -> str:
    names = [text.tables["names"][c] for c in Category if c in one.categories]
    what = text.word("all_categories") if one.categories >= policy.categories else _listed(text, names)
    line = f"- **{one.name}** {text.word('gets', categories=what)}. {age.fingerprint(one.key)}"
    return f"{line} ({text.word('classical')})" if one.kind is RecipientKind.CLASSICAL else line


def _listed(text: Template, said: list[str]) -> str:
    return (
        said[0] if len(said) == 1 else f" {text.word('and')} ".join([", ".join(said[:-1]), *said[-1:]]) if said else ""
    )


_HEADING = re.compile(r"^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$")
_FENCE = re.compile(r"^ {0,3}(```|~~~)")


def sections(text: str, language: str) -> Mapping[Item, str]:
    """Return what a complete Markdown notice says of each item: what stands below its heading."""
    said = {_plain(heading): body for heading, body in _bodies(text)}
    headings = {item: _plain(one.heading) for item, one in template(language).sections.items()}
    return MappingProxyType({item: said[heading] for item, heading in headings.items() if heading in said})


def _bodies(text: str) -> list[tuple[str, str]]:
    """Return the headings of a Markdown text, each with the lines up to the next one."""
    found: list[tuple[str, list[str]]] = []
    fenced = False
    for line in text.splitlines():
        fenced ^= _FENCE.match(line) is not None
        heading = None if fenced else _HEADING.match(line)
        if heading is not None:
            found.append((heading[2], []))
        elif found:
            found[-1][1].append(line)
    return [(heading, "\n".join(lines).strip()) for heading, lines in found]


def missing_items(text: str, language: str, items: Iterable[Item] = tuple(Item)) -> tuple[Item, ...]:
    """Return which of `items` a Markdown text does not say: it has no such heading, or nothing stands below it."""
    said = {_plain(heading) for heading in _headings(text)}
    return tuple(item for item in items if _plain(template(language).sections[item].heading) not in said)


def _headings(text: str) -> list[str]:
    """Return the headings of a Markdown text that have something below them."""
    found: list[tuple[int, str, bool]] = []
    fenced = False
    for line in text.splitlines():
        fenced ^= _FENCE.match(line) is not None
        heading = None if fenced else _HEADING.match(line)
        if heading is not None:
            level = len(heading[1])
            if found and level > found[-1][0]:
                found[-1] = (*found[-1][:2], True)
            found.append((level, heading[2], False))
        elif line.strip() and found:
            found[-1] = (*found[-1][:2], True)
    return [heading for _, heading, filled in found if filled]


def _plain(heading: str) -> str:
    return " ".join(heading.strip("*_:.?! ").casefold().split())

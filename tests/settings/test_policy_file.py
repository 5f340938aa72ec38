from __future__ import annotations

import os
import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from capture_agent.core.events import Category
from capture_agent.core.policy import LegalBasis, MonitoringLaw, Policy, RecipientKind, Right
from capture_agent.core.schedule import parse
from capture_agent.keys.age import example_identity, new_classical, new_hybrid
from capture_agent.ledger.templates import template
from capture_agent.settings import Problem, WrongFileError, read_policy
from capture_agent.settings.notice_tables import MAX_NOTICE_CHARS
from capture_agent.settings.policy_file import PolicyTable
from capture_agent.settings.reading import MAX_FILE_BYTES

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"
GERMAN = {"locale": "de", "version": 1, "template": True, "storage": "Hier", "purposes": {"research": "Forschung."}}
Write = Callable[..., Path]


def problems(path: Path, **more: Any) -> tuple[Problem, ...]:
    with pytest.raises(WrongFileError) as caught:
        read_policy(path, **more)
    assert caught.value.exit_code == 2
    return caught.value.problems


def one(path: Path, **more: Any) -> Problem:
    (problem,) = problems(path, **more)
    return problem


def own_text(language: str) -> str:
    """Return a notice in a study's own words, with every heading."""
    return "\n\n".join(f"## {one.heading}\n\nWords." for one in template(language).sections.values())


def test_the_example_is_right_and_says_that_it_is_an_example() -> None:
    policy = read_policy(EXAMPLE).policy
    assert [recipient.is_example for recipient in policy.recipients] == [True]
    assert policy.categories == set(Category)
    assert [notice.locale for notice in policy.notices] == ["en", "de"]
    assert policy.notices[0].text.startswith("# How we work")


def test_every_value_arrives(write: Write, tmp_path: Path) -> None:
    own = {language: own_text(language) for language in ("en", "de")}
    (tmp_path / "notice.de.md").write_text(own["de"], encoding="utf-8")
    a, b = new_hybrid().recipient, new_hybrid().recipient
    path = write(
        programs=["Firefox", "xterm"],
        tasks=["One thing"],
        max_fps=5,
        schedule="tue 10:00-11:00",
        max_held_mb=200,
        min_hold_days=7,
        destination="/srv/bundles",
        enabled=False,
        dpia="DPIA 7",
        consent_months=3,
        rights=["erasure", "access"],
        recipient=[{"name": "A", "key": a}, {"name": "B", "key": b, "categories": ["screen"]}],
        notice=[
            {"locale": "en", "version": 2, "text": own["en"]},
            {"locale": "de_CH", "version": 1, "file": "notice.de.md"},
        ],
    )
    policy = read_policy(path).policy
    assert isinstance(policy, Policy)
    assert (policy.study, policy.version, policy.title) == ("small", 3, "A small study")
    assert (policy.controller, policy.contact) == ("An institute", "who@example.org")
    assert (policy.controller_address, policy.independent_contact) == ("1 Street, Town", "dpo@example.org")
    assert (policy.complaint_authority, policy.jurisdiction) == ("The authority", "DE")
    assert (policy.storage, policy.dpia, policy.agreement) == ("A server in Town", "DPIA 7", "")
    assert (policy.legal_basis, policy.consent_months) == (LegalBasis.CONSENT, 3)
    assert policy.rights == (Right.ACCESS, Right.ERASURE)
    assert policy.expires == datetime(2031, 1, 31, 11, tzinfo=UTC)
    assert (policy.apps, policy.tasks) == (frozenset({"firefox", "xterm"}), ("One thing",))
    assert (policy.max_fps, policy.retention_days, policy.destination, policy.enabled) == (5, 30, "/srv/bundles", False)
    assert (policy.schedule, policy.max_held_mb, policy.min_hold_days) == (parse("tue 10:00-11:00"), 200, 7)
    assert dict(policy.purposes) == {"research": "To learn how people work."}
    assert [(r.name, r.key, r.kind, r.categories, r.is_example) for r in policy.recipients] == [
        ("A", a, RecipientKind.HYBRID, {Category.KEYBOARD, Category.SCREEN}, False),
        ("B", b, RecipientKind.HYBRID, {Category.SCREEN}, False),
    ]
    assert [(n.locale, n.version, n.text) for n in policy.notices] == [("en", 2, own["en"]), ("de_CH", 1, own["de"])]


def test_without_programs_the_person_chooses(write: Write) -> None:
    assert read_policy(write()).policy.apps is None


def test_every_mistake_is_told_at_once_in_the_order_of_the_file(write: Write) -> None:
    path = write(
        "format = 1\n"
        'study = "Bad Name"\n'
        'version = "1"\n'
        'titel = "x"\n'
        'controller = ""\n'
        'contact = "c"\n'
        "expires = 2031-01-31\n"
        'categories = ["keyboard",\n'
        '  "screem"]\n'
        "retention_days = 0\n"
        "[purposes]\n"
        '"Has Space" = "x"\n'
        "[[recipients]]\n"
        'name = "A"\n'
        "[[notice]]\n"
        'locale = "english"\n'
        "version = 1\n"
    )
    found = [(problem.line, problem.column, problem.key) for problem in problems(path)]
    assert found == [
        (1, 1, "title"),
        (1, 1, "controller_address"),
        (1, 1, "independent_contact"),
        (1, 1, "complaint_authority"),
        (1, 1, "jurisdiction"),
        (1, 1, "storage"),
        (1, 1, "recipient"),
        (2, 1, "study"),
        (3, 1, "version"),
        (4, 1, "titel"),
        (5, 1, "controller"),
        (7, 1, "expires"),
        (9, 3, "categories[2]"),
        (10, 1, "retention_days"),
        (12, 1, "purposes.Has Space"),
        (13, 1, "recipients"),
        (16, 1, "notice[1].locale"),
    ]
    by_key = {problem.key: problem for problem in problems(path)}
    assert by_key["titel"].nearest == "title"
    assert by_key["recipients"].nearest == "recipient"
    assert by_key["categories[2]"].nearest == "screen"
    assert by_key["title"].found == "nothing"
    assert by_key["version"].found == 'the text "1"'
    assert "1 to 3650" in by_key["retention_days"].expected
    assert str(by_key["titel"]).startswith(f"{path}:4:1: titel: expected ")


@pytest.mark.parametrize(
    ("changes", "key", "found"),
    [
        ({"study": "myself"}, "study", "recording for oneself"),
        ({"format": None}, "format", "nothing"),
        ({"format": 0}, "format", "the number 0"),
        ({"version": True}, "version", "the boolean true"),
        ({"version": 2**40}, "version", "the number"),
        ({"title": "two\nlines"}, "title", "more than one line"),
        ({"title": "safe\u202egnp"}, "title", "direction"),
        ({"expires": "2031-01-31T12:00:00"}, "expires", "no time zone"),
        ({"expires": "12:00:00"}, "expires", "no time"),
        ({"categories": []}, "categories", "a list of 0"),
        ({"categories": ["screen", "screen"]}, "categories[2]", "again"),
        ({"categories": "screen"}, "categories", "the text"),
        ({"programs": []}, "programs", "a list of 0"),
        ({"programs": ["/usr/bin/xterm"]}, "programs[1]", "without path"),
        ({"programs": ["*"]}, "programs[1]", "wildcards"),
        ({"programs": ["xterm", "XTerm"]}, "programs[2]", "again"),
        ({"tasks": ["a", "a"]}, "tasks[2]", "again"),
        ({"max_fps": 31}, "max_fps", "the number 31"),
        ({"retention_days": 1.0}, "retention_days", "the number 1.0"),
        ({"destination": "bundles"}, "destination", "no full path"),
        ({"destination": "https://s3.example.org/b"}, "destination", "s3://"),
        ({"destination": "s3://key:secret@study"}, "destination", '"s3://…@study" (it must have no user name'),
        ({"destination": "s3://study?access_key=secret"}, "destination", '"s3://study?…" (after ? it takes'),
        ({"destination": "s3://study?endpoint=http://s3.example.org"}, "destination", "not https"),
        ({"purposes": {}}, "purposes", "a table"),
        ({"recipient": [{"name": "A", "key": "age1abc"}]}, "recipient[1].key", "the recipient"),
        ({"recipient": [{"name": "A", "key": "ssh-ed25519 AAAA"}]}, "recipient[1].key", "ssh"),
        ({"recipient": [{"key": example_identity().recipient}]}, "recipient[1].name", "nothing"),
        ({"recipient": [{"name": "A", "key": example_identity().recipient}] * 2}, "recipient[2].key", "again"),
        (
            {"recipient": [{"name": "A", "key": example_identity().recipient, "categories": ["screen", "tasks"]}]},
            "recipient[1].categories[2]",
            "tasks",
        ),
        ({"notice": [{"locale": "en", "version": 1}]}, "notice[1]", "none of them"),
        ({"notice": [{"locale": "en", "version": 1, "text": "a", "file": "/etc/passwd"}]}, "notice[1].file", "folder"),
        ({"notice": [{"locale": "en", "version": 1, "file": "../notice.md"}]}, "notice[1].file", "folder"),
        ({"notice": [{"locale": "en", "version": 1, "file": "none.md"}]}, "notice[1].file", "No such file"),
        ({"notice": [{"locale": "en", "version": 1, "text": " \n "}]}, "notice[1].text", "empty"),
        ({"notice": [{"locale": "en", "version": 1, "text": "a"}] * 2}, "notice[2].locale", "en"),
        ({"consent_months": 7}, "consent_months", "the number 7"),
        ({"consent_months": 0}, "consent_months", "the number 0"),
        ({"legal_basis": "interest"}, "legal_basis", "the text"),
        ({"rights": ["acces"]}, "rights[1]", "the text"),
        ({"rights": []}, "rights", "a list of 0"),
        ({"independent_contact": None}, "independent_contact", "nothing"),
        ({"complaint_authority": ""}, "complaint_authority", "empty"),
        ({"enabled": "yes"}, "enabled", "the text"),
    ],
)
def test_a_value_that_cannot_be_is_named(write: Write, changes: dict[str, Any], key: str, found: str) -> None:
    problem = one(write(**changes))
    assert problem.key == key
    assert found in problem.found
    assert problem.line >= 1


def test_hybrid_and_classical_recipients_are_never_mixed(write: Write, classical_key: str) -> None:
    two = [{"name": "A", "key": example_identity().recipient}, {"name": "B", "key": classical_key}]
    problem = one(write(recipient=two))
    assert (problem.key, problem.found) == ("recipient[2].key", "a classical key")
    classical = [{"name": "B", "key": classical_key}, {"name": "C", "key": new_classical().recipient}]
    assert {r.kind for r in read_policy(write(recipient=classical)).policy.recipients} == {RecipientKind.CLASSICAL}


@pytest.mark.parametrize("where", ["key", "comment"])
def test_a_secret_key_is_found_and_never_shown(write: Write, where: str) -> None:
    secret = new_hybrid().secret
    path = write(recipient=[{"name": "A", "key": secret}])
    if where == "comment":
        path = write("# " + secret.lower() + "\n")
    with pytest.raises(WrongFileError) as caught:
        read_policy(path)
    (problem,) = caught.value.problems
    assert "secret identity" in problem.found
    assert secret[20:40].lower() not in (str(caught.value) + caught.value.hint + repr(caught.value.problems)).lower()


def test_a_notice_file_that_is_no_text_or_too_long_is_wrong(write: Write, tmp_path: Path) -> None:
    path = write(notice=[{"locale": "en", "version": 1, "file": "n.md"}])
    (tmp_path / "n.md").write_bytes(b"\xff\xfe")
    assert "UTF-8" in one(path).found
    (tmp_path / "n.md").write_text("a" * (MAX_NOTICE_CHARS + 1), encoding="utf-8")
    assert str(MAX_NOTICE_CHARS + 1) in one(path).found


def test_a_newer_format_is_refused_with_nothing_else_said(write: Write) -> None:
    problem = one(write("format = 2\nnew_key = 1\n"))
    assert (problem.line, problem.key) == (1, "format")
    assert "update" in problem.expected


def test_an_expired_policy_is_wrong_only_when_the_time_is_asked(write: Write) -> None:
    path = write()
    read_policy(path)
    read_policy(path, now=datetime(2031, 1, 31, 10, 59, tzinfo=UTC))
    assert one(path, now=datetime(2031, 1, 31, 11, tzinfo=UTC)).key == "expires"


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        (b"a = 1\nb = \n", 2),
        (b"a = 1\na = 2\n", 2),
        (b"a = 'open", 1),
        (b"a = 1\nb = '\xff'", 2),
        (b"a = " + b"[" * 100_000, 1),
        (b"\n\na = " + b"9" * 5_000, 3),
        (b"a = 2031-02-31\n", 1),
        (b"x" * (MAX_FILE_BYTES + 1), 1),
    ],
)
def test_what_is_no_toml_is_told_with_its_line(tmp_path: Path, raw: bytes, line: int) -> None:
    path = tmp_path / "policy.toml"
    path.write_bytes(raw)
    assert one(path).line == line


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    assert "No such file" in one(tmp_path / "none.toml").found
    assert one(tmp_path).found
    os.mkfifo(tmp_path / "fifo")
    assert one(tmp_path / "fifo").expected == "a regular file"


def test_a_change_of_the_policy_or_its_notice_is_seen(write: Write, tmp_path: Path) -> None:
    notice = tmp_path / "n.md"
    notice.write_text(own_text("en"), encoding="utf-8")
    path = write(notice=[{"locale": "en", "version": 1, "file": "n.md"}, GERMAN])
    read = read_policy(path)
    assert not read.changed()
    notice.write_text(own_text("en") + "\n\nMore.", encoding="utf-8")
    assert read.changed()
    read = read_policy(path)
    replacement = path.with_name("new")
    replacement.write_bytes(path.read_bytes())
    os.utime(replacement, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    assert not read.changed()
    replacement.replace(path)  # same bytes, same time: another file all the same
    assert read.changed()
    read = read_policy(path)
    path.unlink()
    assert read.changed()


def _survives(path: Path) -> None:
    lines = path.read_bytes().count(b"\n") + 1
    try:
        read_policy(path)
    except WrongFileError as error:
        assert error.problems
        for problem in error.problems:
            assert 1 <= problem.line <= lines, problem
            assert problem.expected
            assert problem.found


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.randoms(use_true_random=False), st.integers(1, 4))
def test_any_damage_to_the_bytes_gives_a_line_or_a_policy(tmp_path: Path, chance: random.Random, edits: int) -> None:
    raw = bytearray(EXAMPLE.read_bytes())
    for _ in range(edits):
        if not raw:
            break  # cut to its first byte, and that one taken out
        at = chance.randrange(len(raw))
        match chance.randrange(4):
            case 0:
                raw[at] = chance.randrange(256)
            case 1:
                del raw[at : at + chance.randrange(1, 40)]
            case 2:
                raw[at:at] = chance.choice([b'"', b"'", b"[", b"]", b"\n", b"\0", b"=", b"{", b"\\", b"#", b"\xc3"])
            case _:
                del raw[at:]
                raw.extend(b" ")
    path = tmp_path / "policy.toml"
    path.write_bytes(raw)
    _survives(path)


_VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=30),
        st.sampled_from(["keyboard", "screen", "en", "n.md", "/x", "myself", example_identity().recipient]),
    ).filter(lambda value: value is not None),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text("abc -", max_size=4), inner, max_size=3)
    ),
    max_leaves=5,
)
_KEYS = st.sampled_from([*PolicyTable.model_fields, "name", "key", "text", "file", "locale", "other"])


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(_KEYS, _VALUES, min_size=1, max_size=3))
def test_any_value_in_any_place_gives_a_line_or_a_policy(write: Write, changes: dict[str, Any]) -> None:
    _survives(write(**changes))


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_KEYS, _KEYS, _VALUES, st.sampled_from(["recipient", "notice"]))
def test_any_value_in_any_inner_table_gives_a_line_or_a_policy(
    write: Write, first: str, second: str, value: Any, table: str
) -> None:
    _survives(write(**{table: [{first: value, second: value}, {"name": "A"}]}))


def test_a_study_whose_notice_lacks_something_or_a_language_is_refused_with_its_line(write: Write) -> None:
    english, _german = small_notices()
    problem = one(write(notice=[english]))
    assert (problem.key, problem.found) == ("notice", "only en")
    assert '"de"' in problem.expected
    text = own_text("de").replace("## Wo Sie sich beschweren können", "## Sonst")
    problem = one(write(notice=[english, {"locale": "de", "version": 1, "text": text}]))
    assert (problem.key, problem.found) == ("notice[2]", "no such heading")
    assert "Wo Sie sich beschweren können" in problem.expected
    lines = write(notice=[english, {"locale": "de", "version": 1, "text": text}]).read_text("utf-8").splitlines()
    assert lines[problem.line - 1] == "[[notice]]"
    assert 'locale = "de"' in lines[problem.line]


def test_a_template_needs_the_words_of_its_language(write: Write) -> None:
    english, german = small_notices()
    bare = {"locale": "de", "version": 1, "template": True}
    assert {(p.key, p.found) for p in problems(write(notice=[english, bare]))} == {
        ("notice[2].purposes.research", "nothing"),
        ("notice[2].storage", "nothing"),
    }
    other = {**german, "purposes": {**german["purposes"], "sale": "Verkauf"}}
    assert one(write(notice=[english, other])).key == "notice[2].purposes.sale"
    french = {**german, "locale": "fr"}
    assert one(write(notice=[english, german, french])).key == "notice[3].locale"
    own = {"locale": "en", "version": 1, "text": own_text("en"), "storage": "Here"}
    assert one(write(notice=[own, german])).key == "notice[1].storage"
    assert one(write(notice=[{**english, "template": False}, german])).key == "notice[1].template"


def test_a_template_says_what_the_study_says_in_each_language(write: Write) -> None:
    texts = {notice.locale: notice.text for notice in read_policy(write()).policy.notices}
    assert "To learn how people work." in texts["en"]
    assert "Um zu lernen, wie Menschen arbeiten." in texts["de"]
    assert "Ein Server in der Stadt" in texts["de"]


def small_notices() -> tuple[dict[str, Any], dict[str, Any]]:
    german = {"purposes": {"research": "Um zu lernen, wie Menschen arbeiten."}, "storage": "Ein Server in der Stadt"}
    return (
        {"locale": "en", "version": 1, "template": True},
        {"locale": "de", "version": 1, "template": True, **german},
    )


def test_a_monitoring_notice_is_made_or_brought_in_every_language(write: Write) -> None:
    table = {"laws": ["delaware", "new-york"], "version": 3, "daily": True}
    monitoring = read_policy(write(monitoring=table)).policy.monitoring
    assert monitoring is not None
    assert (monitoring.laws, monitoring.daily) == ((MonitoringLaw.NEW_YORK, MonitoringLaw.DELAWARE), True)
    assert [(one.locale, one.version) for one in monitoring.notices] == [("en", 3), ("de", 3)]
    assert "§ 52-c" in monitoring.notice("en_US").text
    own = {**table, "text": {"en": "Told.", "de": "Gesagt."}}
    brought = read_policy(write(monitoring=own)).policy.monitoring
    assert brought is not None
    assert brought.notice("de").text == "Gesagt."
    assert one(write(monitoring={**table, "text": {"en": "Told."}})).key == "monitoring.text"
    assert one(write(monitoring={**table, "laws": ["texas"]})).key == "monitoring.laws[1]"

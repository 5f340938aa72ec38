from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from capture_agent.admin.check import check, warnings
from capture_agent.admin.commands import admin_app
from capture_agent.core.events import Category
from capture_agent.core.policy import Policy, RecipientKind
from capture_agent.keys.age import fingerprint, new_classical, new_hybrid
from capture_agent.ledger.notices import own_policy
from capture_agent.settings import read_policy

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"
NOW = datetime(2027, 1, 1, tzinfo=UTC)
Change = Callable[[Policy], Policy]


def admin(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(admin_app, list(words))
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


def test_the_example_is_right_with_the_one_warning_that_it_is_an_example() -> None:
    report = check(EXAMPLE, NOW)
    assert report.ok
    assert [(one.key, "research keygen" in one.text) for one in report.warnings] == [("recipient", True)]
    code, said = admin("check", str(EXAMPLE))
    assert code == 0
    assert "warning: recipient" in said


@pytest.fixture
def sound() -> Policy:
    policy = read_policy(EXAMPLE).policy
    (one,) = policy.recipients
    return replace(policy, recipients=(replace(one, key=new_hybrid().recipient, is_example=False),))


def test_a_sound_policy_has_no_warning(sound: Policy) -> None:
    assert list(warnings(sound, NOW)) == []


def _first(policy: Policy, **changes: Any) -> Policy:
    return replace(policy, recipients=(replace(policy.recipients[0], **changes),))


UNWISE: dict[str, tuple[str, Change]] = {
    "example": ("recipient", lambda p: _first(p, is_example=True)),
    "classical": ("recipient", lambda p: _first(p, kind=RecipientKind.CLASSICAL)),
    "French": ("notice", lambda p: replace(p, notices=(*p.notices, replace(p.notices[0], locale="fr")))),
    "same contact": ("independent_contact", lambda p: replace(p, independent_contact=p.contact)),
    "no assessment": ("dpia", lambda p: replace(p, dpia="")),
    "soon": ("expires", lambda p: replace(p, expires=NOW + timedelta(days=29))),
    "long": ("retention_days", lambda p: replace(p, retention_days=366)),
    "nowhere": ("destination", lambda p: replace(p, destination=None)),
    "off": ("enabled", lambda p: replace(p, enabled=False)),
    "never": ("programs", lambda p: replace(p, apps=frozenset({"xterm", "keepassxc"}))),
    "tasks": ("tasks", lambda p: replace(p, categories=p.categories - {Category.TASKS})),
    "nobody": ("categories", lambda p: _first(p, categories=frozenset(Category) - {Category.SCREEN})),
}


@pytest.mark.parametrize("name", UNWISE)
def test_what_is_unwise_is_warned_of(sound: Policy, name: str) -> None:
    key, change = UNWISE[name]
    assert [one.key for one in warnings(change(sound), NOW)] == [key]


def test_recording_for_oneself_is_not_judged_as_a_study() -> None:
    """The built-in policy is not checked by anybody; that it could be shows that no warning needs a study's fields."""
    assert [one.key for one in warnings(own_policy(new_hybrid().recipient), NOW)] == ["destination"]


def test_every_error_is_told_in_words_and_json(tmp_path: Path) -> None:
    text = EXAMPLE.read_text(encoding="utf-8").replace("retention_days = 90", "retention_dais = 90")
    path = tmp_path / "policy.toml"
    path.write_text(text.replace('title = "', "title = 3 #"), encoding="utf-8")
    code, said = admin("check", str(path))
    assert code == 2
    assert said.count("expected") == 3
    assert 'Did you mean "retention_days"?' in said
    code, said = admin("check", "--json", str(path))
    assert code == 2
    told = json.loads(said)
    assert not told["ok"]
    assert {one["key"] for one in told["errors"]} == {"title", "retention_days", "retention_dais"}
    assert set(told["errors"][0]) == {"file", "line", "column", "key", "expected", "found", "nearest"}


def test_a_policy_whose_time_is_over_is_wrong() -> None:
    report = check(EXAMPLE, datetime(2029, 1, 1, tzinfo=UTC))
    assert [problem.key for problem in report.problems] == ["expires"]


def test_the_nine_words_of_every_recipient_are_shown(tmp_path: Path) -> None:
    key = new_classical().recipient
    text = EXAMPLE.read_text(encoding="utf-8")
    start = text.index('key = "age1pq1')
    path = tmp_path / "policy.toml"
    path.write_text(text[:start] + f'key = "{key}"' + text[text.index("\n", start) :], encoding="utf-8")
    code, said = admin("check", "--json", str(path))
    assert code == 0
    (recipient,) = json.loads(said)["recipients"]
    assert recipient["kind"] == "classical"
    assert recipient["fingerprint"] == fingerprint(key)


def test_diff_says_what_asks_people_again(tmp_path: Path) -> None:
    new = tmp_path / "new.toml"
    text = EXAMPLE.read_text(encoding="utf-8").replace("version = 1 ", "version = 2 ", 1)
    new.write_text(text, encoding="utf-8")
    assert admin("diff", str(EXAMPLE), str(new)) == (0, "Nothing is widened: nobody is asked again.\n")
    new.write_text(text.replace("retention_days = 90", "retention_days = 91"), encoding="utf-8")
    code, said = admin("diff", "--json", str(EXAMPLE), str(new))
    assert code == 0
    assert json.loads(said) == {"asks_again": True, "widened": [{"what": "days kept", "was": "90", "wants": "91"}]}


def test_diff_wants_a_higher_version() -> None:
    from capture_agent.core.errors import ConfigError

    with pytest.raises(ConfigError, match="version"):
        admin("diff", str(EXAMPLE), str(EXAMPLE))


@pytest.mark.parametrize(
    ("locale", "said"), [("en", "## Where to complain"), ("de", "## Wo Sie sich beschweren können")]
)
def test_the_notice_is_printed_as_people_read_it(locale: str, said: str) -> None:
    code, text = admin("notice", str(EXAMPLE), "--locale", locale)
    assert code == 0
    assert said in text
    code, told = admin("notice", str(EXAMPLE), "--locale", locale, "--json")
    assert code == 0
    assert json.loads(told)["text"] + "\n" == text
    assert json.loads(told)["sha256"] == hashlib.sha256(json.loads(told)["text"].encode()).hexdigest()


def test_a_notice_that_is_not_there_is_not_replaced_by_another() -> None:
    from capture_agent.core.errors import ConfigError

    with pytest.raises(ConfigError, match="no notice in fr"):
        admin("notice", str(EXAMPLE), "--locale", "fr")

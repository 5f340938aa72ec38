from __future__ import annotations

import hashlib
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_agent.core.errors import CaptureAgentError, VerificationError
from capture_agent.core.policy import OWN_STUDY
from capture_agent.ledger.kept_texts import KeptTexts
from capture_agent.ledger.notices import own_policy
from capture_agent.ledger.receipts import accepted_body, asked_body, offered_keys
from capture_agent.ledger.record import Ledger
from capture_agent.ledger.standing import Kind

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SHOWN = "what the widget showed, mühsam gelesen"


def hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def agreed(load: Callable[[], Ledger]) -> Ledger:
    ledger, policy = load(), own_policy()
    for _ in range(2):
        ledger.append(Kind.ASKED, OWN_STUDY, asked_body(policy), NOW)
        ledger.append(Kind.ACCEPTED, OWN_STUDY, accepted_body(policy, offered_keys(policy), [], "de", SHOWN), NOW)
    return ledger


def test_a_text_is_kept_once_under_its_hash_and_the_record_names_it(agreed: Ledger, path: Path) -> None:
    texts = {one.stem: one.read_text("utf-8") for one in (path.parent / "notices").iterdir()}
    assert texts[hashed(SHOWN)] == SHOWN
    assert set(texts.values()) == {SHOWN, *(notice.text for notice in own_policy().notices)}
    assert all(hashed(text) == name for name, text in texts.items())
    assert b"widget" not in path.read_bytes()
    assert {stat.S_IMODE(one.stat().st_mode) for one in (path.parent / "notices").iterdir()} == {0o600}
    assert stat.S_IMODE((path.parent / "notices").stat().st_mode) == 0o700


def test_whoever_reads_the_record_reads_the_texts(agreed: Ledger, load: Callable[[], Ledger]) -> None:
    for ledger in (agreed, load()):
        entry = ledger.entries[-1]
        assert entry.body["notice"]["text"] == SHOWN  # type: ignore[index]
        assert ledger.standing(OWN_STUDY).policy == own_policy()
    assert [one.body for one in agreed.entries] == [one.body for one in load().entries]


@pytest.mark.parametrize("how", ["changed", "gone", "another's"])
def test_a_text_that_is_not_the_one_that_was_shown_is_found_out(
    agreed: Ledger, load: Callable[[], Ledger], path: Path, how: str
) -> None:
    file = path.parent / "notices" / f"{hashed(SHOWN)}.txt"
    if how == "gone":
        file.unlink()
    else:
        file.write_text(own_policy().notices[0].text if how == "another's" else SHOWN + ".", encoding="utf-8")
    with pytest.raises(VerificationError, match="text that you were shown"):
        load()


_LEAVES = st.none() | st.booleans() | st.integers(0, 9) | st.text(max_size=5)
_TEXTS = st.text(max_size=9).map(lambda text: {"text": text, "sha256": hashed(text), "locale": "en"})
_VALUES = st.recursive(_LEAVES | _TEXTS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
    st.sampled_from(["a", "b", "notice"]), inner, max_size=3))  # fmt: skip


@given(body=st.dictionaries(st.sampled_from(["a", "b", "policy"]), _VALUES))
def test_a_body_comes_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, body: dict[str, object]) -> None:
    texts = KeptTexts(tmp_path_factory.mktemp("texts") / "notices")
    assert texts.restore(texts.keep(body)) == body


def test_a_name_that_leads_elsewhere_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("x", encoding="utf-8")
    with pytest.raises(CaptureAgentError):
        KeptTexts(tmp_path / "notices").restore({"sha256": "../secret", "text": None})

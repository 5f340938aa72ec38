from __future__ import annotations

from datetime import date

from capture_agent.core.policy import Notice
from capture_agent.ui.monitoring import is_time

TEXT, OTHER = (Notice("en", 1, "Told."),), (Notice("en", 2, "More."),)
MONDAY, TUESDAY = date(2026, 11, 23), date(2026, 11, 24)


def test_it_comes_once_until_it_is_acknowledged() -> None:
    assert is_time(None, (TEXT, MONDAY), acknowledge=True, daily=False)
    assert not is_time(None, (TEXT, MONDAY), acknowledge=False, daily=False)
    assert not is_time((TEXT, MONDAY), (TEXT, MONDAY), acknowledge=True, daily=False)
    assert not is_time((TEXT, MONDAY), (TEXT, TUESDAY), acknowledge=True, daily=False)


def test_another_text_comes_at_once() -> None:
    assert is_time((TEXT, MONDAY), (OTHER, MONDAY), acknowledge=True, daily=False)


def test_a_daily_notice_comes_each_day_also_when_it_was_acknowledged() -> None:
    assert is_time(None, (TEXT, MONDAY), acknowledge=False, daily=True)
    assert not is_time((TEXT, MONDAY), (TEXT, MONDAY), acknowledge=False, daily=True)
    assert is_time((TEXT, MONDAY), (TEXT, TUESDAY), acknowledge=False, daily=True)

"""How long is said as people say it."""

import pytest
import typer

from capture_agent.cli.lengths import minutes


@pytest.mark.parametrize(("text", "wanted"), [("15m", 15), ("1h", 60), ("1h30m", 90), (" 2H ", 120), ("168h", 10080)])
def test_minutes_and_hours_are_understood(text: str, wanted: int) -> None:
    assert minutes(text, most=10080) == wanted


@pytest.mark.parametrize("text", ["", "15", "m", "1.5h", "-1m", "0m", "169h", "99999h", "1m1h", "15 minutes", "١m"])
def test_anything_else_is_refused_in_words(text: str) -> None:
    with pytest.raises(typer.BadParameter, match=r"^say "):
        minutes(text, most=10080)

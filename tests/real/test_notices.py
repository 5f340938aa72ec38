"""What was agreed to is what was on the screen, in every language: notice, monitoring notice, receipts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ui_driver import Driver

from capture_agent.demo.desktop import PrivateDesktop
from capture_agent.ledger.templates import LANGUAGES, Item, template

pytestmark = pytest.mark.real

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"
OPTIONS = {"en": (), "de": ("--german",)}
JOIN = (
    "from dataclasses import replace; from capture_agent.settings import read_policy; import json; "
    f"from pathlib import Path; study = read_policy(Path({str(EXAMPLE)!r})).policy; "
    "study = replace(study, recipients=(replace(study.recipients[0], is_example=False),)); "
)
OWN = "person.agent.choose_own(); "
NAMED = "named = lambda name: next(w for w in app.allWidgets() if w.objectName() == name and w.isVisible()); "


@pytest.fixture(params=LANGUAGES)
def spoken(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def ui(desktop: PrivateDesktop, spoken: str) -> Iterator[Driver]:
    with Driver(desktop, "--spy", *OPTIONS[spoken]) as driver:
        driver.until(lambda seen: seen["proof"])
        yield driver


def told(ui: Driver, expression: str) -> Any:
    """Return the value of `expression` in the program."""
    place = ui.desktop.folder / "answer.json"
    ui.say(f"Path({str(place)!r}).write_text(json.dumps({expression}))")
    return json.loads(place.read_text("utf-8"))


LAST = "person.agent._agreement.ledger.entries[-1].body['notice']"


@pytest.mark.promise("P7")
def test_the_hash_in_the_record_is_that_of_the_text_in_the_window(ui: Driver, spoken: str) -> None:
    ui.say(JOIN + NAMED + "person.world.study = study; agent.join('study.toml'); shell.ask()")
    ui.until(lambda seen: "consentPanel" in seen["windows"])
    seen = told(ui, "[named('consentPanel').shown_text(), named('notice').toPlainText()]")
    whole, notice = seen
    for item in Item:
        assert template(spoken).sections[item].heading in notice, item
    assert "**" not in notice
    assert notice in whole
    ui.say("named('category-keyboard').setChecked(True); later(named('acceptButton').click)")
    ui.until(lambda seen: "Given" in seen["spied"]["states"])
    kept = told(ui, LAST)
    assert kept["text"] == whole
    assert kept["sha256"] == hashlib.sha256(whole.encode()).hexdigest()
    assert kept["locale"] == spoken


@pytest.mark.promise("P7")
def test_so_it_is_when_one_records_for_oneself(ui: Driver, spoken: str) -> None:
    ui.say(JOIN + NAMED + OWN + "shell.ask()")
    ui.until(lambda seen: "consentPanel" in seen["windows"])
    whole = told(ui, "named('consentPanel').shown_text()")
    ui.say("named('category-tasks').setChecked(True); later(named('acceptButton').click)")
    ui.until(lambda seen: "Given" in seen["spied"]["states"])
    kept = told(ui, LAST)
    assert (kept["text"], kept["sha256"]) == (whole, hashlib.sha256(whole.encode()).hexdigest())


@pytest.mark.promise("P1")
def test_a_monitoring_notice_is_read_in_a_window_of_its_own_and_permits_nothing(ui: Driver, spoken: str) -> None:
    ui.say(
        JOIN
        + NAMED
        + "from capture_agent.core.policy import Monitoring, MonitoringLaw, Notice; "
        + "from capture_agent.ledger.monitoring import build; laws = tuple(MonitoringLaw); "
        + "texts = tuple(Notice(one, 1, build(study, laws, one)) for one in ('en', 'de')); "
        + "person.world.study = replace(study, monitoring=Monitoring(laws, texts, daily=True)); "
        + "agent.join('study.toml')"
    )
    ui.until(lambda seen: "monitoringWindow" in seen["windows"])
    whole = told(ui, "named('monitoringWindow').shown_text()")
    assert {"en": "Reading this notice is not consent", "de": "ist keine Einwilligung"}[spoken] in whole
    seen = ui.settled()
    assert seen["cut"] == []
    page, text = told(ui, "[named('notice').parentWidget().height(), named('notice').document().size().height()]")
    assert page >= text  # all of it can be scrolled to
    assert min(seen["contrasts"].values()) >= 4.5
    assert "consentPanel" not in seen["windows"]
    ui.click({"en": "I have read this", "de": "Ich habe das gelesen"}[spoken], "push button")
    seen = ui.until(lambda seen: "acknowledged" in seen["spied"]["kinds"] and "monitoringWindow" not in seen["windows"])
    assert (seen["spied"]["states"], seen["spied"]["made"], seen["state"]) == ([], 0, "off")
    kept = told(ui, LAST)
    assert (kept["text"], kept["sha256"]) == (whole, hashlib.sha256(whole.encode()).hexdigest())
    assert kept["locale"] == spoken


def test_receipts_are_saved_from_the_window_in_every_form(ui: Driver, spoken: str) -> None:
    ui.say(JOIN + NAMED + OWN + "shell.open(ui_command.RECORDED)")
    ui.until(lambda seen: "mainWindow" in seen["windows"])
    assert "receiptsButton" not in ui.settled()["buttons"]  # nothing was decided yet
    ui.say("shell.ask(); named('category-tasks').setChecked(True); later(named('acceptButton').click)")
    ui.until(lambda seen: "Given" in seen["spied"]["states"] and "receiptsButton" in seen["buttons"])
    ui.click({"en": "Save receipts…", "de": "Belege speichern…"}[spoken], "push button")
    ui.until(lambda seen: "receiptsFolderDialog" in seen["windows"])
    out = ui.desktop.folder / "mine"
    out.mkdir()
    ui.say(f"named('receiptsFolderDialog').reject(); shell.window._tabs.widget(2).receipts.save(Path({str(out)!r}))")
    ui.until(lambda seen: len(list(out.rglob("*.pdf"))) == 1)
    (folder,) = out.iterdir()
    files = {path.suffix: path for path in folder.iterdir()}
    assert set(files) == {".json", ".jsonld", ".html", ".pdf"}
    assert f'<html lang="{spoken}">' in files[".html"].read_text("utf-8")

    # What others have, and all of it in one folder.
    ui.click({"en": "What do they have of me?…", "de": "Was haben sie von mir?…"}[spoken], "push button")
    ui.until(lambda seen: "saveMyDataButton" in seen["buttons"])
    ui.say("named('saveMyDataButton').click()")
    ui.until(lambda seen: "myDataFolderDialog" in seen["windows"])
    whole = ui.desktop.folder / "whole"
    whole.mkdir()
    ui.say(f"named('myDataFolderDialog').fileSelected.emit({str(whole)!r})")
    ui.until(lambda seen: list(whole.glob("*/index.json")) and "myDataWindow" not in seen["windows"])
    (page,) = whole.glob("*/index.html")
    assert f'<html lang="{spoken}">' in page.read_text("utf-8")
    ui.until(lambda seen: "showFolderButton" in seen["buttons"])
    assert ui.seen()["problems"] == []
    ui.say("person.agent.withdraw(destroy=False)")  # who left can still save them, from the first page
    ui.until(lambda seen: "Withdrawn" in seen["spied"]["states"] or not seen["spied"]["states"])
    ui.until(lambda seen: {"receiptsButton", "ownButton"} <= set(seen["buttons"]))

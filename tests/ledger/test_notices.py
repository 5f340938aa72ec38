from __future__ import annotations

import re
from importlib.resources import files

import pytest

from capture_agent.core.events import Category
from capture_agent.core.policy import OWN_DEVICE, OWN_STUDY, Settings, widenings
from capture_agent.keys import age
from capture_agent.ledger.notices import LOCALES, own_notices, own_policy

# What every language has to say, by a word that stands for it.
MUST_SAY = {
    "en": {
        "secrets in ordinary fields are recorded": r"a secret typed into an ordinary field is recorded",
        "pause before a password": r"Pause before you type a password",
        "password managers are out": r"Password managers .* never recorded",
        "other programs are painted over": r"Programs that you did not tick are painted over",
        "never recorded": r"Microphone, camera, clipboard, the content of your files, and your location",
        "how to opt out": r"Opt out and delete…",
        "how long": r"30 days",
        "no destination": r"no recipient and no destination",
        "not promised": r"What is not promised",
        "you may refuse": r"You can refuse",
        "passphrase copies": r"older copy of your files",
    },
    "de": {
        "secrets in ordinary fields are recorded": r"ein Geheimnis in einem gewöhnlichen Feld wird aufgenommen",
        "pause before a password": r"Halten Sie an, bevor Sie ein Passwort",
        "password managers are out": r"Passwortmanager .* nie aufgenommen",
        "other programs are painted over": r"Programme, die Sie nicht angekreuzt haben, werden übermalt",
        "never recorded": r"Mikrofon, Kamera, Zwischenablage, der Inhalt Ihrer Dateien und Ihr Standort",
        "how to opt out": r"Aussteigen und löschen…",
        "how long": r"30 Tage",
        "no destination": r"keinen Empfänger\s+und kein Ziel",
        "not promised": r"Was nicht versprochen wird",
        "you may refuse": r"Sie können ablehnen",
        "passphrase copies": r"ältere Kopie Ihrer Dateien",
    },
}


@pytest.mark.parametrize("locale", LOCALES)
def test_the_notice_says_what_it_must(locale: str) -> None:
    text = own_policy().notice(locale).text
    missing = [what for what, pattern in MUST_SAY[locale].items() if not re.search(pattern, text)]
    assert missing == []


def test_the_languages_say_the_same_in_the_same_order() -> None:
    def shape(text: str) -> list[str]:
        return [re.match(r"#+|- \*\*|- ", line)[0] for line in text.splitlines() if re.match(r"#+|- ", line)]  # type: ignore[index]

    first, *others = [shape(notice.text) for notice in own_notices()]
    assert all(other == first for other in others)
    assert set(MUST_SAY) == set(LOCALES)


def test_the_hotkey_of_the_notice_is_the_one_that_works() -> None:
    keys = {"ctrl": ("Ctrl", "Strg"), "shift": ("Shift", "Umschalt"), "f9": ("F9", "F9")}
    pressed = Settings().pause_hotkey.split("+")
    for n, locale in enumerate(LOCALES):
        assert "+".join(keys[key][n] for key in pressed) in own_policy().notice(locale).text


def test_a_language_that_is_not_there_gets_english() -> None:
    assert own_policy().notice("fr_FR").locale == "en"
    assert own_policy().notice("de_CH").locale == "de"


def test_recording_for_oneself_offers_everything_to_nobody_else() -> None:
    policy = own_policy()
    assert policy.study == OWN_STUDY
    assert policy.is_own
    assert policy.categories == set(Category)
    assert policy.retention_days == 30
    assert policy.destination is None
    assert [recipient.key for recipient in policy.recipients] == [OWN_DEVICE]
    assert own_policy(age.example_identity().recipient).recipients[0].key == age.example_identity().recipient


@pytest.mark.promise("P11")
def test_a_new_device_key_is_no_reason_to_ask_again() -> None:
    assert widenings(own_policy(), own_policy()) == ()


def test_every_text_is_of_a_language() -> None:
    found = {path.name for path in (files("capture_agent.ledger") / "texts").iterdir()}
    kinds = (f"{OWN_STUDY}.{{}}.md", "notice.{}.toml", "monitoring.{}.toml")
    assert found == {kind.format(locale) for kind in kinds for locale in LOCALES}

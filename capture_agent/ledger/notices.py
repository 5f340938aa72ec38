"""The built-in study, *Record for myself*: its notice in each language, and its policy."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from capture_agent.core.events import Category
from capture_agent.core.language import noted
from capture_agent.core.policy import (
    OWN_DEVICE,
    OWN_PURPOSE,
    OWN_RETENTION_DAYS,
    OWN_STUDY,
    Notice,
    Policy,
    Recipient,
    RecipientKind,
)
from capture_agent.ledger.templates import LANGUAGES, OWN_ITEMS, IncompleteError, missing_items

LOCALES = LANGUAGES  # the first is shown to people of every other language
NOTICE_VERSION = 4  # raised with every change of a text: who agreed to another text is asked again
POLICY_VERSION = 1


@cache
def own_notices() -> tuple[Notice, ...]:
    """Return the notice of recording for oneself in every language, as Markdown.

    Raises:
        IncompleteError: A text lacks something that a person must be told.
    """
    folder = files("capture_agent.ledger") / "texts"
    texts = {locale: (folder / f"{OWN_STUDY}.{locale}.md").read_text("utf-8") for locale in LANGUAGES}
    for locale, text in texts.items():
        if missing := missing_items(text, locale, OWN_ITEMS):
            raise IncompleteError(
                f"the notice of recording for oneself in {locale!r}", [(i, "heading") for i in missing]
            )
    return tuple(Notice(locale, NOTICE_VERSION, text) for locale, text in texts.items())


def own_policy(device_recipient: str = OWN_DEVICE) -> Policy:
    """Return the policy of recording for oneself: everything offered, no destination, the own device alone.

    For consent the recipient stays `OWN_DEVICE`: the device's key changes at every deletion, and
    that is no reason to ask again. Pass `device_recipient` to show or use the key of this moment.
    """
    everything = frozenset(Category)
    return Policy(
        study=OWN_STUDY,
        version=POLICY_VERSION,
        title=noted("Record for myself"),
        controller="You",
        contact="",
        purposes={OWN_PURPOSE: noted("For my own use, on this computer.")},
        categories=everything,
        recipients=(Recipient("This computer", device_recipient, RecipientKind.HYBRID, everything),),
        retention_days=OWN_RETENTION_DAYS,
        notices=own_notices(),
    )

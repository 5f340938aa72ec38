"""Who can read what is shared: each recipient with the nine words of its key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from PySide6.QtWidgets import QWidget

from capture_agent.core.language import say
from capture_agent.core.policy import OWN_DEVICE, Policy
from capture_agent.ui import look, words

Fingerprint: TypeAlias = Callable[[str], str]
"""Takes a recipient's public key, returns nine words (`keys.age.fingerprint`)."""


def reader_lines(policy: Policy, fingerprint: Fingerprint) -> Iterator[tuple[str, str, str]]:
    """Yield (name, what this reader gets, the nine words) for each recipient."""
    for recipient in policy.recipients:
        key = recipient.key if recipient.key != OWN_DEVICE else ""
        gets = words.category_names(recipient.categories & policy.categories)
        yield (
            say("Only you") if policy.is_own else recipient.name,
            gets,
            words.recipient_key(recipient, fingerprint(key) if key else ""),
        )


def readers(policy: Policy, fingerprint: Fingerprint) -> QWidget:
    """Return the recipients as a group. The nine words are compared with those the researcher gives out."""
    content = QWidget()
    content.setAccessibleName(say("Who can read it"))
    layout = look.column(content, gap=4)
    for number, (name, gets, key) in enumerate(reader_lines(policy, fingerprint)):
        if number:
            layout.addSpacing(look.GAP)
        layout.addWidget(look.text(name, name="reader") if policy.is_own else look.strong(name, name="reader"))
        if not policy.is_own:
            layout.addWidget(look.text(say("Gets {gets}, once you share a recording.", gets=gets)))
        layout.addWidget(look.muted(key, name="fingerprint"))
    return content

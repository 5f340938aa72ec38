"""What is written down when a person is asked, agrees or refuses: the bodies of these entries of the consent record."""

from __future__ import annotations

from collections.abc import Iterable

from capture_agent.core.errors import ConsentError
from capture_agent.core.policy import Policy
from capture_agent.core.rules import DESKTOP_APP
from capture_agent.ledger.snapshot import notice_id, policy_to_json, text_hash
from capture_agent.ledger.standing import Key, keys_to_json


def offered_keys(policy: Policy) -> frozenset[Key]:
    """Return every (purpose, category) that a policy asks for."""
    return frozenset((purpose, category) for purpose in policy.purposes for category in policy.categories)


def asked_body(policy: Policy) -> dict[str, object]:
    """Return the body of an `asked` entry: everything that the policy offers."""
    return {"keys": keys_to_json(offered_keys(policy)), "policy_version": policy.version}


def refused_body(policy: Policy) -> dict[str, object]:
    """Return the body of a `refused` entry: what was asked, so that the person has a receipt of the no, too."""
    return asked_body(policy) | {"policy": policy_to_json(policy)}


def accepted_body(
    policy: Policy, agreed: Iterable[Key], apps: Iterable[str], locale: str, shown_text: str
) -> dict[str, object]:
    """Return the body of an `accepted` entry.

    What is offered and not in `agreed` is refused. `shown_text` is the notice as the window
    rendered it: what the person saw is kept itself, beside the text of the policy.

    Raises:
        ConsentError: `agreed` holds what the policy does not offer, or apps are outside of its list.
    """
    offered, ticked, programs = offered_keys(policy), frozenset(agreed), frozenset(apps)
    # The background is no program: it may be ticked whatever the study lists, and the list still narrows it.
    if not ticked <= offered or (policy.apps is not None and not programs <= {*policy.apps, DESKTOP_APP}):
        raise ConsentError("more was ticked than this study asks for", hint="Open the panel again.")
    notice = policy.notice(locale)
    return {
        "policy": policy_to_json(policy),
        "agreed": keys_to_json(ticked),
        "refused": keys_to_json(offered - ticked),
        "apps": sorted(programs),
        "notice": {
            "id": notice_id(policy.study, notice),
            "version": notice.version,
            "locale": notice.locale,
            "source_sha256": text_hash(notice.text),
            "sha256": text_hash(shown_text),
            "text": shown_text,
        },
    }

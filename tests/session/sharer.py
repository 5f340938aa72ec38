"""Somebody without a keyring who recorded twice and shared one of both: a real profile, for tests of the commands."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sessions

from capture_agent.core.events import Category
from capture_agent.keys import age
from capture_agent.keys.vault import Vault, choose_secrets
from capture_agent.ledger.receipts import accepted_body, asked_body
from capture_agent.ledger.record import Ledger
from capture_agent.ledger.standing import Kind
from capture_agent.session.holdings import Holdings
from capture_agent.session.profile import Profile

PASSPHRASE = "four quite random words"
SHARED, KEPT = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"


def share_one(profile: Profile, lab: age.Identity) -> Path:
    """Fill a new profile, and return the file that was shared with `lab`."""
    profile.create()

    def choose(*, new: bool, why: str) -> str:
        return PASSPHRASE

    vault = Vault(profile.vault, choose_secrets(profile.folder, choose, environ={}))
    ledger = Ledger(profile.ledger, vault)
    policy = replace(sessions.policy(sessions.recipient(lab)), expires=None)
    now = datetime.now(UTC)
    ledger.append(Kind.JOINED, policy.study, {"version": policy.version}, now)
    ledger.append(Kind.ASKED, policy.study, asked_body(policy), now)
    agreed = {("training", category) for category in Category}
    ledger.append(Kind.ACCEPTED, policy.study, accepted_body(policy, agreed, {"xterm"}, "en", "What was shown"), now)
    about = {**sessions.ABOUT, "started": (now - timedelta(hours=1)).isoformat(timespec="seconds")}
    for session in (SHARED, KEPT):
        held = sessions.make_held(profile.held, sessions.work(1), session=session, about=about)
        vault.add(session, held.identity)
    holdings = Holdings(profile, vault, ledger, lambda: datetime.now(UTC))
    (path,) = holdings.release(SHARED, policy, ledger.standing(policy.study))
    return Path(path)

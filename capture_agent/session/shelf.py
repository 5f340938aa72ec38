"""Recordings, their keys, and what is noted of them: what works on them is handed this."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from capture_agent.held.store import Store
from capture_agent.keys.vault import Vault
from capture_agent.ledger.record import Ledger
from capture_agent.session.reserve import Reserve


@dataclass(frozen=True, slots=True)
class Shelf:
    """The parts of one profile. Ledger and vault are used under `lock`, never while data is being composed.

    `outbox` is where bundles and tombstones go. `touched` counts how often something was cut out of a session: what was
    composed before is not released after. `drafting` is held by whoever writes a draft (`cutting.drafted`).
    """

    store: Store
    vault: Vault
    ledger: Ledger
    reserve: Reserve
    now: Callable[[], datetime]
    outbox: Path
    lock: threading.RLock = field(default_factory=threading.RLock)
    touched: Counter[str] = field(default_factory=Counter)
    drafting: threading.Lock = field(default_factory=threading.Lock)

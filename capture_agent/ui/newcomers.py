"""Programs that came up since the person was last asked: painted out, and named in the tray's menu. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from capture_agent.core.never import NeverKind, of_kind
from capture_agent.core.rules import DESKTOP_APP
from capture_agent.session.snapshot import Snapshot

MOST_NAMED = 3  # more would push the menu's own entries away; the panel lists all


def new_programs(snapshot: Snapshot, known: Iterable[str], seen: Iterable[str]) -> tuple[str, ...]:
    """Return the names of programs that have a window now and could be ticked, and that the person has not seen listed.

    None while nothing is agreed to: then everything is new, and the panel is what comes next.
    """
    if not snapshot.consented or snapshot.offer is None:
        return ()
    offered = snapshot.offer.policy.apps
    new = set(known) - set(seen) - snapshot.apps - of_kind(snapshot.never, NeverKind.PROGRAM) - {DESKTOP_APP}
    return tuple(sorted(new if offered is None else new & offered))[:MOST_NAMED]

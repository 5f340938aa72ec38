"""The X keyboard extension's events, which python-xlib does not know: which modifiers and group are in force.

The server sends a raw key event first and the change of state that the key causes after it, on
the same connection, so the state last heard is the state at the moment of the key. State changes
are sent during other clients' keyboard grabs too, so nothing has to be guessed afterwards.
(XKB protocol, "XkbUseExtension", "XkbSelectEvents", "XkbGetState", "XkbStateNotify".)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from Xlib import X
from Xlib.protocol import rq

if TYPE_CHECKING:
    from capture_agent.desktop.x11_connection import Connection

_NAME = "XKEYBOARD"
CORE_KEYBOARD = 0x100  # XkbUseCoreKbd
_NEW_KEYBOARD, _MAP, _STATE = 0, 1, 2
_WANTED = 1 << _NEW_KEYBOARD | 1 << _MAP | 1 << _STATE


class _UseExtension(rq.ReplyRequest):
    _request = rq.Struct(rq.Card8("opcode"), rq.Opcode(0), rq.RequestLength(), rq.Card16("major"), rq.Card16("minor"))
    _reply = rq.Struct(
        rq.ReplyCode(),
        rq.Card8("supported"),
        rq.Card16("sequence_number"),
        rq.ReplyLength(),
        rq.Card16("major"),
        rq.Card16("minor"),
        rq.Pad(20),
    )


class _SelectEvents(rq.Request):
    _request = rq.Struct(
        rq.Card8("opcode"),
        rq.Opcode(1),
        rq.RequestLength(),
        rq.Card16("device"),
        rq.Card16("affect"),
        rq.Card16("clear"),
        rq.Card16("all"),
        rq.Card16("affect_map"),
        rq.Card16("map"),
    )


class _GetState(rq.ReplyRequest):
    _request = rq.Struct(rq.Card8("opcode"), rq.Opcode(4), rq.RequestLength(), rq.Card16("device"), rq.Pad(2))
    _reply = rq.Struct(
        rq.ReplyCode(),
        rq.Card8("device"),
        rq.Card16("sequence_number"),
        rq.ReplyLength(),
        rq.Card8("mods"),
        rq.Card8("base_mods"),
        rq.Card8("latched_mods"),
        rq.Card8("locked_mods"),
        rq.Card8("group"),
        rq.Card8("locked_group"),
        rq.Int16("base_group"),
        rq.Int16("latched_group"),
        rq.Pad(12),
    )


class XkbNotify(rq.Event):
    """Any event of the extension; the fields after `device` mean this only in a state event."""

    _code = None
    _fields = rq.Struct(
        rq.Card8("type"),
        rq.Card8("xkb_type"),
        rq.Card16("sequence_number"),
        rq.Card32("time"),
        rq.Card8("device"),
        rq.Card8("mods"),
        rq.Card8("base_mods"),
        rq.Card8("latched_mods"),
        rq.Card8("locked_mods"),
        rq.Card8("group"),
        rq.Int16("base_group"),
        rq.Int16("latched_group"),
        rq.Card8("locked_group"),
        rq.Pad(13),
    )


@dataclass(frozen=True, slots=True)
class Modifiers:
    """The keyboard's state: real modifiers as bit masks, groups (layouts) as numbers from 0."""

    base: int = 0
    latched: int = 0
    locked: int = 0
    base_group: int = 0
    latched_group: int = 0
    locked_group: int = 0
    group: int = 0  # the one in force


def _extension(connection: Connection) -> Any:
    """Return the extension's codes, None if it is not there; `has_extension` knows only python-xlib's own modules."""
    return connection.display.query_extension(_NAME)


def _opcode(connection: Connection) -> int:
    return int(_extension(connection).major_opcode)


def is_there(connection: Connection) -> bool:
    """Return whether the server has the extension, having said that we use it."""
    if _extension(connection) is None:
        return False
    display = connection.display.display
    return bool(_UseExtension(display=display, opcode=_opcode(connection), major=1, minor=0).supported)


def select(connection: Connection) -> None:
    """Ask for changes of state and of layout. `is_there` has been asked before."""
    extension = _extension(connection)
    connection.display.display.add_extension_event(extension.first_event, XkbNotify)
    _SelectEvents(
        display=connection.display.display,
        opcode=extension.major_opcode,
        device=CORE_KEYBOARD,
        affect=_WANTED,
        clear=0,
        all=_WANTED,
        affect_map=0xFF,
        map=0xFF,
    )


def state(connection: Connection) -> Modifiers:
    """Ask for the state now."""
    return _modifiers(_GetState(display=connection.display.display, opcode=_opcode(connection), device=CORE_KEYBOARD))


def state_change(event: Any) -> Modifiers | None:
    """Return the state that is in force after `event`, or None if it does not say."""
    if isinstance(event, XkbNotify) and event.xkb_type == _STATE:
        return _modifiers(event)
    return None


def _modifiers(source: Any) -> Modifiers:
    return Modifiers(
        source.base_mods,
        source.latched_mods,
        source.locked_mods,
        source.base_group,
        source.latched_group,
        source.locked_group,
        source.group,
    )


def is_layout_change(event: Any) -> bool:
    """Return whether keys may mean something else after `event`."""
    if isinstance(event, XkbNotify):
        return bool(event.xkb_type in {_NEW_KEYBOARD, _MAP})
    return bool(event.type == X.MappingNotify)


def layouts(names: bytes, group: int) -> tuple[str, ...]:
    """Return the layouts in the root's _XKB_RULES_NAMES ("us", "de(nodeadkeys)"), the one of `group` first."""
    fields = names.decode("latin-1").split("\0")
    if len(fields) < 3 or not fields[2]:
        return ()
    variants = fields[3].split(",") if len(fields) > 3 else []
    all_names = [
        f"{layout}({variants[n]})" if n < len(variants) and variants[n] else layout
        for n, layout in enumerate(fields[2].split(","))
    ]
    first = min(group, len(all_names) - 1)
    return (all_names[first], *all_names[:first], *all_names[first + 1 :])

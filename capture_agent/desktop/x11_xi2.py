"""XInput 2 raw events, which python-xlib 0.33 neither parses nor can ask for in version 2.2.

The version is said once per connection, and decides what a client sees (XI2 protocol, "RawEvent"):
one that said 2.0 gets no raw events while another client holds a grab, one that said 2.1 or later
does. Keys are read as 2.0 on purpose: what is typed into a PIN dialog or a locker, which grab the
keyboard, is then never sent to us. The pointer is read as 2.2, or the release of every button
would be missing: a press grabs the pointer implicitly.
"""

from __future__ import annotations

import struct
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

from Xlib.ext import ge, xinput

if TYPE_CHECKING:
    from capture_agent.desktop.x11_connection import Connection

KEYS = (2, 0)
POINTER = (2, 2)
# deviceid, time, detail, sourceid, length of the valuator mask in words, flags, pad; from byte 10 of the event
_HEAD = struct.Struct("<HIIHHII")
_FP3232 = struct.Struct("<iI")  # 32.32 fixed point
REPEAT_FLAG = 1 << 16  # XIKeyRepeat
XTEST_NAME = "XTEST"  # in the names of the two virtual devices through which programs type and click


class Kind(Enum):
    """The raw events that are read."""

    KEY_DOWN = xinput.RawKeyPress
    KEY_UP = xinput.RawKeyRelease
    BUTTON_DOWN = xinput.RawButtonPress
    BUTTON_UP = xinput.RawButtonRelease
    MOTION = xinput.RawMotion


_KINDS = {kind.value: kind for kind in Kind}


class Raw(NamedTuple):
    """One raw event. `x`, `y`: its valuators 0 and 1 (accelerated), None where it has none."""

    kind: Kind
    time: int  # ms of the server
    detail: int  # keycode or button
    source: int  # device id
    repeat: bool
    x: float | None
    y: float | None
    serial: int  # sequence number of the last request that the server had carried out


class Devices(NamedTuple):
    """What matters of the input devices, by device id."""

    xtest: frozenset[int]  # programs speak through these
    absolute: frozenset[int]  # tablets and touch screens: valuators are no deltas


def say_version(connection: Connection, version: tuple[int, int]) -> tuple[int, int]:
    """Say which version this connection speaks, and return the server's, which is not higher."""
    display = connection.display
    reply = xinput.XIQueryVersion(
        display=display.display,
        opcode=display.display.get_extension_major(xinput.extname),
        major_version=version[0],
        minor_version=version[1],
    )
    return int(reply.major_version), int(reply.minor_version)


def select(connection: Connection, version: tuple[int, int], mask: int) -> None:
    """Ask for raw events of the kinds in `mask`, and for changes of the devices.

    Only of master devices: an event of a device comes through its master once.
    """
    say_version(connection, version)
    connection.root.xinput_select_events(
        [(xinput.AllMasterDevices, mask), (xinput.AllDevices, xinput.HierarchyChangedMask)]
    )


def devices(connection: Connection) -> Devices:
    """Return what the devices are now."""
    found = connection.display.xinput_query_device(xinput.AllDevices).devices
    xtest = {device.deviceid for device in found if XTEST_NAME in str(device.name)}
    absolute = {
        device.deviceid
        for device in found
        for part in device.classes
        if part.type == xinput.ValuatorClass and part.number == 0 and part.mode == xinput.ModeAbsolute
    }
    return Devices(frozenset(xtest), frozenset(absolute))


def is_hierarchy_change(event: Any) -> bool:
    """Return whether a device came or went."""
    return bool(event.type == ge.GenericEventCode and event.evtype == xinput.HierarchyChanged)


def parse(event: Any) -> Raw | None:
    """Return a raw event of python-xlib's, or None if it is something else."""
    if event.type != ge.GenericEventCode or event.evtype not in _KINDS:
        return None
    return unpack(event.evtype, bytes(event.data), event.sequence_number)


def unpack(evtype: int, data: bytes, serial: int) -> Raw:
    """Return the raw event in `data`, which is its wire form from byte 10 on."""
    _device, time, detail, source, words, flags, _pad = _HEAD.unpack_from(data)
    x = y = None
    if words:
        mask = data[_HEAD.size]
        first = _HEAD.size + 4 * words
        if mask & 1:
            x = _fixed(data, first)
        if mask & 2:
            y = _fixed(data, first + (_FP3232.size if mask & 1 else 0))
    return Raw(_KINDS[evtype], time, detail, source, bool(flags & REPEAT_FLAG), x, y, serial)


def _fixed(data: bytes, at: int) -> float:
    whole, fraction = _FP3232.unpack_from(data, at)
    return float(whole + fraction / 2**32)

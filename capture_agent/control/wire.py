"""What goes through the control socket: one JSON object a line, with a version. Pure.

::

    → {"v":1,"command":"pause","arguments":{"minutes":5}}
    ← {"v":1,"ok":true,"result":{…}}
    ← {"v":1,"ok":false,"error":{"type":"ConsentError","message":"…","hint":"…"}}
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from capture_agent.control.commands import Request, Result, check
from capture_agent.core import errors
from capture_agent.core.errors import CaptureAgentError, ConfigError

VERSION = 1
MAX_REQUEST_BYTES = 65_536  # the longest note takes 4000 characters, each at most 12 bytes in JSON
MAX_RESPONSE_BYTES = 16_777_216  # a list of 50,000 sessions
ANSWER_SECONDS = 20.0  # sealing takes a second; a slow disk may take longer
_ERRORS: Mapping[str, type[CaptureAgentError]] = {
    name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, CaptureAgentError)
}


@dataclass(frozen=True, slots=True)
class Response:
    """What the agent answers: a result, or an error for people."""

    result: Result = field(default_factory=dict, repr=False)
    error: CaptureAgentError | None = None


def encode_request(request: Request) -> bytes:
    """Return the line for `request`."""
    return _line({"v": VERSION, "command": request.command, "arguments": dict(request.arguments)})


def decode_request(line: bytes) -> Request:
    """Return the request in `line`.

    Raises:
        ConfigError: It is no request of this version.
    """
    message = _object(line)
    if set(message) - {"v", "command", "arguments"}:
        raise ConfigError("a request has v, command and arguments, and nothing else")
    return check(message.get("command"), message.get("arguments", {}))


def encode_response(response: Response) -> bytes:
    """Return the line for `response`."""
    if response.error is None:
        return _line({"v": VERSION, "ok": True, "result": response.result})
    error = response.error
    # A subclass travels as the class of the tree that it belongs to.
    name = next(kind.__name__ for kind in type(error).__mro__ if kind.__name__ in _ERRORS)
    return _line({"v": VERSION, "ok": False, "error": {"type": name, "message": str(error), "hint": error.hint}})


def decode_response(line: bytes) -> Response:
    """Return the response in `line`.

    Raises:
        ConfigError: It is no response of this version.
    """
    message = _object(line)
    result, error = message.get("result"), message.get("error")
    if message.get("ok") is True and isinstance(result, dict):
        return Response(result)
    if message.get("ok") is False and isinstance(error, dict):
        kind = _ERRORS.get(str(error.get("type")), CaptureAgentError)
        return Response(error=kind(str(error.get("message")), hint=str(error.get("hint", ""))))
    raise ConfigError("the agent answered something that is no answer", hint="Update capture-agent.")


def _line(message: Mapping[str, Any]) -> bytes:
    return json.dumps(message, ensure_ascii=True, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def _object(line: bytes) -> dict[str, Any]:
    try:
        message = json.loads(line.decode("utf-8"), object_pairs_hook=_no_twins, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise ConfigError("a line is one JSON object in UTF-8") from None
    if not isinstance(message, dict):
        raise ConfigError("a line is one JSON object in UTF-8")
    version = message.get("v")
    if type(version) is not int or version != VERSION:
        raise ConfigError(
            f"this agent speaks version {VERSION} of the control socket",
            hint="Quit the agent and start it again, so that command and agent are of one version.",
        )
    return message


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    message = dict(pairs)
    if len(message) < len(pairs):
        raise ValueError("a name comes twice")
    return message


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")

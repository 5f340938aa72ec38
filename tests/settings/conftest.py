"""A small study policy, as data and as a file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from capture_agent.keys.age import example_identity, new_classical

GERMAN = {"purposes": {"research": "Um zu lernen, wie Menschen arbeiten."}, "storage": "Ein Server in der Stadt"}
NOTICES: list[dict[str, Any]] = [
    {"locale": "en", "version": 1, "template": True},
    {"locale": "de", "version": 1, "template": True, **GERMAN},
]


def small_policy(**changes: Any) -> dict[str, Any]:
    """Return the data of a policy that is right; a change to None leaves the key out."""
    data: dict[str, Any] = {
        "format": 1,
        "study": "small",
        "version": 3,
        "title": "A small study",
        "controller": "An institute",
        "controller_address": "1 Street, Town",
        "contact": "who@example.org",
        "independent_contact": "dpo@example.org",
        "complaint_authority": "The authority",
        "jurisdiction": "DE",
        "storage": "A server in Town",
        "expires": "2031-01-31T12:00:00+01:00",
        "categories": ["keyboard", "screen"],
        "retention_days": 30,
        "purposes": {"research": "To learn how people work."},
        "recipient": [{"name": "A group", "key": example_identity().recipient}],
        "notice": NOTICES,
    }
    data.update(changes)
    return {key: value for key, value in data.items() if value is not None}


def toml(data: dict[str, Any]) -> str:
    """Return `data` as TOML: plain values first, then tables, then arrays of tables."""
    plain = {k: v for k, v in data.items() if not isinstance(v, dict) and not _tables(v)}
    text = "".join(f"{_key(key)} = {_value(key, value)}\n" for key, value in plain.items())
    for key, value in data.items():
        if isinstance(value, dict):
            text += f"\n[{_key(key)}]\n" + "".join(f"{_key(k)} = {_value(k, v)}\n" for k, v in value.items())
        elif _tables(value):
            for one in value:
                text += f"\n[[{_key(key)}]]\n" + "".join(f"{_key(k)} = {_value(k, v)}\n" for k, v in one.items())
    return text


def _tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def _key(key: str) -> str:
    return key if key.replace("_", "").isalnum() and key.isascii() else json.dumps(key)


def _value(key: str, value: Any) -> str:
    if key == "expires" and isinstance(value, str) and value[:1].isdigit():
        return value  # a time, not a text
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(k)} = {_value(k, v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_value("", one) for one in value) + "]"
    return json.dumps(value)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write the small policy, changed, and return its path."""

    def write(text: str | None = None, /, **changes: Any) -> Path:
        path = tmp_path / "policy.toml"
        path.write_text(toml(small_policy(**changes)) if text is None else text, encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def classical_key() -> str:
    return new_classical().recipient

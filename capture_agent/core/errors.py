"""Every error that a person can meet, in one tree, by who must act.

::

    CaptureAgentError                 exit code 1: cannot be done now
    ├── ConfigError                   2: whoever wrote the file or the command line
    ├── DesktopError                  3: the person at the desktop (display, tray, library, permission)
    ├── ConsentError                  4: nobody; what was asked for was not agreed to
    ├── VerificationError             5: the researcher; the data is not what was signed
    ├── KeyError_                     6: whoever holds the key that is missing or locked
    ├── StorageError                  7: the person at the desktop (disk full, read-only, damaged)
    │   └── NewerVersionError         7: whoever went back to an older version of this program
    └── FaultError                    70: us; a thread of the agent died

Each carries a `hint`: one sentence that says what to do next. Neither message nor hint ever
contains captured content, a key or a secret.

What varies is no part of the sentence: it stands in {places}, and comes as a value. So windows can
say the sentence in the person's language, while commands, logs and `str` say it in English.
"""

from __future__ import annotations

from capture_agent.core.language import say


class CaptureAgentError(Exception):
    """Something that was asked for cannot be done; the message says what, the hint what to do.

    `values` are for the {places} of both. One that is a sentence itself is said in the same language.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "", **values: object) -> None:
        super().__init__(message.format(**values) if values else message)
        self.hint = hint.format(**values) if values else hint
        self._sentences = (message, hint)
        self._values = values

    def said(self) -> tuple[str, str]:
        """Return message and hint in the language that is spoken."""
        values = {name: _said(value) for name, value in self._values.items()}
        message, hint = self._sentences
        return say(message, **values), say(hint, **values)


def _said(value: object) -> object:
    if isinstance(value, CaptureAgentError):
        return value.said()[0]
    return say(value) if isinstance(value, str) else value


class ConfigError(CaptureAgentError):
    """A policy, settings or study file, or a command line, is wrong. Nothing was started."""

    exit_code = 2


class DesktopError(CaptureAgentError):
    """This desktop lacks something that recording needs."""

    exit_code = 3


class ConsentError(CaptureAgentError):
    """What was asked for was not agreed to, was withdrawn, or is past its retention."""

    exit_code = 4


class VerificationError(CaptureAgentError):
    """Data is damaged, was changed, or comes from a device that is not known."""

    exit_code = 5


class KeyError_(CaptureAgentError):  # noqa: N801, N818 - "KeyError" is Python's own
    """The key that is needed is missing, locked, or not the right one."""

    exit_code = 6


class StorageError(CaptureAgentError):
    """The disk is full, read-only, or holds something in a format that this version does not know."""

    exit_code = 7


class NewerVersionError(StorageError):
    """A newer version of this program wrote it. It is left as it is, and nothing is started beside it."""


class FaultError(CaptureAgentError):
    """A thread of the agent died. What was recorded until then is sealed."""

    exit_code = 70

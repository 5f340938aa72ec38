"""Ask for a passphrase: on a descriptor that a program opened, or on the terminal; never in the environment."""

from __future__ import annotations

import getpass
import os
import warnings

from capture_agent.core.errors import ConfigError

MAX_BYTES = 4096  # of a passphrase
_NO_TERMINAL = "there is no terminal to ask for the passphrase on"
_HINT = "Run it in a terminal, or give the passphrase with --passphrase-fd, for example `--passphrase-fd 3 3<file`."


def read_passphrase(descriptor: int | None, prompt: str, *, twice: bool = False) -> str:
    """Return the first line of `descriptor`, or what the person types at `prompt`; `twice` makes sure.

    Raises:
        ConfigError: There is neither descriptor nor terminal, the two differ, or it is not text.
    """
    if descriptor is not None:
        return _from_descriptor(descriptor)
    first = _from_terminal(prompt)
    if twice and _from_terminal("Again: ") != first:
        raise ConfigError("the two passphrases differ", hint="Try again.")
    return first


def _from_descriptor(descriptor: int) -> str:
    found = b""
    try:
        while len(found) <= MAX_BYTES and b"\n" not in found:
            some = os.read(descriptor, MAX_BYTES)
            if not some:
                break
            found += some
        return found.split(b"\n", 1)[0].rstrip(b"\r").decode("utf-8")
    except OSError as error:
        raise ConfigError(
            f"descriptor {descriptor} cannot be read ({error.strerror})", hint="Open it first: `3<file`."
        ) from error
    except UnicodeDecodeError:
        raise ConfigError("the passphrase is not UTF-8 text", hint="Check what the descriptor reads.") from None


def _from_terminal(prompt: str) -> str:
    with warnings.catch_warnings():
        # Without a terminal getpass would warn and show what is typed.
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return getpass.getpass(prompt)
        except (getpass.GetPassWarning, EOFError, OSError):
            raise ConfigError(_NO_TERMINAL, hint=_HINT) from None

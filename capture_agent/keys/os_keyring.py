"""The OS keyring. The only door to keyring.

The back end is chosen here among those that encrypt what they keep, never by keyring's own search:
that would import whatever class a variable or a configuration file names, and takes back ends that
keep nothing or keep it in the clear.

A keyring may ask for a password in a window of its own and wait for ever, so every call runs in a
thread of its own, with a time limit.
"""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Final

from capture_agent.core.errors import KeyError_

SERVICE = "capture-agent"
TIMEOUT_S = 10.0  # long enough to type a keyring's password, short enough not to look dead
ENVIRONMENT = "PYTHON_KEYRING_BACKEND"
_MAX_COPIES = 8  # of one secret that are deleted: a keyring can hold it twice, and one that does not delete is bad
_CHAINER = "keyring.backends.chainer.ChainerBackend"  # keyring's own default: means "the best one there is"
_LINUX = ("keyring.backends.SecretService.Keyring", "keyring.backends.kwallet.DBusKeyring")
_MACOS = ("keyring.backends.macOS.Keyring",)
_WINDOWS = ("keyring.backends.Windows.WinVaultKeyring",)
_UNLOCK_HINT = "Unlock the keyring (answer its window, or log in again), then try again."

Work = Callable[[], Any]


class KeyringSecrets:
    """Secrets in the OS keyring, under the service name `capture-agent`."""

    kind: Final = "os"

    def __init__(self, environ: Mapping[str, str], *, service: str = SERVICE, timeout_s: float = TIMEOUT_S) -> None:
        self._allowed = environ.get(ENVIRONMENT, "")
        self._service = service
        self._timeout_s = timeout_s
        self._backend: Any = None
        self._calls: queue.SimpleQueue[_Call] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def __repr__(self) -> str:
        return "KeyringSecrets()"

    def get(self, name: str) -> str | None:
        """Return what is kept under `name`."""
        found = self._run(lambda: self._open().get_password(self._service, name))
        return None if found is None else str(found)

    def set(self, name: str, value: str) -> None:
        """Keep `value` under `name`."""
        self._run(lambda: self._open().set_password(self._service, name, value))

    def delete(self, name: str) -> None:
        """Keep nothing under `name` any more; duplicates that another program made included."""

        def work() -> None:
            backend = self._open()
            for _ in range(_MAX_COPIES):
                if backend.get_password(self._service, name) is None:
                    return
                backend.delete_password(self._service, name)
            raise KeyError_("the keyring does not delete what it keeps", hint="Use another keyring, or a passphrase.")

        self._run(work)

    def _open(self) -> Any:
        """Return the back end. Runs in the thread: finding out whether one answers may take long, too."""
        if self._backend is None:
            self._backend = _best(_candidates(self._allowed))
        return self._backend

    def _run(self, work: Work) -> Any:
        if self._thread is None:
            self._thread = threading.Thread(target=self._obey, name="keyring", daemon=True)
            self._thread.start()
        call = _Call(work)
        self._calls.put(call)
        if not call.done.wait(self._timeout_s):
            call.abandoned = True
            raise KeyError_(
                "the keyring did not answer within {seconds:g} s, perhaps it asks for its password",
                hint=_UNLOCK_HINT,
                seconds=self._timeout_s,
            )
        if call.error is not None:
            raise call.error
        return call.result

    def _obey(self) -> None:
        while True:
            call = self._calls.get()
            if not call.abandoned:  # nobody waits any more, and what it would do is not expected any more
                call.run()


class _Call:
    """Something to do in the keyring's thread, and how it ended."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self.done = threading.Event()
        self.abandoned = False
        self.result: Any = None
        self.error: KeyError_ | None = None

    def run(self) -> None:
        try:
            self.result = self._work()
        except KeyError_ as error:
            self.error = error
        except Exception as error:  # noqa: BLE001 - the boundary of this thread
            # Only the type: what a keyring says may hold the secret it was given.
            self.error = KeyError_("the keyring refused ({kind})", hint=_UNLOCK_HINT, kind=type(error).__name__)
        finally:
            self.done.set()


def _candidates(wanted: str) -> tuple[str, ...]:
    known = {"darwin": _MACOS, "win32": _WINDOWS}.get(sys.platform, _LINUX)
    if wanted in {"", _CHAINER}:
        return known
    if wanted not in known:
        raise KeyError_(
            "{variable} names a keyring that is not used here, because it may not encrypt what it keeps",
            hint="Unset {variable}, or set it to {what}.",
            variable=ENVIRONMENT,
            what=" or ".join(known),
        )
    return (wanted,)


def _best(names: tuple[str, ...]) -> Any:
    """Return the back end that fits this desktop best; keyring says so by a priority, or by RuntimeError."""
    usable = []
    for name in names:
        module, _, attribute = name.rpartition(".")
        backend = getattr(import_module(module), attribute)
        try:
            usable.append((float(backend.priority), backend))
        except RuntimeError:
            continue
    if not usable:
        raise KeyError_(
            "this desktop has no keyring", hint="Install and start one (gnome-keyring, KWallet), or use a passphrase."
        )
    return max(usable, key=lambda pair: pair[0])[1]()

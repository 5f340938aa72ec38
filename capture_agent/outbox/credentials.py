"""What opens a store: from the device's secrets, or from the environment, by the names that the clouds' tools use.

::

    s3://   AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, if need be AWS_SESSION_TOKEN
    gs://   GOOGLE_SERVICE_ACCOUNT_KEY (the JSON itself)
    az://   AZURE_STORAGE_SAS_TOKEN, or AZURE_STORAGE_ACCOUNT_KEY

Never in a policy, a setting, an argument or a log. An account that may only create objects is enough, and best.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from capture_agent.core.delivery import Trouble, Undelivered
from capture_agent.core.destination import Destination, Kind
from capture_agent.core.errors import VerificationError
from capture_agent.keys.strict_json import canonical_json, strict_object

# Of each kind, the ways to open it, of which the first that is whole counts: variables, and whether one is needed.
WAYS: Mapping[Kind, tuple[Mapping[str, bool], ...]] = MappingProxyType(
    {
        Kind.S3: ({"AWS_ACCESS_KEY_ID": True, "AWS_SECRET_ACCESS_KEY": True, "AWS_SESSION_TOKEN": False},),
        Kind.GCS: ({"GOOGLE_SERVICE_ACCOUNT_KEY": True},),
        Kind.AZURE: ({"AZURE_STORAGE_SAS_TOKEN": True}, {"AZURE_STORAGE_ACCOUNT_KEY": True}),
    }
)
FAMILIES = ("AWS_", "GOOGLE_", "AZURE_")  # of variables: what stores read from the environment by themselves


def name_of(destination: Destination) -> str:
    """Return the name under which the secrets keep what opens `destination`."""
    where = "/".join(filter(None, (destination.account, destination.bucket)))
    return f"delivery {destination.kind.value} {destination.endpoint or '-'} {where}"


def from_environment(kind: Kind, environ: Mapping[str, str]) -> dict[str, str]:
    """Return what of `environ` opens stores of `kind`; nothing if something is missing."""
    for way in WAYS.get(kind, ()):
        if all(environ.get(name) for name, needed in way.items() if needed):
            return {name: environ[name] for name in way if environ.get(name)}
    return {}


def find(destination: Destination, kept: Callable[[str], str | None], environ: Mapping[str, str]) -> dict[str, str]:
    """Return what opens `destination`: what `kept` returns for its name, else what is in `environ`.

    Raises:
        Undelivered: There is nothing.
        KeyError_: The secrets are locked.
    """
    if destination.is_folder:
        return {}
    stored = kept(name_of(destination))
    found = from_environment(destination.kind, environ) if stored is None else unpack(destination.kind, stored)
    if not found:
        raise Undelivered(Trouble.NO_CREDENTIALS)
    return found


def pack(found: Mapping[str, str]) -> str:
    """Return what `unpack` reads."""
    return canonical_json(dict(found)).decode()


def unpack(kind: Kind, stored: str) -> dict[str, str]:
    """Return what opens stores of `kind`; nothing if it is not that."""
    try:
        found = strict_object(stored.encode(), "what opens a store")
    except VerificationError:
        return {}
    return from_environment(kind, {str(name): value for name, value in found.items() if isinstance(value, str)})


def without(environ: Mapping[str, str]) -> dict[str, str]:
    """Return `environ` without anything that a store's library would obey by itself: another address, no TLS, a key."""
    return {name: value for name, value in environ.items() if not name.upper().startswith(FAMILIES)}

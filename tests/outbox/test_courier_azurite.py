"""Delivering to Azure's store, as Microsoft's own emulator plays it: Azurite, on the loopback, with keys and SAS.

What Azure says to who may create, and nothing else, when a name is taken Azurite does not: see docs/delivery.md, and
`test_courier_clouds` for the word itself.
"""

from __future__ import annotations

import hmac
import urllib.error
import urllib.request
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest
from store_server import Proxy, deliver, serving, trouble

from benchmarks.rclone import free_port
from capture_agent.core.delivery import Trouble
from capture_agent.outbox.inbox import Cap

pytestmark = pytest.mark.promise("P14")
# Of everybody's emulator: https://learn.microsoft.com/en-us/azure/storage/common/storage-connect-azurite
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
OWNER = {"AZURE_STORAGE_ACCOUNT_KEY": KEY}
VERSION = "2020-12-06"


def signed(fields: dict[str, str], text: list[str]) -> str:
    """Return a SAS of `fields`; `text` is what of it is signed, a line each."""
    signature = hmac.digest(b64decode(KEY), "\n".join(text).encode(), "sha256")
    return urlencode({**fields, "sig": b64encode(signature).decode()})


def tomorrow() -> str:
    return (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")


def may(permissions: str) -> dict[str, str]:
    """Return access that a study may give (service SAS of the container): c is creating, w replacing, r reading."""
    end = tomorrow()
    fields = {"sv": VERSION, "sr": "c", "sp": permissions, "se": end}
    text = [permissions, "", end, f"/blob/{ACCOUNT}/study", "", "", "", VERSION, "c", *[""] * 7]
    return {"AZURE_STORAGE_SAS_TOKEN": signed(fields, text)}


@dataclass
class Account:
    """The emulator's one account. What tests ask of it goes around the courier, by access to everything."""

    port: int

    def destination(self, port: int | None = None, container: str = "study") -> str:
        return f"az://{ACCOUNT}/{container}/in?endpoint=http://127.0.0.1:{port or self.port}/{ACCOUNT}"

    def ask(self, method: str, path: str, data: bytes | None = None, **query: str) -> bytes:
        end = tomorrow()
        fields = {"sv": VERSION, "ss": "b", "srt": "sco", "sp": "rwdlac", "se": end}
        sas = signed(fields, [ACCOUNT, "rwdlac", "b", "sco", "", end, "", "", VERSION, "", ""])
        url = f"http://127.0.0.1:{self.port}/{ACCOUNT}/{path}?{urlencode(query)}&{sas}"
        head = {"x-ms-blob-type": "BlockBlob", "x-ms-version": VERSION}
        with urllib.request.urlopen(urllib.request.Request(url, data, head, method=method), timeout=30) as answer:
            return bytes(answer.read())

    def names(self) -> list[str]:
        listed = self.ask("GET", "study", restype="container", comp="list").decode()
        return sorted(one.split("</Name>")[0] for one in listed.split("<Name>")[1:])


@pytest.fixture(scope="module")
def azurite(npm: Callable[[str], Path]) -> Iterator[Account]:
    account = Account(free_port())
    program = npm("azurite") / "dist" / "src" / "blob" / "main.js"
    quiet = ["--silent", "--disableTelemetry", "--skipApiVersionCheck", "--inMemoryPersistence"]
    command = ["node", program, "--blobHost", "127.0.0.1", "--blobPort", str(account.port), *quiet]
    with serving(command, lambda: account.ask("PUT", "study", b"", restype="container")):
        yield account


@pytest.fixture
def line(azurite: Account) -> Iterator[Proxy]:
    """What lies between the courier and the server, and may break."""
    one = Proxy(azurite.port)
    yield one
    one.close()


def whole(azurite: Account, parcel: Path) -> bool:
    return azurite.names().count(f"in/{parcel.name}") == 1 and (
        azurite.ask("GET", f"study/in/{parcel.name}") == parcel.read_bytes()
    )


@pytest.mark.parametrize("access", [OWNER, may("c"), may("cw")], ids=["key", "create", "create-and-write"])
@pytest.mark.parametrize("cap", [None, Cap(3_000_000)], ids=["no-cap", "cap"])
def test_a_file_arrives_whole(parcel: Path, azurite: Account, access: dict[str, str], cap: Cap | None) -> None:
    deliver(parcel, azurite.destination(), access, cap)
    assert whole(azurite, parcel)


@pytest.mark.parametrize("access", [OWNER, may("cw")], ids=["reads", "reads-nothing"])
def test_what_arrived_although_its_answer_got_lost_counts_as_delivered(
    parcel: Path, azurite: Account, line: Proxy, access: dict[str, str]
) -> None:
    line.cut_answer = True
    assert trouble(parcel, azurite.destination(line.port), access) is Trouble.AWAY
    assert whole(azurite, parcel)
    deliver(parcel, azurite.destination(line.port), access)
    assert [one.method for one in line.seen] == ["PUT", "PUT", "GET"]
    assert whole(azurite, parcel)


def test_another_file_of_the_same_name_is_left_as_it_is(parcel: Path, azurite: Account) -> None:
    for other in (b"of somebody else", parcel.read_bytes()[::-1]):
        azurite.ask("PUT", f"study/in/{parcel.name}", other)
        assert trouble(parcel, azurite.destination(), OWNER) is Trouble.NOT_OURS
        assert azurite.ask("GET", f"study/in/{parcel.name}") == other


@pytest.mark.parametrize(
    "access",
    [
        {"AZURE_STORAGE_ACCOUNT_KEY": b64encode(b"of another account" * 4).decode()},
        may("r"),
        {name: sas.replace("sp=c", "sp=cw") for name, sas in may("c").items()},  # changed after it was signed
    ],
    ids=["key", "reads-alone", "forged"],
)
def test_who_may_not_create_is_refused_and_nothing_arrives(
    parcel: Path, azurite: Account, access: dict[str, str]
) -> None:
    assert trouble(parcel, azurite.destination(), access) is Trouble.REFUSED
    assert f"in/{parcel.name}" not in azurite.names()


def test_a_container_that_is_not_there_is_said_and_not_made(parcel: Path, azurite: Account) -> None:
    assert trouble(parcel, azurite.destination(container="nowhere"), OWNER) is Trouble.NO_SUCH_PLACE
    assert trouble(parcel, azurite.destination(container="nowhere"), OWNER) is Trouble.NO_SUCH_PLACE

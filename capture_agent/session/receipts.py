"""The receipts of all that a person decided and shared on this device, and their files."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

from capture_agent.bundle.tombstone import code_text
from capture_agent.core.errors import ConfigError, StorageError
from capture_agent.keys.vault import Vault
from capture_agent.ledger import receipt_release
from capture_agent.ledger.receipt_html import html
from capture_agent.ledger.receipt_json import decisions, receipt
from capture_agent.ledger.receipt_jsonld import jsonld
from capture_agent.ledger.receipt_release import release_receipts, studies_of
from capture_agent.ledger.record import Ledger
from capture_agent.ledger.releases import released_sessions
from capture_agent.outbox.release import withdrawal_secret

PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700
MakePdf = Callable[[str, str], bytes]  # from a page and its title


class Form(StrEnum):
    """The forms a receipt comes in; the value is the end of the file's name."""

    JSON = "json"
    JSONLD = "jsonld"
    HTML = "html"
    PDF = "pdf"


def receipts(ledger: Ledger, vault: Vault) -> tuple[dict[str, Any], ...]:
    """Return the receipt of every decision, of everything that was shared, and of its withdrawal, oldest first.

    Raises:
        KeyError_: The secrets are locked.
    """
    found: list[tuple[int, dict[str, Any]]] = []
    for study in dict.fromkeys(entry.study for entry in ledger.entries):
        public, pseudonym = vault.signing_key(study).public, vault.pseudonym(study)
        found += [(one.entry.seq, receipt(one, pseudonym, public)) for one in decisions(ledger.entries, study)]
    studies = studies_of(ledger.entries)
    for released in ledger.folded(released_sessions).values():
        key, pseudonym = vault.signing_key(released.study), vault.pseudonym(released.study)
        code = code_text(withdrawal_secret(key, released.session))
        found += release_receipts(released, studies, pseudonym, key.public, code)
    return tuple(one for _, one in sorted(found, key=lambda pair: pair[0]))


def file_name(one: Mapping[str, Any], form: Form) -> str:
    """Return how a receipt's file is called: day, what was decided, and how its record begins."""
    return f"receipt-{one['event']['event_time'][:10]}-{one['event']['event_kind']}-{one['record_id'][:8]}.{form}"


def content(one: Mapping[str, Any], form: Form, locale: str, make_pdf: MakePdf) -> bytes:
    """Return a receipt's file in one form; pages are in `locale`, or in the language of the notice without one."""
    match form:
        case Form.JSON:
            return _text(one)
        case Form.JSONLD:
            return _text(jsonld(one))
        case Form.HTML:
            return _page(one, locale).encode()
        case Form.PDF:
            return make_pdf(_page(one, locale), file_name(one, form))


def forms_of(one: Mapping[str, Any], forms: Iterable[Form]) -> list[Form]:
    """Return those of `forms` that there are of a receipt: of what was shared there is no JSON-LD."""
    return [form for form in forms if form is not Form.JSONLD or not _is_of_release(one)]


def write(
    found: Iterable[Mapping[str, Any]], forms: Sequence[Form], folder: Path, locale: str, make_pdf: MakePdf
) -> tuple[Path, ...]:
    """Write each receipt in each form into `folder`, which is made if it is not there; return the files.

    Raises:
        ConfigError: A file is there already; nothing is replaced.
        StorageError: It cannot be written.
    """
    written: list[Path] = []
    try:
        folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        for one in found:
            for form in forms_of(one, forms):
                path = folder / file_name(one, form)
                data = content(one, form, locale, make_pdf)
                with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE), "wb") as stream:
                    stream.write(data)
                written.append(path)
    except FileExistsError as error:
        raise ConfigError("{path} is there already", hint="Name another folder.", path=error.filename) from None
    except OSError as error:
        raise StorageError(
            "{folder} cannot be written: {why}", hint="Name another folder.", folder=folder, why=error.strerror
        ) from None
    return tuple(written)


def no_pdf(_page: str, _title: str) -> bytes:
    """Stand where no PDF is asked for."""
    raise ValueError("no PDF was asked for")


def _page(one: Mapping[str, Any], locale: str) -> str:
    return receipt_release.html(one, locale) if _is_of_release(one) else html(one, locale)


def _is_of_release(one: Mapping[str, Any]) -> bool:
    return bool(one["schema_version"] == receipt_release.SCHEMA)


def _text(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()

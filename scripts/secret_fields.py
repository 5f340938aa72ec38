"""Write the result table of docs/privacy-gate.md from what the tests of secret fields measured.

usage: secret_fields.py FILE…    FILE: secret-fields.jsonl of a run; of each row the one with most secrets counts
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from docs import replaced

PAGE = Path(__file__).resolve().parent.parent / "docs" / "privacy-gate.md"
HEAD = "| program | its secret field is | secrets | kept of them | plain text kept |\n|---|---|---|---|---|\n"


def table(lines: list[str]) -> str:
    """Return the table; one line a row: [program, verdict, secrets, kept of them, share of plain text]."""
    rows: dict[str, tuple[str, int, int, float]] = {}
    for line in lines:
        name, verdict, secrets, leaked, share = json.loads(line)
        if name not in rows or secrets >= rows[name][1]:
            rows[name] = (verdict, secrets, leaked, share)
    return HEAD + "".join(
        f"| {name} | {verdict.upper()} | {secrets} | {leaked} | {share:.1%} |\n"
        for name, (verdict, secrets, leaked, share) in sorted(rows.items())
    )


if __name__ == "__main__":
    measured = [line for name in sys.argv[1:] for line in Path(name).read_text(encoding="utf-8").splitlines()]
    if not measured:
        raise SystemExit(__doc__)
    PAGE.write_text(replaced(PAGE.read_text(encoding="utf-8"), "fields", table(measured)), encoding="utf-8")

"""Write the result table of docs/privacy-gate.md from what the tests of secret fields measured.

usage: secret_fields.py FILE…    FILE: secret-fields.jsonl of a run; of each row the one with most secrets counts,
                                 and a row that no FILE has stays as it is
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from docs import replaced

PAGE = Path(__file__).resolve().parent.parent / "docs" / "privacy-gate.md"
HEAD = "| program | its secret field is | secrets | kept of them | plain text kept |\n|---|---|---|---|---|\n"


def table(page: str, lines: list[str]) -> str:
    """Return the table of `page` anew; a line: [program, verdict, secrets, kept of them, share of plain text]."""
    rows: dict[str, tuple[int, str]] = {}
    for line in lines:
        name, verdict, secrets, leaked, share = json.loads(line)
        if name not in rows or secrets >= rows[name][0]:
            rows[name] = (secrets, f"| {name} | {verdict.upper()} | {secrets} | {leaked} | {share:.1%} |\n")
    before = page.split("<!-- fields:begin", 1)[1].split("<!-- fields:end", 1)[0].partition(HEAD)[2]
    stay = {line.split(" | ")[0][2:]: line for line in before.splitlines(keepends=True) if line.startswith("| ")}
    return HEAD + "".join(row for _, row in sorted({**stay, **{name: row for name, (_, row) in rows.items()}}.items()))


if __name__ == "__main__":
    measured = [line for name in sys.argv[1:] for line in Path(name).read_text(encoding="utf-8").splitlines()]
    if not measured:
        raise SystemExit(__doc__)
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(replaced(page, "fields", table(page, measured)), encoding="utf-8")

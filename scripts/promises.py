"""Which tests prove which promise, and how they went.

usage: promises.py write         print promise -> tests -> last result, and write the table in SECURITY.md
       promises.py keep FILE…    take over the results that test runs wrote with --promises
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SECURITY = ROOT / "SECURITY.md"
RESULTS = ROOT / "build" / "promises.json"
BEGIN = "<!-- promises: written by `make promises` -->"
END = "<!-- end of promises -->"
UNPROVED = "not proved in this version"


def marked(node: ast.AST) -> Iterator[str]:
    """Yield the promises in `pytest.mark.promise("…")` anywhere inside an expression."""
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "promise":
            yield from (str(argument.value) for argument in call.args if isinstance(argument, ast.Constant))


def in_file(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (promise, test) for each marked test in one file; a mark of module or class counts for all inside."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    name = path.relative_to(ROOT).as_posix()
    whole = [
        promise
        for node in tree.body
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "pytestmark" for t in node.targets)
        for promise in marked(node.value)
    ]
    yield from _in_body(tree.body, name, whole)


def _in_body(body: list[ast.stmt], name: str, outer: list[str]) -> Iterator[tuple[str, str]]:
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            own = outer + [promise for mark in node.decorator_list for promise in marked(mark)]
            if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
                yield from _in_body(node.body, f"{name}::{node.name}", own)
            elif node.name.startswith("test"):
                yield from ((promise, f"{name}::{node.name}") for promise in dict.fromkeys(own))
        elif isinstance(node, ast.Assign):
            # A Hypothesis machine: TestName = Machine.TestCase, marked by `TestName.pytestmark = […]`
            for target in node.targets:
                if (
                    isinstance(target, ast.Attribute)
                    and target.attr == "pytestmark"
                    and isinstance(target.value, ast.Name)
                ):
                    yield from ((promise, f"{name}::{target.value.id}") for promise in marked(node.value))


def proofs() -> dict[str, list[str]]:
    """Return promise → names of the tests that prove it."""
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for promise, test in in_file(path):
            found.setdefault(promise, []).append(test)
    return found


def claims(text: str) -> dict[str, tuple[str, str]]:
    """Return promise → (its words, what it covers in this version) from the rows of the table in SECURITY.md."""
    rows = {}
    for line in text[text.index(BEGIN) : text.index(END)].splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) == 4 and cells[0].startswith("P") and cells[0][1:].isdecimal():
            rows[cells[0]] = (cells[1], cells[2])
    return rows


def table(text: str, found: Mapping[str, list[str]]) -> str:
    """Return `text` with the table, and the list of tests below it, as the tests are now."""
    lines = ["| # | promise | covered in this version | tests |", "|---|---|---|---|"]
    names = []
    for promise, (words, covered) in claims(text).items():
        tests = found.get(promise, [])
        lines.append(f"| {promise} | {words} | {covered} | {len(tests) or UNPROVED} |")
        names += [f"- {promise} `{test}`" for test in tests]
    block = "\n".join(
        [
            BEGIN,
            "",
            *lines,
            "",
            "<details><summary>The tests, by promise</summary>",
            "",
            *names,
            "",
            "</details>",
            "",
            END,
        ]
    )
    return text[: text.index(BEGIN)] + block + text[text.index(END) + len(END) :]


def keep(files: list[str]) -> None:
    """Take over what runs wrote; a test that was not run keeps its last result."""
    kept: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    for file in files:
        if Path(file).exists():
            run = json.loads(Path(file).read_text(encoding="utf-8"))
            for test, entry in run["results"].items():
                kept[test] = {**entry, "commit": run["commit"]}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(kept, indent=1, sort_keys=True), encoding="utf-8")


def last_result(test: str, results: Mapping[str, Mapping[str, Any]]) -> str:
    """Return how a test went last; of a parametrised one, the worst."""
    runs = [entry for name, entry in results.items() if name.split("[")[0] == test or name.startswith(f"{test}::")]
    if not runs:
        return "not run yet"
    worst = next((entry for entry in runs if entry["result"] != "passed"), runs[0])
    return f"{worst['result']} {worst['commit']}".strip()


def write() -> int:
    """Print promise → tests → last result, write the table; return 1 if something that is claimed has no proof."""
    found = proofs()
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    text = SECURITY.read_text(encoding="utf-8")
    for promise, (words, _) in claims(text).items():
        sys.stdout.write(f"\n{promise} {words}\n")
        for test in found.get(promise, []):
            sys.stdout.write(f"    {last_result(test, results):20} {test}\n")
        if promise not in found:
            sys.stdout.write(f"    {UNPROVED}\n")
    SECURITY.write_text(table(text, found), encoding="utf-8")
    unproved = unproved_claims(text, found)
    for problem in unproved:
        sys.stdout.write(f"\n{problem}\n")
    return 1 if unproved else 0


def unproved_claims(text: str, found: Mapping[str, list[str]]) -> list[str]:
    """Return what is wrong between what SECURITY.md claims and what tests prove."""
    rows = claims(text)
    problems = [
        f"{promise} is claimed and no test proves it"
        for promise, (_, covered) in rows.items()
        if covered != UNPROVED and promise not in found
    ]
    return problems + [
        f"tests prove {promise}, which SECURITY.md does not list" for promise in found if promise not in rows
    ]


if __name__ == "__main__":
    if sys.argv[1:2] == ["keep"]:
        keep(sys.argv[2:])
    elif sys.argv[1:] == ["write"]:
        sys.exit(write())
    else:
        sys.exit(__doc__)

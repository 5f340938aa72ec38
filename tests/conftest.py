"""What tests of several folders share, and which promises they prove, with what result, for `make promises`."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import sessions as sessions_module
from hypothesis import settings
from run_tests import long_first

from capture_agent.core.errors import CaptureAgentError

# A slow machine decides no test: Hypothesis counts examples, not time.
settings.register_profile("house", deadline=None, print_blob=True)
settings.register_profile("soak", parent=settings.get_profile("house"), max_examples=2000)
settings.load_profile("house")

PROPERTY = "promise"
INTEROP = Path(__file__).parent / "interop"
NPM_INSTALL = ("npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--silent")


@pytest.fixture(scope="session")
def sessions() -> ModuleType:
    """What makes sessions and bundles with the real writer, encoder and keys: `tests/bundle/sessions.py`."""
    return sessions_module


@pytest.fixture(scope="session")
def npm() -> Callable[[str], Path]:
    """Return where a package of `tests/interop` lies; if it is not there yet, all of them are installed."""

    def folder(name: str) -> Path:
        with (INTEROP / "package.json").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # parallel workers install once
            if not (INTEROP / "node_modules" / name).is_dir():
                subprocess.run(NPM_INSTALL, cwd=INTEROP, check=True, timeout=120)
        return INTEROP / "node_modules" / name

    return folder


@pytest.fixture(scope="session")
def node(npm: Callable[[str], Path]) -> Callable[..., bytes]:
    """Run a script of `tests/interop` with Node."""
    npm("cctv-age")

    def run(script: str, *args: str, given: bytes = b"") -> bytes:
        done = subprocess.run(
            ("node", str(INTEROP / script), *args), input=given, capture_output=True, check=True, timeout=60
        )
        return done.stdout

    return run


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--promises", metavar="FILE", help="write promise, test and result of each marked test to FILE (JSON)"
    )


def pytest_configure(config: pytest.Config) -> None:
    file = config.getoption("--promises")
    if file and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder(Path(file)), "promises")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let long tests begin first; put each test's promises where they travel from an xdist worker to who writes."""
    workers = getattr(config, "workerinput", {"workercount": 1})["workercount"]
    items[:] = long_first(items, lambda item: item.get_closest_marker("long") is not None, workers)
    for item in items:
        for mark in item.iter_markers("promise"):
            item.user_properties.append((PROPERTY, str(mark.args[0])))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(call: pytest.CallInfo[None]) -> None:
    """Show of an error of ours what its message leaves to its hint: what was on screen instead, say."""
    error = None if call.excinfo is None else call.excinfo.value
    if isinstance(error, CaptureAgentError) and error.hint:
        error.add_note(error.hint)


class Recorder:
    """Collects the result of every test that proves a promise."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.results: dict[str, dict[str, object]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        promises = [str(value) for name, value in report.user_properties if name == PROPERTY]
        if not promises or (report.when != "call" and report.passed):
            return
        result = report.outcome if report.when == "call" else "failed"
        before = self.results.get(report.nodeid)
        if before is None or before["result"] == "passed":
            self.results[report.nodeid] = {"promises": promises, "result": result}

    def pytest_sessionfinish(self) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        written = {"commit": os.environ.get("COMMIT", ""), "results": self.results}
        self.file.write_text(json.dumps(written, indent=1, sort_keys=True), encoding="utf-8")

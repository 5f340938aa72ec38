"""The rules of the house: what nothing checks will rot."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from run_tests import long_first

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "capture_agent"
MODULES = sorted(PACKAGE.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
MAX_LINES = 400
MAX_TEST_LINES = 500  # tables of cases are long and easy to read

# Each outside library has its doorkeepers: the only files (or folders) that import it.
DOORS = {
    "pynput": ("sources/",),
    "mss": ("sources/", "demo/desktop.py"),
    "PySide6": ("ui/", "app.py"),
    "av": ("encode/",),
    "mcap": ("encode/",),
    "zstandard": ("encode/",),
    "PIL": ("encode/stills.py", "ui/icons.py"),
    "pyrage": ("keys/",),
    "cryptography": ("keys/",),
    "keyring": ("keys/",),
    "pydantic": ("settings/", "bundle/", "outbox/", "research/devices.py"),
    "typer": ("cli/", "__main__.py", "admin/commands.py", "research/commands.py"),
    "rich": ("cli/", "research/commands.py"),
    "platformdirs": ("session/profile.py", "settings/places.py", "research/devices.py"),
    "Xlib": ("desktop/", "sources/", "demo/"),
    "jeepney": ("desktop/", "demo/", "ui/"),
    "pyarrow": ("outbox/table.py",),
    "obstore": ("outbox/courier.py",),
}
# One module opens connections. The control socket is a file of this user's (AF_UNIX), and says so.
NETWORK = {"socket", "ssl", "http", "urllib", "ftplib", "smtplib", "asyncio", "socketserver", "xmlrpc", "obstore"}
NETWORK |= {"requests", "httpx", "aiohttp", "urllib3", "boto3", "PySide6.QtNetwork", "PySide6.QtWebSockets"}
LOCAL_SOCKET = ("control/", "desktop/waker.py")
COURIER = "outbox/courier.py"
# What is never recorded has no way in: sound, camera, clipboard, files, place. Libraries, then names by which Qt, X11
# and D-Bus hand such things out; strings count, too, because D-Bus and X atoms are asked for by their names.
NEVER = {
    "sounddevice",
    "pyaudio",
    "soundcard",
    "cv2",
    "pyperclip",
    "alsaaudio",
    "pulsectl",
    "picamera2",
    "v4l2",
    "gphoto2",
}
NEVER |= {
    "geopy",
    "gpsd",
    "geocoder",
    "klembord",
    "clipboard",
    "watchdog",
    "pyinotify",
    "inotify",
    "Xlib.ext.xfixes_selection",
}
NEVER |= {
    f"PySide6.Qt{name}"
    for name in ("Multimedia", "MultimediaWidgets", "Positioning", "Location", "Sensors", "TextToSpeech")
}
NEVER_NAMES = {
    "clipboard",
    "QClipboard",
    "QCamera",
    "QAudioSource",
    "QAudioInput",
    "QMediaRecorder",
    "QMediaCaptureSession",
}
NEVER_NAMES |= {"QGeoPositionInfoSource", "QGeoAreaMonitorSource", "QSensor", "QFileSystemWatcher", "supportsSelection"}
NEVER_NAMES |= {
    "convert_selection",
    "set_selection_owner",
    "SelectionNotify",
    "SelectionRequest",
}
NEVER_NAMES |= {
    "select_selection_input",
    "xfixes_select_selection_input",
    "SetSelectionOwnerNotifyMask",
    "XFixesSelectSelectionInput",
}
NEVER_WORDS = (
    "CLIPBOARD",
    "/dev/video",
    "/dev/snd",
    "/dev/audio",
    "org.freedesktop.GeoClue",
    "org.freedesktop.portal.Camera",
)
NEVER_WORDS += (
    "org.freedesktop.portal.Location",
    "org.freedesktop.portal.Clipboard",
    "org.pulseaudio",
    "org.pipewire",
    "XFIXES_SELECTION",
)


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imported(path: Path) -> Iterator[str]:
    """Yield the dotted names that a module imports anywhere, lazily or for types too."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def within(name: str, parents: set[str] | tuple[str, ...]) -> bool:
    return any(name == parent or name.startswith(f"{parent}.") for parent in parents)


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_no_module_is_longer_than_its_limit() -> None:
    def too_long(paths: list[Path], limit: int) -> list[str]:
        return [path.name for path in paths if len(path.read_text(encoding="utf-8").splitlines()) > limit]

    assert too_long(MODULES, MAX_LINES) == []
    assert too_long(TESTS, MAX_TEST_LINES) == []


def test_tests_import_only_what_has_one_name() -> None:
    """Of two test files with one name nobody knows which an import means: it depends on which is run beside which."""
    named = Counter(path.stem for path in TESTS)
    imported = re.compile(r"^(?:from|import) ((?!conftest)[a-z_0-9]+)\b", re.MULTILINE)
    found = {name for path in TESTS for name in imported.findall(path.read_text(encoding="utf-8")) if named[name] > 1}
    assert found == set()


def test_each_library_is_imported_by_its_doorkeepers_only() -> None:
    strangers = [
        f"{name_of(path)} imports {name}"
        for path in MODULES
        for name in imported(path)
        for library, doors in DOORS.items()
        if within(name, (library,)) and not name_of(path).startswith(doors)
    ]
    assert strangers == []


def test_every_run_time_dependency_has_doorkeepers_and_a_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = [line for lines in project["optional-dependencies"].values() for line in lines]
    names = {re.match(r"[\w-]+", line)[0].lower() for line in [*project["dependencies"], *optional]}  # type: ignore[index]
    imports = {"pillow": "PIL", "pyside6-essentials": "PySide6", "python-xlib": "Xlib"}
    without_door = {name for name in names if imports.get(name, name) not in {*DOORS, "numpy"}}
    assert without_door == set()
    reasons = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8").lower()
    assert {name for name in names if f"| `{name}` |" not in reasons} == set()


@pytest.mark.promise("P14")
def test_nothing_but_the_courier_can_reach_a_network() -> None:
    found = {
        f"{name_of(path)} imports {name}"
        for path in MODULES
        for name in imported(path)
        if within(name, NETWORK) and name_of(path) != COURIER
        # urllib.parse only reads text
        if not within(name, ("urllib.parse",))
        and not (name_of(path).startswith(LOCAL_SOCKET) and within(name, ("socket",)))
    }
    assert found == set()


@pytest.mark.promise("P14")
def test_the_local_socket_is_a_file_and_nothing_else() -> None:
    for path in MODULES:
        names = {node.attr for node in ast.walk(parsed(path)) if isinstance(node, ast.Attribute)}
        if name_of(path) != COURIER:
            assert not names & {"AF_INET", "AF_INET6", "create_connection", "create_server", "getaddrinfo"}, path
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "socket.socket":
                assert node.args, path
                assert ast.unparse(node.args[0]) == "socket.AF_UNIX", path


def test_what_is_never_recorded_has_no_way_in() -> None:
    for path in MODULES:
        assert not [name for name in imported(path) if within(name, NEVER)], path
        used = {node.attr for node in ast.walk(parsed(path)) if isinstance(node, ast.Attribute)}
        used |= {node.id for node in ast.walk(parsed(path)) if isinstance(node, ast.Name)}
        used |= {name.rpartition(".")[2] for name in imported(path)}
        assert not used & NEVER_NAMES, path
        strings = [node.value for node in ast.walk(parsed(path)) if isinstance(node, ast.Constant)]
        assert not [one for one in strings for word in NEVER_WORDS if isinstance(one, str) and word in one], path


@pytest.mark.promise("P8")
def test_only_the_gate_makes_something_cleared() -> None:
    makers = {
        name_of(path)
        for path in MODULES
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute)
        if (node.func.id if isinstance(node.func, ast.Name) else node.func.attr) == "Cleared"
    }
    assert makers == {"core/privacy.py"}


# One boundary per thread turns anything into a fault that the person sees.
BOUNDARIES: dict[str, int] = {
    "__main__.py": 1,
    "control/server.py": 2,
    "desktop/bus.py": 1,
    "desktop/x11_hotkeys.py": 1,
    "keys/os_keyring.py": 1,
    "session/delivering.py": 1,
    "session/finishing.py": 1,
    "session/pipeline.py": 1,
    "sources/worker.py": 1,
    "ui/bridge.py": 1,
    "ui/looking.py": 1,
}


def is_broad(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    broad = any(
        kind is None or (isinstance(kind, ast.Name) and kind.id in {"Exception", "BaseException"}) for kind in kinds
    )
    last = handler.body[-1]
    return broad and not (
        isinstance(last, ast.Raise) and last.exc is None
    )  # what cleans up and goes on raising is fine


def test_a_broad_except_stands_only_at_the_boundary_of_a_thread() -> None:
    found = Counter(
        name_of(path)
        for path in MODULES
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ExceptHandler) and is_broad(node)
    )
    assert {name: count for name, count in found.items() if count > BOUNDARIES.get(name, 0)} == {}


def is_swallowing(handler: ast.ExceptHandler) -> bool:
    return all(isinstance(line, ast.Pass) for line in handler.body)


def test_no_exception_is_swallowed() -> None:
    found = [
        f"{name_of(path)}:{node.lineno}"
        for path in MODULES
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ExceptHandler) and is_swallowing(node)
    ]
    assert found == []


def test_importing_any_module_touches_no_display() -> None:
    script = """
import importlib, pkgutil, sys, capture_agent
for module in pkgutil.walk_packages(capture_agent.__path__, "capture_agent."):
    importlib.import_module(module.name)
assert "pynput" not in sys.modules
"""
    env = {name: value for name, value in os.environ.items() if name not in {"DISPLAY", "WAYLAND_DISPLAY"}}
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_import_order_is_the_one_that_is_drawn() -> None:
    drawing = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    drawn = re.search(r"( {4}__main__ > .*?)\n\n", drawing, re.DOTALL)
    assert drawn is not None
    order = [re.findall(r"\w+", line) for line in drawn[1].split(">")]
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    assert [re.findall(r"\w+", line) for line in linter["contracts"][0]["layers"]] == order
    stages = {name for line in order for name in line}
    assert {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"} <= stages


def between(text: str, name: str) -> str:
    """The part of README that a test keeps true: between two comments."""
    found = re.search(rf"<!-- {name}:begin -->(.*?)<!-- {name}:end -->", text, re.DOTALL)
    assert found is not None, name
    return found[1]


def test_readme_draws_the_folders_that_there_are() -> None:
    drawn = re.findall(
        r"^\| `(\w+)` \|", between((ROOT / "README.md").read_text(encoding="utf-8"), "tree"), re.MULTILINE
    )
    assert sorted(drawn) == sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py"))


def test_readme_installs_the_packages_that_the_set_up_does() -> None:
    listed = (ROOT / "scripts" / "packages-run.txt").read_text(encoding="utf-8")
    packages = {line for line in listed.splitlines() if line and not line.startswith("#")}
    command = between((ROOT / "README.md").read_text(encoding="utf-8"), "apt").replace("\\\n", " ")
    named = set(command.partition(" install ")[2].replace("`", " ").split()) - {"--no-install-recommends"}
    assert named == packages - {"python3-venv"} | {"pipx"}  # pipx brings Python's venv along


def test_tests_mirror_the_package() -> None:
    own = {"real", "vectors", "interop", "benchmarks"}
    folders = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders - own <= {path.name for path in PACKAGE.iterdir() if path.is_dir()}


def test_names_of_tests_are_sentences() -> None:
    short = [
        f"{path.name}::{node.name}"
        for path in TESTS
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and node.name.count("_") < 2
    ]
    assert short == []


def test_every_worker_begins_with_its_long_tests_and_none_is_lost() -> None:
    for count, workers in (10, 3), (11, 3), (5, 1), (2, 3), (0, 2):
        tests = [*range(count)]
        ordered = long_first(tests, {4, 8, 9}.__contains__, workers)
        assert sorted(ordered) == tests
        for worker in range(workers):  # as pytest-xdist cuts them
            own, ordered = ordered[: len(ordered) // (workers - worker)], ordered[len(ordered) // (workers - worker) :]
            long = [test in {4, 8, 9} for test in own]
            assert long == sorted(long, reverse=True)
            assert count < 10 or any(long)


def test_nothing_is_skipped_or_mocked() -> None:
    forbidden = {"skip", "skipif", "xfail", "importorskip", "mock", "Mock", "MagicMock"}
    found = [
        f"{path.name}:{node.lineno} {node.attr}"
        for path in TESTS
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Attribute) and node.attr in forbidden
    ]
    assert found == []


def test_security_md_claims_what_tests_prove() -> None:
    promises = script("promises")
    text = promises.SECURITY.read_text(encoding="utf-8")
    found = promises.proofs()
    assert promises.unproved_claims(text, found) == []
    assert promises.table(text, found) == text, "run `make promises`"


def test_a_claim_without_a_test_is_found() -> None:
    promises = script("promises")
    text = f"{promises.BEGIN}\n| P1 | words | all of it | 3 |\n| P2 | words | {promises.UNPROVED} | 0 |\n{promises.END}"
    assert promises.unproved_claims(text, {}) == ["P1 is claimed and no test proves it"]
    assert promises.unproved_claims(text, {"P1": ["a"], "P9": ["b"]}) == [
        "tests prove P9, which SECURITY.md does not list"
    ]
    assert "| P1 | words | all of it | 2 |" in promises.table(text, {"P1": ["a", "b"]})

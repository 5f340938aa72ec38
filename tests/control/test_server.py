from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from capture_agent.control import server as server_module
from capture_agent.control.client import Client, NotRunningError
from capture_agent.control.instance import Instance, announced_socket
from capture_agent.control.peer import short_name
from capture_agent.control.private import open_folder
from capture_agent.control.server import CONNECTIONS, Server
from capture_agent.control.wire import MAX_REQUEST_BYTES, Response
from capture_agent.core.errors import ConfigError, ConsentError, FaultError, StorageError
from capture_agent.core.events import Outcome
from capture_agent.core.recording import State


def connected(path: Path) -> socket.socket:
    """Return a connection; the folder of a test may be deeper than a socket's path can be long."""
    folder = open_folder(path.parent)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(30)
    connection.connect(short_name(folder, path.name))
    os.close(folder)
    return connection


def raw(path: Path, *pieces: bytes, end: bool = True) -> bytes:
    """Send bytes as they are, and return all that comes back."""
    with connected(path) as connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
            if end:
                connection.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has said no already
        answer = b""
        try:
            while more := connection.recv(65_536):
                answer += more
        except ConnectionResetError:
            pass
        return answer


def test_every_command_reaches_the_agent(running: Any) -> None:
    ask = running.client.ask
    assert ask("status")["state"] == "recording"
    assert ask("sessions")["sessions"][0]["id"] == "abc"
    assert ask("task-start", {"text": "Write a letter"})["task"]["text"] == "Write a letter"
    assert ask("task-show")["task"]["id"] == "t1"
    assert ask("task-finish", {"outcome": "gave-up", "difficulty": 4})["task"]["id"] == "t1"
    assert ask("pause", {"minutes": 5})["state"] == "paused"
    assert ask("start")["state"] == "paused"
    assert ask("show")["state"] == "paused"
    assert running.windows.shown == 2
    assert ask("stop")["state"] == "off"
    assert ask("quit")["state"] == "off"
    assert running.windows.left == 1
    assert running.agent.asked_for == [
        ("start_task", "Write a letter"),
        ("finish_task", Outcome.GAVE_UP, 4, ""),
        ("pause", 5),
        ("stop",),
        ("stop",),
    ]


def test_what_the_agent_refuses_arrives_as_it_said_it(running: Any) -> None:
    with pytest.raises(ConsentError, match="not agreed") as caught:
        running.client.ask("task-start", {"text": "not agreed"})
    assert caught.value.hint
    with pytest.raises(ConfigError, match="outcome"):
        running.client.ask("task-finish", {"outcome": "perfect"})


def test_a_bug_in_the_agent_is_told_and_kills_nothing(running: Any) -> None:
    with pytest.raises(FaultError):
        running.client.ask("task-start", {"text": "bug"})
    assert len(running.bugs) == 1
    assert running.client.ask("status")["running"]


def test_forgetting_is_answered_when_it_is_done_and_other_commands_do_not_wait_for_it(running: Any) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def rest() -> None:
        begun.set()
        assert go_on.wait(60)

    running.agent.rest = rest
    answers: list[Any] = []
    asking = threading.Thread(target=lambda: answers.append(running.client.ask("forget", {"minutes": 5})))
    asking.start()
    assert begun.wait(60)
    assert Client(running.profile).ask("pause", {"minutes": 5})["state"] == "paused"
    assert answers == []
    go_on.set()
    asking.join()
    assert answers[0]["recordings"] == 1
    assert running.agent.asked_for == [("forget", 5), ("pause", 5), ("finish_forgetting",)]


@pytest.mark.parametrize(("error", "kind"), [(StorageError("the disk is full"), StorageError), (OSError(), FaultError)])
def test_forgetting_that_cannot_be_finished_is_said(running: Any, error: Exception, kind: type[Exception]) -> None:
    def rest() -> None:
        raise error

    running.agent.rest = rest
    with pytest.raises(kind):
        running.client.ask("forget", {"minutes": 5})


@pytest.mark.parametrize(
    "bad",
    [
        b"\n",
        b"hello\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b'{"v":1,"command":"accept"}\n',
        b'{"v":1,"command":"resume"}\n',
        b"\xff" * 100 + b"\n",
        b"[" * 50_000 + b"\n",
    ],
)
def test_bad_input_is_answered_and_changes_nothing(running: Any, bad: bytes) -> None:
    first = raw(running.server.path, bad).split(b"\n")[0]
    assert json.loads(first)["error"]["type"] == "ConfigError"
    assert running.client.ask("status")["state"] == "recording"


def test_a_line_without_end_is_cut_off(running: Any) -> None:
    answer = raw(running.server.path, b"x" * (MAX_REQUEST_BYTES * 4))
    assert answer == b"" or b"at most" in answer
    assert running.client.ask("status")["running"]


def test_half_a_line_is_no_request(running: Any) -> None:
    assert raw(running.server.path, b'{"v":1,"command":"stop"}') == b""
    assert running.agent.asked_for == []


def test_a_request_may_come_in_pieces_and_several_on_one_connection(running: Any) -> None:
    line = b'{"v":1,"command":"status"}\n'
    answer = raw(running.server.path, line[:5], line[5:], line + line)
    assert [json.loads(one)["ok"] for one in answer.splitlines()] == [True] * 3


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=300), max_size=4))
def test_no_bytes_stop_the_server(running: Any, pieces: list[bytes]) -> None:
    raw(running.server.path, *pieces)
    assert running.client.ask("status")["state"] == "recording"
    assert running.faults == []


def test_those_who_say_nothing_do_not_keep_others_waiting(running: Any) -> None:
    silent = [connected(running.server.path) for _ in range(CONNECTIONS - 1)]
    assert running.client.ask("status")["running"]
    for connection in silent:
        connection.close()


def test_only_this_user_can_reach_the_socket(running: Any) -> None:
    path: Path = running.server.path
    assert stat.S_IMODE(path.lstat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.lstat().st_mode) == 0o700


def test_a_command_does_not_talk_to_another_users_socket(profile: Path, foreign: Path) -> None:
    """Someone else's folder in the place of ours is refused before anything is said."""
    instance = Instance.take(profile)
    assert instance is not None
    instance.announce(foreign / "control.sock")
    with pytest.raises(StorageError, match="another user"):
        Client(profile).ask("status")
    instance.release()


@pytest.mark.parametrize("kind", ["link", "foreign", "open", "file"])
def test_a_runtime_folder_that_is_not_private_is_not_used(
    profile: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, foreign: Path, kind: str
) -> None:
    runtime = tmp_path / "other"
    runtime.mkdir(mode=0o700)
    if kind == "link":
        (tmp_path / "link").symlink_to(runtime)
        runtime = tmp_path / "link"
    elif kind == "foreign":
        runtime = foreign
    elif kind == "open":
        runtime.chmod(0o755)
    else:
        runtime.rmdir()
        runtime.touch()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    instance = Instance.take(profile)
    assert instance is not None
    server = Server(instance, lambda request: pytest.fail("no request was made"), [].append)
    assert server.path == profile / "control.sock"
    server.close()
    instance.release()


@pytest.mark.parametrize("kind", ["link", "open"])
def test_a_folder_in_the_runtime_folder_that_is_not_ours_is_refused(profile: Path, tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "runtime" / "capture-agent"
    folder.mkdir(mode=0o700)
    if kind == "link":
        folder.rmdir()
        folder.symlink_to(profile)
    else:
        folder.chmod(0o750)
    instance = Instance.take(profile)
    assert instance is not None
    with pytest.raises(StorageError):
        Server(instance, lambda request: pytest.fail("no request was made"), [].append)
    instance.release()


def test_a_profile_deep_down_has_a_socket_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_agent: Any
) -> None:
    """unix(7) allows 107 bytes for the path of a socket."""
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    deep.mkdir(parents=True, mode=0o700)
    agent = make_agent(deep)
    assert agent.client.ask("status")["running"]


@pytest.fixture
def make_agent(running: Any) -> Iterator[Callable[[Path], Any]]:
    made = []

    def make(profile: Path) -> Any:
        made.append(type(running)(profile))
        return made[-1]

    yield make
    for agent in made:
        agent.close()


def test_two_profiles_of_one_user_do_not_take_each_others_socket(running: Any, tmp_path: Path, make_agent: Any) -> None:
    other = tmp_path / "other"
    other.mkdir(mode=0o700)
    second = make_agent(other)
    assert second.server.path == other / "control.sock"
    second.agent.pause(None)
    assert second.client.ask("status")["state"] == State.PAUSED
    assert running.client.ask("status")["state"] == State.RECORDING


def test_commands_find_the_agent_from_a_shell_without_the_variable(
    running: Any, profile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert Client(profile).ask("status")["running"]


def test_without_an_agent_commands_say_so(profile: Path) -> None:
    with pytest.raises(NotRunningError) as caught:
        Client(profile).ask("status")
    assert "capture-agent" in caught.value.hint
    with pytest.raises(NotRunningError):
        Client(profile / "none").ask("status")


def test_a_second_start_waits_for_the_first_that_is_still_starting(profile: Path) -> None:
    instance = Instance.take(profile)
    assert instance is not None
    with pytest.raises(NotRunningError):
        Client(profile).ask_when_ready("show", seconds=0.2)
    answers: list[dict[str, Any]] = []
    waiting = threading.Thread(target=lambda: answers.append(Client(profile).ask_when_ready("show", seconds=60)))
    waiting.start()
    done: Future[Response] = Future()
    done.set_result(Response({"shown": True}))
    server = Server(instance, lambda request: done, [].append)
    waiting.join()
    server.close()
    instance.release()
    assert answers == [{"shown": True}]


def test_after_a_kill_commands_say_so_and_the_next_agent_starts(profile: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path\n"
        "from capture_agent.control.instance import Instance\n"
        "from capture_agent.control.server import Server\n"
        "instance = Instance.take(Path(sys.argv[1]))\n"
        "server = Server(instance, lambda request: None, print)\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(profile)], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        assert Instance.take(profile) is None
        child.send_signal(signal.SIGKILL)
    socket_path = announced_socket(profile)
    assert socket_path is not None
    assert socket_path.exists()
    with pytest.raises(NotRunningError):
        Client(profile).ask("status")
    instance = Instance.take(profile)
    assert instance is not None
    server = Server(instance, lambda request: pytest.fail("no request was made"), [].append)
    assert server.path == socket_path
    server.close()
    assert not socket_path.exists()
    instance.release()


def test_closing_while_the_main_thread_works_does_not_hang(running: Any) -> None:
    running.stop_main()  # from now on nobody answers
    answers: list[BaseException] = []

    def ask() -> None:
        try:
            running.client.ask("status")
        except FaultError as error:
            answers.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    while running.waiting.empty():  # until the request has arrived
        asking.join(0.01)
    running.server.close()
    running.server.close()
    asking.join()
    assert len(answers) == 1
    assert not running.server.path.exists()


def test_a_stop_that_nobody_waits_for_is_done_all_the_same(running: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A frozen window must not turn "stop" into nothing; what a person said of a task is not said late."""
    monkeypatch.setattr(server_module, "ANSWER_SECONDS", 0.2)
    running.stop_main()
    for command, arguments in (("stop", {}), ("task-start", {"text": "late"})):
        with pytest.raises(FaultError):
            running.client.ask(command, arguments)
    running.main = threading.Thread(target=running._main)
    running.main.start()
    assert running.client.ask("status")["state"] == "off"
    assert running.agent.asked_for == [("stop",)]

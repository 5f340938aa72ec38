from __future__ import annotations

from pathlib import Path

import pytest

from capture_agent.settings import WrongFileError, policy_path, system_policy_path


def test_the_system_policy_wins_over_a_joined_study(tmp_path: Path) -> None:
    system, joined = tmp_path / "etc" / "policy.toml", tmp_path / "joined.toml"
    joined.touch()
    assert policy_path(None, system=system) is None
    assert policy_path(joined, system=system) == joined
    system.parent.mkdir()
    system.touch(mode=0o644)
    assert policy_path(joined, system=system) == system
    assert policy_path(None, system=system) == system


def test_a_system_policy_that_cannot_be_used_never_gives_way_to_the_other(tmp_path: Path) -> None:
    system = tmp_path / "policy.toml"
    system.symlink_to(tmp_path / "nowhere")
    assert policy_path(tmp_path / "joined.toml", system=system) == system


def test_a_system_policy_that_anyone_can_write_is_refused(tmp_path: Path) -> None:
    system = tmp_path / "policy.toml"
    system.touch()
    system.chmod(0o666)
    with pytest.raises(WrongFileError, match="only an administrator"):
        policy_path(None, system=system)
    link = tmp_path / "link.toml"
    link.symlink_to(system)
    with pytest.raises(WrongFileError, match="only an administrator"):
        policy_path(None, system=link)


def test_no_environment_variable_moves_the_system_policy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("HOME", "XDG_CONFIG_DIRS", "XDG_CONFIG_HOME", "ProgramData", "PROGRAMDATA", "CAPTURE_AGENT_POLICY"):
        monkeypatch.setenv(name, str(tmp_path))
    assert system_policy_path("linux") == Path("/etc/capture-agent/policy.toml")
    assert system_policy_path("darwin") == Path("/Library/Application Support/capture-agent/policy.toml")

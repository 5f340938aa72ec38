"""Which sessions are used from another computer."""

import pytest

from capture_agent.desktop.x11_remote import shows_elsewhere, started_from_afar

PLAIN = frozenset({"RANDR", "DAMAGE"})


@pytest.mark.parametrize("display", [":0", ":10.0", "unix:0", "unix:/run/x", "/private/tmp/launch-1/org.xquartz:0"])
def test_a_display_of_this_computer_is_not_remote(display):
    assert not shows_elsewhere(display, PLAIN, frozenset({"HDMI-1", "eDP-1", "screen"}))


@pytest.mark.parametrize("display", ["localhost:10.0", "192.0.2.7:0", "host/unix:1"])
def test_a_display_that_a_host_is_named_for_is_remote(display):
    assert shows_elsewhere(display, PLAIN, frozenset({"screen"}))


@pytest.mark.parametrize(
    ("extensions", "outputs"),
    [(PLAIN | {"VNC-EXTENSION"}, frozenset()), (PLAIN, frozenset({"VNC-0"})), (PLAIN, frozenset({"rdp0"}))],
)
def test_the_servers_of_vnc_and_xrdp_are_remote(extensions, outputs):
    assert shows_elsewhere(":10", extensions, outputs)


@pytest.mark.parametrize(
    "name", ["SSH_CONNECTION", "SSH_CLIENT", "XRDP_SESSION", "X2GO_SESSION", "CHROME_REMOTE_DESKTOP_SESSION"]
)
def test_what_a_remote_session_sets_is_known_and_an_empty_value_is_none(name):
    assert started_from_afar({"DISPLAY": ":0", name: "192.0.2.7 55 192.0.2.1 22"})
    assert not started_from_afar({"DISPLAY": ":0", name: ""})

"""A window of private browsing, of a browser that may be recorded: neither pixels nor keys nor its title are kept."""

from __future__ import annotations

import numpy as np
import pytest
from browsers import CHROMIUM, FIREFOX_PREFERENCES
from typist import Typist

pytestmark = pytest.mark.real

TITLE = "oystercatcher"
PAGE = f'<!doctype html><title>{TITLE}</title><body style="background: #f00"><textarea autofocus></textarea>'
REDDER = 100  # of 255: Firefox's own private windows are purple, and empty when they appear
LEAST_PIXELS = 5_000
# The pages of a window that is not private show this often at least, or the test would prove nothing.
LEAST_SHOWN = 1


def shows_page(rgb):
    red, green, blue = (rgb[..., n].astype(np.int16) for n in range(3))
    return bool(((red - green > REDDER) & (red - blue > REDDER)).sum() > LEAST_PIXELS)


@pytest.mark.promise("P8")
@pytest.mark.parametrize("private", [True, False], ids=["private", "ordinary"])
@pytest.mark.parametrize("app", ["chromium", "firefox-esr"])
def test_private_browsing_of_an_agreed_browser_is_not_recorded(awake_desktop, app, private):
    desktop, folder = awake_desktop, awake_desktop.folder / app
    folder.mkdir()
    (folder / "user.js").write_text(FIREFOX_PREFERENCES)
    page = desktop.folder / "page.html"
    page.write_text(PAGE)
    command = {
        "chromium": (
            *CHROMIUM,
            "--force-renderer-accessibility",
            f"--user-data-dir={folder}",
            *["--incognito"][:private],
        ),
        "firefox-esr": ("firefox-esr", "--no-remote", "--profile", str(folder), *["--private-window"][:private]),
    }[app]
    with Typist(desktop, {app}, seed=5, screen=True) as person:
        desktop.start(*command, str(page))
        person.bring(app)
        person.eventually(lambda: person.window is not None and TITLE in person.window.title, "the page does not load")
        for _ in range(5):
            person.word()
        outcome = person.outcome()
    red = [shows_page(rgb) for _, rgb in outcome.pictures()]
    titles = [
        message.data for message in outcome.messages if TITLE.encode() in message.data and message.topic == "windows"
    ]
    if private:
        assert (sum(red), len(titles), outcome.typed) == (0, 0, ""), f"of {len(red)} pictures"
    else:
        assert sum(red) >= LEAST_SHOWN
        assert titles
        assert outcome.typed

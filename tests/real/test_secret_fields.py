"""Secrets typed into real programs: no letter, length or rhythm of them is kept, and the words beside are."""

from __future__ import annotations

import sys
import time

import pytest
from browsers import CHROMIUM, FIREFOX_PREFERENCES
from typist import ROUNDS, Typist, check, is_mask

from capture_agent.desktop import awake

pytestmark = [pytest.mark.real, pytest.mark.long]

UNKNOWN = frozenset({"field-unknown"})

# One plain field above one secret field; Tab goes from either to the other.
QT_FORM = """
import sys
from PySide6.QtWidgets import QApplication, QLineEdit, QVBoxLayout, QWidget
app = QApplication(["form"])
window = QWidget()
layout = QVBoxLayout(window)
plain, secret = QLineEdit(), QLineEdit()
secret.setEchoMode(getattr(QLineEdit.EchoMode, sys.argv[1]))
for field in (plain, secret):
    layout.addWidget(field)
window.resize(300, 120)
window.show()
app.exec()
"""
# A text of several lines above one secret entry.
GTK_4_FORM = """
import gi
gi.require_version("Gtk", "4.0")
from gi.repository import Gtk
def show(app):
    box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL)
    text = Gtk.TextView(accepts_tab=False, height_request=100)
    for one in (text, SECRET):
        box.append(one)
    Gtk.ApplicationWindow(application=app, title="form", child=box, default_width=300).present()
app = Gtk.Application(application_id="org.example.form")
app.connect("activate", show)
app.run()
"""
PAGE = """<!doctype html><title>form</title><input id="plain" autofocus><br><input id="secret" type="password">
<script>
secret.addEventListener("keydown", e => { if (e.key == "Tab") { e.preventDefault(); plain.focus() } })
plain.addEventListener("keydown", e => { if (/[0-9]/.test(e.key)) document.title = "in the wrong field" })
</script>
"""


def assert_covered(outcome, x, y):
    """The pictures hide this pixel from the first secret on: the one that was shown then, and all after it."""
    pictures = [(t_us > outcome.secrets[0][0], rgb[y, x]) for t_us, rgb in outcome.pictures()]
    first = max(n for n, (after, _) in enumerate(pictures) if not after)
    assert all(is_mask(pixel) for _, pixel in pictures[first:])


def assert_secret_field_covered(outcome, corner):
    place = next(look for look in outcome.looks if look.secrets).secrets[0]
    assert_covered(outcome, corner.x + place.x + place.width // 2, corner.y + place.y + place.height // 2)


@pytest.mark.promise("P8")
@pytest.mark.parametrize("rounds", ROUNDS)
@pytest.mark.parametrize("mode", ["Password", "NoEcho"])
def test_a_secret_field_of_qt_is_not_recorded_once_accessibility_is_switched_on(desktop, monkeypatch, mode, rounds):
    with Typist(desktop, {"form"}, seed=1, screen=True) as person:
        desktop.start(sys.executable, "-c", QT_FORM, mode)
        person.windows.wait("form")
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", desktop.env["DBUS_SESSION_BUS_ADDRESS"])
        awake.wake(True)  # while the program runs
        person.bring("form")
        outcome = person.fill_form(rounds)
    check(outcome, f"Qt 6 line edit, {mode}, accessibility switched on")
    assert_secret_field_covered(outcome, person.window.rect)
    assert len(outcome.pictures()) > rounds


@pytest.mark.promise("P8")
@pytest.mark.parametrize("rounds", ROUNDS)
def test_a_program_of_qt_whose_fields_cannot_be_seen_is_recorded_without_text(desktop, rounds):
    with Typist(desktop, {"form"}, seed=2) as person:
        desktop.start(sys.executable, "-c", QT_FORM, "Password")
        person.bring("form")
        outcome = person.fill_form(rounds)
    check(outcome, "Qt 6 line edit, Password, accessibility off", kept=False, reasons=UNKNOWN)


@pytest.mark.promise("P8")
@pytest.mark.parametrize("rounds", ROUNDS)
def test_a_password_entry_of_gtk_3_is_not_recorded(desktop, rounds):
    with Typist(desktop, {"zenity"}, seed=3) as person:
        desktop.start("zenity", "--forms", "--add-entry=Name", "--add-password=Secret")
        person.bring("zenity")
        for _ in range(rounds):
            person.word()
            person.press("Tab")
            person.secret()
            person.press("Tab", hold=("Shift_L",))
        person.word()
        outcome = person.outcome()
    check(outcome, "GTK 3 form (zenity)")


@pytest.mark.promise("P8")
@pytest.mark.parametrize("rounds", ROUNDS)
def test_a_password_dialog_of_gtk_3_is_not_recorded_from_its_first_letter(desktop, rounds):
    """A window that comes with the keyboard in its secret field."""
    with Typist(desktop, {"zenity", "xterm"}, seed=4) as person:
        desktop.start("xterm", "-e", "bash", "--norc")
        person.bring("xterm")
        for round_ in range(max(2, rounds // 4)):
            person.word()
            dialog = desktop.start("zenity", "--password")
            person.windows.wait_active("zenity")
            person.secret()
            time.sleep(
                0.6 * (round_ % 2)
            )  # some are gone before anybody could see more of them than a moment without focus
            desktop.stop(dialog)
            person.windows.wait_active("xterm")
        person.word()
        outcome = person.outcome()
    check(outcome, "GTK 3 password dialog that opens over a terminal")


@pytest.mark.promise("P8")
@pytest.mark.parametrize("rounds", ROUNDS)
@pytest.mark.parametrize("field", ["PasswordEntry", "Entry"])
def test_the_text_views_of_gtk_4_are_kept_and_none_of_its_entries_is_recorded(desktop, field, rounds):
    """Its hidden entry cannot be told from a plain one, so every entry of one line counts as unknown."""
    plain = field == "Entry"
    made = "Gtk.Entry(visibility=False)" if plain else "Gtk.PasswordEntry()"
    with Typist(desktop, {"python3"}, seed=10, screen=True) as person:
        desktop.start("/usr/bin/python3", "-c", GTK_4_FORM.replace("SECRET", made), env={"GSK_RENDERER": "cairo"})
        person.bring("python3")
        outcome = person.fill_form(rounds)
    row = "GTK 4 text view above a hidden `GtkEntry`" if plain else "GTK 4 text view above a `GtkPasswordEntry`"
    check(outcome, row, reasons=UNKNOWN if plain else frozenset({"secret-field"}))
    if not plain:  # where it is, is not said: the whole window is painted over
        assert_covered(outcome, person.window.rect.x + 5, person.window.rect.y + 5)


@pytest.mark.promise("P8")
@pytest.mark.parametrize("rounds", ROUNDS)
@pytest.mark.parametrize("browser", ["chromium", "chromium-plain", "firefox-esr"])
def test_a_password_field_of_a_web_page_is_not_recorded(awake_desktop, browser, rounds):
    """Chromium shows the fields of pages only with a flag; without it, nothing that is typed is kept."""
    desktop, folder = awake_desktop, awake_desktop.folder / browser
    folder.mkdir()
    (folder / "user.js").write_text(FIREFOX_PREFERENCES)
    page = desktop.folder / "form.html"
    page.write_text(PAGE)
    command, row = {
        "chromium": (
            (*CHROMIUM, "--force-renderer-accessibility", f"--user-data-dir={folder}"),
            "Chromium with its flag",
        ),
        "chromium-plain": ((*CHROMIUM, f"--user-data-dir={folder}"), "Chromium without its flag"),
        "firefox-esr": (("firefox-esr", "--no-remote", "--profile", str(folder)), "Firefox ESR"),
    }[browser]
    app = command[0]
    with Typist(desktop, {app}, seed=11, screen=True) as person:
        desktop.start(*command, str(page))
        person.bring(app)
        person.eventually(lambda: person.window is not None and "form" in person.window.title, "the page does not load")
        time.sleep(1.0)
        outcome = person.fill_form(rounds)
    assert "form" in person.window.title, "a secret was typed into the plain field"
    known = browser != "chromium-plain"
    check(outcome, f"{row}, accessibility switched on", kept=known, reasons=frozenset() if known else UNKNOWN)
    if known:
        assert_secret_field_covered(outcome, person.window.rect)

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QByteArray
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgRenderer
from typer.testing import CliRunner

from capture_agent.admin.commands import admin_app
from capture_agent.admin.poster import ICONS, ITEMS, icon, markdown, poster
from capture_agent.core.errors import ConfigError
from capture_agent.core.policy import Monitoring, MonitoringLaw, Notice
from capture_agent.ledger.templates import LANGUAGES, sections, template
from capture_agent.settings import read_policy
from capture_agent.ui.icons import draw
from capture_agent.ui.view_state import Icon

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"
STUDY = read_policy(EXAMPLE).policy
SIZE = 64  # px


def words_of(page: str) -> str:
    text = re.sub(r"</?[bi]>", "", page.partition("</head>")[2])
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


@pytest.mark.parametrize("locale", LANGUAGES)
def test_a_poster_says_what_the_notice_says(locale: str) -> None:
    page = poster(STUDY, locale)
    said = sections(STUDY.notice(locale).text, locale)
    for item in ITEMS:
        assert template(locale).sections[item].heading in page
        plain = " ".join(re.sub(r"[*]{1,2}|^- ", "", said[item], flags=re.M).split())
        assert plain.replace("'", "&#x27;").replace('"', "&quot;") in words_of(page)
    for fact in (STUDY.title, STUDY.controller, STUDY.controller_address, STUDY.contact, STUDY.independent_contact):
        assert fact in page
    assert page.count("<svg") == len(ICONS) == len(Icon)


@pytest.mark.parametrize("name", ICONS)
def test_its_icons_are_those_of_the_tray(name: str) -> None:
    image = QImage(SIZE, SIZE, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(0)
    painter = QPainter(image)
    QSvgRenderer(QByteArray(icon(name, "x").encode())).render(painter)
    painter.end()
    tray = draw(Icon(name), SIZE)
    places = [(x, y) for x in range(SIZE) for y in range(SIZE)]
    far = [at for at in places if any(abs(a - b) > 40 for a, b in zip(rgba(image, at), rgba(tray, at), strict=True))]
    assert len(far) < 0.01 * SIZE * SIZE  # edges may be smoothed differently


def rgba(image: QImage, at: tuple[int, int]) -> tuple[int, ...]:
    colour = image.pixelColor(*at)
    return colour.alpha(), colour.red() * (colour.alpha() > 0), colour.green() * (colour.alpha() > 0)


def test_nothing_on_it_is_taken_for_markup_or_comes_from_elsewhere() -> None:
    page = poster(replace(STUDY, title="<b>x</b> & y"), "en")
    assert "&lt;b&gt;x&lt;/b&gt; &amp; y" in page
    for outside in ("<script", "<img", "<link", "https://", "url(", "@import", "<b>x"):
        assert outside not in page
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")


def test_a_monitoring_notice_hangs_with_it() -> None:
    texts = (Notice("en", 1, "# Told\n\nBy **law**."), Notice("de", 1, "# Gesagt"))
    told = replace(STUDY, monitoring=Monitoring((MonitoringLaw.CONNECTICUT,), texts))
    assert "<h2>Told</h2>\n<p>By <b>law</b>.</p>" in poster(told, "en")
    assert "<h2>Gesagt</h2>" in poster(told, "de")


def test_it_is_written_once_and_never_over_another_file(tmp_path: Path) -> None:
    out = tmp_path / "poster.html"
    done = CliRunner().invoke(admin_app, ["poster", str(EXAMPLE), "--locale", "de", "--out", str(out)])
    assert done.exit_code == 0
    assert out.read_text("utf-8") == poster(STUDY, "de")
    told = CliRunner().invoke(admin_app, ["poster", str(EXAMPLE), "--json"])
    assert json.loads(told.output)["html"] == poster(STUDY, "en")
    again = CliRunner().invoke(admin_app, ["poster", str(EXAMPLE), "--out", str(out)])
    assert isinstance(again.exception, ConfigError)
    with pytest.raises(ConfigError, match="no poster in fr"):
        poster(STUDY, "fr")


def test_the_markdown_of_notices_becomes_a_page() -> None:
    assert markdown("## A\n\nb *c*\nd\n\n- e\n  f\n- **g** <h>") == (
        "<h2>A</h2>\n<p>b <i>c</i>\nd</p>\n<ul><li>e\n  f</li><li><b>g</b> &lt;h&gt;</li></ul>"
    )

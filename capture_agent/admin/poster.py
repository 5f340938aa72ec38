"""The poster of a study, to print and hang up: the notice's own words, and how to see that recording is on. Pure."""

from __future__ import annotations

import re
from html import escape

from capture_agent.core.errors import ConfigError
from capture_agent.core.language import noted
from capture_agent.core.policy import Policy
from capture_agent.ledger.receipt_html import Speech, page
from capture_agent.ledger.templates import LANGUAGES, Item, sections, template

# What people who pass by need: who, what, that it is voluntary, whom to ask. All else is in the notice.
ITEMS = (
    Item.VOLUNTARY,
    Item.EVALUATION,
    Item.WHO,
    Item.PURPOSES,
    Item.CATEGORIES,
    Item.NEVER,
    Item.CONTACTS,
    Item.AUTHORITY,
)
# The four icons as they stand in the tray, on a grid of 16 units; a test compares them with ui/icons.py.
ICONS: dict[str, tuple[str, str, str]] = {
    "recording": ("#e0283c", "M8 1a7 7 0 1 0 0 14a7 7 0 1 0 0-14z", noted("Recording is on")),
    "paused": ("#2b80d0", "M3 2h4v12h-4zM9 2h4v12h-4z", noted("Paused: nothing is recorded")),
    "off": (
        "#7b7b7b",
        "M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 1 0 0-13zM8 4a4 4 0 1 0 0 8a4 4 0 1 0 0-8z",
        noted("Off: nothing is recorded"),
    ),
    "attention": (
        "#b87400",
        "M8 .5L15.8 15H.2zM7 5h2v5h-2zM7 11h2v2h-2z",
        noted("Something needs a look: nothing is recorded"),
    ),
}
STYLE = """
@page { size: A4; margin: 12mm 15mm; }
body { max-width: 180mm; font-size: 9pt; line-height: 1.32; }
h1 { font-size: 26pt; line-height: 1.15; }
h2 { font-size: 11.5pt; margin: 7pt 0 1pt 0; }
p, ul { margin: 1pt 0; }
ul { padding-left: 14pt; }
.icons { border: 1.5px solid #111; padding: 7pt 10pt; margin: 8pt 0; }
.icons h2 { margin: 0 0 4pt 0; }
.row { display: flex; flex-wrap: wrap; }
.icon { display: flex; align-items: center; width: 50%; margin: 3pt 0; font-weight: 600; }
.icon svg { width: 24px; height: 24px; margin-right: 8px; flex: none; }
.text { columns: 2; column-gap: 9mm; }
h2 { break-after: avoid; }
li, p { break-inside: avoid; }
"""
_MARK = re.compile(r"\*\*(.+?)\*\*|\*(.+?)\*", re.DOTALL)


def icon(name: str, label: str) -> str:
    """Return one of `ICONS` as SVG, named `label` for those who do not see it."""
    colour, path, _ = ICONS[name]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" role="img" aria-label="{escape(label)}">'
        f'<path fill="{colour}" fill-rule="evenodd" d="{path}"/></svg>'
    )


def poster(policy: Policy, locale: str) -> str:
    """Return the poster of a study in one language, as one HTML page that prints on A4.

    Raises:
        ConfigError: The study has no notice in that language, or there are no words of ours in it.
    """
    language = locale.split("_", maxsplit=1)[0]
    found = [notice for notice in policy.notices if notice.locale == locale]
    if not found or language not in LANGUAGES:
        known = ", ".join(one.locale for one in policy.notices if one.locale.split("_")[0] in LANGUAGES)
        raise ConfigError(f"there is no poster in {locale}", hint=f"There can be one in: {known}.")
    said, parts = Speech(locale), sections(found[0].text, language)
    headings = template(language).sections
    lead = said(noted("Recording happens on computers here, and only where somebody agreed."))
    body = [
        f"<h1>{escape(policy.title)}</h1>",
        f'<p class="lead">{escape(lead)}</p>',
        _icons(said),
        '<div class="text">',
        *(
            f'<div class="part"><h2>{escape(headings[item].heading)}</h2>\n{markdown(parts[item])}</div>'
            for item in ITEMS
            if item in parts
        ),
    ]
    if policy.monitoring is not None:
        body.append(f'<div class="part">{markdown(policy.monitoring.notice(locale).text)}</div>')
    body.append("</div>")
    return page(policy.title, said.language, body, STYLE)


def _icons(said: Speech) -> str:
    shown = [
        f'<div class="icon">{icon(name, said(words))}<span>{escape(said(words))}</span></div>'
        for name, (_, _, words) in ICONS.items()
    ]
    title = said(noted("How you see it: the icon in the panel of the screen"))
    rows = "\n".join(shown)
    return f'<div class="icons"><h2>{escape(title)}</h2>\n<div class="row">\n{rows}\n</div></div>'


def markdown(text: str) -> str:
    """Return the Markdown that notices are written in as HTML: headings, paragraphs, lists, strong and emphasis."""
    blocks = []
    for block in re.split(r"\n\s*\n", text.strip()):
        if heading := re.fullmatch(r"#{1,6}\s+(.*)", block.strip()):
            blocks.append(f"<h2>{_inline(heading[1])}</h2>")
        elif block.lstrip().startswith("- "):
            items = re.split(r"^- ", block.strip(), flags=re.MULTILINE)[1:]
            blocks.append("<ul>" + "".join(f"<li>{_inline(one.strip())}</li>" for one in items) + "</ul>")
        else:
            blocks.append(f"<p>{_inline(block)}</p>")
    return "\n".join(blocks)


def _inline(text: str) -> str:
    return _MARK.sub(lambda mark: f"<b>{mark[1]}</b>" if mark[1] else f"<i>{mark[2]}</i>", escape(text))

"""Secrets by their form do not pass from what is typed, and everything else does."""

import random
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from capture_agent.core.events import (
    Button,
    Category,
    FieldFocus,
    Focus,
    Gap,
    GapReason,
    Key,
    Rect,
    Verdict,
    Window,
    Withheld,
)
from capture_agent.core.intervals import Intervals
from capture_agent.core.privacy import Gate
from capture_agent.core.rules import Rules
from capture_agent.core.scrub import private_key_is_open, secrets_in, undecided
from capture_agent.core.stretches import Reason, Stretches
from capture_agent.core.typed import CONTEXT, HOLD_US, IDLE_US, MAX_WAITING, Run, Span
from capture_agent.outbox.order import LATE_US

FOLDER = Path(__file__).parent / "scrub"
ROOT = Path(__file__).parents[2]
CARD = "4111 1111 1111 1111"
STEP_US = 100_000  # from key to key
BOX = Rect(0, 0, 9, 9)
EDITOR = Window(1, "editor", "a letter", BOX, BOX)

pytestmark = pytest.mark.promise("P8")


def secrets():
    lines = [line for line in (FOLDER / "secrets.tsv").read_text("utf-8").splitlines() if not line.startswith("#")]
    texts = [line.replace("|", "").replace("\\n", "\n").split("\t")[1] for line in lines]
    assert len(texts) > 100
    return [pytest.param(text, id=f"{n}-{text[:24]}") for n, text in enumerate(texts)]


def clean_lines():
    files = [*sorted((ROOT / "capture_agent").rglob("*.py")), *sorted(ROOT.glob("*.md"))]
    lines = [line for file in files for line in file.read_text("utf-8").splitlines() if line.strip()]
    return [*(FOLDER / "clean.txt").read_text("utf-8").splitlines(), *random.Random(4).sample(lines, 400)]


def press(character, t_us, *, held_us=40_000):
    """The keys of one character, or of one that is written as a name: down and up."""
    sym = {"\n": "Return", "\t": "Tab", "⌫": "BackSpace", "←": "Left"}.get(character, character)
    text = character if sym == character else None
    code = 8 + sum(map(ord, sym)) % 240
    down = Key(t_us, True, code, sym, text, (), injected=False)
    return [down, replace(down, t_us=t_us + held_us, down=False, text=None)]


def keys_of(text, start_us=1_000_000):
    return [key for n, character in enumerate(text) for key in press(character, start_us + n * STEP_US)]


def shows(keys):
    """What a text shows in the end if these keys are pressed in it."""
    shown = ""
    for key in keys:
        if key.down:
            shown = (
                shown[:-1] if key.sym == "BackSpace" else shown + (key.text or {"Return": "\n", "Tab": "\t"}[key.sym])
            )
    return shown


# What announces a secret passes: it is none.
ANNOUNCED = re.compile(
    r"[A-Za-z]{2}(?=\d\d)|eyJ|AGE-SECRET-KEY-(?:PQ-)?1|-----BEGIN [A-Z ]*-----|gh[pousr]_|github_pat_|glpat-"
    r"|xox[abeprs]-|sk-|[rs]k_(?:live|test)_|AKIA|ASIA|AIza|npm_|pypi-|hf_|dop_v1_"
)


def bodies(text):
    """The spans of `secrets_in` without what announces them."""
    found = []
    for start, end in secrets_in(text):
        announced = ANNOUNCED.match(text, start)
        found.append((start if announced is None else announced.end(), end))
    return found


def taken(keys, *, run=None, end=True):
    """What passes of `keys`, and when secrets were typed."""
    run, kept, secret = run or Run(), [], []
    for key in keys:
        decided = run.take(key)
        run, kept, secret = decided.run, kept + list(decided.kept), secret + list(decided.secrets)
    decided = run.end() if end else None
    return (
        (run, kept, secret)
        if decided is None
        else (decided.run, kept + list(decided.kept), secret + list(decided.secrets))
    )


def assert_nothing_left(text, keys):
    """Of no secret in `text` six characters in a row passed, and what passed going down also came up."""
    assert bodies(text)
    passed = "".join(key.text or " " for key in keys if key.down and key.sym != "BackSpace")
    for start, end in bodies(text):
        secret = text[start:end].partition("-----END")[0]  # the last line says what the first did
        assert not any(secret[n : n + 6] in passed for n in range(max(1, len(secret) - 5)))
    downs = [(key.code, key.sym) for key in keys if key.down]
    assert sorted(downs) == sorted((key.code, key.sym) for key in keys if not key.down)


@pytest.mark.parametrize("text", secrets())
def test_nothing_of_a_secret_passes_and_what_is_around_it_does(text):
    _, kept, spans = taken(keys_of(text))
    assert_nothing_left(text, kept)
    assert spans
    passed = {(key.t_us - 1_000_000) // STEP_US for key in kept}
    hidden, body = (
        {n for start, end in found for n in range(start, end)} for found in (secrets_in(text), bodies(text))
    )
    assert not passed & body
    assert passed >= {*range(len(text))} - hidden


@pytest.mark.parametrize("text", secrets())
def test_a_correction_by_backspace_hides_nothing_from_it(text):
    chance = random.Random(text)
    for _ in range(5):
        at = chance.randrange(len(text) + 1)
        wrong = "".join(chance.choices("0123456789abcXYZ -_.", k=chance.randint(1, 4)))
        typed = keys_of(text[:at] + wrong + "⌫" * len(wrong) + text[at:])
        assert shows(typed) == text
        _, kept, spans = taken(typed)
        assert_nothing_left(text, kept)
        assert spans


def test_a_card_that_is_corrected_leaves_neither_its_digits_nor_the_correction():
    for typed in (
        "4111 1111 1111 1112⌫1",
        "4112⌫⌫⌫⌫4111 1111 1111 1111",
        "4111⌫⌫⌫111 1111 111 ⌫1 1111",
        "4111 1111 11xyz1⌫⌫⌫⌫11 1111",
    ):
        _, kept, (span,) = taken(keys_of(f"pay {typed} now"))
        assert "".join(key.text or "?" for key in kept if key.down) == "pay  now", typed
        assert span == Span(1_400_000, 1_300_000 + len(typed) * STEP_US)


def test_a_secret_that_was_typed_and_taken_away_again_was_typed():
    _, kept, spans = taken(keys_of(CARD + "⌫" * len(CARD) + "never mind"))
    assert shows(kept) == "never mind" and len(spans) == 1
    _, kept, _ = taken(keys_of("12" + "⌫" * 2 + "never mind"))
    assert len(kept) == 2 * 14


def test_ordinary_text_and_code_pass_whole():
    lines = clean_lines()
    hit = []
    for line in lines:
        run, kept, spans = taken(typed := keys_of(line))
        if spans:
            hit.append(line)
            assert secrets_in(line)
        else:
            assert kept == typed
        assert run == Run()
    assert len(hit) <= len(lines) / 100, hit


PIECES = """4111 1111 1 - . , / x GB82 WEST 5698 7654 32 ghp_ sk- eyJ eyJabcdefghi password = : " ' hunter2 ( @ é secret
    A AKIA -----BEGIN RSA PRIVATE KEY----- -----END AGE-SECRET-KEY-1 https://me:"""
WITH_SPACE = ["GB82 WEST 1234 5698 7654 32", CARD, "authorization: bearer ", " ", "\n", "\t"]
pieces = st.sampled_from([*PIECES.split(), *WITH_SPACE, "a" * 20, "b2" * 12, "Q" * 24])


@given(st.lists(pieces, max_size=12).map("".join))
def test_key_by_key_the_same_is_found_as_in_the_whole_text(text):
    _, kept, spans = taken(typed := keys_of(text))
    hidden = {n for start, end in bodies(text) for n in range(start, end)}
    passed = {(key.t_us - 1_000_000) // STEP_US for key in kept}
    assert not passed & hidden
    if not secrets_in(text):
        assert (kept, spans) == (typed, [])


@given(st.lists(pieces, max_size=8).map("".join), st.text("ab1 4.-=_", max_size=3))
def test_what_is_decided_stays_so_whatever_comes(text, more):
    assume(not private_key_is_open(text))  # of it nothing passes until its end
    begins = undecided(text)
    now = [span for span in secrets_in(text) if span[1] <= begins]
    later = [span for span in secrets_in(text + more) if span[1] <= begins]
    assert now == later
    assert all(start >= begins or end <= begins for start, end in bodies(text + more))


@given(st.lists(st.one_of(pieces, st.just("⌫"), st.just("←")), max_size=12).map("".join), st.data())
def test_every_key_passes_once_in_order_or_not_at_all(text, data):
    typed = keys_of(text)
    typed.sort(key=lambda key: (key.t_us + data.draw(st.sampled_from([0, 0, 150_000])) * (not key.down), not key.down))
    run, kept, spans = taken(typed)
    assert run == Run(dropped=run.dropped)
    order = [typed.index(key) for key in kept]
    assert order == sorted(set(order))
    assert {key.t_us for key in typed if key.down} >= {end for _, end in spans}
    if not spans:
        assert kept == typed


def test_ordinary_words_do_not_wait():
    run, kept, _ = taken(keys_of("Dear Ms Miller, thank you. Is "), end=False)
    assert shows(kept) == "Dear Ms Miller, thank you. Is " and not run.waiting
    run, kept, _ = taken(keys_of("by 12 "), end=False)
    assert shows(kept) == "by" + " " and len(run.waiting) == 6


def test_a_key_waits_no_longer_than_said():
    assert HOLD_US + IDLE_US < LATE_US  # or it would be sorted in too late
    run, kept, _ = taken(keys_of("4111"), end=False)
    last_us = run.waiting[-1][0].t_us
    assert kept == [] and run.due(last_us + IDLE_US - 1).kept == ()
    decided = run.due(last_us + IDLE_US)
    assert shows(decided.kept) == "4111" and not decided.run.waiting
    slow = [key for n in range(20) for key in press("1-"[n % 2], n * 2_400_000)]
    assert run.due(run.waiting[0][0].t_us + HOLD_US).kept
    run, _, _ = taken(slow[:24], end=False)
    assert run.due(HOLD_US - 1).kept == () and shows(run.due(HOLD_US).kept) == "1-" * 6


def test_after_a_long_pause_the_rest_of_a_secret_is_hidden_still():
    run, _, _ = taken(keys_of(CARD[:10]), end=False)
    decided = run.due(run.waiting[-1][0].t_us + IDLE_US)
    assert shows(decided.kept) == CARD[:10]
    _, kept, spans = taken(keys_of(CARD[10:] + " ok", 60_000_000), run=decided.run)
    assert (shows(kept), len(spans)) == (" ok", 1)


def test_a_number_typed_with_pauses_between_its_groups_is_one():
    typed, at = [], 1_000_000
    for group in ("4111 ", "1111 ", "1111 ", "1111"):
        typed += keys_of(group, at)
        at += 6_000_000
    _, kept, spans = taken(typed)
    assert (kept, len(spans)) == ([], 1)


def test_a_private_key_that_is_typed_for_longer_than_anything_waits_is_dropped_to_its_end():
    lines = "\n".join(["Zm9vYmFyYmF6" * 5] * 90)
    head, tail = "-----BEGIN OPENSSH PRIVATE KEY-----\n", "\n-----END OPENSSH PRIVATE KEY-----"
    assert 2 * len(head + lines) > MAX_WAITING
    _, kept, spans = taken(keys_of(f"here: {head}{lines}{tail} ok"))
    assert (shows(kept), len(spans)) == (f"here: {head.strip()} ok", 1)
    run, kept, spans = taken(keys_of(head + lines), end=False)
    assert (shows(kept), spans) == (head.strip(), []) and run.private is not None
    over = run.end()
    assert over.run == Run() and len(over.secrets) == 1


def test_what_a_held_backspace_took_away_is_taken_for_the_worst():
    digits = keys_of("4111 1111 11")
    back = press("⌫", 9_000_000, held_us=900_000)
    _, kept, spans = taken([*digits, *back])
    assert ([key.sym for key in kept], len(spans)) == ([], 1)
    _, kept, spans = taken([*keys_of("by 12"), *back])
    assert (len(kept), spans) == (12, [])


@pytest.mark.parametrize(
    "between", [press("←", 5_000_000), [replace(press("s", 5_000_000)[0], text=None, mods=("ctrl",))]]
)
def test_a_key_that_moves_the_caret_ends_a_run(between):
    first, second = keys_of(CARD[:9]), keys_of(CARD[9:], 6_000_000)
    _, kept, spans = taken([*first, *between, *second])
    assert kept == [*first, *between, *second] and spans == []


# --- through the gate


def gate():
    made = Gate(Rules(frozenset(Category) - {Category.SHORTCUTS, Category.COUNTS}, frozenset({"editor"})))
    made = made.observe(Focus(0, EDITOR)).observe(FieldFocus(0, Verdict.CLEAR, 1))
    return made.clear(Focus(0, EDITOR), line(0))[0]


def line(until_us, *, over=False):
    return Intervals(((0, until_us),)) if over else Intervals(opened_us=0, marked_us=until_us)


def through(made, events, allowed):
    """What is written of `events`; each is followed by a look into the editor, as after every key."""
    written = []
    for event in events:
        for later in (1, 200_000):
            made = made.observe(FieldFocus(event.t_us + later, Verdict.CLEAR, 1))
        made, kept = made.clear(event, allowed)
        written += [one.event for one in kept.cleared]
        made, kept = made.close_hidden(allowed)
        written += [one.event for one in kept]
    return made, written


def test_a_secret_leaves_one_mark_in_whole_seconds():
    typed = keys_of(f"pay {CARD} now and here")
    made, written = through(gate(), typed, line(5_000_000))
    assert "".join(one.text for one in written if isinstance(one, Key) and one.down) == "pay  now and here"
    made, marks = made.close_hidden(line(60_000_000))
    marks = [one for one in (*written, *(mark.event for mark in marks)) if isinstance(one, Withheld)]
    assert marks == [Withheld(4_000_000, 1_000_000, Reason.SECRET_TEXT)]


def click(t_us):
    return Button(t_us, True, "left", 1, 1, injected=False)


@pytest.mark.parametrize(
    "between",
    [
        click(4_500_000),
        Focus(4_500_000, replace(EDITOR, id=2)),
        Focus(4_500_000, None),
        Gap(4_500_000, 0, GapReason.PAUSED),
    ],
)
def test_what_takes_the_keyboard_elsewhere_ends_a_run(between):
    made, written = through(gate(), keys_of("4111 1111"), line(9_000_000))
    assert not [one for one in written if isinstance(one, Key)] and made.typed.waiting
    made, kept = made.clear(between, line(9_000_000))
    assert shows([one.event for one in kept.cleared if isinstance(one.event, Key)]) == "4111 1111"
    assert made.typed == Run()


def test_a_new_title_ends_no_run():
    made, _ = through(gate(), keys_of("4111 1111"), line(9_000_000))
    made, _ = made.clear(Focus(4_500_000, replace(EDITOR, title="a letter *")), line(9_000_000))
    assert made.typed.waiting


@pytest.mark.promise("P5")
def test_when_a_pause_begins_what_waits_is_decided_and_nothing_after_it_joins():
    made, _ = through(gate(), keys_of("4111 1111"), line(9_000_000))
    made, kept = made.close_hidden(line(9_000_000, over=True))
    assert shows([one.event for one in kept if isinstance(one.event, Key)]) == "4111 1111"
    assert made.typed == Run()


@pytest.mark.promise("P7")
def test_other_rules_keep_nothing_of_what_waits():
    made, _ = through(gate(), keys_of("4111 1111"), line(9_000_000))
    assert made.obey(made.rules) is made
    narrowed = made.obey(replace(made.rules, apps=frozenset()))
    assert narrowed.typed == Run()
    assert narrowed.close_hidden(line(99_000_000, over=True))[1] == ()


def test_a_key_that_is_not_kept_ends_a_run():
    made, _ = through(gate(), keys_of("4111 1111"), line(9_000_000))
    for after in (1, 200_000):
        made = made.observe(FieldFocus(5_000_000 + after, Verdict.SENSITIVE, 1))
    made, kept = made.clear(press("x", 5_000_000)[0], line(9_000_000))
    assert shows([one.event for one in kept.cleared]) == "4111 1111" and made.typed == Run()


def test_what_has_passed_is_remembered_only_as_far_as_it_matters():
    run, _, _ = taken(keys_of("word " * 100), end=False)
    assert len(run.before) == CONTEXT
    assert Stretches().hide(1, 2).over[0].said

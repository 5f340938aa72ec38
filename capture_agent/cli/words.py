"""What --json says, in sentences for people. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import chain, zip_longest
from typing import Any

from capture_agent.core.never import NeverKind
from capture_agent.core.stretches import Reason
from capture_agent.session.status import WAITING
from capture_agent.ui.words import join_words

_STATES = {
    "off": "Not recording.",
    "recording": "Recording.",
    "paused": "Paused.",
    "suspended": "Not recording now: something hinders it.",
    "fault": "Stopped by a fault. What was recorded until then is saved.",
}
_WITHHELD: Mapping[str, str] = {
    Reason.PROGRAM: "in other programs",
    Reason.FOCUS_UNKNOWN: "in windows that are not known",
    Reason.SECRET_FIELD: "in password fields",
    Reason.SECRET_TEXT: "of text that looks like a secret",
    Reason.FIELD_UNKNOWN: "in fields that may be password fields",
}
_KIB = 1024
SECOND_US = 1_000_000


def status_lines(status: Mapping[str, Any]) -> list[str]:
    """Return what `status` says."""
    if not status["running"]:
        return ["The agent is not running, so nothing is recorded. Start it with: capture-agent"]
    lines = [_STATES[status["state"]]]
    if status["state"] == "suspended" and status["waiting"]:
        lines = [f"{WAITING[status['waiting']]}."]
    if status["recording_since"] and status["state"] == "recording":
        lines = [f"Recording since {clock(status['recording_since'])}."]
    if status["state"] == "paused":
        until = status["paused_until"]
        lines = [f"Paused until {clock(until)}." if until else "Paused until you resume, in the window."]
        if status["resumes_in"] is not None:
            lines = [f"Paused; recording goes on in {status['resumes_in']} s unless you say no in the countdown."]
        if status["pause_note"]:
            lines.append(status["pause_note"])
    if status["problem"]:
        lines += [status["problem"], *([f"  {status['hint']}"] if status["hint"] else [])]
    study = status["study"]
    lines.append(f"For: {study['title']}" if study else "You have not chosen yet for what to record; see the window.")
    if status["must_ask"]:
        lines.append("You are asked to agree, in the window, before anything is recorded.")
    lines += [f"Changed: {one['what']}: {one['was']} → {one['wants']}" for one in status["widened"]]
    if status["consented"]:
        lines.append(f"Agreed: {', '.join(status['consented'])}; in {', '.join(status['programs']) or 'no program'}")
    lines += [f"Not recorded: {sentence}" for sentence in status["not_recorded"]]
    lines += never_lines(status["never"])
    if status["woken"]:
        lines.append("Accessibility is on in your session, as you allowed; it is put back when Capture Agent ends.")
    if status["task"]:
        lines.append(f"Task: {status['task']['text']} (since {clock(status['task']['started'])})")
    lines += _delivery_lines(status["delivery"])
    if status["held"]:
        lines.append(f"Recordings waiting for you: {status['held']}")
    if status["keyring"] == "passphrase":
        lines.append("Keys are behind your passphrase, because no keyring could be used.")
    return lines


def never_lines(rules: Sequence[Sequence[str]]) -> list[str]:
    """Return what is never recorded, because the person said so: (kind, text) each."""
    said = {NeverKind.PROGRAM: "the program {}", NeverKind.TITLE: "windows with “{}” in their title"}
    return [f"Never recorded, as you said: {said[NeverKind(kind)].format(text)}" for kind, text in rules]


def _delivery_lines(delivery: Mapping[str, Any] | None) -> list[str]:
    if delivery is None:
        return []
    lines = [f"Files on their way to {', '.join(delivery['to'])}: {delivery['waiting']}"]
    if delivery["problem"]:
        lines.append(f"  {_sentence(delivery['problem'])} {delivery['hint']}")
    if delivery["again"] and not delivery["going"]:
        lines.append(f"  Tried again at {clock(delivery['again'])}.")
    return lines


def task_lines(answer: Mapping[str, Any]) -> list[str]:
    """Return what `task show`, `start` and `finish` say."""
    task = answer["task"]
    if task is None:
        return ["No task is going on."]
    if "outcome" in answer:
        return [f"Finished ({answer['outcome']}): {task['text']}"]
    return [f"{task['text']} (since {clock(task['started'])})"]


def consent_lines(found: Mapping[str, Any]) -> list[str]:
    """Return what `consent show` and `consent withdraw` say."""
    lines = [found["problem"], *([f"  {found['hint']}"] if found["hint"] else [])] if found["problem"] else []
    study = found["study"]
    if study is None:
        lines.append("You take part in nothing, so nothing is recorded.")
    else:
        lines.append(
            f"For: {study['title']} ({study['controller']}{', ' if study['contact'] else ''}{study['contact']})"
        )
    for one in found["consents"]:
        since = f", since {day(one['since'])}" if one["since"] else ""
        until = f", until {day(one['until'])}" if one["until"] else ""
        lines.append(f"{one['category']} for {one['purpose']}: {one['state']}{since}{until}")
    lines += [": ".join(filter(None, ("Can read it", one["name"], one["fingerprint"]))) for one in found["recipients"]]
    if study is not None:
        lines.append(f"Recorded now if you start: {', '.join(found['recorded']) or 'nothing'}")
        lines.append(f"In: {', '.join(found['programs']) or 'no program'}")
    return lines


def receipt_lines(found: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what `consent receipts` says: a line for each decision."""
    lines = [
        f"{day(one['event']['event_time'])} {clock(one['event']['event_time'])}  {one['event']['event_kind']}: "
        f"{one['study']['title'] or one['study']['id']}, record {one['record_id'][:12]}"
        for one in found
    ]
    return [*lines, "For files, say --out DIR."] if lines else ["You have decided nothing yet, so there is no receipt."]


def shared_lines(found: Mapping[str, Any]) -> list[str]:
    """Return what `my-data` says: a line for each file that was shared, and what there is to say of it below."""
    lines = []
    for one in found["shared"]:
        readers = "; ".join(f"{each['name']} ({each['fingerprint']})" for each in one["readers"])
        consent = one["consent"]
        agreed = f", agreed {day(consent['agreed'])}, record {consent['record_id'][:12]}" if consent else ""
        lines += [
            f"{day(one['shared'])} {clock(one['shared'])}  to {readers}",
            f"  {', '.join(one['categories'])}; recorded {day(one['recorded'])} {clock(one['recorded'])}",
            f"  as {one['file']}",
            f"  for {one['study']['title'] or one['study']['id']}{agreed}",
            *(f"  {_became(each)}" for each in one["history"][1:]),
        ]
    return lines or ["You have shared no recording."]


def _became(one: Mapping[str, str]) -> str:
    from capture_agent.ledger.my_data import STATE_WORDS

    return f"{STATE_WORDS[one['state']]}: {day(one['time'])} {clock(one['time'])} {one['place']}".rstrip()


_BACK_ENDS = {"xi2": "XInput 2", "pynput": "pynput"}


def doctor_lines(found: Mapping[str, Any]) -> list[str]:
    """Return what `doctor` says."""
    lines = []
    for problem in found["problems"]:
        lines += [
            f"{'✗' if problem['blocks'] else '!'} {_sentence(problem['what'])}",
            f"  {_sentence(problem['hint'])}",
        ]
    if not lines:
        lines.append("✓ Nothing is missing.")
    elif not any(problem["blocks"] for problem in found["problems"]):
        lines.append("✓ Nothing that recording needs is missing.")
    lines.append(f"Agent: {'running' if found['running'] else 'not running'}")
    lines += [f"{name.capitalize()}: {place}" for name, place in found["places"].items() if place]
    if found["input"]:
        lines.append(f"Keyboard and mouse are read by {_BACK_ENDS[found['input']]}.")
    if found["accessibility"]:
        lines.append(f"Accessibility in your session: {found['accessibility']}")
    lines += never_lines(found["never"])
    if found["programs"]:
        lines.append(f"Programs with a window now: {', '.join(found['programs'])}")
    return lines


_SESSION_COLUMNS = ("id", "began", "length", "size", "state", "study", "days left", "input not kept")


def session_lines(sessions: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what `sessions` says: a table, one recording a row."""
    if not sessions:
        return ["There are no recordings."]
    rows = [[cell.split("\n") for cell in row] for row in (_SESSION_COLUMNS, *session_rows(sessions))]
    widths = [max(map(len, chain.from_iterable(column))) for column in zip(*rows, strict=True)]
    return [
        "  ".join(map(str.ljust, line, widths)).rstrip() for row in rows for line in zip_longest(*row, fillvalue="")
    ]


def session_rows(sessions: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Return one row a recording: id, began, length, size, state, study, days left, how long input was not kept."""
    return [
        (
            one["id"],
            _minute(one["started"]),
            length(one["seconds"]),
            size(one["bytes"]) if one["here"] else "–",
            one["state"]
            + ("" if one["complete"] or one["state"] == "recording" else ", incomplete")
            + (", its readers cannot be told yet" if one["pending"] else "")
            + ("".join(f"\nto {place}" for place in one["delivered_to"]))
            + (", not all has arrived yet" if one["waiting"] else "")
            + _later(one["later_readers"])
            + _cuts(one["cuts"])
            + _by_itself(one["shares_in"])
            + _deleted(one["deleted_until"]),
            one["study"],
            str(one["days_left"]) if one["here"] else "–",
            _withheld(one["withheld_us"]),
        )
        for one in sessions
    ]


def _later(names: Sequence[str]) -> str:
    """Return who may get what was shared, too, as was agreed to since: in the words of the window."""
    return f"\n{join_words([*names])} can get it, too, if you share it again" if names else ""


def _cuts(count: int) -> str:
    """Return that cuts are marked which nobody has carried out yet."""
    said = "1 cut waits" if count == 1 else f"{count} cuts wait"
    return f"\n{said} until you share it or cut for good" if count else ""


def _by_itself(days: int | None) -> str:
    """Return when it is shared without another click, as the person chose."""
    if days is None:
        return ""
    return f"\nshared by itself after {days} {'day' if days == 1 else 'days'} of use"


def _deleted(until: str | None) -> str:
    """Return until when what was deleted can be put back."""
    return "" if until is None else f"\ndeleted; it can be put back until {_minute(until)}"


def _minute(moment: str) -> str:
    """Return an ISO time in local time, to the minute."""
    return datetime.fromisoformat(moment).astimezone().strftime("%Y-%m-%d %H:%M")


def _withheld(by_reason: Mapping[str, int] | None) -> str:
    """Return how long input was not kept, a line for each reason, the longest first."""
    if not by_reason:
        return "–" if by_reason is None else "none"
    longest = sorted(by_reason.items(), key=lambda one: -one[1])
    return "\n".join(f"{length(us / SECOND_US)} {_WITHHELD.get(reason, reason)}" for reason, us in longest)


def clock(moment: str) -> str:
    """Return an ISO time as the wall clock here shows it."""
    return datetime.fromisoformat(moment).astimezone().strftime("%H:%M")


def day(moment: str) -> str:
    """Return an ISO time as a day here."""
    return datetime.fromisoformat(moment).astimezone().strftime("%Y-%m-%d")


def length(seconds: float) -> str:
    """Return a length as h:mm:ss."""
    whole = int(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


def size(count: int) -> str:
    """Return bytes in KiB, MiB or GiB."""
    number, units = count / _KIB, ["KiB", "MiB", "GiB"]
    while number >= _KIB and len(units) > 1:
        number, units = number / _KIB, units[1:]
    return f"{number:.1f} {units[0]}"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '?', '!')) else '.'}"

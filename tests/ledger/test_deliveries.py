from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from capture_agent.ledger.deliveries import deliveries
from capture_agent.ledger.standing import Entry, Kind

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def entry(seq: int, kind: Kind, body: dict[str, object], study: str = "a") -> Entry:
    return Entry(seq, study, kind, NOW, body, "", b"")


SESSIONS, PLACES, STUDIES = ("s1", "s2"), ("/one", "/two", None), ("a", "b")


@st.composite
def records(draw: st.DrawFn) -> list[Entry]:
    found: list[Entry] = []
    for seq in range(1, draw(st.integers(1, 14)) + 1):
        study, session = draw(st.sampled_from(STUDIES)), draw(st.sampled_from(SESSIONS))
        match draw(st.sampled_from(["release", "withdraw", "tell", "deliver", "leave", "take-back"])):
            case "release":
                place = draw(st.sampled_from(PLACES))
                where = {} if place is None else {"destination": place}
                found.append(entry(seq, Kind.RELEASED, {"session": session, "bundle": f"b{seq}", **where}, study))
            case "withdraw":
                found.append(entry(seq, Kind.RELEASE_WITHDRAWN, {"session": session}, study))
            case "tell":
                intents = [one.seq for one in found if one.kind is Kind.RELEASE_WITHDRAWN]
                if intents:
                    body: dict[str, object] = {"intent": draw(st.sampled_from(intents)), "files": [f"t{seq}"]}
                    found.append(entry(seq, Kind.TOMBSTONED, body, study))
            case "deliver":
                waiting = deliveries(found).waiting
                if waiting:
                    one = draw(st.sampled_from(waiting))
                    named = {"file": one.name, "destination": one.destination, "session": one.session}
                    found.append(entry(seq, Kind.DELIVERED, named, one.study))
            case "leave":
                found.append(entry(seq, draw(st.sampled_from([Kind.LEFT, Kind.WITHDRAWN])), {}, study))
            case _:
                found.append(entry(seq, Kind.WITHDRAWN, {"keys": []}, study))
    return found


@given(records())
def test_nothing_goes_that_was_not_released_for_that_place(record: list[Entry]) -> None:
    released = [one.body for one in record if one.kind is Kind.RELEASED]
    places = {(one["session"], one["destination"]) for one in released if "destination" in one}
    bundles = {one["bundle"]: one.get("destination") for one in released}
    for parcel in deliveries(record).waiting:
        assert (parcel.session, parcel.destination) in places
        assert bundles.get(parcel.name, parcel.destination) == parcel.destination


@given(records())
def test_what_arrived_never_waits_again_and_what_waits_has_not_arrived(record: list[Entry]) -> None:
    found = deliveries(record)
    for one in found.waiting:
        assert one.destination not in found.arrived.get(one.name, ())
    for count in range(len(record)):
        before = deliveries(record[:count])
        assert all(found.arrived[name] >= where for name, where in before.arrived.items())
    assert found.finished.isdisjoint(one.name for one in found.waiting)


@given(records(), st.sampled_from(SESSIONS))
def test_of_what_is_withdrawn_no_recording_waits(record: list[Entry], session: str) -> None:
    withdrawn = [*record, entry(99, Kind.RELEASE_WITHDRAWN, {"session": session})]
    assert session not in deliveries(withdrawn).late


@given(records(), st.sampled_from(STUDIES))
def test_who_left_a_study_has_nothing_waiting_for_it_but_withdrawals(record: list[Entry], study: str) -> None:
    left = deliveries([*record, entry(99, Kind.LEFT, {}, study)])
    assert all(one.name.startswith("t") for one in left.waiting if one.study == study)

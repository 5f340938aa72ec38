from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_agent.core.destination import Destination, Kind, parse


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("/srv/inbox", Destination(Kind.FOLDER, "/srv/inbox")),
        ("C:\\inbox", Destination(Kind.FOLDER, "C:\\inbox")),
        ("s3://study", Destination(Kind.S3, "s3://study", "study")),
        ("s3://study/a/b?region=eu-west-1", Destination(Kind.S3, "", "study", "a/b", region="eu-west-1")),
        (
            "s3://study?endpoint=https://s3.example.org:9000",
            Destination(Kind.S3, "", "study", endpoint="https://s3.example.org:9000"),
        ),
        ("s3://study?endpoint=http://127.0.0.1:9", Destination(Kind.S3, "", "study", endpoint="http://127.0.0.1:9")),
        ("gs://study/a", Destination(Kind.GCS, "", "study", "a")),
        ("gs://study?endpoint=http://127.0.0.1:9", Destination(Kind.GCS, "", "study", endpoint="http://127.0.0.1:9")),
        ("az://account/study/a", Destination(Kind.AZURE, "", "study", "a", "account")),
    ],
)
def test_a_destination_is_taken_apart(text: str, wanted: Destination) -> None:
    found = parse(text)
    assert found.text == text
    assert found == Destination(**{name: getattr(wanted, name) for name in wanted.__slots__} | {"text": text})
    assert found.in_the_clear is text.endswith("http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("text", "environ", "needs"),
    [
        ("s3://study", {}, True),
        ("gs://study/a", {}, True),
        ("az://account/study/a", {"HTTPS_PROXY": "http://proxy.example.org:3128"}, True),
        ("s3://study?endpoint=https://s3.example.org:9000", {"NO_PROXY": "localhost"}, True),
        ("/srv/inbox", {}, False),
        ("\\\\server\\inbox", {}, False),
        ("s3://study?endpoint=http://127.0.0.1:9000", {}, False),
        ("s3://study?endpoint=https://127.1.2.3", {}, False),
        ("gs://study?endpoint=https://[::1]:9000", {}, False),
        ("az://account/study?endpoint=https://store.localhost", {}, False),
        ("s3://study", {"https_proxy": "http://ada:secret@localhost:3128"}, False),
        ("s3://study", {"ALL_PROXY": "127.0.0.1:3128"}, False),
        ("s3://study", {"ALL_PROXY": "http://[what is this"}, False),
    ],
)
def test_what_leads_to_another_computer_needs_a_network(text: str, environ: dict[str, str], needs: bool) -> None:
    assert parse(text).needs_network(environ) is needs


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("inbox", "no full path"),
        ("ftp://host/x", "begins with none of"),
        ("https://s3.example.org/study", "begins with none of"),
        ("folder:///srv", "begins with none of"),
        ("s3://", "no bucket"),
        ("s3://Study", "no bucket"),
        ("s3://key:secret@study", "no user name"),
        ("s3://study:99", "no user name"),
        ("s3://study/../other", "other characters"),
        ("s3://study/a b", "other characters"),
        ("s3://study?secret=x", "takes endpoint and region"),
        ("s3://study?region=", "its region"),
        ("s3://study?endpoint=", "its endpoint is no address"),
        ("s3://study?endpoint=https://me:secret@host", "its endpoint is no address"),
        ("s3://study?endpoint=http://s3.example.org", "its endpoint is not https"),
        ("s3://study?endpoint=http://127.0.0.1.example.org", "its endpoint is not https"),
        ("gs://study?region=x", "takes endpoint"),
        ("gs://study?endpoint=http://gcs.example.org", "its endpoint is not https"),
        ("az://account", "no bucket"),
        ("az://my-account/study", "its account"),
    ],
)
def test_what_is_none_is_refused_and_it_is_said_why(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse(text)


@given(st.text(max_size=60) | st.from_regex(r"(s3|gs|az)://[ -~]{0,40}"))
def test_nothing_else_ever_comes_of_a_text(text: str) -> None:
    try:
        found = parse(text)
    except ValueError:
        return
    assert found.is_folder or found.bucket
    assert not found.endpoint.startswith("http://")

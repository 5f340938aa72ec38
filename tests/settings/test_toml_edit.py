import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_agent.settings.toml_edit import with_text, without_texts

KEY = "never"
MINE = """\
# what I never want  ← my own words
max_fps = 2   # slow
{list}
locale = "de"
"""


def add(text: str, added: str) -> str:
    return with_text(text, KEY, added)


def take(text: str, *gone: str) -> str:
    return without_texts(text, KEY, lambda one: one in gone)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", 'never = ["new"]\n'),
        ("max_fps = 2", 'max_fps = 2\nnever = ["new"]\n'),
        ("never = []", 'never = ["new"]'),
        ('never = ["a"] # mine', 'never = ["new", "a"] # mine'),
        ("never = [ \"a\", 'b' ]", 'never = [ "new", "a", \'b\' ]'),
        ('never = [\n  "a",  # mine\n]', 'never = [\n  "new",\n  "a",  # mine\n]'),
        ('never = [ # mine\n  "a"]', 'never = ["new",  # mine\n  "a"]'),
    ],
)
def test_a_text_is_added_in_front_as_the_others_stand(before: str, after: str) -> None:
    assert add(before, "new") == after
    assert tomllib.loads(after)["never"][0] == "new"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('never = ["a"]', "never = []"),
        ('never = ["a", "b"]', 'never = ["b"]'),
        ('never = ["b", "a"]', 'never = ["b"]'),
        ('never = ["b", \'a\', "c"]', 'never = ["b", "c"]'),
        ('never = ["a", "a", "a"]', "never = []"),
        ('never = [\n  "a",\n  "b",\n]', 'never = [\n  "b",\n]'),
        ('never = [\n  "b",\n  "a"\n]', 'never = [\n  "b"\n]'),
        ('never = [\n  "a", # mine\n  "b",\n]', 'never = [\n  # mine\n  "b",\n]'),
        ('x = ["a"]', 'x = ["a"]'),
    ],
)
def test_a_text_is_taken_out_and_the_rest_stays(before: str, after: str) -> None:
    assert take(before, "a") == after


texts = st.text(st.characters(categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=5)
SPACES = st.sampled_from(["", " ", "\n  ", " # mine\n", "\n\n"])


@given(st.lists(st.tuples(texts, SPACES, SPACES)), st.sampled_from(["", ","]), texts)
def test_everything_else_in_the_file_stays(elements: list[tuple[str, str, str]], trailing: str, added: str) -> None:
    """Adding and taking out again changes no value and no word of the person's."""
    written = ",".join(f"{space}{add('', one)[9:-2]}{behind}" for one, space, behind in elements)
    text = MINE.format(list=f"never = [{written}{trailing if elements else ''}]")
    before = tomllib.loads(text)
    more = tomllib.loads(add(text, added))
    assert more == {**before, "never": [added, *before["never"]]}
    gone = take(add(text, added), added)
    assert tomllib.loads(gone) == {**before, "never": [one for one in before["never"] if one != added]}
    assert gone.count("#") - added.count("#") <= text.count("#")
    for line in MINE.splitlines():
        assert line == "{list}" or line in gone.splitlines()

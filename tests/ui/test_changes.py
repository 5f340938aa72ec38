from __future__ import annotations

import ast
from pathlib import Path

import pytest

from capture_agent.core import policy
from capture_agent.core.events import Category
from capture_agent.core.policy import Widening
from capture_agent.ui.changes import NAMES, in_words


def told() -> set[str]:
    """Return every plain name that `widenings` gives to a change, from its source."""
    tree = ast.parse(Path(policy.__file__).read_text("utf-8"))
    calls = [
        node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) in {"compare", "say"}
    ]
    names = {call.args[0].value for call in calls if call.args and isinstance(call.args[0], ast.Constant)}
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef) and function.name == "_particulars":
            rows = [node for node in ast.walk(function) if isinstance(node, ast.Tuple) and len(node.elts) == 3]
            names |= {row.elts[0].value for row in rows if isinstance(row.elts[0], ast.Constant)}
    return names


def test_every_change_has_a_name_that_people_read() -> None:
    assert told() - NAMES.keys() == set()
    assert NAMES.keys() - told() == set()


@pytest.mark.parametrize("category", Category)
def test_categories_are_named_as_everywhere_else(category: Category) -> None:
    what, was, wants = in_words(Widening("category", "not there", category.value))
    assert (what, was) == ("May be recorded", "not there")
    other = {"pointer": "mouse", "shortcuts": "keyboard shortcuts", "counts": "number of keys"}
    assert wants == other.get(category.value, category.value)


def test_changes_with_a_name_in_them_keep_it() -> None:
    assert in_words(Widening("what The Lab gets", "not there", "tasks")) == ("What The Lab gets", "not there", "tasks")
    assert in_words(Widening("notice (de)", "version 1", "version 2")) == ("Notice (de)", "version 1", "version 2")
    assert in_words(Widening("purpose x", "not there", "To learn.")) == ("What for", "not there", "To learn.")
    assert in_words(Widening("title", "Old", "New")) == ("Its title", "Old", "New")

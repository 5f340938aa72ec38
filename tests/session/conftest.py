"""A person with a profile of their own, in a world without a desktop."""

import importlib.util
import sys
from pathlib import Path

import pytest


def load(name):
    """Return a module that stands beside this file: tests are no package."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


small_world = load("small_world")


@pytest.fixture
def person(tmp_path):
    someone = small_world.Person(tmp_path)
    yield someone
    someone.agent.shut_down()

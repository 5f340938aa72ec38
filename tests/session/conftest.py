"""A person with a profile of their own, in a world without a desktop."""

import pytest
from small_world import Person


@pytest.fixture
def person(tmp_path):
    someone = Person(tmp_path)
    yield someone
    someone.agent.shut_down()

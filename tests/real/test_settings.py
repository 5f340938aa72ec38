"""What of the settings is seen on a real desktop alone."""

from __future__ import annotations

import time

import agent_driver
import pytest

pytestmark = pytest.mark.real


def test_language_and_the_keys_for_a_task_are_those_of_the_settings(desktop):
    driver = agent_driver.AgentDriver(desktop)
    try:
        agent_driver.replace(driver.settings, 'locale = "de"\ntask_hotkey = "ctrl+alt+y"\n')
        driver.start_agent()
        driver.eyes.wait("Für mich selbst aufnehmen", "push button")
        driver.hands.key("F10", hold=("Control_L", "Shift_L"))  # what they are without the setting
        time.sleep(0.5)
        assert "Aufgabe beginnen" not in [seen.name for seen in driver.eyes.all()]
        driver.hands.key("y", hold=("Control_L", "Alt_L"))
        driver.eyes.wait("Aufgabe beginnen", "dialog")
    finally:
        driver.close()

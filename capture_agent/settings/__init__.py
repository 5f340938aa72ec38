"""TOML → pydantic → frozen `core.policy` values. Every mistake with file, line, key, expected and found, all at once.

- `policy_file`  what a study's `policy.toml` may say (`read_policy`)
- `own_file`     what the person's `settings.toml` may say; it can only narrow (`read_settings`, `write_rule`)
- `places`       where a policy lies, and which policy wins
- `fields`       what single values may be
- `reading`      TOML in, plain values with their places out; `changed` for files that are watched
- `problems`     what is wrong, for people and --json
- `toml_lines`   where each key stands;  `toml_edit`  adds to a list and leaves the rest as it stands
"""

from capture_agent.settings.own_file import SettingsFile, read_settings, without_effect, write_rule
from capture_agent.settings.places import policy_path, system_policy_path
from capture_agent.settings.policy_file import PolicyFile, read_policy
from capture_agent.settings.problems import Problem, WrongFileError
from capture_agent.settings.reading import Stamp, changed, stamp

__all__ = [
    "PolicyFile",
    "Problem",
    "SettingsFile",
    "Stamp",
    "WrongFileError",
    "changed",
    "policy_path",
    "read_policy",
    "read_settings",
    "stamp",
    "system_policy_path",
    "without_effect",
    "write_rule",
]

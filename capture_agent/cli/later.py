"""Groups of commands whose modules are imported only when one of their commands is used: `--help` stays fast."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup


class Later(TyperGroup):
    """Stands for the typer app `attribute` of `module` until it is needed.

    Its help is shown as plain text like all other help here, whatever markup the app asks for.
    """

    def __init__(self, name: str, summary: str, module: str, attribute: str) -> None:
        super().__init__(name=name, help=summary, rich_markup_mode=None)
        self._source = (module, attribute)

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Import the app, and let it parse."""
        return self.loaded().make_context(info_name, args, parent=parent, **extra)

    def loaded(self) -> TyperGroup:
        """Return the group itself."""
        module, attribute = self._source
        group = typer.main.get_group(getattr(import_module(module), attribute))
        _make_plain(group)
        return group


def _make_plain(command: Any) -> None:
    if isinstance(command, TyperGroup | TyperCommand):
        command.rich_markup_mode = None
    if isinstance(command, TyperGroup):
        for one in command.commands.values():
            _make_plain(one)

"""events.parquet: every event as a row, joined to its frame. The only door to pyarrow, which only researchers need."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO

from capture_agent.core.errors import ConfigError, StorageError
from capture_agent.outbox.measure import Joined

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = 8192  # rows in memory, and in a row group
_WANTED = "events.parquet needs pyarrow, which is not installed"
_HINT = "Install it with `pip install 'capture-agent[research]'`, or leave the table out with --no-table."

# Columns of the field's own names; what a kind of event does not have is null. `json` is the whole event.
_TEXTS = ("sym", "text", "button", "app", "title", "task", "outcome", "note", "reason", "name")
_NUMBERS = ("code", "x", "y", "dx", "dy", "difficulty", "width", "height")
_TRUTHS = ("down", "injected", "again")
_FROM_WINDOW = ("app", "title")


def is_possible() -> bool:
    """Return whether tables can be written here."""
    return importlib.util.find_spec("pyarrow") is not None


class TableWriter:
    """Writes events as Parquet in bounded memory."""

    def __init__(self, stream: BinaryIO) -> None:
        """Write to `stream`.

        Raises:
            ConfigError: pyarrow is not installed.
        """
        if not is_possible():
            raise ConfigError(_WANTED, hint=_HINT)
        import pyarrow
        import pyarrow.parquet

        self._pa = pyarrow
        self._schema = _schema(pyarrow)
        self._writer = pyarrow.parquet.ParquetWriter(stream, self._schema, compression="zstd")
        self._rows: list[dict[str, Any]] = []

    def add(self, fields: Mapping[str, Any], shown: Joined | None) -> None:
        """Add an event, as `event_log.decode` returns it, and the frame that was on screen.

        Raises:
            StorageError: It does not fit the columns, or the disk is full.
        """
        self._rows.append(_row(fields, shown))
        if len(self._rows) == ROWS:
            self._flush()

    def finish(self) -> None:
        """Write the rest and the table's end."""
        self._flush()
        self.close()

    def close(self) -> None:
        """Let go of the stream, before it is closed itself. Without `finish` the last rows are missing."""
        self._writer.close()

    def _flush(self) -> None:
        try:
            self._writer.write_table(self._pa.Table.from_pylist(self._rows, self._schema))
        except self._pa.ArrowException as error:
            raise StorageError(
                "events.parquet cannot be written ({kind})",
                hint="Leave it out with --no-table.",
                kind=type(error).__name__,
            ) from None
        self._rows = []


def _schema(pa: Any) -> pa.Schema:
    columns = [("t_us", pa.int64()), ("topic", pa.string()), ("kind", pa.string())]
    columns += [(name, pa.bool_()) for name in _TRUTHS]
    columns += [(name, pa.int64()) for name in _NUMBERS]
    columns += [(name, pa.string()) for name in _TEXTS]
    columns += [("mods", pa.list_(pa.string())), ("window", pa.int64()), ("start_us", pa.int64())]
    columns += [("frame_video", pa.string()), ("frame_us", pa.int64()), ("json", pa.string())]
    return pa.schema(columns)


def _row(fields: Mapping[str, Any], shown: Joined | None) -> dict[str, Any]:
    window = fields.get("window") or {}
    row = {name: fields.get(name) for name in ("t_us", "topic", "kind", "mods", "start_us", *_TRUTHS, *_NUMBERS)}
    row |= {name: window.get(name) if name in _FROM_WINDOW else fields.get(name) for name in _TEXTS}
    row["window"] = window.get("id")
    row["frame_video"], row["frame_us"] = shown or (None, None)
    said = {name: value for name, value in fields.items() if name not in {"topic", "t_us"}}
    row["json"] = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
    return row

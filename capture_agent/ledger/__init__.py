"""The consent record: append-only, chained, signed."""

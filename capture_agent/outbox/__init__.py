"""The way from a held session to its recipients."""

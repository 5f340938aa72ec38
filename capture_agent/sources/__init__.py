"""Raw events in. Nothing here decides what may be kept."""

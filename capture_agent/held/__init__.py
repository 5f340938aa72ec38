"""Sessions on their owner's disk: written while recording, readable by the owner alone."""

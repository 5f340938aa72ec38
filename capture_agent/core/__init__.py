"""Pure decisions: no clock, no I/O, no Qt. Everything they need comes in as arguments."""

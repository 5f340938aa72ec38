"""What the recorder costs, measured beside public tools on a display of its own. Never a test."""

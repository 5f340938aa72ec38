"""The researcher's end: verify and open what was released."""

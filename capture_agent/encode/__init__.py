"""Cleared events to MCAP, H.264 and stills, and back."""

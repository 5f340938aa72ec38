"""What leaves: written at release, read by the researcher."""

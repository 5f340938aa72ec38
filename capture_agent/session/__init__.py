"""Threads and order: sources, gate, encoders and writer put together. No Qt."""

"""Capture Agent: a desktop recorder that works only while its owner agrees.

Importing the package touches no display, no file and no network.
"""

__version__ = "0.1.0"

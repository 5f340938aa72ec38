"""The whole way of the data on a display and profile of its own, driven like a person would."""

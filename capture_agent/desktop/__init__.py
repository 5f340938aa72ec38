"""What the operating system knows: windows, focus, monitors, keymap, idle time, permissions."""

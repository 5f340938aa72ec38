"""Windows, tray and indicator: the only door to Qt besides `app`."""

"""The command line. Nothing heavy is imported before a command needs it; no Qt at all but for the tray itself.

- `program`   the commands, their help, and what they print
- `words`     what the JSON of --json says, in sentences
- `own`       opening and exporting one's own recordings, with or without a running agent
- `doctor`    what is missing here, and what to do
- `bars`      progress of long work
- `later`     groups of commands that are imported only when they are used
"""

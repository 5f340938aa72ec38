"""The local socket between commands and the running agent: only this user, only what narrows, shows or opens a window.

- `commands`  the table of commands, and what each may do at most; `argument` what they take
- `wire`      what a line is
- `server`    the agent's end; `client` a command's end; `peer` who is at the other end
- `instance`  one agent a profile; `private` folders that only this user can reach
"""

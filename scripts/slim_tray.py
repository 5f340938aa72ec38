"""Start the installed `capture-agent` on a private desktop, and wait until it answers as a running agent."""

import json
import subprocess
import sys
import time

from capture_agent.demo.desktop import PrivateDesktop

AGENT = sys.argv[1]
WITHIN_S = 30.0

with PrivateDesktop(accessibility=False) as desktop:
    desktop.start(AGENT)
    deadline = time.monotonic() + WITHIN_S
    while time.monotonic() < deadline:
        said = subprocess.run([AGENT, "status", "--json"], env=desktop.env, capture_output=True, text=True, check=False)
        if said.returncode == 0 and json.loads(said.stdout)["running"]:
            sys.stdout.write("the tray runs\n")
            sys.exit(0)
        time.sleep(0.5)
    sys.stdout.write(desktop.log(AGENT).read_text())
sys.exit("the tray does not run")

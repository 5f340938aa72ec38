"""What this process does not let others see: no core files, no reading of its memory by the same user's debuggers."""

from __future__ import annotations

import gc
import linecache
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from capture_agent.core.errors import DesktopError

SETTLED_MS = 2_000  # after a recording has begun: all that it needs is loaded, and what the start needed is not
_PR_SET_DUMPABLE = 4  # prctl(2)
_PRIVATE_UMASK = 0o077
_M_ARENA_MAX = -8  # mallopt(3)
_MADV_DONTNEED = 4  # madvise(2)


def _of_libc(name: str) -> Callable[..., int] | None:
    """Return a function of GNU's C library, None where there is another one."""
    if sys.platform != "linux":
        return None
    import ctypes

    return getattr(ctypes.CDLL(None), name, None)


_mallopt, _trim, _madvise = _of_libc("mallopt"), _of_libc("malloc_trim"), _of_libc("madvise")


def use_little_memory() -> None:
    """Let all threads take memory from one place. Call before there are any.

    With an arena for each thread, what one gave back is no use to the others: 13 MB of 220 with frames
    of 8 MB (1920 × 1080). They rarely allocate at the same time: one lock holds them all anyway.
    """
    if _mallopt is not None:
        _mallopt(_M_ARENA_MAX, 1)


def give_back() -> None:
    """Return to the system what was freed, wherever it lies: frames leave holes of up to 20 MB. Costs 0.2 to 1 ms."""
    if _trim is not None:
        _trim(0)


def let_go_of_code() -> None:
    """Let go of the libraries' code and constants: most of it was needed to start, or by a window. Main thread; 30 ms.

    What is needed again comes back from the system's cache of files, a page at a time: of 60 MB, 15 while recording.
    Only where nobody may write, and nothing was written: what the loader filled in and closed afterwards has no other
    copy (proc(5), `Anonymous` and `Swap` of smaps). The main thread, because no other one unloads a library.
    """
    if _madvise is None:
        return
    import ctypes

    # A system that shows no maps takes nothing from what is recorded.
    with suppress(OSError), Path("/proc/self/smaps").open(encoding="utf-8", errors="replace") as lines:
        for first, end, own_kb in _of_libraries(lines):
            if not own_kb:
                _madvise(ctypes.c_void_p(first), ctypes.c_size_t(end - first), _MADV_DONTNEED)


def _of_libraries(smaps: Iterable[str]) -> Iterator[tuple[int, int, int]]:
    """Yield begin and end of what is read-only of shared libraries, and how many KB in it are this process's own."""
    place: tuple[int, int] | None = None
    own_kb = 0
    for line in smaps:
        name, *values = line.split()
        if not name.endswith(":"):
            first, _, end = name.partition("-")
            taken = values[0] in {"r-xp", "r--p"} and ".so" in Path(values[-1]).name
            place, own_kb = (int(first, 16), int(end, 16)) if taken else None, 0
        elif name in {"Anonymous:", "Swap:"}:
            own_kb += int(values[0])
        elif name == "VmFlags:" and place is not None:  # the last line of each
            yield *place, own_kb


@contextmanager
def to_stay() -> Iterator[None]:
    """Take what is made within the block for what stays: the collector of garbage does not look through it again.

    With 10,000 recordings it would look through a quarter of a million things every now and then, for a tenth of a
    second each time.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def forget_sources() -> None:
    """Drop the source code that PySide6 reads of every module that is imported after it: 5 MB that nobody needs."""
    linecache.clearcache()


def harden() -> None:
    """Make the process not dumpable, forbid core files, and make new files private. Call before anything else.

    A system's core handler may ignore the limit on core files, so both are set (prctl(2), core(5)).

    Raises:
        DesktopError: The system refuses.
    """
    os.umask(_PRIVATE_UMASK)
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        import ctypes

        if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
            raise DesktopError(
                "this process cannot be protected from being dumped: {why}", why=os.strerror(ctypes.get_errno())
            )

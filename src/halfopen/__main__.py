"""The program ``halfopen``; ``python -m halfopen`` is the same."""

import atexit
import gc
import os
import sys


def main() -> None:
    """Run the command line, see :func:`halfopen.cli.main`."""
    # What a verb makes it keeps until it ends: looking for garbage at the usual pace finds none and costs a tenth,
    # and at the end, when all goes at once, once more.
    gc.set_threshold(50_000, 20, 20)
    atexit.register(gc.freeze)
    from halfopen.cli import main

    try:
        main()
    except SystemExit as end:
        _leave(end)
        raise


def _leave(end: SystemExit) -> None:
    """End the process as ``end`` says without taking apart what it holds, which with many facts takes a twentieth of the
    time. Returns where that would lose something: an output that cannot be written, a thread that still works."""
    threading = sys.modules.get("threading")
    if not isinstance(end.code, int | None) or (threading is not None and threading.active_count() > 1):
        return
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):  # also closed
        return
    os._exit(end.code or 0)


if __name__ == "__main__":
    main()

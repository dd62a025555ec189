"""The program ``halfopen``; ``python -m halfopen`` is the same."""

import atexit
import gc


def main() -> None:
    """Run the command line, see :func:`halfopen.cli.main`."""
    # What a verb makes it keeps until it ends: looking for garbage at the usual pace finds none and costs a tenth,
    # and at the end, when all goes at once, once more.
    gc.set_threshold(50_000, 20, 20)
    atexit.register(gc.freeze)
    from halfopen.cli import main

    main()


if __name__ == "__main__":
    main()

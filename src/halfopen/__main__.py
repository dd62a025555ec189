"""``python -m halfopen`` is the same program as ``halfopen``."""

from halfopen.cli import main

if __name__ == "__main__":
    main()

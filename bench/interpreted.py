"""``halfopen`` with the kernel's sources in the place of what was compiled from them: ``python bench/interpreted.py diagnose …``"""

from __future__ import annotations

from halfopen.kernel import interpret

if __name__ == "__main__":
    interpret()
    from halfopen.cli import main

    main()

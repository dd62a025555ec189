"""Run the fuzz of logs on a kernel that checks every index: the compiled one must never reach beyond a block.

    python fuzz/checked_kernel.py [--seed N] [--runs N]

The kernel's sources are compiled with bounds checks into a folder of their own, which lies before the installed kernel; an
index out of bounds is then an exception, and ``fuzz_logs.py`` fails with the seed that repeats it.
"""

from __future__ import annotations

import importlib.util
import runpy
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import halfopen.kernel

KERNEL = Path(halfopen.kernel.__file__).parent
MODULES = ("scanner", "host_times", "headers", "lines")
_BUILD = """
from setuptools import Extension, setup
from Cython.Build import cythonize
names = {names!r}
setup(
    name="checked",
    script_args=["-q", "build_ext", "--inplace"],
    ext_modules=cythonize([Extension("halfopen.kernel." + name, ["halfopen/kernel/" + name + ".py"]) for name in names], quiet=True),
)
"""


def built(folder: Path) -> Path:
    """The kernel of logs with bounds checks, built in ``folder``; where its modules lie."""
    package = folder / "halfopen" / "kernel"
    package.mkdir(parents=True)
    for init in (package.parent, package):
        (init / "__init__.py").write_text("")
    for name in ("line_layout", *MODULES):
        for source in KERNEL.glob(f"{name}.p[yx]*"):
            text = source.read_text().replace("boundscheck=False", "boundscheck=True")
            (package / source.name).write_text(
                text.replace("initializedcheck=False", "initializedcheck=True")
            )
    assert "boundscheck=True" in (package / "lines.py").read_text()
    subprocess.run([sys.executable, "-c", _BUILD.format(names=MODULES)], cwd=folder, check=True)
    return package


def main() -> int:
    """Build, put the build before the installed kernel, run the fuzz."""
    if importlib.util.find_spec("Cython") is None or not (shutil.which("cc") or shutil.which("gcc")):
        print("Cython or a C compiler is missing: no checked kernel")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        halfopen.kernel.__path__.insert(0, str(built(Path(folder))))
        from halfopen.kernel import lines

        assert str(lines.__file__).startswith(folder), lines.__file__
        try:
            runpy.run_path(str(Path(__file__).with_name("fuzz_logs.py")), run_name="__main__")
        except SystemExit as end:
            return int(end.code or 0)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Compiles the kernel, which is plain Python, where Cython and a C compiler are: all of it or nothing.

The modules use each other's C structures, so some of them compiled and others not could not be loaded; interpreted, all
of them say the same. Everything else of the build stands in ``pyproject.toml``.
"""

import os
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import BaseError, CCompilerError

ROOT = Path(__file__).parent
sys.path.insert(0, str(ROOT / "src"))

from halfopen.kernel import LOOPS  # noqa: E402

#: What Cython needs in every module, compiled once: a third of the time, a tenth of the size.
SHARED = "halfopen.kernel.shared"

#: The loops are many small functions, each called from one place: GCC's own limits leave half of them calls, which costs a
#: fifth of the time. Clang knows these words and goes by its own judgement.
INLINING = ("-finline-limit=2000", "--param=inline-unit-growth=300", "--param=large-function-growth=1000")


def extensions() -> list[Extension]:
    """The kernel's modules; without symbols for a debugger, unless the flags are the user's."""
    flags = [*INLINING, "-g0"] if os.name == "posix" and "CFLAGS" not in os.environ else []
    kernel = "src/halfopen/kernel"
    return [
        Extension(SHARED, [f"{kernel}/shared.c"], extra_compile_args=flags),
        *(
            Extension(f"halfopen.kernel.{name}", [f"{kernel}/{name}.py"], extra_compile_args=flags)
            for name in LOOPS
        ),
    ]


class BuildKernel(build_ext):
    """Translates with Cython, compiles with as many processes as there are processors; what fails undoes all."""

    def run(self) -> None:
        """Build; setuptools forgets meanwhile that the results belong beside the sources."""
        self._beside_sources = bool(self.inplace or self.editable_mode)
        super().run()

    def build_extensions(self) -> None:
        """Build every module, or none and say why."""
        try:
            self._translate()
            self.parallel = self.parallel or os.cpu_count()
            super().build_extensions()
        except (BaseError, CCompilerError, ImportError, OSError) as error:
            self._undo()
            print(f"The kernel was not compiled and will run interpreted, some hundred times slower: {error}")

    def _translate(self) -> None:
        from Cython.Build import cythonize
        from Cython.Compiler.Errors import CompileError

        try:
            # always: C of another Cython, or made without the shared module, must not stay
            made = cythonize(self.extensions, shared_utility_qualified_name=SHARED, force=True, quiet=True)
        except CompileError as error:
            raise CCompilerError(f"Cython: {error}") from error
        sources = {module.name: module.sources for module in made}
        for module in self.extensions:
            module.sources = sources[module.name]

    def _undo(self) -> None:
        """Take away what was compiled, now or before: beside one that is missing it cannot be loaded."""
        for module in self.extensions:
            Path(self.get_ext_fullpath(module.name)).unlink(missing_ok=True)
            if self._beside_sources:
                (ROOT / "src" / self.get_ext_filename(module.name)).unlink(missing_ok=True)
        self.extensions = []


if __name__ == "__main__":
    setup(ext_modules=extensions(), cmdclass={"build_ext": BuildKernel})

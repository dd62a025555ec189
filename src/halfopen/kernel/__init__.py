"""The hot loops: bytes in, columns out. Plain Python, compiled by Cython where a compiler is."""

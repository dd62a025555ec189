cimport cython

@cython.final
cdef class Frames:
    cdef public unsigned char[::1] data
    cdef public long long[::1] rows
    cdef public long long[::1] air
    cdef public long long[::1] memory
    cpdef hold(self, unsigned char[::1] data, long long[::1] rows)
    cpdef hold_air(self, long long[::1] air, long long[::1] memory)
    cpdef release(self)

cimport cython

@cython.final
cdef class Frames:
    cdef unsigned char[::1] data
    cdef long long[::1] rows
    cdef long long[::1] air
    cdef long long[::1] memory
    cpdef hold(self, unsigned char[::1] data, long long[::1] rows)
    cpdef hold_air(self, long long[::1] air, long long[::1] memory)
    cpdef release(self)

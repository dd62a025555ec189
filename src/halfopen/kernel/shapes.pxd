cimport cython

from halfopen.kernel cimport shape_layout as s
from halfopen.kernel cimport words

@cython.final
cdef class LineShapes:
    cdef const unsigned char[::1] data
    cdef unsigned long long[::1] keys
    cdef unsigned long long[::1] rows
    cdef unsigned long long[::1] scratch
    cdef unsigned long long[::1] factors
    cdef public short[::1] traits
    cdef public unsigned long long mixed
    cdef public long long words
    cdef public unsigned long long size
    cdef public unsigned long long block

    cdef Py_ssize_t enter(self, const unsigned char[::1] data) except? -99

    @cython.locals(count=cython.longlong, index=cython.longlong, mixed=cython.ulonglong,
            place=cython.longlong, size=cython.longlong)
    cdef Py_ssize_t measure(self, long long at, long long end) except? -99

    @cython.locals(slot=cython.longlong, row=cython.longlong)
    cdef Py_ssize_t find(self) except? -99

    @cython.locals(slot=cython.longlong, index=cython.longlong, place=cython.longlong,
            first=cython.longlong, row=cython.longlong, way=cython.longlong)
    cdef Py_ssize_t claim(self) except? -99

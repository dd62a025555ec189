cimport cython

from halfopen.kernel cimport shape_layout as s
from halfopen.kernel cimport words

@cython.final
cdef class LineShapes:
    cdef const unsigned char[::1] data
    cdef unsigned long long[::1] keys
    cdef unsigned long long[::1] texts
    cdef unsigned long long[::1] scratch
    cdef long long[::1] seen
    cdef public short[::1] rows
    cdef public unsigned long long mixed
    cdef public long long words
    cdef public long long block

    cdef Py_ssize_t enter(self, const unsigned char[::1] data) except? -99

    @cython.locals(count=cython.longlong, mixed=cython.ulonglong, place=cython.longlong,
            word=cython.ulonglong, other=cython.ulonglong, found=cython.ulonglong, digit=cython.ulonglong)
    cdef Py_ssize_t measure(self, long long at, long long end) except? -99

    @cython.locals(slot=cython.longlong, last=cython.longlong, index=cython.longlong,
            place=cython.longlong)
    cdef Py_ssize_t find(self) except? -99

    @cython.locals(slot=cython.longlong, index=cython.longlong, place=cython.longlong,
            first=cython.longlong, way=cython.longlong)
    cdef Py_ssize_t claim(self) except? -99

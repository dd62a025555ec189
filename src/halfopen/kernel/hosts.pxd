cimport cython

from halfopen.kernel cimport layout as k
from halfopen.kernel cimport octets
from halfopen.kernel.frames cimport Frames

@cython.final
cdef class Crowd:
    cdef public long long used, lost
    cdef public long long[::1] table
    cdef public long long[::1] heads
    cpdef hold(self, long long[::1] table, long long[::1] heads)
    cpdef release(self)

@cython.locals(mixed=cython.longlong, bucket=cython.longlong, host=cython.longlong, base=cython.longlong)
cdef long long entry(Crowd c, long long mac, long long family, long long first, long long second,
                     long long third, long long fourth) except? -2

@cython.locals(silent=cython.longlong, row=cython.longlong, base=cython.longlong, mac=cython.longlong,
               family=cython.longlong, at=cython.longlong, host=cython.longlong)
cpdef long long count_hosts(Frames f, Crowd c, long long count, long long frame) except? -1

cimport cython

from halfopen.kernel cimport layout as k

@cython.final
@cython.freelist(256)
cdef class Quoted:
    cdef public long long frame, time, seq, ack, shape, bits, side

@cython.final
cdef class Quota:
    cdef public long long left, refused

@cython.final
cdef class Bounded:
    cdef public long long count
    cdef public object single
    cdef public list first, last
    cdef public Quota quota
    @cython.locals(half=cython.longlong, room=cython.bint)
    cpdef object add(self, object item)
    cdef object exchange(self, object item)
    cpdef object newest(self)
    cpdef object oldest(self)

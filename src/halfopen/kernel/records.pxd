cimport cython

from halfopen.kernel cimport layout as k
from halfopen.kernel cimport octets
from halfopen.kernel cimport protocol as p
from halfopen.kernel.frames cimport Frames

@cython.final
cdef class Walk:
    cdef public long long big, position, count, needed, damage, culprit, last_time
    cdef public long long[::1] interfaces
    cpdef hold(self, long long[::1] interfaces, long long big)
    cpdef release(self)

cdef long long word(Frames f, long long at, long long big) except? -1

@cython.locals(ticks=cython.longlong, mode=cython.longlong, factor=cython.longlong,
               limit=cython.longlong, whole=cython.longlong, fraction=cython.longlong)
cdef long long nanoseconds(long long high, long long low, Walk w, long long base) except? -1

cdef long long damaged(Walk w, long long kind, long long culprit) except? -1

@cython.locals(capacity=cython.longlong, at=cython.longlong, count=cython.longlong, big=cython.longlong,
               stop=cython.longlong, captured=cython.longlong, base=cython.longlong,
               factor=cython.longlong, link=cython.longlong)
cpdef long long walk_pcap(Frames f, Walk w, long long end) except? -1

@cython.locals(big=cython.longlong, room=cython.longlong, number=cython.longlong,
               interface=cython.longlong, length=cython.longlong, captured=cython.longlong)
cdef long long packet_block(Frames f, Walk w, long long at, long long kind, long long base) except? -1

@cython.locals(capacity=cython.longlong, at=cython.longlong, count=cython.longlong, big=cython.longlong,
               stop=cython.longlong, kind=cython.longlong, length=cython.longlong)
cpdef long long walk_pcapng(Frames f, Walk w, long long end) except? -1

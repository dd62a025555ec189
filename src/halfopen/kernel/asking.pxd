cimport cython

from halfopen.kernel cimport layout as k
from halfopen.kernel cimport protocol as p
from halfopen.kernel.quoting cimport Bounded, Quota

@cython.final
@cython.freelist(256)
cdef class Kept:
    cdef public long long frame, time, kind, sport, dport, payload, number
    cdef public bytes content, source, destination
    cdef public object message

@cython.final
cdef class Read:
    cdef public object message
    cdef public bint response, refused
    cdef public str name

@cython.final
cdef class Asking:
    cdef public bytes asker, target
    cdef public long long asked, answered, refused, stretch_count, mute_count
    cdef public Bounded frames
    cdef public Kept last_answer
    cdef public list waiting, stretch, mute
    cdef public dict names
    cpdef object ask(self, object number, Kept kept)
    cpdef bint answer(self, object number, Kept kept) except -1

@cython.final
cdef class Questions:
    cdef public Quota quota
    cdef public long long lost, most
    cdef public dict pairs, announced, read
    @cython.locals(found=Asking)
    cpdef Asking asking(self, bytes key, bytes asker, bytes target)
    @cython.locals(frames=Bounded)
    cpdef object announce(self, bytes mac, Kept kept)

@cython.locals(sender=bytes, target=bytes, asking=Asking)
cdef object see_arp(Questions questions, bytes content, Kept kept)

@cython.locals(asking=Asking)
cpdef object see_dns(Questions questions, Read read, Kept kept)

@cython.locals(base=cython.longlong, size=cython.longlong, kept=Kept)
cpdef Kept datagram(bytearray data, long long[::1] rows, long long row, long long frame)

@cython.locals(base=cython.longlong, start=cython.longlong)
cdef Read known(Questions questions, bytearray data, long long[::1] rows, long long row)

@cython.locals(at=cython.longlong, row=cython.longlong, base=cython.longlong, start=cython.longlong, content=bytes,
               read=Read, kept=Kept)
cpdef long long ask(Questions arps, Questions queries, bytearray data, long long[::1] rows, long long[::1] picked,
                    long long begin, long long end, long long frame) except? -1

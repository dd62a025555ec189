cimport cython

from halfopen.kernel cimport layout as k
from halfopen.kernel cimport protocol as p
from halfopen.kernel.frames cimport Frames

@cython.final
cdef class Key:
    cdef public object blocks, chain
    cdef public unsigned char[::1] last

@cython.final
cdef class Lock:
    cdef public list keys
    cdef public long long opened, closed, extended, wep

@cython.final
cdef class Ring:
    cdef public list keys
    cdef public long long closed

@cython.final
cdef class Bench:
    cdef public unsigned char[::1] blocks, stream, chained
    cdef public object whole, stream_room, chained_room
    cdef public list parts

cdef object part(Bench b, long long count)

@cython.locals(data=cython.uchar[::1], at=cython.longlong, body=cython.longlong, size=cython.longlong,
               count=cython.longlong, blocks=cython.uchar[::1], stream=cython.uchar[::1],
               last=cython.uchar[::1], chained=cython.uchar[::1], end=cython.longlong,
               differs=cython.longlong, index=cython.longlong)
cdef long long open_with(Frames f, Bench b, Key key, long long base, long long cut) except? -99

@cython.locals(block=cython.longlong, to=cython.longlong, index=cython.longlong)
cdef void write_counters(unsigned char[::1] data, unsigned char[::1] blocks, long long at, long long body,
                         long long count)

@cython.locals(management=cython.bint, four=cython.bint, prioritised=cython.bint, index=cython.longlong)
cdef void write_authenticated(unsigned char[::1] data, unsigned char[::1] blocks, unsigned char[::1] last,
                              long long at, long long size)

@cython.locals(key=Key, size=cython.longlong)
cdef long long open_any(Frames f, Bench b, list keys, long long base, long long cut) except? -99

@cython.locals(cut=cython.longlong)
cdef long long lacking(Frames f, long long row) except? -99

cdef long long in_one_piece(Frames f, long long base) except? -99

@cython.locals(data=cython.bint)
cpdef long long unlock(Frames f, Bench b, Lock lock, long long row, long long base) except? -99

@cython.locals(keys=list)
cpdef long long unlock_group(Frames f, Bench b, Ring ring, long long row, long long base) except? -99

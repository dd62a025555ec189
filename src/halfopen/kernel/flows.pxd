cimport cython

from halfopen.kernel cimport layout as k
from halfopen.kernel cimport octets
from halfopen.kernel cimport protocol as p
from halfopen.kernel.frames cimport Frames

@cython.final
cdef class Flows:
    cdef public long long free, made, listed
    cdef public long long[::1] state
    cdef public long long[::1] heads
    cdef public long long[::1] notable
    cpdef hold(self, long long[::1] state, long long[::1] heads, long long[::1] notable)
    cpdef release(self)

cdef bint after(long long a, long long b) except -1

@cython.locals(mixed=cython.longlong, index=cython.longlong)
cdef long long endpoint_hash(Frames f, long long at, long long family, long long port) except? -1

cdef bint same_address(Frames f, long long at, long long family, Flows t, long long base) except -1

@cython.locals(words=cython.longlong, index=cython.longlong)
cdef long long store_address(Frames f, long long at, long long family, Flows t, long long base) except? -1

@cython.locals(slot=cython.longlong, flow=cython.longlong)
cdef long long find(Frames f, Flows t, long long family, long long source, long long destination,
                    long long sport, long long dport, long long bucket) except? -2

cdef long long hardware_address(Frames f, long long at) except? -2

@cython.locals(flow=cython.longlong, bucket=cython.longlong, following=cython.longlong,
               other=cython.longlong)
cdef long long unlink(Flows t, long long slot) except? -1

cpdef long long give_back(Flows t, long long slot) except? -1

@cython.locals(slot=cython.longlong, flow=cython.longlong, field=cython.longlong,
               family=cython.longlong, side=cython.longlong, s=cython.longlong)
cdef long long create(Frames f, Flows t, long long base, long long bucket, long long replaced) except? -1

@cython.locals(seq=cython.longlong, payload=cython.longlong, moment=cython.longlong,
               expected=cython.longlong, stale=cython.longlong, end=cython.longlong,
               patience=cython.longlong)
cdef long long resend_bits(Frames f, long long base, Flows t,
                           long long flow, long long s, long long r, long long bits) except? -1

@cython.locals(seq=cython.longlong, ack=cython.longlong, window=cython.longlong,
               payload=cython.longlong, known=cython.longlong, expected=cython.longlong,
               bits=cython.longlong, repeats=cython.longlong, shift=cython.longlong,
               edge=cython.longlong)
cdef long long window_bits(Frames f, long long base, Flows t,
                           long long s, long long r) except? -1

@cython.locals(flags=cython.longlong, payload=cython.longlong, plain=cython.longlong,
               bits=cython.longlong)
cdef long long classify(Frames f, long long base, Flows t,
                        long long flow, long long s, long long r) except? -1

cdef long long quote(Frames f, long long base, long long frame, long long bits,
                Flows t, long long at) except? -1

@cython.locals(flags=cython.longlong, payload=cython.longlong, seq=cython.longlong, end=cython.longlong)
cdef long long advance(Frames f, long long base, long long frame, long long bits,
                  Flows t, long long s) except? -1

@cython.locals(seq=cython.longlong, index=cython.longlong, old=cython.longlong, size=cython.longlong,
               field=cython.longlong)
cdef long long name_original(Frames f, long long base, Flows t,
                        long long s) except? -1

@cython.locals(ack=cython.longlong, bits=cython.longlong, advanced=cython.longlong,
               kept=cython.longlong, finished=cython.longlong, index=cython.longlong,
               old=cython.longlong, new=cython.longlong, field=cython.longlong)
cdef long long acknowledge(Frames f, long long base, Flows t,
                           long long s, long long r) except? -1

@cython.locals(window=cython.longlong)
cdef long long see_window(Frames f, long long base, long long bits,
                          Flows t, long long s, long long r) except? -1

@cython.locals(flags=cython.longlong, moment=cython.longlong)
cdef long long see_handshake(Frames f, long long base, Flows t,
                             long long flow, long long s, long long r) except? -1

@cython.locals(earned=cython.longlong, flags=cython.longlong)
cdef long long see_probes(Frames f, long long base, long long bits,
                          Flows t, long long s, long long r) except? -1

@cython.locals(s=cython.longlong, r=cython.longlong, moment=cython.longlong, flags=cython.longlong,
               wire_bits=cython.longlong, gap=cython.longlong, field=cython.longlong)
cdef long long account(Frames f, long long base, long long frame, long long bits,
                       Flows t, long long flow, long long side) except? -1

@cython.locals(flags=cython.longlong)
cdef long long quote_marks(Frames f, long long base, long long frame, long long bits,
                           Flows t, long long s) except? -1

@cython.locals(s=cython.longlong, r=cython.longlong)
cdef bint reopens(Frames f, long long base, Flows t, long long flow,
                  long long side) except -1

@cython.locals(family=cython.longlong, source=cython.longlong, destination=cython.longlong,
               quoting=cython.longlong, sport=cython.longlong, dport=cython.longlong,
               bucket=cython.longlong, found=cython.longlong, replaced=cython.longlong)
cdef long long locate(Frames f, Flows t, long long base) except? -3

@cython.locals(side=cython.longlong, flow=cython.longlong, s=cython.longlong, r=cython.longlong,
               bits=cython.longlong)
cdef bint follow(Frames f, long long base, long long frame, long long found, Flows t) except -1

@cython.locals(count=cython.longlong, row=cython.longlong, base=cython.longlong, kind=cython.longlong,
               found=cython.longlong)
cpdef long long analyse(Frames f, Flows t, long long begin, long long end, long long frame) except? -1

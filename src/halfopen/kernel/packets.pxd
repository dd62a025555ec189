cimport cython

from halfopen.kernel cimport layout as k
from halfopen.kernel cimport octets
from halfopen.kernel cimport protocol as p
from halfopen.kernel.frames cimport Frames

@cython.locals(version=cython.longlong)
cdef long long raw_ethertype(Frames f, long long at, long long stop) except? -1

@cython.locals(kind=cython.longlong, tags=cython.longlong)
cdef long long ethernet(Frames f, long long base,
                        long long at, long long stop) except? -1

@cython.locals(at=cython.longlong, stop=cython.longlong, link=cython.longlong)
cdef long long link_header(Frames f, long long base) except? -1

@cython.locals(kind=cython.longlong, size=cython.longlong)
cdef long long tcp_options(Frames f, long long base,
                      long long at, long long stop) except? -1

@cython.locals(header=cython.longlong)
cdef long long tcp(Frames f, long long base,
                   long long at, long long stop, long long wire_stop) except? -1

cdef long long udp(Frames f, long long base,
                   long long at, long long stop) except? -1

@cython.locals(quote=cython.longlong, ports=cython.longlong)
cdef long long icmp(Frames f, long long base,
                    long long at, long long stop) except? -1

cdef long long transport(Frames f, long long base,
                         long long protocol, long long at, long long stop,
                         long long wire_stop) except? -1

@cython.locals(header=cython.longlong, total=cython.longlong)
cdef long long ipv4(Frames f, long long base,
                    long long at, long long stop, long long wire_stop) except? -1

@cython.locals(length=cython.longlong, protocol=cython.longlong, _=cython.longlong,
               size=cython.longlong)
cdef long long ipv6(Frames f, long long base,
                    long long at, long long stop, long long wire_stop) except? -1

cdef long long arp(Frames f, long long base,
                   long long at, long long stop) except? -1

@cython.locals(row=cython.longlong, base=cython.longlong, column=cython.longlong, at=cython.longlong,
               start=cython.longlong, stop=cython.longlong, wire_stop=cython.longlong,
               protocol=cython.longlong)
cpdef void decode(Frames f, long long count) except *

@cython.locals(listed=cython.longlong, row=cython.longlong, base=cython.longlong, kind=cython.longlong,
               moment=cython.longlong, wanted=cython.longlong, sport=cython.longlong,
               dport=cython.longlong)
cpdef long long tally(Frames f, long long count, long long[::1] totals,
                      long long[::1] lookups) except? -1

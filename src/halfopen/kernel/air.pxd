cimport cython

from halfopen.kernel cimport layout as k
from halfopen.kernel cimport octets
from halfopen.kernel cimport protocol as p
from halfopen.kernel.frames cimport Frames

@cython.locals(number=cython.longlong, index=cython.longlong)
cdef long long little(Frames f, long long at, long long size) except? -1

@cython.locals(length=cython.longlong, end=cython.longlong, present=cython.longlong,
               field=cython.longlong, word=cython.longlong, flags=cython.longlong)
cdef long long radiotap(Frames f, long long at, long long stop,
                        long long base) except? -1

@cython.locals(slot=cython.longlong, key=cython.longlong, ahead=cython.longlong, bits=cython.longlong,
               one=cython.longlong, behind=cython.longlong)
cdef long long heard_before(Frames f, long long sender, long long tid,
                            long long sequence, long long time) except? -1

@cython.locals(digest=cython.longlong, stop=cython.longlong, at=cython.longlong, slot=cython.longlong)
cdef long long relayed(Frames f, long long body, long long end, long long ends,
                       long long leaves, long long time) except? -1

@cython.locals(frame=cython.longlong, at=cython.longlong, ways=cython.longlong,
               third=cython.longlong, destination=cython.longlong, source=cython.longlong,
               cut=cython.longlong, end=cython.longlong)
cdef long long make_ethernet(Frames f, long long row, long long base) except? -1

@cython.locals(ends=cython.longlong, start=cython.longlong, index=cython.longlong)
cdef long long place_ethernet(Frames f, Frames g, long long frame,
                              long long body, long long end, long long destination, long long source,
                              long long ways, long long time) except? -1

cdef long long ethertype(Frames f, long long at, long long end) except? -1

cdef long long reveal(Frames f, long long row, long long base) except? -1

@cython.locals(at=cython.longlong, end=cython.longlong, ways=cython.longlong,
               count=cython.longlong, size=cython.longlong, stop=cython.longlong,
               column=cython.longlong)
cpdef long long take_apart(Frames f, long long row, long long base, Frames parts) except? -1

@cython.locals(end=cython.longlong, body=cython.longlong)
cdef long long management(Frames f, long long base,
                          long long at) except? -1

@cython.locals(end=cython.longlong, flags=cython.longlong, ways=cython.longlong,
               header=cython.longlong, body=cython.longlong)
cdef long long data_header(Frames f, long long base, long long at,
                           long long padded) except? -1

@cython.locals(end=cython.longlong, kind=cython.longlong, again=cython.longlong)
cdef long long read_header(Frames f, long long at, long long padded,
                           long long base, long long time) except? -1

@cython.locals(frame=cython.longlong, column=cython.longlong, link=cython.longlong, at=cython.longlong,
               stop=cython.longlong, flags=cython.longlong, cut=cython.longlong)
cdef long long read_row(Frames f, long long row, long long base) except? -1

@cython.locals(made=cython.longlong, row=cython.longlong)
cpdef long long read_air(Frames f, long long count) except? -1

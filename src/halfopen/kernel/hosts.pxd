cimport cython

cdef long long FAMILY, H_ADDRESS, H_CHAIN, H_FAMILY, H_FRAME, H_MAC, H_PACKETS, H_TIME, H_WIDTH, KIND
cdef long long MAC, SOURCE, TIME, WIDTH, WIRELESS
cdef long long USED, LOST

@cython.locals(number=cython.longlong, index=cython.longlong)
cdef long long part(const unsigned char[::1] data, long long at, long long size) except? -1

@cython.locals(mixed=cython.longlong, bucket=cython.longlong, host=cython.longlong,
               base=cython.longlong, index=cython.longlong)
cdef long long entry(long long[::1] table, long long[::1] heads, long long[::1] registers,
                     long long mac, long long family, long long[::1] words) except? -1

@cython.locals(row=cython.longlong, base=cython.longlong, mac=cython.longlong, family=cython.longlong,
               index=cython.longlong, host=cython.longlong, at=cython.longlong)
cpdef void count_hosts(const unsigned char[::1] data, long long[::1] rows, long long count,
                       long long frame, long long[::1] table, long long[::1] heads,
                       long long[::1] registers, long long[::1] words) except *

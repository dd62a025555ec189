cimport cython

cdef long long LANES, MARK_SHIFT

cdef long long finish(const unsigned char[::1] data, long long at, long long end, long long state,
                      int[::1] table, const unsigned char[::1] symbols, long long threshold,
                      long long[::1] marks, long long place) except? -1

@cython.locals(first=cython.longlong, second=cython.longlong, third=cython.longlong,
               fourth=cython.longlong, steps=cython.longlong, in_first=cython.longlong,
               in_second=cython.longlong, in_third=cython.longlong, in_fourth=cython.longlong,
               to_first=cython.longlong, to_second=cython.longlong, to_third=cython.longlong,
               to_fourth=cython.longlong, step=cython.longlong)
cpdef long long sweep(const unsigned char[::1] data, long long[::1] bounds, int[::1] table,
                      const unsigned char[::1] symbols, long long threshold, long long[::1] marks,
                      long long[::1] ends) except? -1

@cython.locals(first=cython.longlong, second=cython.longlong, third=cython.longlong)
cdef long long unusual(const unsigned char[::1] data, long long at, long long end) except? -1

cimport cython

from halfopen.kernel cimport layout as k
from halfopen.kernel cimport protocol as p
from halfopen.kernel.conversation cimport reaches

@cython.locals(frame=cython.longlong, time=object)
cdef object kept_frame(const long long[::1] state, long long at, object quote, object write)

@cython.locals(start=cython.longlong, end=cython.longlong)
cdef long long unacknowledged(const long long[::1] state, long long side, long long other) except? -1

@cython.locals(windowed=cython.bint)
cpdef list side_fields(const long long[::1] state, long long side, long long other, object quote, object write)

cimport cython

cdef long long CAPTURED, CULPRIT, DAMAGE, DAMAGE_CAPTURED, DAMAGE_INTERFACE, DAMAGE_LENGTH
cdef long long DAMAGE_TRAILER, I_FACTOR, I_LIMIT, I_LINK, I_MODE, I_SHIFT, I_SNAP, I_WIDTH, LAST_TIME
cdef long long LENGTH, LINK, NEEDED, OFFSET, POSITION, ROWS, STOP_BLOCK, STOP_DAMAGE, STOP_FULL
cdef long long STOP_MORE, TICKS_BINARY, TICKS_TIMES, TIME, WIDTH
cdef long long CAPTURED_MAX, BLOCK_MAX, BLOCK_SECTION, BLOCK_INTERFACE, BLOCK_PACKET, BLOCK_SIMPLE
cdef long long BLOCK_ENHANCED

@cython.locals(number=cython.longlong, index=cython.longlong)
cdef long long word(const unsigned char[::1] data, long long at, bint big) except? -1

@cython.locals(ticks=cython.longlong, mode=cython.longlong, factor=cython.longlong,
               limit=cython.longlong, whole=cython.longlong, fraction=cython.longlong)
cdef long long nanoseconds(long long high, long long low, long long[::1] interfaces,
                           long long base) except? -1

cdef long long damaged(long long[::1] cursor, long long kind, long long culprit) except? -1

@cython.locals(capacity=cython.longlong, at=cython.longlong, count=cython.longlong,
               stop=cython.longlong, captured=cython.longlong, base=cython.longlong)
cpdef long long walk_pcap(const unsigned char[::1] data, long long end, bint big,
                          long long[::1] interfaces, long long[::1] rows,
                          long long[::1] cursor) except? -1

@cython.locals(room=cython.longlong, number=cython.longlong, interface=cython.longlong,
               length=cython.longlong, captured=cython.longlong)
cdef long long packet_block(const unsigned char[::1] data, long long at, long long kind,
                            bint big, long long[::1] interfaces, long long[::1] rows,
                            long long[::1] cursor, long long base) except? -1

@cython.locals(capacity=cython.longlong, at=cython.longlong, count=cython.longlong,
               stop=cython.longlong, kind=cython.longlong, length=cython.longlong)
cpdef long long walk_pcapng(const unsigned char[::1] data, long long end, bint big,
                            long long[::1] interfaces, long long[::1] rows,
                            long long[::1] cursor) except? -1

# cython: boundscheck=False, wraparound=False, initializedcheck=False
# The functions of words.py for the compiler.
from libc.string cimport memchr, memcpy

cdef inline long long line_end_at(const unsigned char[::1] data, long long at) noexcept:
    return <const unsigned char *> memchr(&data[at], 10, data.shape[0] - at) - &data[0]

cdef inline void put_alike(const unsigned char[::1] data, long long at, long long count,
                           unsigned long long[::1] target) noexcept:
    cdef unsigned char sixteen[16]
    cdef long long index
    cdef int each
    for index in range(0, count, 2):
        memcpy(sixteen, &data[at + 8 * index], 16)
        for each in range(16):
            if <unsigned char> (sixteen[each] - 48) < 10:
                sixteen[each] = 48
        memcpy(&target[index], sixteen, 16)

cdef inline bint are_same(unsigned long long[::1] one, long long place, unsigned long long[::1] other,
                          long long count) noexcept:
    cdef unsigned long long differences = 0
    cdef long long index
    for index in range(count):
        differences |= one[place + index] ^ other[index]
    return differences == 0

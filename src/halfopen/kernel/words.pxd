# cython: boundscheck=False, wraparound=False, initializedcheck=False
# The functions of words.py for the compiler.
from libc.string cimport memcpy

cdef inline unsigned long long word_at(const unsigned char[::1] data, long long at) noexcept:
    cdef unsigned long long word
    memcpy(&word, &data[at], 8)
    return word

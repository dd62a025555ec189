# cython: wraparound=False, boundscheck=False, initializedcheck=False
# The functions of octets.py for the compiler. Of the bytes of a number the last is asked for and the others told from it: so the
# compiler sees that they lie side by side, and reads them at once; where bounds are checked that one is.

from halfopen.kernel.frames cimport Frames

cdef inline long long pair_at(Frames f, long long at) except? -1:
    cdef const unsigned char* byte = &f.data[at + 1] - 1
    return <unsigned int>byte[0] << 8 | <unsigned int>byte[1]

cdef inline long long quad_at(Frames f, long long at) except? -1:
    cdef const unsigned char* byte = &f.data[at + 3] - 3
    return (<unsigned int>byte[0] << 24 | <unsigned int>byte[1] << 16
            | <unsigned int>byte[2] << 8 | <unsigned int>byte[3])

cdef inline long long little_quad_at(Frames f, long long at) except? -1:
    cdef const unsigned char* byte = &f.data[at + 3] - 3
    return (<unsigned int>byte[3] << 24 | <unsigned int>byte[2] << 16
            | <unsigned int>byte[1] << 8 | <unsigned int>byte[0])

cdef inline long long hardware_at(Frames f, long long at) except? -1:
    return pair_at(f, at) << 32 | quad_at(f, at + 2)

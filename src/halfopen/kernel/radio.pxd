cimport cython

from halfopen.kernel cimport layout as k
from halfopen.kernel cimport protocol as p
from halfopen.kernel.unsealing cimport Lock, Ring

@cython.final
@cython.freelist(256)
cdef class Heard:
    cdef public long long frame, time, tried, receiver, sender, bssid
    cdef public str detail
    cdef public int size
    cdef public bint unasked, acked
    cdef public short kind, sequence
    cdef public unsigned char flags, tid, turn

@cython.final
cdef class Run:
    cdef public Heard first, last, resumed
    cdef public long long count, nulls, farewells, retried, answered

@cython.final
cdef class Direction:
    cdef public Heard oldest
    cdef public list open
    cdef public long long head, settled, missed
    cdef public Run run
    cdef public object runs

@cython.final
cdef class Link:
    cdef public long long station, bssid, spoke, reached, noted
    cdef public object polls
    cdef public Lock lock
    cdef public Direction by_station, by_ap

@cython.final
cdef class Station:
    cdef public Heard first, last, talked_first, talked_last
    cdef public object turns
    cdef public dict aps
    cdef public long long[::1] signals
    cdef public long long sent, dozes, since, dozed, watched, retried
    cdef public bint dozing

@cython.final
cdef class Cell:
    cdef public Heard first, last
    cdef public object gaps, restarts
    cdef public str detail
    cdef public long long interval, tsf, dtim, count, offer
    cdef public bint waits
    cdef public long long[::1] numbers
    cdef public long long[::1] signals

@cython.final
cdef class Party:
    cdef public long long address, spoken
    cdef public bint voiced
    cdef public Heard newest
    cdef public list awaiting
    cdef public list known
    cdef public Party peer
    cdef public Ring ring
    cdef public Station station
    cdef public Link link
    cdef public Cell cell

cimport cython

from halfopen.kernel cimport air, unsealing
from halfopen.kernel cimport layout as k
from halfopen.kernel cimport protocol as p
from halfopen.kernel.frames cimport Frames
from halfopen.kernel.radio cimport Cell, Direction, Heard, Link, Party, Run, Station
from halfopen.kernel.unsealing cimport Bench

@cython.final
cdef class Listener:
    cdef public object teller
    cdef public Bench bench
    cdef public long long frames, damaged, acks, retries, first_frame, first_time, voices, lists, tuned
    cdef public dict parties, links
    cdef public list spoken, talking, recent

@cython.locals(index=cython.longlong, party=Party, found=Party)
cdef Party party_of(Listener e, long long address)

@cython.locals(peer=Party)
cdef Party peer_of(Listener e, Party party, long long address)

@cython.locals(link=Link)
cdef Link link_of(Listener e, Party party, long long bssid, long long make)

@cython.locals(run=Run)
cdef long long decide(Direction d, Heard heard) except? -1

@cython.locals(run=Run, count=cython.longlong)
cdef long long close(Direction d) except? -1

@cython.locals(count=cython.longlong, heard=Heard)
cdef long long settle(Direction d, long long before) except? -1

@cython.locals(waiting=cython.longlong)
cdef long long advance(Direction d) except? -1

cdef long long send(Direction d, Heard heard) except? -1

cpdef long long end(Direction d) except? -1

cdef long long voice(Listener e, Party party) except? -1

@cython.locals(receiver=Party, by_ap=cython.bint, link=Link, run=Run)
cdef long long acknowledged(Listener e, Party party, Heard heard) except? -1

@cython.locals(party=Party, heard=Heard)
cdef long long acknowledge(Listener e, long long sender, long long time) except? -1

@cython.locals(at=cython.longlong, end=cython.longlong, settled=cython.longlong, control=cython.longlong,
               start=cython.longlong, bits=cython.longlong, receiver=cython.longlong, party=Party,
               left=list, done=list, parties=list, heard=Heard, bit=cython.longlong, mine=cython.bint)
cdef long long acknowledge_block(Listener e, Frames f, long long time) except? -1

@cython.locals(frames=list, heard=Heard, at=cython.longlong)
cdef Heard known_before(Party party, long long tid, long long sequence)

@cython.locals(oldest=Heard)
cdef long long remember(list frames, Heard heard) except? -1

@cython.locals(count=cython.longlong, party=Party)
cdef long long forget(Listener e) except? -1

@cython.locals(frames=list, awaiting=list, newest=Heard)
cdef long long wait(Listener e, Party party, Heard heard, long long again) except? -1

@cython.locals(station=Station, dozing=cython.bint)
cdef long long sent(Listener e, Party party, Heard heard, long long rssi) except? -1

@cython.locals(data=cython.bint, by_ap=cython.bint)
cdef long long see(Listener e, Party party, Heard heard, long long rssi, Link link) except? -1

@cython.locals(size=cython.longlong, index=cython.longlong, octet=cython.longlong)
cdef long long mapped(Frames f, Cell cell, long long at) except? -1

@cython.locals(party=Party, cell=Cell, interval=cython.longlong,
               tsf=cython.longlong, rssi=cython.longlong, at=cython.longlong, offer=cython.longlong)
cdef long long beacon(Listener e, Frames f, Heard heard) except? -1

@cython.locals(asked=cython.longlong, by_ap=cython.bint, group=cython.bint,
               link=Link, noted=cython.longlong, telling=cython.bint)
cdef long long tell(Listener e, Frames f, Party party, Heard heard, long long at,
                    long long end) except? -1

@cython.locals(heard=Heard)
cdef Heard new_heard(Frames f, long long frame, long long time, long long size)

cdef long long sealed(long long kind, long long flags) except? -1

@cython.locals(bssid=cython.longlong, by_ap=cython.bint, link=Link)
cdef long long unseal(Listener e, Frames f, long long row, Party party) except? -1

@cython.locals(size=cython.longlong, made=cython.longlong, closed=cython.longlong,
               again=cython.longlong, flags=cython.longlong, sender=cython.longlong, party=Party,
               heard=Heard, at=cython.longlong, receiver=Party, kind=cython.longlong)
cdef long long take(Listener e, Frames f, long long row, long long frame, long long time) except? -1

@cython.locals(made=cython.longlong, row=cython.longlong, kind=cython.longlong,
               time=cython.longlong, channel=cython.longlong)
cpdef long long hear(Listener e, Frames f, long long count, long long frame) except? -1

cimport cython

from halfopen.kernel cimport layout as k
from halfopen.kernel cimport protocol as p
from halfopen.kernel.flows cimport Flows, give_back
from halfopen.kernel.quoting cimport Bounded, Quota, Quoted

@cython.final
cdef class Resending:
    cdef public long long side, seq, end, flags
    cdef public Quoted original, answered
    cdef public Bounded frames

@cython.final
cdef class Probing:
    cdef public long long side, idle_ns, answers
    cdef public bint ended
    cdef public Quoted answered
    cdef public Bounded frames
    cdef public list gaps

@cython.final
cdef class Starving:
    cdef public long long side, probes, answers
    cdef public bint asked
    cdef public Quoted reopened
    cdef public Bounded frames

@cython.final
cdef class Trouble:
    cdef public Quota quota
    cdef public list resendings, unanswered, probings, starvings
    cdef public Bounded unreachable

cpdef bint reaches(long long ack, long long end) except -1

cdef object keep(list runs, object run, Quota quota)

@cython.locals(flags=cython.longlong, end=cython.longlong)
cdef object resend(Resending resending, Quoted quoted)

@cython.locals(index=cython.Py_ssize_t, resending=Resending)
cdef object see_resent(Trouble t, Quoted quoted, Quoted original)

@cython.locals(index=cython.Py_ssize_t, resending=Resending, left=list)
cdef object see_answer(Trouble t, Quoted quoted)

@cython.locals(index=cython.Py_ssize_t, probing=Probing)
cdef Probing probing_of(Trouble t, long long side)

@cython.locals(probing=Probing, last=Quoted)
cdef object see_probe(Trouble t, Quoted quoted, long long gap)

@cython.locals(index=cython.Py_ssize_t, starving=Starving)
cdef Starving starving_of(Trouble t, long long side)

@cython.locals(starving=Starving, side=cython.longlong, bits=cython.longlong)
cdef object see_starved(Trouble t, Quoted quoted)

@cython.locals(side=cython.longlong, bits=cython.longlong, probing=Probing)
cdef object see(Trouble t, Quoted quoted, long long gap, Quoted original)

@cython.final
cdef class Story:
    cdef public Quota quota
    cdef public long long forgotten, forgotten_boring
    cdef public dict troubles
    @cython.locals(trouble=Trouble)
    cdef Trouble trouble_of(self, long long[::1] state, long long slot)
    @cython.locals(base=cython.longlong, slot=cython.longlong, bits=cython.longlong, shape=cython.longlong,
                   quoted=Quoted, original=Quoted)
    cdef object take(self, long long[::1] state, long long[::1] rows, long long row, long long frame)
    cpdef object add_unreachable(self, long long[::1] state, long long slot, object item)

@cython.locals(taken=cython.longlong, row=cython.longlong)
cpdef long long narrate(Story story, long long[::1] state, long long[::1] rows, long long[::1] notable,
                        long long listed, long long frame) except? -1

@cython.locals(runs=list)
cdef long long kept(Trouble t) except? -1

cdef bint boring(long long[::1] state, long long flow) except -1

@cython.locals(below=cython.longlong)
cdef object sink(long long[::1] heap, long long count, long long place, long long rank)

@cython.locals(count=cython.longlong, ended=cython.longlong, slot=cython.longlong, flow=cython.longlong,
               rank=cython.longlong, place=cython.longlong, trouble=Trouble)
cpdef object forget(Story story, Flows flows, long long[::1] heap, long long most)

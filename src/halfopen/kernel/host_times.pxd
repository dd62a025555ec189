cimport cython

cdef long long FRACTION_MAX, HOST_MAX, LETTER_D, LETTER_E, LETTER_I, LETTER_V, LETTER_W, UNREAD
cdef long long WORD_MAX

@cython.final
cdef class HostTimes:
    cdef public const unsigned char[::1] data
    cdef public long long host
    cdef public long long seconds
    cdef public long long fraction
    cdef public long long digits
    cdef public long long day
    cdef public long long clock
    cdef public long long has_date

    @cython.locals(start=cython.longlong)
    cdef Py_ssize_t count_digits(self, long long at, long long end) except? -99

    @cython.locals(value=cython.longlong)
    cdef Py_ssize_t value_of(self, long long at, long long end) except? -99

    cdef Py_ssize_t clock_at(self, long long at, long long end) except? -99

    @cython.locals(before=cython.longlong, days=cython.longlong, leap=cython.longlong)
    cdef Py_ssize_t day_number(self, long long year, long long month, long long day) except? -99

    cdef Py_ssize_t date_at(self, long long at, long long end) except? -99

    @cython.locals(hours=cython.longlong, minutes=cython.longlong, seconds=cython.longlong)
    cdef Py_ssize_t seconds_at(self, long long at) except? -99

    cdef Py_ssize_t recall(self, long long clock, long long digits, long long dated) except? -99

    cdef Py_ssize_t note_host(self, long long clock, long long digits, long long dated) except? -99

    @cython.locals(letter=cython.longlong)
    cdef Py_ssize_t is_level(self, long long at, long long end) except? -99

    cdef Py_ssize_t is_word(self, long long letter) except? -99

    cdef Py_ssize_t past_word(self, long long at, long long end) except? -99

    @cython.locals(digits=cython.longlong, start=cython.longlong, stop=cython.longlong)
    cdef Py_ssize_t past_process(self, long long at, long long end) except? -99

    cdef Py_ssize_t zone_at(self, long long at, long long end, long long colon) except? -99

    @cython.locals(host=cython.longlong, process=cython.longlong, stop=cython.longlong,
            zone=cython.longlong)
    cdef Py_ssize_t past_daemon(self, long long at, long long end) except? -99

    @cython.locals(after=cython.longlong, arrow=cython.longlong, clock=cython.longlong,
            day=cython.longlong, digits=cython.longlong, digits_of=cython.longlong,
            point=cython.longlong, seconds=cython.longlong,
            stamp=cython.longlong, start=cython.longlong, stop=cython.longlong)
    cdef Py_ssize_t dated(self, long long at, long long end) except? -99

    @cython.locals(after=cython.longlong, clock=cython.longlong, day=cython.longlong,
            digits=cython.longlong, seconds=cython.longlong)
    cdef Py_ssize_t bracketed(self, long long at, long long end) except? -99

    @cython.locals(process=cython.longlong, seconds=cython.longlong, stop=cython.longlong)
    cdef Py_ssize_t syslogged(self, long long at, long long end) except? -99

    @cython.locals(first=cython.longlong)
    cdef Py_ssize_t past_host(self, long long at, long long end) except? -99

cimport cython

from halfopen.kernel cimport headers, scanner, shapes
from halfopen.kernel cimport shape_layout as s
from halfopen.kernel.headers cimport Header
from halfopen.kernel.shapes cimport LineShapes

cdef long long BARE, BOOT, BROKEN_BYTES_MAX, BROKEN_MAX, BROKEN_MIN, DAY_SECONDS, EMPTY
cdef long long HALF, HALF_DAY_US, HELD_NOTHING, LINE_BYTES_MAX, MARK_MASK, MARK_SHIFT
cdef long long MICROSECONDS, NO_TIME, OUT_LENGTH, OUT_NEXT, OUT_TEXT, OUT_WHEN, REBOOT_DROP_MS
cdef long long SAID_MAX, STAMP_NONE, UNIX, UNREAD, WATCH_ALL, WHEN_BEGINS, WHEN_CONTROL, WHEN_DIGITS
cdef long long WHEN_ENDS, WHEN_ESCAPE, WHEN_FOREIGN, WHEN_WHOLE, WHEN_WORD_BEFORE, WHEN_WORD_BEHIND

cdef long long BOOT_WRAP_MS, PLAN_ALWAYS, PLAN_NEVER, PLAN_NUMBER, PLAN_SILENT, HAS_BOOT, HAS_HOST, HAS_SYSTEM, TIME_BOOT
cdef long long TIME_HOST, TIME_SYSTEM, TIME_WIDTH, TOLD_END, TOLD_HAS, TOLD_MAX, TOLD_NUMBER
cdef long long TOLD_PLAN, TOLD_TEXT, TOLD_WIDTH

cdef long long microseconds(long long seconds, long long fraction, long long digits,
        long long day) except? -99

@cython.locals(scale=cython.double, whole=cython.double)
cdef double seconds_of(long long seconds, long long fraction, long long digits,
        long long day) except? -99

@cython.final
cdef class LineWalker:
    cdef readonly Header header
    cdef const unsigned char[::1] data
    cdef const unsigned char[::1] pool
    cdef long long[::1] meanings
    cdef long long[::1] rows
    cdef public long long[::1] marks
    cdef long long[::1] bounds
    cdef long long[::1] ends
    cdef int[::1] table
    cdef const unsigned char[::1] symbols
    cdef long long threshold
    cdef readonly LineShapes shapes
    cdef public short[::1] traits
    cdef public long long size
    cdef public long long measured
    cdef public long long swept
    cdef public long long studied
    cdef public long long repeated
    cdef public long long learning
    cdef public long long slot
    cdef public long long[::1] said
    cdef long long[::1] line_marks
    cdef public long long[::1] lines_told
    cdef public double[::1] times_told
    cdef public long long told
    cdef public long long facts_told
    cdef public long long wraps
    cdef public long long planned
    cdef public double host_days
    cdef public double system_days
    cdef public long long width
    cdef public long long line_end_state
    cdef public long long mark
    cdef public long long lane
    cdef public long long start
    cdef public long long lines
    cdef public long long watch
    cdef public long long named
    cdef public long long held
    cdef public long long held_end
    cdef public long long held_line
    cdef public long long last_boot_ms
    cdef public long long host_us
    cdef public long long system_us
    cdef public long long host_days_us
    cdef public long long system_days_us
    cdef public long long passed_host
    cdef public long long passed_seconds
    cdef public long long passed_fraction
    cdef public long long passed_digits
    cdef public long long passed_day
    cdef public long long passed_system
    cdef public long long passed_system_seconds
    cdef public long long passed_system_fraction
    cdef public long long passed_system_digits
    cdef public long long passed_system_day
    cdef public long long last
    cdef public long long last_end
    cdef public long long last_line
    cdef public long long count
    cdef public long long number
    cdef public long long line
    cdef public long long line_end
    cdef public long long regular
    cdef public long long dialect

    cpdef enter(self, const unsigned char[::1] data, long long size, long long measured)

    cdef Py_ssize_t read_from(self, const unsigned char[::1] data) except? -99

    cpdef enter_swept(self, long long[::1] bounds, long long[::1] ends, long long studied)

    @cython.locals(begin=cython.longlong, first=cython.longlong, index=cython.longlong,
            length=cython.longlong, place=cython.longlong, when=cython.longlong)
    cdef Py_ssize_t holds(self, long long at, long long row) except? -99

    @cython.locals(at=cython.longlong, index=cython.longlong, row=cython.longlong, whole=cython.longlong)
    cdef Py_ssize_t speaks(self, long long first, long long last) except? -99

    @cython.locals(escapes=cython.longlong, index=cython.longlong, row=cython.longlong,
            when=cython.longlong)
    cdef Py_ssize_t damaged(self, long long first, long long last) except? -99

    @cython.locals(boot=cython.longlong, host=cython.longlong, last=cython.longlong,
            system=cython.longlong)
    cdef Py_ssize_t clocks_go_on(self) except? -99

    cpdef tuple taken(self)

    cdef Py_ssize_t host_time_us(self) except? -99

    cdef Py_ssize_t system_time_us(self) except? -99

    cpdef int keep_times(self) except -1

    @cython.locals(size=cython.longlong, tag=cython.longlong)
    cdef Py_ssize_t names_boot(self) except? -99

    @cython.locals(size=cython.longlong)
    cdef Py_ssize_t may_be_broken(self, long long end) except? -99

    @cython.locals(boot=cython.longlong, broken=cython.longlong, dialect=cython.longlong,
            end=cython.longlong, escapes=cython.longlong, said=cython.longlong, start=cython.longlong)
    cdef Py_ssize_t pass_over(self, long long first, long long last) except? -99

    @cython.locals(data="const unsigned char[::1]", marks="long long[::1]", line=cython.longlong,
            line_end=cython.longlong, studied=cython.longlong, boot_ms=cython.longlong,
            host_us=cython.longlong, system_us=cython.longlong, last=cython.longlong, passed=cython.longlong)
    cpdef int pass_cleaned(self, const unsigned char[::1] text, long long size) except -1

    @cython.locals(data="const unsigned char[::1]", marks="long long[::1]", line=cython.longlong,
            line_end=cython.longlong)
    cpdef int listen(self, const unsigned char[::1] text, long long size, long long message) except -1

    cdef Py_ssize_t must_be_read(self, long long boot) except? -99

    cdef Py_ssize_t pass_by(self, long long broken) except? -99

    @cython.locals(header=Header, slot=cython.longlong, row=cython.longlong,
            start=cython.longlong)
    cdef Py_ssize_t learn(self, long long said, long long boot, long long broken) except? -99

    @cython.locals(dialect=cython.longlong, header=Header, kind=cython.longlong,
            row=cython.longlong, start=cython.longlong)
    cdef Py_ssize_t pass_known(self, long long slot) except? -99

    @cython.locals(at=cython.longlong, kind=cython.longlong, value=cython.longlong)
    cdef Py_ssize_t is_planned(self, long long row) except? -99

    @cython.locals(has=cython.longlong, header=Header, place=cython.longlong, time=cython.longlong)
    cdef Py_ssize_t tell(self, long long row) except? -99

    @cython.locals(row=cython.longlong)
    cpdef plan(self, long long number, long long facts, long long kind, long long place, long long digits,
            long long value)

    cpdef int walk(self) except -1

    @cython.locals(last=cython.longlong, slot=cython.longlong)
    cdef Py_ssize_t pass_measured(self) except? -99

    @cython.locals(first=cython.longlong, mark=cython.longlong)
    cdef Py_ssize_t pass_marked(self) except? -99

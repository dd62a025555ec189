cimport cython

from halfopen.kernel cimport host_times
from halfopen.kernel.host_times cimport HostTimes

cdef long long DEBUG, DEV, ERROR, ESPEASY, INFO, MORE, NAME_MAX
cdef long long ARDUINO, BARE, BOOT_MS_END, EMPTY, ESC, ESPHOME, ESP_IDF, HEADER_MAX
cdef long long LETTER_C, LETTER_D, LETTER_E, LETTER_I, LETTER_V, LETTER_W, TAG_MAX
cdef long long STAMP_BOOT, STAMP_BOOT_ALWAYS, STAMP_NONE, STAMP_UNIX
cdef long long TASMOTA, UNIX, UNREAD, WORD_MAX

@cython.final
cdef class Header:
    cdef public const unsigned char[::1] data
    cdef long long[::1] tags
    cdef readonly HostTimes times
    cdef public long long boot_ms
    cdef public long long system
    cdef public long long system_seconds
    cdef public long long system_fraction
    cdef public long long system_digits
    cdef public long long system_day
    cdef public long long system_clock
    cdef public long long system_dated
    cdef public long long stamp
    cdef public long long stamp_digits
    cdef public long long stamp_kind
    cdef public long long level
    cdef public long long tag
    cdef public long long tag_end
    cdef public long long message
    cdef public long long message_end
    cdef public long long text
    cdef public long long coloured
    cdef public long long escapes
    cdef public long long foreign

    cdef Py_ssize_t recall_system(self, long long clock, long long digits, long long dated) except? -99

    @cython.locals(number=cython.longlong)
    cdef Py_ssize_t recall_stamp(self, long long stamp, long long digits, long long kind) except? -99

    @cython.locals(stop=cython.longlong)
    cdef Py_ssize_t past_blanks(self, long long at, long long end) except? -99

    @cython.locals(name=cython.longlong, stop=cython.longlong)
    cdef Py_ssize_t may_be_logging(self, long long at, long long end) except? -99

    @cython.locals(word=cython.longlong)
    cdef Py_ssize_t is_level_name(self, long long at, long long end) except? -99

    @cython.locals(after=cython.longlong, dated=cython.longlong, digits=cython.longlong,
            first=cython.longlong, seconds=cython.longlong)
    cdef Py_ssize_t stamp_end(self, long long at, long long end) except? -99

    cdef Py_ssize_t has_foreign(self, long long at, long long end) except? -99

    @cython.locals(after=cython.longlong, has_stamp=cython.longlong, letter=cython.longlong,
            stop=cython.longlong, tag=cython.longlong, tag_end=cython.longlong)
    cdef Py_ssize_t esp_idf(self, long long at, long long end, long long stamped) except? -99

    @cython.locals(after=cython.longlong, digits=cython.longlong, inner=cython.longlong,
            letter=cython.longlong, stop=cython.longlong, tag=cython.longlong, tag_end=cython.longlong,
            task=cython.longlong)
    cdef Py_ssize_t esphome(self, long long at, long long end) except? -99

    @cython.locals(after=cython.longlong, digits=cython.longlong, letter=cython.longlong,
            stamp=cython.longlong, stamp_digits=cython.longlong, stop=cython.longlong,
            tag=cython.longlong)
    cdef Py_ssize_t arduino(self, long long at, long long end) except? -99

    @cython.locals(after=cython.longlong, digits=cython.longlong,
            free=cython.longlong, pieces=cython.longlong, place=cython.longlong,
            slash=cython.longlong, word=cython.longlong)
    cdef Py_ssize_t tasmota(self, long long at, long long end) except? -99

    @cython.locals(after=cython.longlong, digits=cython.longlong, name_end=cython.longlong,
            stop=cython.longlong)
    cdef Py_ssize_t espeasy(self, long long at, long long end) except? -99

    @cython.locals(size=cython.longlong, word=cython.longlong)
    cdef Py_ssize_t is_espeasy_level(self, long long at, long long end) except? -99

    cdef Py_ssize_t word_at(self, long long at) except? -99

    @cython.locals(dialect=cython.longlong, first=cython.longlong, stamped=cython.longlong)
    cdef Py_ssize_t headed(self, long long at, long long end) except? -99

    @cython.locals(dialect=cython.longlong, foreign=cython.longlong, stop=cython.longlong)
    cdef Py_ssize_t read_header(self, long long at, long long end) except? -99

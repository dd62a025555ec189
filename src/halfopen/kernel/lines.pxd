cimport cython

cdef long long ARDUINO, BARE, BOOT_MS, COLOURED, DIALECT, EMPTY, ESCAPES, ESPHOME
cdef long long ESP_IDF, FOREIGN, HELD, HELD_END, HELD_LINE, HELD_NOTHING, HOST_DAY, HOST_DAYS_US
cdef long long HOST_DIGITS, HOST_FRACTION, HOST_NEW, HOST_SECONDS, HOST_US, LANE, LANES, LANE_ENDS
cdef long long LAST, LAST_END, LAST_LINE, LEVEL, LINE, LINES, LINE_END, LINE_ENDS
cdef long long MARK, MARK_MASK, MARK_SHIFT, MESSAGE, MESSAGE_END, NAMED, NO_TIME, NUMBER
cdef long long OUT_LENGTH, OUT_NEXT, OUT_TEXT, OUT_WHEN, OWN_BOOT_MS, OWN_DAY, OWN_DIGITS, OWN_FRACTION
cdef long long OWN_HOST, OWN_SECONDS, OWN_SYSTEM, OWN_SYSTEM_DAY, OWN_SYSTEM_DIGITS, OWN_SYSTEM_FRACTION, OWN_SYSTEM_SECONDS, REGULAR
cdef long long START, SYMBOLS, SYSTEM_DAY, SYSTEM_DAYS_US, SYSTEM_DIGITS, SYSTEM_FRACTION, SYSTEM_NEW, SYSTEM_SECONDS
cdef long long SYSTEM_US, TAG, TAG_END, TASMOTA, TEXT, UNIX, UNREAD, WATCH
cdef long long WATCH_ALL, WHEN_BEGINS, WHEN_CONTROL, WHEN_DIGITS, WHEN_ENDS, WHEN_ESCAPE, WHEN_FOREIGN, WHEN_WHOLE
cdef long long WHEN_WORD_BEFORE, WHEN_WORD_BEHIND, BROKEN_BYTES_MAX, BROKEN_MAX, BROKEN_MIN, DAY_SECONDS, ESC, HALF_DAY_US
cdef long long HEADER_MAX, LETTER_D, LETTER_E, LETTER_I, LETTER_V, LETTER_W, LINE_BYTES_MAX, MICROSECONDS
cdef long long REBOOT_DROP_MS, TAG_MAX, WORD_MAX

@cython.locals(start=cython.longlong)
cdef long long count_digits(const unsigned char[::1] data, long long at, long long end) except? -99

@cython.locals(value=cython.longlong)
cdef long long value_of(const unsigned char[::1] data, long long at, long long end) except? -99

cdef long long clock_at(const unsigned char[::1] data, long long at, long long end) except? -99

@cython.locals(before=cython.longlong, days=cython.longlong, leap=cython.longlong)
cdef long long day_number(long long year, long long month, long long day) except? -99

cdef long long date_at(const unsigned char[::1] data, long long at, long long end) except? -99

cdef long long note_host(long long[::1] registers, long long seconds, long long fraction,
    long long digits, long long day) except? -99

cdef long long note_system(long long[::1] registers, long long seconds, long long fraction,
    long long digits, long long day) except? -99

@cython.locals(stop=cython.longlong)
cdef long long past_blanks(const unsigned char[::1] data, long long at, long long end,
    long long[::1] registers) except? -99

@cython.locals(letter=cython.longlong)
cdef long long is_level(const unsigned char[::1] data, long long at, long long end) except? -99

cdef long long is_word(long long letter) except? -99

cdef long long past_word(const unsigned char[::1] data, long long at, long long end) except? -99

@cython.locals(digits=cython.longlong, start=cython.longlong, stop=cython.longlong)
cdef long long past_process(const unsigned char[::1] data, long long at, long long end) except? -99

cdef long long zone_at(const unsigned char[::1] data, long long at, long long end,
    long long colon) except? -99

@cython.locals(after=cython.longlong, arrow=cython.longlong, clock=cython.longlong,
    day=cython.longlong, digits=cython.longlong, digits_of=cython.longlong, fraction=cython.longlong,
    host=cython.longlong, point=cython.longlong, process=cython.longlong, seconds=cython.longlong,
    stamp=cython.longlong, start=cython.longlong, stop=cython.longlong, zone=cython.longlong)
cdef long long dated(const unsigned char[::1] data, long long at, long long end,
    long long[::1] registers) except? -99

@cython.locals(after=cython.longlong, clock=cython.longlong, day=cython.longlong,
    digits=cython.longlong, fraction=cython.longlong, seconds=cython.longlong)
cdef long long bracketed(const unsigned char[::1] data, long long at, long long end,
    long long[::1] registers) except? -99

@cython.locals(process=cython.longlong, seconds=cython.longlong, stop=cython.longlong)
cdef long long syslogged(const unsigned char[::1] data, long long at, long long end,
    long long[::1] registers) except? -99

@cython.locals(first=cython.longlong)
cdef long long past_host(const unsigned char[::1] data, long long at, long long end,
    long long[::1] registers) except? -99

@cython.locals(name=cython.longlong, stop=cython.longlong)
cdef long long may_be_logging(const unsigned char[::1] data, long long at, long long end) except? -99

@cython.locals(word=cython.longlong)
cdef long long is_level_name(const unsigned char[::1] data, long long at, long long end) except? -99

@cython.locals(after=cython.longlong, day=cython.longlong, digits=cython.longlong,
    first=cython.longlong, number=cython.longlong, seconds=cython.longlong, year=cython.longlong)
cdef long long stamp_end(const unsigned char[::1] data, long long at, long long end,
    long long[::1] registers) except? -99

cdef long long has_foreign(const unsigned char[::1] data, long long at, long long end) except? -99

@cython.locals(after=cython.longlong, has_stamp=cython.longlong, letter=cython.longlong,
    stop=cython.longlong, tag=cython.longlong, tag_end=cython.longlong)
cdef long long esp_idf(const unsigned char[::1] data, long long at, long long end,
    long long[::1] registers, long long stamped) except? -99

@cython.locals(after=cython.longlong, digits=cython.longlong, inner=cython.longlong,
    letter=cython.longlong, stop=cython.longlong, tag=cython.longlong, tag_end=cython.longlong,
    task=cython.longlong)
cdef long long esphome(const unsigned char[::1] data, long long at, long long end,
    long long[::1] registers) except? -99

@cython.locals(after=cython.longlong, digits=cython.longlong, letter=cython.longlong,
    stamp=cython.longlong, stop=cython.longlong, tag=cython.longlong)
cdef long long arduino(const unsigned char[::1] data, long long at, long long end,
    long long[::1] registers) except? -99

@cython.locals(after=cython.longlong, digits=cython.longlong, fraction=cython.longlong,
    free=cython.longlong, pieces=cython.longlong, place=cython.longlong, seconds=cython.longlong,
    slash=cython.longlong, word=cython.longlong)
cdef long long tasmota(const unsigned char[::1] data, long long at, long long end,
    long long[::1] registers, long long[::1] tags) except? -99

@cython.locals(after=cython.longlong, digits=cython.longlong, letter=cython.longlong)
cdef long long espeasy(const unsigned char[::1] data, long long at, long long end,
    long long[::1] registers) except? -99

@cython.locals(dialect=cython.longlong, first=cython.longlong, stamped=cython.longlong)
cdef long long headed(const unsigned char[::1] data, long long at, long long end,
    long long[::1] registers, long long[::1] tags) except? -99

@cython.locals(dialect=cython.longlong, foreign=cython.longlong, stop=cython.longlong)
cdef long long read_header(const unsigned char[::1] data, long long at, long long end,
    long long[::1] registers, long long[::1] tags) except? -99

@cython.locals(first=cython.longlong, second=cython.longlong, third=cython.longlong)
cdef long long unusual(const unsigned char[::1] data, long long at, long long end) except? -99

@cython.locals(begin=cython.longlong, first=cython.longlong, index=cython.longlong,
    length=cython.longlong, place=cython.longlong, when=cython.longlong)
cdef long long holds(const unsigned char[::1] data, long long at, long long row,
    long long[::1] registers, long long[::1] meanings, const unsigned char[::1] pool) except? -99

@cython.locals(at=cython.longlong, found=cython.longlong, index=cython.longlong, row=cython.longlong,
    when=cython.longlong)
cdef long long speaks(const unsigned char[::1] data, long long first, long long last,
    long long[::1] marks, long long[::1] registers, long long[::1] meanings, long long[::1] rows,
    const unsigned char[::1] pool) except? -99

@cython.locals(escapes=cython.longlong, index=cython.longlong, row=cython.longlong,
    when=cython.longlong)
cdef long long damaged(const unsigned char[::1] data, long long first, long long last,
    long long[::1] marks, long long[::1] registers, long long[::1] meanings,
    long long[::1] rows) except? -99

@cython.locals(boot=cython.longlong, host=cython.longlong, last=cython.longlong, system=cython.longlong)
cdef long long clocks_go_on(long long[::1] registers) except? -99

@cython.locals(digits=cython.longlong, fraction=cython.longlong)
cdef long long microseconds(long long[::1] registers, long long at) except? -99

cdef long long keep_times(long long[::1] registers) except? -99

@cython.locals(size=cython.longlong, tag=cython.longlong)
cdef long long names_boot(const unsigned char[::1] data, long long[::1] registers) except? -99

@cython.locals(size=cython.longlong)
cdef long long may_be_broken(long long[::1] registers, long long end) except? -99

@cython.locals(dialect=cython.longlong, end=cython.longlong, escapes=cython.longlong,
    said=cython.longlong, start=cython.longlong)
cdef long long pass_over(const unsigned char[::1] data, long long first, long long last,
    long long[::1] marks, long long[::1] registers, long long[::1] meanings, long long[::1] rows,
    const unsigned char[::1] pool, long long[::1] tags) except? -99

@cython.locals(first=cython.longlong, line_ends=cython.longlong, mark=cython.longlong)
cpdef long long walk(const unsigned char[::1] data, long long[::1] bounds, long long[::1] marks,
    long long[::1] registers, long long[::1] meanings, long long[::1] rows,
    const unsigned char[::1] pool, long long[::1] tags) except? -99

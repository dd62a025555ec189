# The constants of shape_layout.py for the compiler; tests/kernel/test_lines_one_source.py compares the two.

cdef extern from *:
    const unsigned long long BITS "0xFFFFFFFFFFFFFFFFULL"
    const unsigned long long SCATTER_SIZE "0x9E3779B97F4A7C15ULL"
    const unsigned long long SCATTER "0x9FB21C651E98DF25ULL"

cdef enum:
    WAYS = 4
    PLACE_SHIFT = 52
    PLACES = 4096
    WORDS_MAX = 23
    SEEN = 0
    TEXT_FIRST = 8
    ROW_WORDS = 32
    SIZE_BITS = 8
    SIZE_MASK = 255
    ROW_NUMBERS = 128
    DIALECT = 4
    SAID = 5
    NAMES_BOOT = 6
    BROKEN = 7
    LEVEL = 8
    TAG = 9
    TAG_END = 10
    MESSAGE = 11
    MESSAGE_END = 12
    TEXT = 13
    COLOURED = 14
    FOREIGN = 15
    STAMP_KIND = 16
    STAMP = 17
    STAMP_DIGITS = 18
    HOST_CLOCK = 19
    HOST_DIGITS = 20
    HOST_DATED = 21
    SYSTEM_CLOCK = 22
    SYSTEM_DIGITS = 23
    SYSTEM_DATED = 24
    PLAN = 25
    PLAN_KIND = 26
    PLAN_FACTS = 27
    PROVISO = 28
    PROVISO_DIGITS = 29
    PROVISO_VALUE = 30
    UNKNOWN = -1

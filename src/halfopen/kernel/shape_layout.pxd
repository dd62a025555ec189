# The constants of shape_layout.py for the compiler; tests/kernel/test_lines_one_source.py compares the two.

cdef extern from *:
    const unsigned long long ONES "0x0101010101010101ULL"
    const unsigned long long HIGH_BITS "0x8080808080808080ULL"
    const unsigned long long LOW_BITS "0x7F7F7F7F7F7F7F7FULL"
    const unsigned long long LINE_ENDS "0x0A0A0A0A0A0A0A0AULL"
    const unsigned long long ZEROS "0x3030303030303030ULL"
    const unsigned long long ABOVE_NINE "0x7676767676767676ULL"
    const unsigned long long BITS "0xFFFFFFFFFFFFFFFFULL"
    const unsigned long long SCATTER_FIRST "0x9E3779B97F4A7C15ULL"
    const unsigned long long SCATTER_FACTOR "0x9FB21C651E98DF25ULL"

cdef enum:
    WAYS = 4
    PLACE_SHIFT = 53
    PLACES = 2048
    WORDS_MAX = 24
    DIALECT = 0
    SAID = 1
    NAMES_BOOT = 2
    BROKEN = 3
    LEVEL = 4
    TAG = 5
    TAG_END = 6
    MESSAGE = 7
    MESSAGE_END = 8
    TEXT = 9
    COLOURED = 10
    FOREIGN = 11
    STAMP_KIND = 12
    STAMP = 13
    STAMP_DIGITS = 14
    HOST_CLOCK = 15
    HOST_DIGITS = 16
    HOST_DATED = 17
    SYSTEM_CLOCK = 18
    SYSTEM_DIGITS = 19
    SYSTEM_DATED = 20
    PLAN = 21
    PLAN_KIND = 22
    PLAN_FACTS = 23
    PROVISO = 24
    PROVISO_DIGITS = 25
    PROVISO_VALUE = 26
    ROW_WIDTH = 27
    UNKNOWN = -1

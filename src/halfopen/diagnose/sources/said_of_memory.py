"""What firmware says of heap, queues, allocations and TLS memory, in all the spellings users print."""

from __future__ import annotations

import re
from typing import NamedTuple

from halfopen.diagnose.events import (
    AllocationFailed,
    Event,
    HeapSampled,
    Moment,
    Provenance,
    QueueSampled,
    TlsFailed,
)
from halfopen.diagnose.sources.phrase import phrase
from halfopen.formats.logline import LogLine
from halfopen.formats.patterns import Pattern

PHRASES = (
    phrase(
        QueueSampled,
        "queue|outbox|backlog|pending",
        r"\b(?:queue(?:d)?|outbox|backlog|pending)(?:[ _](?:len(?:gth)?|size|depth|messages))?[ :=]+(?P<depth>\d+)\b",
    ),
    phrase(
        AllocationFailed, ") failed", r"\b(?:new|malloc|calloc|realloc|ps_malloc)\((?P<wanted>\d+)\) failed"
    ),
    phrase(AllocationFailed, "wanted ", r"(?:failed|refused|impossible),? wanted (?P<wanted>\d+)"),
    phrase(
        AllocationFailed,
        "failed to alloc|could not alloc|cannot alloc|unable to alloc",
        r"(?:failed|could not|cannot|unable)(?: to)? alloc(?:ate)?\b[^\d]{0,40}?(?P<wanted>\d{2,})(?: bytes\b|b\b)",
    ),
    phrase(
        AllocationFailed,
        "alloc",
        r"alloc(?:ation)?(?: of)?(?: failed| fail)(?:.*?size[: ]+(?P<wanted>\d+)\b)?|failed to alloc(?:ate)?(?!\w* (?:a )?socket)(?:.*?\d+ bytes)?|alloc eb .*fail|(?:malloc|calloc|realloc)(?:\(\d*\))? (?:failed|error|returned null)|memory allocation failed,? allocating \d+ bytes",
    ),
    phrase(
        AllocationFailed,
        "no mem|out of memory|memoryerror|err_no_mem|enomem|not enough space|could not create|bad_alloc",
        r"^(?!.*(?:\bok\b|passed|self.?test|handler)).*(?:\bno mem(?:ory)?\b|out of memory|memoryerror|esp_err_no_mem|\benomem\b|not enough (?:space|memory)|could not create publish packet|std::bad_alloc|errno[ =:]+12\b)",
    ),
)

_UNIT = r"\s*(?P<unit>kb|kib|k\b)?"
_FREE = Pattern(
    r"(?:(?:esp\.)?get_?free_?heap(?:_?size)?(?:\(\))?|free[ _-]?(?:heap|memory|mem|ram|dram|bytes|space)?(?:[ _]?size)?|"
    r"(?:8bit |internal |total )?free(?: now)?|mem_free(?:\(\))?|(?:available|avail)[ _](?:heap|memory|mem)|"
    r"ram[ _]free|heap(?:[ _](?:free|size|now|left))?|mem)"
    r"(?: (?:before|after|at|in|on|during|while)\b[^\d\n]{0,40}?(?=\s*[:=]\s*\d))?"
    r"(?:\s*(?:is|=|:|->|\)|['\"]|sending state))*\s*(?P<free>\d[\d,_]*)(?:\.\d+)?" + _UNIT,
    re.IGNORECASE,
)
_POOL = Pattern(
    r"free[ _:]{1,3}(?P<pool>internal|dma|psram|spiram|dram)[ _:=]+(?P<free>\d+)|(?P<pool2>internal|dma|psram|spiram|dram)[ _]free[ _:=]+(?P<free2>\d+)",
    re.IGNORECASE,
)
_MINIMUM = Pattern(
    r"min(?:imum)?[ _-]?(?:ever[ _-]?)?(?:free)?[ _-]?(?:ever)?[ _-]?(?:heap)?(?:[ _]size)?(?:\(\))?(?:\s*(?:is|=|:|->|['\"]|sending state))*\s*(?P<minimum>\d[\d,_]*)"
    + _UNIT,
    re.IGNORECASE,
)
_LARGEST = Pattern(
    r"(?:largest|biggest|max(?:imum)?)[ _-]?(?:free|avail(?:able)?|alloc(?:able|atable)?|contiguous)?[ _-]?(?:heap|free)?[ _-]?(?:block)?(?:[ _]size)?(?:\(\))?"
    r"(?:\s*(?:is|=|:|->|['\"]|sending state))*\s*(?P<largest>\d[\d,_]*)" + _UNIT,
    re.IGNORECASE,
)
_SPLIT = Pattern(r"max new split: ?(\d+)")
_ABOUT_MEMORY = Pattern(
    r"heap|mem(?:ory|_free)?\b|\bfree\b|largest|\bram\b|maxalloc|max.?block|getfree", re.IGNORECASE
)
#: Free space of other things.
_NOT_HEAP = Pattern(
    r"free (?:flash|sectors?|slots?|pages?|disk)|spiffs|littlefs|fatfs|sketch|partition|\bnvs\b|flash|sd card|stack(?: |_)high",
    re.IGNORECASE,
)
_STACK_LINE = Pattern(r"^stack:", re.IGNORECASE)
#: The one digit that the patterns of figures name (``8bit free``), and any.
_BITS = Pattern(r"[0-9]bit ")
_DIGIT = Pattern(r"[0-9]")
#: Bytes: less is a percentage or a count.
DOUBTFUL_BELOW = 200

#: mbedTLS codes that mean an allocation failed: SSL 0x7F00, bignum 0x10, MD 0x5180, X509 0x2880, PK 0x3F80,
#: cipher 0x6180, ECP 0x4D80 (mbedtls error headers; facts: -0x7F00 also prints as -32512 and FFFF8100).
_MEMORY_CODES = frozenset((0x7F00, 0x5180, 0x2880, 0x3F80, 0x6180, 0x4D80))
#: A code is a sum: of a module's, a multiple of 0x80, and of one of a lower layer (mbedtls/error.h). 0x10 is the bignums'
#: allocation whatever the module above was.
_LOWER_CODES = 0x7F
_BIGNUM_MEMORY = 0x10
_MODULES_FROM = 0x1080
_TLS = Pattern(r"mbedtls|ssl|tls", re.IGNORECASE)
_TLS_CODE = Pattern(
    r"-0x(?P<hex>[0-9a-f]{2,5})\b|mbedtls_ssl_handshake error: -(?P<bare>[0-9a-f]{2,4})$|(?:\(|\s|error |=)-(?P<dec>\d{2,6})\b|(?P<wrapped>0x)?ffff(?P<word>[0-9a-f]{4})\b",
    re.IGNORECASE,
)


#: Without one of these :func:`read_memory` finds nothing.
NEEDED = (_TLS, _ABOUT_MEMORY)


def in_bytes(digits: str) -> int:
    """The number in ``digits``, among which commas may stand."""
    return int(digits.replace(",", "").replace("_", "") or 0)


def in_kilobytes(digits: str) -> int:
    """The same of a number of kilobytes, in bytes."""
    return in_bytes(digits) * 1024


def _is_in_kilobytes(line: LogLine) -> bool:
    """Tasmota tells its heap in KB and does not say so."""
    return line.dialect == "tasmota"


class Figure(NamedTuple):
    """A figure in a message: where its digits stand, and whether they are kilobytes."""

    text: str
    start: int
    kilobytes: bool

    @property
    def value(self) -> int:
        """The figure in bytes."""
        return in_kilobytes(self.text) if self.kilobytes else in_bytes(self.text)


class Sample(NamedTuple):
    """The figures of one sample; a ``doubtful`` one is none where all of them are less than ``DOUBTFUL_BELOW``."""

    free: Figure | None = None
    minimum: Figure | None = None
    largest: Figure | None = None
    pool: str = ""
    doubtful: bool = False


def read_memory(line: LogLine, lowered: str, where: Provenance, at: Moment) -> list[Event]:
    """Heap samples and TLS failures in ``line``."""
    events: list[Event] = []
    if _about_tls(line):
        events.extend(_tls(line, lowered, where, at))
    for sample in samples(line, lowered):
        free, minimum, largest = (
            figure.value if figure else None for figure in (sample.free, sample.minimum, sample.largest)
        )
        if not sample.doubtful or max(free or 0, minimum or 0, largest or 0) >= DOUBTFUL_BELOW:
            events.append(HeapSampled(where, at, free, minimum, largest, sample.pool))
    return events


def tells_digits_apart(line: LogLine, lowered: str) -> bool:
    """Whether :func:`read_memory` may find figures elsewhere in ``line`` where a digit is exchanged for another, or something
    other than figures."""
    if _BITS.search(lowered) or _about_tls(line):
        return True
    alike = rest = _DIGIT.sub("0", line.message)
    for found in (_LARGEST.search(line.message), _MINIMUM.search(line.message)):
        figure = _DIGIT.sub("0", found[0]) if found else ""
        if figure and (alike.count(figure) > 1 or rest.count(figure) > 1):
            return True  # samples() looks for the free figure where the very text of this one does not stand
        rest = rest.replace(figure, " ") if figure else rest
    return False


def samples(line: LogLine, lowered: str) -> list[Sample]:
    """The heap samples in ``line``."""
    message = line.message
    if (
        not _ABOUT_MEMORY.search(message)
        or _NOT_HEAP.search(f"{line.tag} {message}")
        or _STACK_LINE.search(message)
        or "alloc eb" in lowered  # the figure there is the total with PSRAM, which says nothing
    ):
        return []
    largest = _LARGEST.search(message)
    minimum = _MINIMUM.search(message)
    biggest = _figure(largest, "largest", largest["unit"]) if largest else None
    pools = list(_POOL.finditer(message))
    if pools:
        found: list[Sample] = []
        for each in pools:
            name = "" if each["pool"] else "2"
            free_there = _figure(each, f"free{name}")
            found.append(
                Sample(free_there, None, biggest if not found else None, each[f"pool{name}"].lower())
            )
        return found
    rest = message
    cut: list[tuple[int, int]] = []
    for other in (largest, minimum):  # "min free 123" must not be read as free
        if other:
            cut.append((rest.find(other[0]), len(other[0]) - 1))
            rest = rest.replace(other[0], " ")
    free = _FREE.search(rest)
    figure: Figure | None = None
    if free is not None:
        start = free.start("free")
        for place, length in reversed(cut):
            start += length if 0 <= place < start else 0
        figure = Figure(free["free"], start, bool(free["unit"]) or _is_in_kilobytes(line))
        if _is_in_kilobytes(line):
            return [Sample(figure)]
    told = []
    if grow := _SPLIT.search(message):
        # MicroPython: what the garbage collector could still take from the IDF heap, which sockets need too
        told.append(Sample(None, None, _figure(grow, 1), "idf"))
        largest = None
    if free is None and largest is None and minimum is None:
        return told
    lowest = _figure(minimum, "minimum", minimum["unit"]) if minimum else None
    return [*told, Sample(figure, lowest, biggest, doubtful=True)]


def _about_tls(line: LogLine) -> bool:
    return bool(_TLS.search(line.message) or _TLS.search(line.tag))


def _figure(found: re.Match[str], group: str | int, unit: str | None = None) -> Figure:
    return Figure(found[group], found.start(group), bool(unit))


def _tls(line: LogLine, lowered: str, where: Provenance, at: Moment) -> list[Event]:
    """A TLS failure by its code, or by its text where no code is printed."""
    if "ssl - memory allocation failed" in lowered:
        return [TlsFailed(where, at, -0x7F00, memory=True)]
    if "return" not in lowered and "fail" not in lowered and "error" not in lowered:
        return []
    found = _TLS_CODE.search(line.message)
    if found is None:
        return []
    if digits := found["hex"] or found["bare"]:  # MicroPython prints the code in hexadecimal, without a mark
        code = int(digits, 16)
    elif found["dec"]:
        code = int(found["dec"])
    else:
        code = 0x10000 - int(found["word"], 16)
    module, lower = code & ~_LOWER_CODES, code & _LOWER_CODES
    memory = module in _MEMORY_CODES or (lower == _BIGNUM_MEMORY and (not module or module >= _MODULES_FROM))
    return [TlsFailed(where, at, -code, memory)] if memory or digits else []

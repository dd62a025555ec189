"""What firmware says of heap, queues, allocations and TLS memory, in all the spellings users print."""

from __future__ import annotations

import re

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
        "alloc",
        r"alloc(?:ation)?(?: of)?(?: failed| fail)(?:.*?size[: ]+(?P<wanted>\d+))?|failed to alloc(?:ate)?(?:.*?\d+ bytes)?|alloc eb .*fail|(?:malloc|calloc|realloc)(?:\(\d*\))? (?:failed|error|returned null)|memory allocation failed,? allocating \d+ bytes",
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
    r"(?:\s*(?:is|=|:|->|\)|['\"]|sending state))*\s*(?P<free>\d[\d,_]*)(?:\.\d+)?" + _UNIT,
    re.IGNORECASE,
)
_POOL = Pattern(
    r"free[ _](?P<pool>internal|dma|psram|spiram|dram)[ _:=]+(?P<free>\d+)|(?P<pool2>internal|dma|psram|spiram|dram)[ _]free[ _:=]+(?P<free2>\d+)",
    re.IGNORECASE,
)
_MINIMUM = Pattern(
    r"min(?:imum)?[ _-]?(?:ever[ _-]?)?(?:free)?[ _-]?(?:ever)?[ _-]?(?:heap)?(?:[ _]size)?(?:\(\))?(?:\s*(?:is|=|:|->|['\"]|sending state))*\s*(?P<minimum>\d[\d,_]*)"
    + _UNIT,
    re.IGNORECASE,
)
_LARGEST = Pattern(
    r"(?:largest|biggest|max(?:imum)?)[ _-]?(?:free|alloc(?:able|atable)?|contiguous)?[ _-]?(?:heap|free)?[ _-]?(?:block)?(?:[ _]size)?(?:\(\))?"
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

#: mbedTLS codes that mean an allocation failed: SSL 0x7F00, bignum 0x10, MD 0x5180, X509 0x2880, PK 0x3F80,
#: cipher 0x6180, ECP 0x4D80 (mbedtls error headers; facts: -0x7F00 also prints as -32512 and FFFF8100).
_MEMORY_CODES = frozenset((0x7F00, 0x10, 0x5180, 0x2880, 0x3F80, 0x6180, 0x4D80))
_TLS = Pattern(r"mbedtls|ssl|tls", re.IGNORECASE)
_TLS_CODE = Pattern(
    r"-0x(?P<hex>[0-9a-f]{2,5})\b|(?:\(|\s|error |=)-(?P<dec>\d{2,6})\b|(?P<wrapped>0x)?ffff(?P<word>[0-9a-f]{4})\b",
    re.IGNORECASE,
)


#: Without one of these :func:`read_memory` finds nothing.
NEEDED = (_TLS, _ABOUT_MEMORY)


def _bytes(digits: str, unit: str | None) -> int:
    number = int(digits.replace(",", "").replace("_", "") or 0)
    return number * 1024 if unit else number


def _in_kilobytes(line: LogLine) -> bool:
    """Tasmota tells its heap in KB and does not say so."""
    return line.dialect == "tasmota"


def read_memory(line: LogLine, lowered: str, where: Provenance, at: Moment) -> list[Event]:
    """Heap samples and TLS failures in ``line``."""
    events: list[Event] = []
    if _TLS.search(line.message) or _TLS.search(line.tag):
        events.extend(_tls(line, lowered, where, at))
    if (
        not _ABOUT_MEMORY.search(line.message)
        or _NOT_HEAP.search(f"{line.tag} {line.message}")
        or _STACK_LINE.search(line.message)
    ):
        return events
    if "alloc eb" in lowered:  # the figure there is the total with PSRAM, which says nothing
        return events
    largest = _LARGEST.search(line.message)
    minimum = _MINIMUM.search(line.message)
    biggest = _bytes(largest["largest"], largest["unit"]) if largest else None
    pools = list(_POOL.finditer(line.message))
    if pools:
        for found in pools:
            pool = (found["pool"] or found["pool2"]).lower()
            block = biggest if found is pools[0] else None
            events.append(HeapSampled(where, at, int(found["free"] or found["free2"]), None, block, pool))
        return events
    rest = line.message
    for other in (largest, minimum):  # "min free 123" must not be read as free
        if other:
            rest = rest.replace(other[0], " ")
    free = _FREE.search(rest)
    if free is not None and _in_kilobytes(line):
        return [*events, HeapSampled(where, at, _bytes(free["free"], "k"))]
    if grow := _SPLIT.search(line.message):
        # MicroPython: what the garbage collector could still take from the IDF heap, which sockets need too
        events.append(HeapSampled(where, at, None, None, int(grow[1]), "idf"))
        largest = None
    if free is None and largest is None and minimum is None:
        return events
    sample = HeapSampled(
        where,
        at,
        _bytes(free["free"], free["unit"]) if free else None,
        _bytes(minimum["minimum"], minimum["unit"]) if minimum else None,
        biggest,
    )
    figures = [figure for figure in (sample.free, sample.minimum, sample.largest) if figure is not None]
    if max(figures) >= 200:  # a percentage or a count, not bytes
        events.append(sample)
    return events


def _tls(line: LogLine, lowered: str, where: Provenance, at: Moment) -> list[Event]:
    """A TLS failure by its code, or by its text where no code is printed."""
    if "ssl - memory allocation failed" in lowered:
        return [TlsFailed(where, at, -0x7F00, memory=True)]
    if "return" not in lowered and "fail" not in lowered and "error" not in lowered:
        return []
    found = _TLS_CODE.search(line.message)
    if found is None:
        return []
    if found["hex"]:
        code = int(found["hex"], 16)
    elif found["dec"]:
        code = int(found["dec"])
    else:
        code = 0x10000 - int(found["word"], 16)
    memory = code in _MEMORY_CODES
    return [TlsFailed(where, at, -code, memory)] if memory or found["hex"] else []

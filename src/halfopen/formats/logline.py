"""One line of a console log: the damage undone, the prefixes read, the message left.

Every firmware that runs on an ESP32 prints its own header, terminals put the host's time before it and tools mangle
the colours. :func:`read_line` takes a line apart; it never guesses what the message means.
"""

from __future__ import annotations

import re
from datetime import date

from msgspec import Struct

from halfopen.formats.patterns import Pattern

#: Everything a terminal or an editor makes of an escape sequence: real ESC, its glyph, hex or caret spelling, or a colour of
#: which ESC got lost on the way into a form.
_ESCAPES = Pattern(
    r"(?:\x1b|\u241b|\[1[bB]\]|\\x1b|\\033|\\e|\^\[|\ufffd|_)\[[0-9;]{0,12}[mK]"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b[@-Z\\^_]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"
    r"|\[[01];3[0-7]m|\[0m(?=\s*$)"
)
_CONTROLS = Pattern("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
#: No firmware prints a number this long: 64 bits have 20 digits.
_ENDLESS_NUMBER = Pattern(r"[0-9]{21,}")
_GLYPHS = str.maketrans({"␍": "", "␊": "", "\t": " ", "\u00a0": " "})

_HOST_PREFIXES = tuple(
    Pattern(pattern)
    for pattern in (
        # Arduino IDE, PlatformIO, CoolTerm: 13:28:08.277 ->  / -->  / >
        r"(?:\d{4}-\d\d-\d\d[ T])?(?P<h>\d\d):(?P<m>\d\d):(?P<s>\d\d)(?:[.,:](?P<f>\d{1,9}))? ?-{0,2}[>»] ?",
        # serial monitors with a date or a colon before the milliseconds: [16:27:36:387], 【2020-06-22 16:28:24:375】
        r"[\[【](?:(?P<date>\d{4}-\d\d-\d\d)[ T])?(?P<h>\d\d):(?P<m>\d\d):(?P<s>\d\d):(?P<f>\d{3})[\]】] ?",
        r"【(?:(?P<date>\d{4}-\d\d-\d\d)[ T])?(?P<h>\d\d):(?P<m>\d\d):(?P<s>\d\d)(?:[.,](?P<f>\d{1,6}))?】 ?",
        r"\[(?P<date>\d{4}-\d\d-\d\d)[ T](?P<h>\d\d):(?P<m>\d\d):(?P<s>\d\d)(?:[.,](?P<f>\d{1,6}))?\] ?",
        # RFC 5424, as sent: <134>1 2026-11-26T06:49:31Z host process - - - I (123) tag:
        r"<\d{1,3}>1 (?:-|(?P<date>\d{4}-\d\d-\d\d)T(?P<h>\d\d):(?P<m>\d\d):(?P<s>\d\d)(?:\.(?P<f>\d{1,6}))?(?:Z|[+-]\d\d:\d\d))"
        r" [!-~]{1,255} [!-~]{1,48} [!-~]{1,128} [!-~]{1,32} - (?=[EWIDV] \()",
        # as rsyslog keeps it: 2026-11-26T06:49:31.123456+00:00 host process[1]: I (123) tag:
        r"(?P<date>\d{4}-\d\d-\d\d)T(?P<h>\d\d):(?P<m>\d\d):(?P<s>\d\d)(?:\.(?P<f>\d{1,9}))?(?:Z|[+-]\d\d:\d\d)"
        r" [\w.-]{1,255} [\w.-]{1,48}(?:\[\d+\])?:? (?=[EWIDV] \()",
        # dates before anything, also as docker and kubectl put them, in nanoseconds
        r"(?P<date>\d{4}-\d\d-\d\d)[ T](?P<h>\d\d):(?P<m>\d\d):(?P<s>\d\d)(?:[.,:](?P<f>\d{1,9}))?(?:Z|[+-]\d\d:?\d\d)?[ :|]+",
        # esphome logs, aioesphomeapi, screen and picocom: [16:02:34] or [16:02:34.123] before another header
        r"\[(?P<h>\d\d):(?P<m>\d\d):(?P<s>\d\d)(?:\.(?P<f>\d{1,6}))?\] ?",
        # journald and syslog: Nov 22 07:48:41 host process[1]:
        r"[A-Z][a-z]{2} [ \d]\d (?P<h>\d\d):(?P<m>\d\d):(?P<s>\d\d) \S+ [\w.-]+(?:\[\d+\])?: ",
        # a bare time before an ESP-IDF or Arduino header: 14:48:53.270 I (123) tag:
        r"(?P<h>\d\d):(?P<m>\d\d):(?P<s>\d\d)(?:[.,](?P<f>\d{1,9}))? (?=[EWIDV] \(|\[ *\d+\]\[)",
    )
)

#: What Python's logging puts before a line of the link, as basicConfig does or with the name before the level.
_LOGGING = Pattern(
    r"(?:(?:DEBUG|INFO|WARNING|ERROR|CRITICAL)[ :]+[\w.]{1,64}[ :]+"
    r"|(?:- )?[\w.]{1,64}[ :-]{1,3}(?:DEBUG|INFO|WARNING|ERROR|CRITICAL)[ :-]{1,3}|[\w.]{1,64}: )(?=[EWIDV] \()"
)

_IDF = Pattern(
    r"(?P<level>[EWIDV]) "
    r"(?:\((?P<stamp>\d{1,14}|(?:\d{2,4}-\d\d-\d\d )?\d\d:\d\d:\d\d\.\d{3})\) ?)?"
    r"(?:(?P<tag>[^\s:()][^:()]{0,47}):(?: |$|(?=\S)))?(?P<message>.*)"
)
_ARDUINO = Pattern(
    r"(?:\[ *(?P<stamp>\d{1,10})\])?\[(?P<level>[EWIDV])\]\[(?P<tag>[^\]:]{1,60}):\d+\] (?P<message>.*)"
)
_ESPHOME = Pattern(
    r"\[(?P<level>E|W|I|C|D|V|VV)\]\[(?P<tag>[a-zA-Z0-9_.\-]{1,40})(?::\d{1,5})?\](?:\[(?P<task>[^\]]{1,24})\])?:(?: |$)"
    r"(?P<message>.*)"
)
_TASMOTA = Pattern(
    r"(?P<h>\d\d):(?P<m>\d\d):(?P<s>\d\d)(?:\.(?P<f>\d{3}))?(?:-\d+/\d+)? (?P<tag>[A-Z]{3}): (?P<message>.*)"
)
_ESPEASY = Pattern(
    r"(?P<stamp>\d{1,10}) ?: (?P<level>Info|Error|Debug|Debug More|Debug Dev) *: (?P<message>.*)"
)
_HOST_LOG = Pattern(
    r"(?P<level>DEBUG|INFO|WARNING|ERROR|CRITICAL) \((?P<thread>[\w-]+)\) \[(?P<tag>[\w.]+)\] (?P<message>.*)"
)
_HOST_LEVELS = {"DEBUG": "D", "INFO": "I", "WARNING": "W", "ERROR": "E", "CRITICAL": "E"}
#: The tags that Tasmota puts before its lines.
TASMOTA_TAGS = frozenset(
    "WIF MQT HTP CFG RSL QPC BRY UPP CMD APP ADC HDW SRC NTP TLS UFS BLE ESP RTC WEB".split()  # noqa: SIM905  a list to read
)


class LogLine(Struct, frozen=True, gc=False):
    """A line taken apart.

    ``dialect`` is ``esp-idf``, ``arduino``, ``esphome``, ``tasmota``, ``espeasy``, ``host`` (a Home Assistant or
    aioesphomeapi log) or ``""`` for a line without a header that is known. ``boot_ms`` is milliseconds since boot as
    printed (32 bits); ``system_s`` the device's wall clock and ``host_s`` the recording machine's, in seconds of the
    day, or since 0001-01-01 when the line carries a date.
    """

    text: str
    dialect: str = ""
    level: str = ""
    tag: str = ""
    message: str = ""
    boot_ms: int | None = None
    system_s: float | None = None
    host_s: float | None = None


def cleaned(raw: str) -> str:
    """``raw`` without colours, control characters, direction overrides and glyphs that stand for line ends."""
    if "[" in raw:
        raw = _ESCAPES.sub("", raw)
    return _CONTROLS.sub("", raw.translate(_GLYPHS)).rstrip()


def _clock(found: re.Match[str]) -> float:
    """Seconds of the day, or since 0001-01-01 where ``found`` carries a date."""
    groups = found.groupdict()
    seconds = int(groups["h"]) * 3600 + int(groups["m"]) * 60 + int(groups["s"]) + 0.0
    if fraction := groups.get("f"):
        seconds += int(fraction) / 10 ** len(fraction)
    if day := groups.get("date"):
        try:
            seconds += date.fromisoformat(day).toordinal() * 86400
        except ValueError:  # 2024-02-31: a damaged date is no date
            return seconds
    return seconds


def _idf_stamp(stamp: str) -> tuple[int | None, float | None]:
    """The bracket of an ESP-IDF line as (milliseconds since boot, seconds of the device's wall clock)."""
    if stamp.isdigit():
        number = int(stamp)
        # LOG_TIMESTAMP_SOURCE_UNIX prints milliseconds since 1970: more than 32 bits hold
        return (number, None) if number < 1 << 32 else (None, number / 1000)
    day, _, clock = stamp.rpartition(" ")
    hours, minutes, seconds = clock.split(":")
    whole, _, milliseconds = seconds.partition(".")
    # as of any other clock: the very number that the kernel makes of it
    total = int(hours) * 3600 + int(minutes) * 60 + int(whole) + int(milliseconds) / 1000
    if day:
        year, month, in_month = day.split("-")
        try:
            total += date(int(year) % 100 + 2000, int(month), int(in_month)).toordinal() * 86400
        except ValueError:
            return None, total
    return None, total


def read_line(raw: str) -> LogLine:
    """Take one line (without its line end) apart; never raises."""
    text = cleaned(raw)
    rest = _ENDLESS_NUMBER.sub("0", text).lstrip()
    if rest.startswith("> ") and len(rest) > 2 and not rest.startswith(">>>"):
        rest = rest[2:].lstrip()  # quoted in an issue
    host_s: float | None = None
    for _ in range(2):  # a terminal's time before the time that `esphome logs` already put there
        if not rest or rest[0] not in "[【<0123456789AJFMSOND":
            break
        for prefix in _HOST_PREFIXES:
            if found := prefix.match(rest):
                if host_s is None and found["h"] is not None:
                    host_s = _clock(found)
                rest = rest[found.end() :].lstrip()
                break
        else:
            break
    if found := _LOGGING.match(rest):
        rest = rest[found.end() :]
    return _headed(text, rest, host_s)


def _headed(text: str, rest: str, host_s: float | None) -> LogLine:
    """Read the firmware's own header at the start of ``rest``."""
    first = rest[:1]
    if first == "[":
        if found := _ESPHOME.match(rest):
            return _inner(text, found, host_s)
        if found := _ARDUINO.match(rest):
            stamp = found["stamp"]
            return LogLine(
                text,
                "arduino",
                found["level"],
                found["tag"],
                found["message"],
                int(stamp) if stamp else None,
                None,
                host_s,
            )
    elif first in "EWIDV" and (found := _IDF.match(rest)) and (found["stamp"] or found["tag"]):
        boot_ms, system_s = _idf_stamp(found["stamp"]) if found["stamp"] else (None, None)
        return LogLine(
            text,
            "esp-idf",
            found["level"],
            (found["tag"] or "").strip(),
            found["message"].strip(),
            boot_ms,
            system_s,
            host_s,
        )
    elif first.isdigit():
        if (found := _TASMOTA.match(rest)) and found["tag"] in TASMOTA_TAGS:
            return LogLine(text, "tasmota", "", found["tag"], found["message"], None, _clock(found), host_s)
        if found := _ESPEASY.match(rest):
            stamp_ms = int(found["stamp"])
            return LogLine(text, "espeasy", found["level"][0], "", found["message"], stamp_ms, None, host_s)
    elif first in "DIWEC" and (found := _HOST_LOG.match(rest)):
        level = _HOST_LEVELS[found["level"]]
        return LogLine(text, "host", level, found["tag"], found["message"], None, None, host_s)
    return LogLine(text, "", "", "", rest, None, None, host_s)


def _inner(text: str, outer: re.Match[str], host_s: float | None) -> LogLine:
    """An ESPHome line; a driver or ESP-IDF line wrapped in it keeps its own level, tag and clock."""
    message = outer["message"].strip()
    if (inner := _IDF.match(message)) and inner["stamp"]:
        boot_ms, system_s = _idf_stamp(inner["stamp"])
        tag = (inner["tag"] or "").strip()
        return LogLine(
            text, "esphome", inner["level"], tag, inner["message"].strip(), boot_ms, system_s, host_s
        )
    return LogLine(text, "esphome", outer["level"], outer["tag"], message, None, None, host_s)

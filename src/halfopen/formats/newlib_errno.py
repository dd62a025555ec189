"""errno as firmware on the ESP32 numbers it: newlib's numbers, which differ from Linux above 105.

Source: newlib/libc/include/sys/errno.h and strerror.c of espressif/newlib-esp32; picolibc (ESP-IDF 6) keeps every
network number. The trap that matters most: 113 is ECONNABORTED here and "no route to host" on Linux.
"""

from __future__ import annotations

import re

from halfopen.formats.patterns import Pattern

#: number, name, text of newlib's strerror()
_ROWS = (
    (1, "EPERM", "Not owner"),
    (2, "ENOENT", "No such file or directory"),
    (4, "EINTR", "Interrupted system call"),
    (5, "EIO", "I/O error"),
    (9, "EBADF", "Bad file number"),
    (11, "EAGAIN", "No more processes"),
    (12, "ENOMEM", "Not enough space"),
    (13, "EACCES", "Permission denied"),
    (16, "EBUSY", "Device or resource busy"),
    (19, "ENODEV", "No such device"),
    (22, "EINVAL", "Invalid argument"),
    (23, "ENFILE", "Too many open files in system"),
    (24, "EMFILE", "File descriptor value too large"),
    (28, "ENOSPC", "No space left on device"),
    (32, "EPIPE", "Broken pipe"),
    (88, "ENOSYS", "Function not implemented"),
    (95, "EOPNOTSUPP", "Operation not supported on socket"),
    (96, "EPFNOSUPPORT", ""),
    (104, "ECONNRESET", "Connection reset by peer"),
    (105, "ENOBUFS", "No buffer space available"),
    (106, "EAFNOSUPPORT", "Address family not supported by protocol family"),
    (107, "EPROTOTYPE", "Protocol wrong type for socket"),
    (108, "ENOTSOCK", "Socket operation on non-socket"),
    (109, "ENOPROTOOPT", "Protocol not available"),
    (110, "ESHUTDOWN", "Can't send after socket shutdown"),
    (111, "ECONNREFUSED", "Connection refused"),
    (112, "EADDRINUSE", "Address already in use"),
    (113, "ECONNABORTED", "Software caused connection abort"),
    (114, "ENETUNREACH", ""),
    (115, "ENETDOWN", "Network interface is not configured"),
    (116, "ETIMEDOUT", "Connection timed out"),
    (117, "EHOSTDOWN", "Host is down"),
    (118, "EHOSTUNREACH", "Host is unreachable"),
    (119, "EINPROGRESS", "Connection already in progress"),
    (120, "EALREADY", "Socket already connected"),
    (121, "EDESTADDRREQ", "Destination address required"),
    (122, "EMSGSIZE", "Message too long"),
    (123, "EPROTONOSUPPORT", "Unknown protocol"),
    (125, "EADDRNOTAVAIL", "Address not available"),
    (126, "ENETRESET", "Connection aborted by network"),
    (127, "EISCONN", "Socket is already connected"),
    (128, "ENOTCONN", "Socket is not connected"),
    (134, "ENOTSUP", "Not supported"),
    (140, "ECANCELED", "Operation canceled"),
)

NAMES: dict[int, str] = {number: name for number, name, _ in _ROWS}
TEXTS: dict[int, str] = {number: text for number, _, text in _ROWS}
_NUMBERS = {name: number for number, name, _ in _ROWS}
_BY_TEXT = {text.lower(): number for number, _, text in _ROWS if text}

#: A C name, and a text of strerror().
NAME = Pattern(r"\b(" + "|".join(sorted(_NUMBERS, key=len, reverse=True)) + r")\b")
TEXT = Pattern("|".join(re.escape(text) for text in sorted(_BY_TEXT, key=len, reverse=True)), re.IGNORECASE)


def errno_in(text: str) -> int | None:
    """The errno that ``text`` names by its C name or by newlib's strerror text, else ``None``.

    A printed number is not looked at: who prints ``errno 113`` and a name beside it may run a firmware whose
    names are wrong (MicroPython before 1.15), so the caller prefers the number.
    """
    if found := NAME.search(text):
        return _NUMBERS[found[1]]
    if found := TEXT.search(text):
        return _BY_TEXT[found[0].lower()]
    return None


def spelled(number: int | None) -> str:
    """``113`` as ``errno 113 ECONNABORTED``; ``None`` as ``an unknown errno``."""
    if number is None:
        return "an unknown errno"
    return f"errno {number} {NAMES[number]}" if number in NAMES else f"errno {number}"

"""The numbers of lwIP's sockets API, and its errors by newlib's numbers.

Source: lwip/sockets.h and lwip/err.h of ESP-IDF v5.3 (esp-lwip f7922143); errno numbers: newlib (FACTS, errnos.json).
"""

from __future__ import annotations

from halfopen.formats import newlib_errno

EIO = 5
EBADF = 9
EAGAIN = 11
ENOMEM = 12
EINVAL = 22
ENFILE = 23
EOPNOTSUPP = 95
ECONNRESET = 104
ENOBUFS = 105
ENOPROTOOPT = 109
EADDRINUSE = 112
ECONNABORTED = 113
EHOSTUNREACH = 118
EINPROGRESS = 119
EALREADY = 120
EDESTADDRREQ = 121
EMSGSIZE = 122
EISCONN = 127
ENOTCONN = 128

STREAM, DGRAM = 1, 2

# Options carry their level in the upper half, since by number alone TCP_KEEPINTVL (4) would be SO_REUSEADDR (4).
SOL_SOCKET, IPPROTO_TCP = 0xFFF << 16, 6 << 16
SO_REUSEADDR = SOL_SOCKET | 0x0004
SO_KEEPALIVE = SOL_SOCKET | 0x0008
SO_BROADCAST = SOL_SOCKET | 0x0020
SO_LINGER = SOL_SOCKET | 0x0080
SO_SNDBUF = SOL_SOCKET | 0x1001
SO_RCVBUF = SOL_SOCKET | 0x1002
SO_SNDTIMEO = SOL_SOCKET | 0x1005
SO_RCVTIMEO = SOL_SOCKET | 0x1006
SO_ERROR = SOL_SOCKET | 0x1007
TCP_NODELAY = IPPROTO_TCP | 0x01
TCP_KEEPALIVE = IPPROTO_TCP | 0x02
TCP_KEEPIDLE = IPPROTO_TCP | 0x03
TCP_KEEPINTVL = IPPROTO_TCP | 0x04
TCP_KEEPCNT = IPPROTO_TCP | 0x05

MSG_PEEK = 0x01
MSG_DONTWAIT = 0x08
MSG_MORE = 0x10

SHUT_RD, SHUT_WR, SHUT_RDWR = 0, 1, 2

POLLIN, POLLOUT, POLLERR, POLLNVAL, POLLHUP = 0x1, 0x2, 0x4, 0x8, 0x200

#: getaddrinfo's errors (lwip/netdb.h).
EAI_NONAME, EAI_SERVICE, EAI_FAIL, EAI_MEMORY = 200, 201, 202, 203

# lwIP's err_t, by name; what the application is told is in ERRNO_OF (err_to_errno_table of api/err.c).
OK = "OK"
MEM = "ERR_MEM"
BUF = "ERR_BUF"
TIMEOUT = "ERR_TIMEOUT"
RTE = "ERR_RTE"
IN_PROGRESS = "ERR_INPROGRESS"
VAL = "ERR_VAL"
WOULD_BLOCK = "ERR_WOULDBLOCK"
USE = "ERR_USE"
ALREADY = "ERR_ALREADY"
IS_CONN = "ERR_ISCONN"
CONN = "ERR_CONN"
ABRT = "ERR_ABRT"
RST_ = "ERR_RST"
CLSD = "ERR_CLSD"
ARG = "ERR_ARG"

ERRNO_OF: dict[str, int] = {
    MEM: ENOMEM,
    BUF: ENOBUFS,
    TIMEOUT: EAGAIN,
    RTE: EHOSTUNREACH,
    IN_PROGRESS: EINPROGRESS,
    VAL: EINVAL,
    WOULD_BLOCK: EAGAIN,
    USE: EADDRINUSE,
    ALREADY: EALREADY,
    IS_CONN: EISCONN,
    CONN: ENOTCONN,
    ABRT: ECONNABORTED,
    RST_: ECONNRESET,
    CLSD: ENOTCONN,
    ARG: EIO,
}


class SocketError(OSError):
    """A call failed: ``errno`` is newlib's number, ``name`` its name. Reads as ESP-IDF's strerror prints it."""

    def __init__(self, number: int) -> None:
        self.name = newlib_errno.NAMES.get(number, "")
        super().__init__(number, newlib_errno.TEXTS.get(number, ""))

    def __str__(self) -> str:
        return f"errno {self.errno} ({self.strerror})"


class NameNotFound(OSError):
    """``getaddrinfo`` failed; ``errno`` is lwIP's EAI number (200 no such name, 202 no answer)."""

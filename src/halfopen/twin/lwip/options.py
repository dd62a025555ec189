"""What ``sdkconfig`` decides about the stack, with ESP-IDF's defaults, and what its structures cost in heap.

Source of every default: FACTS "Sockets and memory" (esp-lwip f7922143, ESP-IDF v5.3.1) unless another is named.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from halfopen.twin.world import MS

#: newlib's FD_SETSIZE; descriptors run from FD_SETSIZE - MAX_SOCKETS upwards.
FD_SETSIZE = 64
#: Where MAX_SOCKETS leaves no room below 64 the build raises FD_SETSIZE (v5.4.4 and later, up to 253 sockets; inferred).
FD_SETSIZE_RAISED = 256
#: Three descriptors of 64 are the console's.
_CONSOLE_DESCRIPTORS = 3


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes of heap that each structure takes, before the allocator's header."""

    pcb: int
    listening_pcb: int
    netconn: int
    #: Beside its slots.
    mailbox: int
    mailbox_slot: int
    segment: int
    #: pbuf header and the room for the link, IP and TCP headers.
    pbuf: int
    udp_pcb: int


#: The 32-bit ESP32: struct sizes of esp-lwip with default options (computed from the headers: inferred).
ON_ESP32 = Sizes(
    pcb=196, listening_pcb=44, netconn=64, mailbox=96, mailbox_slot=4, segment=20, pbuf=72, udp_pcb=40
)
#: The 64-bit ``linux`` target that the lab measured: 2240 bytes a leaked connection with 40 unacknowledged bytes, 2032 a
#: lingering one, 273 a TIME_WAIT (data/lwip a_leaky, b_close, h_timewait).
ON_LINUX_TARGET = Sizes(
    pcb=264, listening_pcb=72, netconn=152, mailbox=152, mailbox_slot=8, segment=40, pbuf=104, udp_pcb=72
)


@dataclass(frozen=True, slots=True)
class Options:
    """One device's configuration of lwIP. Times in ms unless their name says otherwise.

    ``receive_poll_ns`` is how often the driver looks for frames: 0 on a chip (interrupts), one tick on the ``linux``
    target, whose tap is polled. ``turnaround_ns`` is what a frame takes from the driver to the stack on a chip.
    ``resets_escape``: what is sent while the interface goes down still leaves (a tap does that, a radio cannot).
    """

    max_sockets: int = 10
    mss: int = 1440
    send_buffer: int = 5760
    window: int = 5760
    maxrtx: int = 12
    synmaxrtx: int = 12
    msl_ms: int = 60_000
    fin_wait_ms: int = 20_000
    rto_ms: int = 1500
    timer_ms: int = 250
    tcp_mailbox: int = 6
    accept_mailbox: int = 6
    udp_mailbox: int = 6
    linger: bool = False
    receive_buffer_option: bool = False
    queue_out_of_order: bool = True
    tick_ns: int = 10 * MS
    receive_poll_ns: int = 0
    turnaround_ns: int = MS // 2
    resets_escape: bool = False
    sizes: Sizes = field(default=ON_ESP32)

    @property
    def first_descriptor(self) -> int:
        """The first descriptor that ``socket()`` returns."""
        room = FD_SETSIZE if self.max_sockets <= FD_SETSIZE - _CONSOLE_DESCRIPTORS else FD_SETSIZE_RAISED
        return room - self.max_sockets

    @classmethod
    def of_sdkconfig(cls, text: str, name: str = "sdkconfig") -> Options:
        """The options that an ``sdkconfig`` (or ``sdkconfig.defaults``) sets; what it does not say stays at its default.

        Raises:
            ValueError: a value is no number or out of its Kconfig range; one line: ``name:line: …``.
        """
        options = cls()
        for number, line in enumerate(text.splitlines(), 1):
            key, equals, value = line.strip().partition("=")
            if not equals or key.startswith("#") or key not in _KEYS:
                continue
            field_name, low, high = _KEYS[key]
            try:
                options = _with(options, field_name, value.strip(), low, high)
            except ValueError as error:
                raise ValueError(f"{name}:{number}: {key}={value}: {error}") from None
        return options


#: Kconfig symbol → field, smallest and largest value (Kconfig of components/lwip, v5.3; MAX_SOCKETS as of v5.4.4).
_KEYS: dict[str, tuple[str, int, int]] = {
    "CONFIG_LWIP_MAX_SOCKETS": ("max_sockets", 1, 253),
    "CONFIG_LWIP_TCP_MSS": ("mss", 536, 1460),
    "CONFIG_LWIP_TCP_SND_BUF_DEFAULT": ("send_buffer", 2440, 65535),
    "CONFIG_LWIP_TCP_WND_DEFAULT": ("window", 2440, 65535),
    "CONFIG_LWIP_TCP_MAXRTX": ("maxrtx", 3, 12),
    "CONFIG_LWIP_TCP_SYNMAXRTX": ("synmaxrtx", 3, 12),
    "CONFIG_LWIP_TCP_MSL": ("msl_ms", 1000, 1_000_000),
    "CONFIG_LWIP_TCP_FIN_WAIT_TIMEOUT": ("fin_wait_ms", 500, 1_000_000),
    "CONFIG_LWIP_TCP_RTO_TIME": ("rto_ms", 500, 60_000),
    "CONFIG_LWIP_TCP_TMR_INTERVAL": ("timer_ms", 50, 10_000),
    "CONFIG_LWIP_TCP_RECVMBOX_SIZE": ("tcp_mailbox", 6, 1024),
    "CONFIG_LWIP_TCP_ACCEPTMBOX_SIZE": ("accept_mailbox", 1, 255),
    "CONFIG_LWIP_UDP_RECVMBOX_SIZE": ("udp_mailbox", 6, 64),
    "CONFIG_FREERTOS_HZ": ("tick_ns", 1, 1000),
    "CONFIG_LWIP_SO_LINGER": ("linger", 0, 1),
    "CONFIG_LWIP_SO_RCVBUF": ("receive_buffer_option", 0, 1),
    "CONFIG_LWIP_TCP_QUEUE_OOSEQ": ("queue_out_of_order", 0, 1),
}
#: Every symbol that decides something here; an ``sdkconfig`` has hundreds of others.
SYMBOLS = tuple(_KEYS)
_SWITCHES = frozenset({"linger", "receive_buffer_option", "queue_out_of_order"})


def _with(options: Options, field_name: str, value: str, low: int, high: int) -> Options:
    if field_name in _SWITCHES:
        if value not in ("y", "n"):
            raise ValueError("y or n expected")
        return replace(options, **_one(field_name, value == "y"))
    try:
        number = int(value, 0)
    except ValueError:
        raise ValueError("a whole number expected") from None
    if not low <= number <= high:
        raise ValueError(f"out of range, {low} to {high}")
    if field_name == "tick_ns":
        number = 1000 * MS // number
    return replace(options, **_one(field_name, number))


def _one(field_name: str, value: int | bool) -> dict[str, Any]:
    return {field_name: value}


#: The ``linux`` target of the lab: a tap polled once a tick, 64-bit structures.
LINUX_TARGET = Options(receive_poll_ns=10 * MS, resets_escape=True, sizes=ON_LINUX_TARGET)

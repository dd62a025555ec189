"""Packets as one line of text each, in Wireshark's manner."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from halfopen.formats.patterns import Pattern

#: TCP flags in the order in which Wireshark names them (RFC 9293 section 3.1).
FLAG_NAMES = ((0x01, "FIN"), (0x02, "SYN"), (0x04, "RST"), (0x08, "PSH"), (0x10, "ACK"), (0x20, "URG"))


def mac_text(raw: bytes) -> str:
    """``24:6f:28:aa:bb:cc`` of six bytes."""
    return raw.hex(":")


def ip_text(raw: bytes) -> str:
    """The usual text of an IPv4 (4 bytes) or IPv6 (16 bytes, RFC 5952) address."""
    if len(raw) == 4:
        return ".".join(map(str, raw))
    groups = [raw[index] << 8 | raw[index + 1] for index in range(0, 16, 2)]
    best_start, best_length, start = 0, 1, 0
    while start < 8:
        length = 0
        while start + length < 8 and groups[start + length] == 0:
            length += 1
        if length > best_length:
            best_start, best_length = start, length
        start += length or 1
    if best_length < 2:
        return ":".join(f"{group:x}" for group in groups)
    head = ":".join(f"{group:x}" for group in groups[:best_start])
    tail = ":".join(f"{group:x}" for group in groups[best_start + best_length :])
    return f"{head}::{tail}"


def endpoint_text(ip: str, port: int) -> str:
    """``192.168.5.1:8080``, IPv6 in brackets."""
    return f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"


@cache
def flags_text(flags: int) -> str:
    """``PSH, ACK``; ``<None>`` when no flag is set."""
    return ", ".join(name for bit, name in FLAG_NAMES if flags & bit) or "<None>"


def tcp_text(
    source: str,
    destination: str,
    flags: int,
    seq: int,
    ack: int,
    window: int,
    payload: int,
    mss: int = 0,
    scale: int = -1,
    marks: Sequence[str] = (),
) -> str:
    """One line for a TCP segment; ``marks`` are Wireshark's (``TCP Keep-Alive``), ``scale`` a shift count."""
    shown = "".join([f"[{mark}] " for mark in marks]) if marks else ""
    acked = f" Ack={ack}" if flags & 0x10 else ""
    text = (
        f"{source} → {destination} {shown}[{flags_text(flags)}] Seq={seq}{acked} Win={window} Len={payload}"
    )
    if mss:
        text += f" MSS={mss}"
    if scale >= 0:
        text += f" WS={1 << scale}"
    return text


_TCP_TEXT = Pattern(
    r"(?P<source>\S+) → (?P<destination>\S+)(?: \[TCP [^\]]*\])* (?P<flags>\[[^\]]*\]) Seq=(?P<seq>\d+)(?: Ack=(?P<ack>\d+))?"
    r" Win=\d+ Len=(?P<payload>\d+)"
)


class TcpWords(NamedTuple):
    """A line of :func:`tcp_text` taken apart; ``ack`` is ``None`` without the flag."""

    source: str
    destination: str
    flags: str
    seq: int
    ack: int | None
    payload: int


def read_tcp_text(text: str) -> TcpWords | None:
    """The parts of a line that :func:`tcp_text` wrote, ``None`` of any other."""
    found = _TCP_TEXT.match(text)
    if found is None:
        return None
    ack = int(found["ack"]) if found["ack"] else None
    return TcpWords(
        found["source"], found["destination"], found["flags"], int(found["seq"]), ack, int(found["payload"])
    )


#: ICMP destination unreachable: what could not be reached, RFC 792 and RFC 1122 section 3.2.2.1.
UNREACHABLE_NAMES = {
    0: "network",
    1: "host",
    2: "protocol",
    3: "port",
    4: "fragmentation needed",
    9: "network prohibited",
    10: "host prohibited",
    13: "prohibited",
}
#: The same for ICMPv6, RFC 4443 section 3.1.
UNREACHABLE_NAMES_6 = {0: "no route", 1: "prohibited", 2: "beyond scope", 3: "address", 4: "port"}


def arp_text(body: bytes) -> str:
    """One line for 28 bytes of ARP."""
    sender, target = ip_text(body[14:18]), ip_text(body[24:28])
    if sender == target:
        return f"ARP Announcement for {sender}"
    if int.from_bytes(body[6:8], "big") == 2:
        return f"ARP {sender} is at {mac_text(body[8:14])}"
    if not any(body[14:18]):
        return f"ARP Who has {target}? (ARP probe)"
    return f"ARP Who has {target}? Tell {sender}"


def echo_text(source: str, destination: str, reply: bool, identifier: int, number: int) -> str:
    """One line for an ICMP echo."""
    kind = "reply" if reply else "request"
    return f"{source} → {destination} Echo (ping) {kind} id=0x{identifier:04x} seq={number}"


def unreachable_text(source: str, destination: str, code: int, quoted: str) -> str:
    """One line for an ICMP destination unreachable; ``quoted`` is the conversation that it is about."""
    names = UNREACHABLE_NAMES_6 if ":" in source else UNREACHABLE_NAMES
    return f"{source} → {destination} Destination unreachable ({names.get(code, code)}) for {quoted}"

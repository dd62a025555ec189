"""DNS messages (RFC 1035): the question and the fate of it, read and written."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from halfopen.formats.packet import ip_bytes
from halfopen.formats.packet_text import ip_text

PORT = 53
TYPE_A, TYPE_AAAA = 1, 28
TYPE_NAMES = {
    TYPE_A: "A",
    2: "NS",
    5: "CNAME",
    12: "PTR",
    15: "MX",
    16: "TXT",
    TYPE_AAAA: "AAAA",
    33: "SRV",
    65: "HTTPS",
}
#: Response codes, RFC 1035 section 4.1.1.
RCODE_NAMES = {
    0: "no error",
    1: "format error",
    2: "server failure",
    3: "no such name",
    4: "not implemented",
    5: "refused",
}


@dataclass(frozen=True, slots=True)
class DnsMessage:
    """The header and the first question of a message; ``name`` is ``""`` when it was cut or damaged."""

    number: int
    response: bool
    rcode: int
    name: str
    kind: int

    @property
    def text(self) -> str:
        """One line, such as ``DNS query 0x1a2b A broker.local``."""
        asked = f"{TYPE_NAMES.get(self.kind, self.kind)} {self.name}"
        if not self.response:
            return f"DNS query 0x{self.number:04x} {asked}"
        return (
            f"DNS response 0x{self.number:04x} {RCODE_NAMES.get(self.rcode, f'rcode {self.rcode}')} {asked}"
        )


def read_dns(body: bytes) -> DnsMessage | None:
    """The message in a UDP payload, which may be cut; ``None`` when it is too short to be one."""
    if len(body) < 12:
        return None
    number, flags, questions = struct.unpack_from(">HHH", body)
    labels: list[str] = []
    at = 12
    while questions and at < len(body):
        size = body[at]
        if size == 0 or size > 63 or at + 1 + size > len(body):
            break
        labels.append(printable(body[at + 1 : at + 1 + size]))
        at += 1 + size
    whole = questions > 0 and at + 5 <= len(body) and body[at] == 0
    kind = struct.unpack_from(">H", body, at + 1)[0] if whole else 0
    return DnsMessage(number, flags >> 15 == 1, flags & 15, ".".join(labels) if whole else "", kind)


def printable(raw: bytes) -> str:
    """``raw`` as text that no terminal and no page stumbles over."""
    return "".join(chr(byte) if 32 < byte < 127 else f"\\{byte:03d}" for byte in raw)


def dns(
    number: int,
    name: str,
    kind: int = TYPE_A,
    *,
    response: bool = False,
    rcode: int = 0,
    answers: tuple[str, ...] = (),
) -> bytes:
    """A query, or the response to it; ``answers`` are IPv4 addresses, good for a minute."""
    flags = (0x8180 if response else 0x0100) | rcode
    encoded = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    head = struct.pack(">HHHHHH", number, flags, 1, len(answers), 0, 0)
    question = encoded + struct.pack(">BHH", 0, kind, 1)
    # 0xC00C points at the name in the question.
    records = b"".join(
        struct.pack(">HHHIH", 0xC00C, TYPE_A, 1, 60, 4) + ip_bytes(answer) for answer in answers
    )
    return head + question + records


def answered_addresses(body: bytes) -> list[str]:
    """The IPv4 addresses in a response as :func:`dns` writes it: one question, names as pointers."""
    if len(body) < 12:
        return []
    (count,) = struct.unpack_from(">H", body, 6)
    at = 12
    while at < len(body) and body[at]:
        at += 1 + body[at]
    at += 5
    found = []
    for _ in range(count):
        if at + 12 > len(body):
            break
        kind, _, _, size = struct.unpack_from(">HHIH", body, at + 2)
        if kind == TYPE_A and size == 4 and at + 16 <= len(body):
            found.append(ip_text(body[at + 12 : at + 16]))
        at += 12 + size
    return found

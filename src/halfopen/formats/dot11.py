"""802.11 as far as a diagnosis reads it: frame names, elements of a frame body.

Numbers are those of IEEE 802.11-2020, sections 9.2.4.1.3 and 9.4.2.1.
"""

from __future__ import annotations

from collections.abc import Iterator

# type << 4 | subtype
ASSOC_REQUEST = 0x00
ASSOC_RESPONSE = 0x01
REASSOC_REQUEST = 0x02
REASSOC_RESPONSE = 0x03
PROBE_REQUEST = 0x04
PROBE_RESPONSE = 0x05
BEACON = 0x08
DISASSOC = 0x0A
AUTH = 0x0B
DEAUTH = 0x0C
ACTION = 0x0D
ACTION_NO_ACK = 0x0E
BLOCK_ACK = 0x19
ACK = 0x1D
DATA = 0x20
NULL = 0x24
QOS_DATA = 0x28
QOS_NULL = 0x2C

NAMES = {
    ASSOC_REQUEST: "Association Request",
    ASSOC_RESPONSE: "Association Response",
    REASSOC_REQUEST: "Reassociation Request",
    REASSOC_RESPONSE: "Reassociation Response",
    PROBE_REQUEST: "Probe Request",
    PROBE_RESPONSE: "Probe Response",
    BEACON: "Beacon",
    0x09: "ATIM",
    DISASSOC: "Disassociation",
    AUTH: "Authentication",
    DEAUTH: "Deauthentication",
    ACTION: "Action",
    ACTION_NO_ACK: "Action No Ack",
    0x18: "Block Ack Request",
    BLOCK_ACK: "Block Ack",
    0x1A: "PS-Poll",
    0x1B: "RTS",
    DATA: "Data",
    NULL: "Null",
    QOS_DATA: "QoS Data",
    QOS_NULL: "QoS Null",
}

ELEMENT_SSID = 0
ELEMENT_CHANNEL = 3
ELEMENT_HT_OPERATION = 61
#: Fixed fields before the elements of a beacon or probe response, and of the association requests.
BEACON_FIXED = 12
REQUEST_FIXED = {ASSOC_REQUEST: 4, REASSOC_REQUEST: 10}

ALGORITHM_SAE = 3
#: Category and action of the two frames that announce a channel switch, and where they name the channel: in an element
#: after its mode (section 9.6.2.6), or among the fixed fields after mode and operating class (section 9.6.7.7).
_SWITCH_ACTION = b"\x00\x04\x25\x03"
_EXTENDED_SWITCH_ACTION = b"\x04\x04"


def elements(body: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """Identifier and content of each element from ``at`` on, up to the first that does not fit."""
    while at + 2 <= len(body) and at + 2 + body[at + 1] <= len(body):
        yield body[at], body[at + 2 : at + 2 + body[at + 1]]
        at += 2 + body[at + 1]


def ssid_of(body: bytes, at: int) -> str:
    """The network name among the elements from ``at`` on; ``""`` when it is hidden, empty or missing."""
    for identifier, content in elements(body, at):
        if identifier == ELEMENT_SSID:
            text = content.rstrip(b"\0").decode("utf-8", "replace")
            return "".join(letter if letter.isprintable() else "�" for letter in text)
    return ""


def channel_of(body: bytes, at: int) -> int | None:
    """The channel number that a beacon announces, if it does."""
    for identifier, content in elements(body, at):
        if identifier in (ELEMENT_CHANNEL, ELEMENT_HT_OPERATION) and content:
            return content[0]
    return None


def switch_of(action: bytes) -> int:
    """The channel that an action frame announces a switch to, -1 when it announces none."""
    if action.startswith(_SWITCH_ACTION) and len(action) >= 7:
        return action[5]
    if action.startswith(_EXTENDED_SWITCH_ACTION) and len(action) >= 6:
        return action[4]
    return -1


def in_map(tim: bytes, aid: int) -> bool:
    """Whether a traffic indication map says that frames wait for the station with this association identifier."""
    octet = aid // 8 - (tim[2] & 0xFE)
    return 0 <= octet < len(tim) - 3 and bool(tim[3 + octet] >> (aid % 8) & 1)

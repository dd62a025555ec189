# cython: language_level=3, annotation_typing=False, wraparound=False
"""Read the radiotap and 802.11 headers of each row of the frame table into the air table beside it.

Data that is not encrypted (or was decrypted, see ``reveal``) is made Ethernet in place: the addresses are written before
the EtherType that LLC/SNAP ends with, and the row then points there, so that ``packets`` reads it like any other frame.
Each MSDU is made Ethernet once: not again for a retry, nor for the copy that an access point sends on inside its cell.
"""

from __future__ import annotations

from array import array

from halfopen.kernel.layout import (
    AIR_WIDTH,
    CAPTURED,
    FC_FROM_DS,
    FC_MORE_FRAGMENTS,
    FC_ORDER,
    FC_PROTECTED,
    FC_RETRY,
    FC_TO_DS,
    LENGTH,
    LINK,
    LINK_80211,
    LINK_ETHERNET,
    LINK_RADIOTAP,
    N_RELAY_WIDTH,
    N_RELAYED,
    N_RELAYS,
    N_SENDER_WIDTH,
    N_SENDERS,
    OFFSET,
    TIME,
    W_ABSENT,
    W_AGAIN,
    W_BODY,
    W_BSSID,
    W_CHANNEL,
    W_DAMAGED,
    W_END,
    W_ETHERTYPE,
    W_FLAGS,
    W_HEADER,
    W_INTERVAL,
    W_KIND,
    W_NO_RSSI,
    W_NO_TID,
    W_POLICY,
    W_RA,
    W_RSSI,
    W_SEQ,
    W_SEVERAL,
    W_SWITCH,
    W_TA,
    W_TID,
    W_TIM,
    W_TSF,
    WIDTH,
)

# radiotap, https://www.radiotap.org/fields/defined
RADIOTAP_TSFT = 0x01
RADIOTAP_FLAGS = 0x02
RADIOTAP_RATE = 0x04
RADIOTAP_CHANNEL = 0x08
RADIOTAP_FHSS = 0x10
RADIOTAP_SIGNAL = 0x20
RADIOTAP_EXTENDED = 0x80
HAS_FCS = 0x10
HAS_PADDING = 0x20
BAD_FCS = 0x40

MANAGEMENT = 0
CONTROL = 1
DATA = 2
PROBE_RESPONSE = 0x05
BEACON = 0x08
#: Control frames with a second address: BlockAckReq, BlockAck, PS-Poll, RTS, CF-End.
CONTROL_TA_FIRST = 0x18
CONTROL_TA_LAST = 0x1B
ELEMENT_TIM = 5
ELEMENT_CHANNEL_SWITCH = 37
ELEMENT_EXTENDED_CHANNEL_SWITCH = 60

#: Sequence numbers are counted in 12 bits, and so many before the newest are remembered.
SEQUENCES = 4096
REMEMBERED = 62
#: Content looked at to know a relayed frame again: all headers of TCP/IP.
DIGESTED = 80
DIGEST_MASK = 0xFFFFFFFFFFFFFF
#: An access point sends on what it received within this time, in nanoseconds.
RELAY_MAX = 1000000000
#: A sender silent for longer than this, in nanoseconds, retries nothing; it may have started anew.
RETRY_MAX = 2000000000


def address(data: bytearray, at: int) -> int:
    """The hardware address at ``at`` as a 48-bit number."""
    number = 0
    for index in range(6):
        number = number << 8 | data[at + index]
    return number


def little(data: bytearray, at: int, size: int) -> int:
    """The little-endian number of ``size`` bytes at ``at``, without the top bit of a 64-bit one."""
    number = 0
    for index in range(size):
        number = number << 8 | (data[at + size - 1 - index] & (0x7F if size == 8 and index == 0 else 0xFF))
    return number


def radiotap(data: bytearray, at: int, stop: int, air: array[int], base: int) -> int:
    """Read a radiotap header: sets channel and signal; its length << 8 | its flags field, -1 when it does not fit.

    Only the first six fields of the first present word are of interest, and nothing before them varies in size: what
    HT, VHT, HE and vendors add stands behind and is skipped by the header's length.
    """
    if stop - at < 8 or data[at] != 0:
        return -1
    length = data[at + 2] | data[at + 3] << 8
    if length < 8 or length > stop - at:
        return -1
    end = at + length
    present = data[at + 4]
    field = at + 8
    word = at + 4
    while data[word + 3] & RADIOTAP_EXTENDED:
        if end - field < 4:
            return -1
        word = field
        field += 4
    flags = 0
    if present & RADIOTAP_TSFT:
        field = at + ((field - at + 7) & ~7) + 8
    if present & RADIOTAP_FLAGS:
        if field >= end:
            return -1
        flags = data[field]
        field += 1
    if present & RADIOTAP_RATE:
        field += 1
    if present & RADIOTAP_CHANNEL:
        field = at + ((field - at + 1) & ~1)
        if end - field < 4:
            return -1
        air[base + W_CHANNEL] = data[field] | data[field + 1] << 8
        field += 4
    if present & RADIOTAP_FHSS:
        field = at + ((field - at + 1) & ~1) + 2
    if present & RADIOTAP_SIGNAL and field < end:
        air[base + W_RSSI] = data[field] - 256 if data[field] > 127 else data[field]
    return length << 8 | flags


def heard_before(memory: array[int], sender: int, tid: int, sequence: int, time: int) -> int:
    """Whether this sender's sequence number was heard lately; it is from now on."""
    slot = ((sender ^ sender >> 10 ^ sender >> 20 ^ tid * 97) & (N_SENDERS - 1)) * N_SENDER_WIDTH
    key = (sender << 5 | tid) + 1
    if memory[slot] != key or time - memory[slot + 3] > RETRY_MAX:
        memory[slot] = key
        memory[slot + 1] = sequence
        memory[slot + 2] = 1
        memory[slot + 3] = time
        return 0
    memory[slot + 3] = time
    ahead = (sequence - memory[slot + 1]) & (SEQUENCES - 1)
    bits = memory[slot + 2]
    one = 1  # compiled, a literal shifted by more than 31 would overflow a C int
    if ahead < SEQUENCES // 2:
        if ahead == 0:
            return 1
        bits = (bits & ((one << (REMEMBERED - ahead)) - 1)) << ahead if ahead < REMEMBERED else 0
        memory[slot + 1] = sequence
        memory[slot + 2] = bits | 1
        return 0
    behind = SEQUENCES - ahead
    if behind >= REMEMBERED:
        return 0
    memory[slot + 2] = bits | one << behind
    return bits >> behind & 1


def relayed(
    data: bytearray, body: int, end: int, ends: int, leaves: int, time: int, memory: array[int]
) -> int:
    """Whether this is what a station sent to the access point a moment ago, now on its way to another station.

    ``ends`` is a number made of both end addresses; ``leaves`` tells that the access point sends it.
    """
    digest = (ends ^ (end - body)) & DIGEST_MASK
    stop = body + DIGESTED if body + DIGESTED < end else end
    for at in range(body, stop):
        digest = (digest * 31 + data[at]) & DIGEST_MASK
    slot = N_RELAYED + ((digest ^ digest >> 20) & (N_RELAYS - 1)) * N_RELAY_WIDTH
    if not leaves:
        memory[slot] = digest
        memory[slot + 1] = time
        return 0
    if memory[slot] != digest or time - memory[slot + 1] > RELAY_MAX:
        return 0
    memory[slot] = -1
    return 1


def make_ethernet(data: bytearray, rows: array[int], row: int, air: array[int], memory: array[int]) -> int:
    """Point row number ``row`` at its payload as an Ethernet frame; 0 when this was done for the same MSDU before."""
    frame = row * WIDTH
    base = row * AIR_WIDTH
    at = air[base + W_HEADER]
    ways = air[base + W_FLAGS] & (FC_TO_DS | FC_FROM_DS)
    third = address(data, at + 16)
    destination = third if ways & FC_TO_DS else air[base + W_RA]
    source = air[base + W_TA]
    if ways == FC_FROM_DS:
        source = third
    elif ways == FC_TO_DS | FC_FROM_DS:
        source = address(data, at + 24)
    cut = rows[frame + LENGTH] - rows[frame + CAPTURED]
    end = air[base + W_END]
    if not place_ethernet(
        data, rows, frame, air[base + W_BODY], end, destination, source, ways, rows[frame + TIME], memory
    ):
        return 0
    rows[frame + LENGTH] += cut if cut > 0 else 0
    return 1


def place_ethernet(
    data: bytearray,
    rows: array[int],
    frame: int,
    body: int,
    end: int,
    destination: int,
    source: int,
    ways: int,
    time: int,
    memory: array[int],
) -> int:
    """Write the addresses before the EtherType of the LLC/SNAP at ``body`` and point the columns from ``frame`` on at
    them; 0 when the access point only sends on what was read on its way to it."""
    if ways in (FC_TO_DS, FC_FROM_DS):
        ends = destination ^ (source & 0xFFFFFFFF) << 16
        if relayed(data, body + 6, end, ends, ways == FC_FROM_DS, time, memory):
            return 0
    start = body - 6
    for index in range(6):
        data[start + index] = destination >> (40 - 8 * index) & 0xFF
        data[start + 6 + index] = source >> (40 - 8 * index) & 0xFF
    rows[frame + OFFSET] = start
    rows[frame + CAPTURED] = rows[frame + LENGTH] = end - start
    rows[frame + LINK] = LINK_ETHERNET
    return 1


def ethertype(data: bytearray, at: int, end: int) -> int:
    """The EtherType of the LLC/SNAP at ``at``, 0 when something else stands there."""
    if end - at >= 8 and data[at] == 0xAA and data[at + 1] == 0xAA and data[at + 2] == 3:
        return data[at + 6] << 8 | data[at + 7]
    return 0


def reveal(data: bytearray, rows: array[int], row: int, air: array[int], memory: array[int]) -> int:
    """Read what decryption left between W_BODY and W_END of row number ``row``; 1 when it now stands as Ethernet."""
    base = row * AIR_WIDTH
    if air[base + W_SEVERAL]:
        return 0
    air[base + W_ETHERTYPE] = ethertype(data, air[base + W_BODY], air[base + W_END])
    return make_ethernet(data, rows, row, air, memory) if air[base + W_ETHERTYPE] else 0


def take_apart(
    data: bytearray, rows: array[int], row: int, air: array[int], memory: array[int], parts: array[int]
) -> int:
    """Make each MSDU of the A-MSDU in row number ``row`` an Ethernet frame: how many stand in ``parts``, which is a
    frame table as well. Reading stops at the first subframe that does not fit, or when ``parts`` is full."""
    base = row * AIR_WIDTH
    at = air[base + W_BODY]
    end = air[base + W_END]
    ways = air[base + W_FLAGS] & (FC_TO_DS | FC_FROM_DS)
    count = 0
    while end - at >= 14 and (count + 1) * WIDTH <= len(parts):
        size = data[at + 12] << 8 | data[at + 13]
        stop = at + 14 + size
        if stop > end:
            if rows[row * WIDTH + LENGTH] <= rows[row * WIDTH + CAPTURED]:
                break
            stop = end  # the snap length cut it
        if ethertype(data, at + 14, stop):
            for column in range(WIDTH):
                parts[count * WIDTH + column] = rows[row * WIDTH + column]
            count += place_ethernet(
                data,
                parts,
                count * WIDTH,
                at + 14,
                stop,
                address(data, at),
                address(data, at + 6),
                ways,
                rows[row * WIDTH + TIME],
                memory,
            )
            if stop < at + 14 + size and count:
                parts[(count - 1) * WIDTH + LENGTH] += at + 14 + size - stop
        at += (14 + size + 3) & ~3  # each but the last is padded to a multiple of four
    return count


def management(data: bytearray, air: array[int], base: int, at: int) -> int:
    """Read a management header, and of a beacon the fixed fields, the map and a switch; 0 when they do not fit."""
    end = air[base + W_END]
    body = at + (28 if air[base + W_FLAGS] & FC_ORDER else 24)
    if body > end:
        return 0
    air[base + W_BODY] = body
    air[base + W_BSSID] = address(data, at + 16)
    if air[base + W_KIND] in (BEACON, PROBE_RESPONSE):
        if end - body < 12:
            return 0
        air[base + W_TSF] = little(data, body, 8)
        air[base + W_INTERVAL] = little(data, body + 8, 2)
        body += 12
        while air[base + W_KIND] == BEACON and end - body >= 2 and end - body - 2 >= data[body + 1]:
            if data[body] == ELEMENT_TIM and data[body + 1] >= 3:
                air[base + W_TIM] = body + 2
            elif data[body] == ELEMENT_CHANNEL_SWITCH and data[body + 1] >= 3:
                air[base + W_SWITCH] = data[body + 3]  # after the mode
            elif data[body] == ELEMENT_EXTENDED_CHANNEL_SWITCH and data[body + 1] >= 4:
                air[base + W_SWITCH] = data[body + 4]  # after mode and operating class
            body += 2 + data[body + 1]
    return 1


def data_header(data: bytearray, air: array[int], base: int, at: int, padded: int) -> int:
    """Read the header of a data frame and its LLC/SNAP; 0 when the header does not fit."""
    end = air[base + W_END]
    flags = air[base + W_FLAGS]
    ways = flags & (FC_TO_DS | FC_FROM_DS)
    header = 30 if ways == FC_TO_DS | FC_FROM_DS else 24
    if data[at] & 0x80:  # QoS
        if at + header + 2 > end:
            return 0
        air[base + W_TID] = data[at + header] & 15
        air[base + W_POLICY] = data[at + header] >> 5 & 3
        air[base + W_SEVERAL] = data[at + header] >> 7
        header += 6 if flags & FC_ORDER else 2
    if padded:
        header = (header + 3) & ~3
    if at + header > end:
        return 0
    if ways == FC_TO_DS:
        air[base + W_BSSID] = air[base + W_RA]
    elif ways == FC_FROM_DS:
        air[base + W_BSSID] = air[base + W_TA]
    body = at + header
    air[base + W_BODY] = body
    if data[at] & 0x40 or flags & FC_MORE_FRAGMENTS or data[at + 22] & 15:
        air[base + W_SEVERAL] = 0  # null data has no content, and fragments are left alone
        return 1
    if not flags & FC_PROTECTED and not air[base + W_SEVERAL]:
        air[base + W_ETHERTYPE] = ethertype(data, body, end)
    return 1


def read_header(
    data: bytearray, at: int, padded: int, air: array[int], base: int, memory: array[int], time: int
) -> int:
    """Read the 802.11 header at ``at``; 0 when it is damaged."""
    end = air[base + W_END]
    if end - at < 10 or data[at] & 3:
        return 0
    kind = (data[at] & 0x0C) << 2 | data[at] >> 4
    air[base + W_KIND] = kind
    air[base + W_HEADER] = at
    air[base + W_FLAGS] = data[at + 1]
    air[base + W_RA] = address(data, at + 4)
    if kind >> 4 == CONTROL:
        if CONTROL_TA_FIRST <= kind <= CONTROL_TA_LAST:
            if end - at < 16:
                return 0
            air[base + W_TA] = address(data, at + 10)
            air[base + W_BODY] = at + 16
        return 1
    if kind >> 4 not in (MANAGEMENT, DATA):
        air[base + W_RA] = -1  # extension frames have headers of their own
        return 1
    if end - at < 24:
        return 0
    air[base + W_TA] = address(data, at + 10)
    air[base + W_SEQ] = data[at + 22] >> 4 | data[at + 23] << 4
    if kind >> 4 == MANAGEMENT:
        if not management(data, air, base, at):
            return 0
    elif not data_header(data, air, base, at, padded):
        return 0
    again = heard_before(memory, air[base + W_TA], air[base + W_TID], air[base + W_SEQ], time)
    air[base + W_AGAIN] = again if data[at + 1] & FC_RETRY else 0
    return 1


def read_air(data: bytearray, rows: array[int], count: int, air: array[int], memory: array[int]) -> int:
    """Read the first ``count`` rows, those of 802.11 into ``air``; how many of them were made Ethernet."""
    made = 0
    for row in range(count):
        frame = row * WIDTH
        base = row * AIR_WIDTH
        for column in range(AIR_WIDTH):
            air[base + column] = -1
        air[base + W_TID] = W_NO_TID
        air[base + W_RSSI] = W_NO_RSSI
        air[base + W_AGAIN] = air[base + W_ETHERTYPE] = air[base + W_CHANNEL] = air[base + W_SEVERAL] = 0
        air[base + W_POLICY] = 0
        air[base + W_KIND] = W_ABSENT
        link = rows[frame + LINK]
        if link not in (LINK_80211, LINK_RADIOTAP):
            continue
        air[base + W_KIND] = W_DAMAGED
        at = rows[frame + OFFSET]
        stop = at + rows[frame + CAPTURED]
        flags = 0
        if link == LINK_RADIOTAP:
            flags = radiotap(data, at, stop, air, base)
            if flags < 0:
                continue
            at += flags >> 8
        cut = rows[frame + LENGTH] - rows[frame + CAPTURED]
        if cut < 0:
            cut = 0
        air[base + W_END] = stop - 4 + cut if flags & HAS_FCS and cut < 4 else stop
        if flags & BAD_FCS or not read_header(
            data, at, flags & HAS_PADDING, air, base, memory, rows[frame + TIME]
        ):
            air[base + W_KIND] = W_DAMAGED
        elif air[base + W_ETHERTYPE] and not air[base + W_AGAIN]:
            made += make_ethernet(data, rows, row, air, memory)
    return made

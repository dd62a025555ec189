# cython: language_level=3, annotation_typing=False, wraparound=False, boundscheck=False, initializedcheck=False, cdivision=True
"""Read the radiotap and 802.11 headers of a row of the frame table into a row of the air table.

Data that is not encrypted (or was decrypted, see ``reveal``) is made Ethernet in place: the addresses are written before
the EtherType that LLC/SNAP ends with, and the row then points there, so that ``packets`` reads it like any other frame.
Each MSDU is made Ethernet once: not again for a retry, nor for the copy that an access point sends on inside its cell.
"""

from __future__ import annotations

from halfopen.kernel import layout as k
from halfopen.kernel import octets
from halfopen.kernel import protocol as p
from halfopen.kernel.frames import Frames


def little(f: Frames, at: int, size: int) -> int:
    """The little-endian number of ``size`` bytes at ``at``, without the top bit of a 64-bit one."""
    number = 0
    for index in range(size):
        number = number << 8 | (f.data[at + size - 1 - index] & (0x7F if size == 8 and index == 0 else 0xFF))
    return number


def radiotap(f: Frames, at: int, stop: int, base: int) -> int:
    """Read a radiotap header: sets channel and signal; its length << 8 | its flags field, -1 when it does not fit.

    Only the first six fields of the first present word are of interest, and nothing before them varies in size: what
    HT, VHT, HE and vendors add stands behind and is skipped by the header's length.
    """
    if stop - at < 8 or f.data[at] != 0:
        return -1
    length = f.data[at + 2] | f.data[at + 3] << 8
    if length < 8 or length > stop - at:
        return -1
    end = at + length
    present = f.data[at + 4]
    field = at + 8
    word = at + 4
    while f.data[word + 3] & p.RADIOTAP_EXTENDED:
        if end - field < 4:
            return -1
        word = field
        field += 4
    flags = 0
    if present & p.RADIOTAP_TSFT:
        field = at + ((field - at + 7) & ~7) + 8
    if present & p.RADIOTAP_FLAGS:
        if field >= end:
            return -1
        flags = f.data[field]
        field += 1
    if present & p.RADIOTAP_RATE:
        field += 1
    if present & p.RADIOTAP_CHANNEL:
        field = at + ((field - at + 1) & ~1)
        if end - field < 4:
            return -1
        f.air[base + k.W_CHANNEL] = f.data[field] | f.data[field + 1] << 8
        field += 4
    if present & p.RADIOTAP_FHSS:
        field = at + ((field - at + 1) & ~1) + 2
    if present & p.RADIOTAP_SIGNAL and field < end:
        f.air[base + k.W_RSSI] = f.data[field] - 256 if f.data[field] > 127 else f.data[field]
    return length << 8 | flags


def heard_before(f: Frames, sender: int, tid: int, sequence: int, time: int) -> int:
    """Whether this sender's sequence number was heard lately; it is from now on."""
    slot = ((sender ^ sender >> 10 ^ sender >> 20 ^ tid * 97) & (k.N_SENDERS - 1)) * k.N_SENDER_WIDTH
    key = (sender << 5 | tid) + 1
    if f.memory[slot] != key or time - f.memory[slot + 3] > p.RETRY_MAX:
        f.memory[slot] = key
        f.memory[slot + 1] = sequence
        f.memory[slot + 2] = 1
        f.memory[slot + 3] = time
        return 0
    f.memory[slot + 3] = time
    ahead = (sequence - f.memory[slot + 1]) & (p.SEQUENCES - 1)
    bits = f.memory[slot + 2]
    one = 1  # compiled, a literal shifted by more than 31 would overflow a C int
    if ahead < p.SEQUENCES // 2:
        if ahead == 0:
            return 1
        bits = (bits & ((one << (p.REMEMBERED - ahead)) - 1)) << ahead if ahead < p.REMEMBERED else 0
        f.memory[slot + 1] = sequence
        f.memory[slot + 2] = bits | 1
        return 0
    behind = p.SEQUENCES - ahead
    if behind >= p.REMEMBERED:
        return 0
    f.memory[slot + 2] = bits | one << behind
    return bits >> behind & 1


def relayed(f: Frames, body: int, end: int, ends: int, leaves: int, time: int) -> int:
    """Whether this is what a station sent to the access point a moment ago, now on its way to another station.

    ``ends`` is a number made of both end addresses; ``leaves`` tells that the access point sends it.
    """
    digest = (ends ^ (end - body)) & p.DIGEST_MASK
    stop = body + p.DIGESTED if body + p.DIGESTED < end else end
    at = body
    while stop - at >= 4:
        digest = (digest * 31 + octets.quad_at(f, at)) & p.DIGEST_MASK
        digest ^= digest >> 23
        at += 4
    while at < stop:
        digest = (digest * 31 + f.data[at]) & p.DIGEST_MASK
        at += 1
    slot = k.N_RELAYED + ((digest ^ digest >> 20) & (k.N_RELAYS - 1)) * k.N_RELAY_WIDTH
    if not leaves:
        f.memory[slot] = digest
        f.memory[slot + 1] = time
        return 0
    if f.memory[slot] != digest or time - f.memory[slot + 1] > p.RELAY_MAX:
        return 0
    f.memory[slot] = -1
    return 1


def make_ethernet(f: Frames, row: int, base: int) -> int:
    """Point row number ``row`` at its payload as an Ethernet frame; 0 when this was done for the same MSDU before."""
    frame = row * k.WIDTH
    at = f.air[base + k.W_HEADER]
    ways = f.air[base + k.W_FLAGS] & (k.FC_TO_DS | k.FC_FROM_DS)
    third = octets.hardware_at(f, at + 16)
    destination = third if ways & k.FC_TO_DS else f.air[base + k.W_RA]
    source = f.air[base + k.W_TA]
    if ways == k.FC_FROM_DS:
        source = third
    elif ways == k.FC_TO_DS | k.FC_FROM_DS:
        source = octets.hardware_at(f, at + 24)
    cut = f.rows[frame + k.LENGTH] - f.rows[frame + k.CAPTURED]
    end = f.air[base + k.W_END]
    if not place_ethernet(
        f, f, frame, f.air[base + k.W_BODY], end, destination, source, ways, f.rows[frame + k.TIME]
    ):
        return 0
    f.rows[frame + k.LENGTH] += cut if cut > 0 else 0
    return 1


def place_ethernet(
    f: Frames,
    g: Frames,
    frame: int,
    body: int,
    end: int,
    destination: int,
    source: int,
    ways: int,
    time: int,
) -> int:
    """Write the addresses before the EtherType of the LLC/SNAP at ``body`` and point the columns from ``frame`` on of
    ``g``'s frame table at them; 0 when the access point only sends on what was read on its way to it."""
    if ways in (k.FC_TO_DS, k.FC_FROM_DS):
        ends = destination ^ (source & p.WORD_MASK) << 16
        if relayed(f, body + 6, end, ends, ways == k.FC_FROM_DS, time):
            return 0
    start = body - 6
    for index in range(6):
        f.data[start + index] = destination >> (40 - 8 * index) & 0xFF
        f.data[start + 6 + index] = source >> (40 - 8 * index) & 0xFF
    g.rows[frame + k.OFFSET] = start
    g.rows[frame + k.CAPTURED] = g.rows[frame + k.LENGTH] = end - start
    g.rows[frame + k.LINK] = k.LINK_ETHERNET
    return 1


def ethertype(f: Frames, at: int, end: int) -> int:
    """The EtherType of the LLC/SNAP at ``at``, 0 when something else stands there."""
    if end - at >= 8 and f.data[at] == 0xAA and f.data[at + 1] == 0xAA and f.data[at + 2] == 3:
        return octets.pair_at(f, at + 6)
    return 0


def reveal(f: Frames, row: int, base: int) -> int:
    """Read what decryption left between W_BODY and W_END of row number ``row``, whose air row stands at ``base``; 1 when it
    now stands as Ethernet."""
    if f.air[base + k.W_SEVERAL]:
        return 0
    f.air[base + k.W_ETHERTYPE] = ethertype(f, f.air[base + k.W_BODY], f.air[base + k.W_END])
    return make_ethernet(f, row, base) if f.air[base + k.W_ETHERTYPE] else 0


def take_apart(f: Frames, row: int, base: int, parts: Frames) -> int:
    """Make each MSDU of the A-MSDU in row number ``row``, whose air row stands at ``base``, an Ethernet frame: how many stand
    in the frame table of ``parts``. Reading stops at the first subframe that does not fit, or when that table is full."""
    at = f.air[base + k.W_BODY]
    end = f.air[base + k.W_END]
    ways = f.air[base + k.W_FLAGS] & (k.FC_TO_DS | k.FC_FROM_DS)
    count = 0
    while end - at >= 14 and (count + 1) * k.WIDTH <= len(parts.rows):
        size = octets.pair_at(f, at + 12)
        stop = at + 14 + size
        if stop > end:
            if f.rows[row * k.WIDTH + k.LENGTH] <= f.rows[row * k.WIDTH + k.CAPTURED]:
                break
            stop = end  # the snap length cut it
        if ethertype(f, at + 14, stop):
            for column in range(k.WIDTH):
                parts.rows[count * k.WIDTH + column] = f.rows[row * k.WIDTH + column]
            count += place_ethernet(
                f,
                parts,
                count * k.WIDTH,
                at + 14,
                stop,
                octets.hardware_at(f, at),
                octets.hardware_at(f, at + 6),
                ways,
                f.rows[row * k.WIDTH + k.TIME],
            )
            if stop < at + 14 + size and count:
                parts.rows[(count - 1) * k.WIDTH + k.LENGTH] += at + 14 + size - stop
        at += (14 + size + 3) & ~3  # each but the last is padded to a multiple of four
    return count


def management(f: Frames, base: int, at: int) -> int:
    """Read a management header, and of a beacon the fixed fields, the map and a switch; 0 when they do not fit."""
    end = f.air[base + k.W_END]
    body = at + (28 if f.air[base + k.W_FLAGS] & k.FC_ORDER else 24)
    if body > end:
        return 0
    f.air[base + k.W_BODY] = body
    f.air[base + k.W_BSSID] = octets.hardware_at(f, at + 16)
    if f.air[base + k.W_KIND] in (p.BEACON, p.PROBE_RESPONSE):
        if end - body < 12:
            return 0
        f.air[base + k.W_TSF] = little(f, body, 8)
        f.air[base + k.W_INTERVAL] = little(f, body + 8, 2)
        body += 12
        while f.air[base + k.W_KIND] == p.BEACON and end - body >= 2 and end - body - 2 >= f.data[body + 1]:
            if f.data[body] == p.ELEMENT_TIM and f.data[body + 1] >= 3:
                f.air[base + k.W_TIM] = body + 2
            elif f.data[body] == p.ELEMENT_CHANNEL_SWITCH and f.data[body + 1] >= 3:
                f.air[base + k.W_SWITCH] = f.data[body + 3]  # after the mode
            elif f.data[body] == p.ELEMENT_EXTENDED_CHANNEL_SWITCH and f.data[body + 1] >= 4:
                f.air[base + k.W_SWITCH] = f.data[body + 4]  # after mode and operating class
            body += 2 + f.data[body + 1]
    return 1


def data_header(f: Frames, base: int, at: int, padded: int) -> int:
    """Read the header of a data frame and its LLC/SNAP; 0 when the header does not fit."""
    end = f.air[base + k.W_END]
    flags = f.air[base + k.W_FLAGS]
    ways = flags & (k.FC_TO_DS | k.FC_FROM_DS)
    header = 30 if ways == k.FC_TO_DS | k.FC_FROM_DS else 24
    if f.data[at] & 0x80:  # QoS
        if at + header + 2 > end:
            return 0
        f.air[base + k.W_TID] = f.data[at + header] & 15
        f.air[base + k.W_POLICY] = f.data[at + header] >> 5 & 3
        f.air[base + k.W_SEVERAL] = f.data[at + header] >> 7
        header += 6 if flags & k.FC_ORDER else 2
    if padded:
        header = (header + 3) & ~3
    if at + header > end:
        return 0
    if ways == k.FC_TO_DS:
        f.air[base + k.W_BSSID] = f.air[base + k.W_RA]
    elif ways == k.FC_FROM_DS:
        f.air[base + k.W_BSSID] = f.air[base + k.W_TA]
    body = at + header
    f.air[base + k.W_BODY] = body
    if f.data[at] & 0x40 or flags & k.FC_MORE_FRAGMENTS or f.data[at + 22] & 15:
        f.air[base + k.W_SEVERAL] = 0  # null data has no content, and fragments are left alone
        return 1
    if not flags & k.FC_PROTECTED and not f.air[base + k.W_SEVERAL]:
        f.air[base + k.W_ETHERTYPE] = ethertype(f, body, end)
    return 1


def read_header(f: Frames, at: int, padded: int, base: int, time: int) -> int:
    """Read the 802.11 header at ``at``; 0 when it is damaged."""
    end = f.air[base + k.W_END]
    if end - at < 10 or f.data[at] & 3:
        return 0
    kind = (f.data[at] & 0x0C) << 2 | f.data[at] >> 4
    f.air[base + k.W_KIND] = kind
    f.air[base + k.W_HEADER] = at
    f.air[base + k.W_FLAGS] = f.data[at + 1]
    f.air[base + k.W_RA] = octets.hardware_at(f, at + 4)
    if kind >> 4 == p.CONTROL:
        if p.CONTROL_TA_FIRST <= kind <= p.CONTROL_TA_LAST:
            if end - at < 16:
                return 0
            f.air[base + k.W_TA] = octets.hardware_at(f, at + 10)
            f.air[base + k.W_BODY] = at + 16
        return 1
    if kind >> 4 not in (p.MANAGEMENT, p.DATA):
        f.air[base + k.W_RA] = -1  # extension frames have headers of their own
        return 1
    if end - at < 24:
        return 0
    f.air[base + k.W_TA] = octets.hardware_at(f, at + 10)
    f.air[base + k.W_SEQ] = f.data[at + 22] >> 4 | f.data[at + 23] << 4
    if kind >> 4 == p.MANAGEMENT:
        if not management(f, base, at):
            return 0
    elif not data_header(f, base, at, padded):
        return 0
    again = heard_before(f, f.air[base + k.W_TA], f.air[base + k.W_TID], f.air[base + k.W_SEQ], time)
    f.air[base + k.W_AGAIN] = again if f.data[at + 1] & k.FC_RETRY else 0
    return 1


def read_row(f: Frames, row: int, base: int) -> int:
    """Read row number ``row`` into the air row at ``base``; 1 when it was made Ethernet."""
    frame = row * k.WIDTH
    for column in range(k.AIR_WIDTH):
        f.air[base + column] = -1
    f.air[base + k.W_TID] = k.W_NO_TID
    f.air[base + k.W_RSSI] = k.W_NO_RSSI
    f.air[base + k.W_AGAIN] = f.air[base + k.W_ETHERTYPE] = f.air[base + k.W_CHANNEL] = 0
    f.air[base + k.W_SEVERAL] = f.air[base + k.W_POLICY] = 0
    f.air[base + k.W_KIND] = k.W_ABSENT
    link = f.rows[frame + k.LINK]
    if link not in (k.LINK_80211, k.LINK_RADIOTAP):
        return 0
    f.air[base + k.W_KIND] = k.W_DAMAGED
    at = f.rows[frame + k.OFFSET]
    stop = at + f.rows[frame + k.CAPTURED]
    flags = 0
    if link == k.LINK_RADIOTAP:
        flags = radiotap(f, at, stop, base)
        if flags < 0:
            return 0
        at += flags >> 8
    cut = f.rows[frame + k.LENGTH] - f.rows[frame + k.CAPTURED]
    if cut < 0:
        cut = 0
    f.air[base + k.W_END] = stop - 4 + cut if flags & p.HAS_FCS and cut < 4 else stop
    if flags & p.BAD_FCS or not read_header(f, at, flags & p.HAS_PADDING, base, f.rows[frame + k.TIME]):
        f.air[base + k.W_KIND] = k.W_DAMAGED
        return 0
    return make_ethernet(f, row, base) if f.air[base + k.W_ETHERTYPE] and not f.air[base + k.W_AGAIN] else 0


def read_air(f: Frames, count: int) -> int:
    """Read the first ``count`` rows, each into an air row of its own; how many of them were made Ethernet."""
    made = 0
    for row in range(count):
        made += read_row(f, row, row * k.AIR_WIDTH)
    return made

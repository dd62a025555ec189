# cython: language_level=3, annotation_typing=False, wraparound=False
"""Follow TCP conversations over the rows of the frame table: which conversation, which side, what it shows.

The bits named as in Wireshark follow its ``tcp.analysis`` (packet-tcp.c of release 4.0), because people
compare. Differences by design, each also a case in ``tests/kernel/test_flows_against_tshark.py``:

* Linux probes a zero window with what looks like a keepalive; it stays ``B_KEEPALIVE`` and is
  ``B_PROBES_ZERO`` as well, and is counted as a probe into a zero window, not as a keepalive.
* Only the first fragment of a datagram carries ports and is followed; Wireshark waits for the last one.
* A fast retransmission follows two duplicate ACKs; Wireshark 4.0 also takes one that follows an ACK of what
  was not captured.
* Sequence number 0 is a number like any other; Wireshark takes an expected 0 for "unknown".
"""

from __future__ import annotations

from array import array

from halfopen.kernel.layout import (
    ACK,
    B_ACKS_RESENT,
    B_ANSWERS_PROBE,
    B_DUPLICATE_ACK,
    B_ESTABLISHED,
    B_FAST,
    B_KEEPALIVE,
    B_KEEPALIVE_ACK,
    B_NEW,
    B_NOTABLE,
    B_OUT_OF_ORDER,
    B_PROBES_ZERO,
    B_REOPENED,
    B_RESENT,
    B_RETRANSMISSION,
    B_SPEAKS,
    B_SPURIOUS,
    B_WINDOW_FULL,
    B_WINDOW_PROBE,
    B_WINDOW_PROBE_ACK,
    B_WINDOW_UPDATE,
    B_ZERO_WINDOW,
    BITS,
    BODY,
    DESTINATION,
    DPORT,
    F_ADDRESSES,
    F_AFTER,
    F_BEFORE,
    F_BUCKET,
    F_CHAIN,
    F_ESTABLISHED,
    F_FAMILY,
    F_FIRST_RTT,
    F_FRAMES,
    F_GAP,
    F_LAST,
    F_MACS,
    F_PORTS,
    F_PREVIOUS,
    F_SIDES,
    F_SYN_TIME,
    FAMILY,
    FLAGS,
    FLOW_WIDTH,
    GAP,
    KIND,
    MAC,
    MSS,
    O_FRAME,
    PAYLOAD,
    PEER_MAC,
    Q_FIRST,
    Q_LENGTH,
    R_BITS,
    R_FRAME,
    R_SEQ,
    R_SHAPE,
    R_SIDE,
    R_TIME,
    R_WIDTH,
    S_ACK,
    S_ACK_TIME,
    S_ACKED,
    S_BITS,
    S_DATA_END,
    S_DATA_START,
    S_DUPLICATES,
    S_FINS,
    S_FIRST,
    S_HAS_ACKED,
    S_HAS_DATA,
    S_HAS_NEXT,
    S_ISN,
    S_KEEPALIVES,
    S_LAST,
    S_LAST_PAYLOAD,
    S_MSS,
    S_NEXT,
    S_NEXT_TIME,
    S_PACKETS,
    S_PAYLOAD,
    S_PROBE_OPEN,
    S_PROBING,
    S_QUEUE,
    S_RESENT,
    S_RESENT_END,
    S_RETRANSMISSIONS,
    S_RST_WINDOW,
    S_RSTS,
    S_SCALE,
    S_SYNS,
    S_WINDOW,
    S_WINDOW_FIRST,
    S_WINDOW_LAST,
    S_WINDOW_MAX,
    S_WINDOW_MIN,
    S_ZERO,
    S_ZEROS,
    SCALE,
    SEQ,
    SIDE,
    SIDE_WIDTH,
    SLOT,
    SOURCE,
    SPORT,
    T_FREE,
    T_MASK,
    T_NOTABLE,
    TCP,
    TCP_ACK,
    TCP_FIN,
    TCP_RST,
    TCP_SYN,
    TIME,
    UNREACHABLE,
    WIDTH,
    WINDOW,
)

#: Sequence numbers are 32 bits wide and wrap (RFC 9293 section 3.4).
SEQUENCE_MASK = 0xFFFFFFFF
SEQUENCE_HALF = 0x80000000
#: Wireshark's times: a segment is out of order, not resent, within 3 ms when no round trip was measured,
#: and a fast retransmission follows the duplicate acknowledgement within 20 ms.
OUT_OF_ORDER_NS = 3000000
FAST_NS = 20000000
#: Answers of ``locate`` that are no conversation.
NO_CONVERSATION = -1
NO_ROOM = -2


def after(a: int, b: int) -> bool:
    """Whether sequence number ``a`` comes after ``b``."""
    return 0 < ((a - b) & SEQUENCE_MASK) < SEQUENCE_HALF


def address_word(data: bytes | bytearray, at: int, family: int, index: int) -> int:
    """Word ``index`` of the address at ``at``; IPv4 addresses have only the first."""
    if index > 0 and family == 4:
        return 0
    number = 0
    for byte in range(index * 4, index * 4 + 4):
        number = number << 8 | data[at + byte]
    return number


def endpoint_hash(data: bytes | bytearray, at: int, family: int, port: int) -> int:
    """31 bits that spread endpoints over buckets."""
    mixed = port
    for index in range(4):
        mixed = (mixed * 1000003 ^ address_word(data, at, family, index)) & 0x7FFFFFFF
    return mixed ^ mixed >> 15


def same_address(data: bytes | bytearray, at: int, family: int, state: array[int], base: int) -> bool:
    """Whether the address at ``at`` is the one stored at ``base``."""
    for index in range(4):  # noqa: SIM110 (a generator would not compile to a loop)
        if state[base + index] != address_word(data, at, family, index):
            return False
    return True


def find(
    data: bytes | bytearray,
    family: int,
    source: int,
    destination: int,
    sport: int,
    dport: int,
    bucket: int,
    state: array[int],
    heads: array[int],
) -> int:
    """Twice the slot of the conversation of two endpoints, plus the side that ``source`` is; -1 if none."""
    slot = heads[bucket]
    while slot >= 0:
        flow = slot * FLOW_WIDTH
        if state[flow + F_FAMILY] == family:
            if (
                state[flow + F_PORTS] == sport
                and state[flow + F_PORTS + 1] == dport
                and same_address(data, source, family, state, flow + F_ADDRESSES)
                and same_address(data, destination, family, state, flow + F_ADDRESSES + 4)
            ):
                return slot * 2
            if (
                state[flow + F_PORTS] == dport
                and state[flow + F_PORTS + 1] == sport
                and same_address(data, destination, family, state, flow + F_ADDRESSES)
                and same_address(data, source, family, state, flow + F_ADDRESSES + 4)
            ):
                return slot * 2 + 1
        slot = state[flow + F_CHAIN]
    return -1


def hardware_address(data: bytes | bytearray, at: int) -> int:
    """The 48-bit number at ``at``, -1 where there is none."""
    if at < 0:
        return -1
    number = 0
    for index in range(6):
        number = number << 8 | data[at + index]
    return number


def unlink(slot: int, state: array[int], heads: array[int]) -> None:
    """Take a conversation out of its bucket: frames no longer find it."""
    flow = slot * FLOW_WIDTH
    bucket = state[flow + F_BUCKET]
    following = state[flow + F_CHAIN]
    if heads[bucket] == slot:
        heads[bucket] = following
        return
    other = heads[bucket]
    while other >= 0:
        if state[other * FLOW_WIDTH + F_CHAIN] == slot:
            state[other * FLOW_WIDTH + F_CHAIN] = following
            return
        other = state[other * FLOW_WIDTH + F_CHAIN]


def create(
    data: bytes | bytearray,
    rows: array[int],
    base: int,
    bucket: int,
    previous: int,
    state: array[int],
    heads: array[int],
    registers: array[int],
) -> int:
    """A new conversation begun by the frame at ``base``; its slot. The free list must not be empty."""
    slot = registers[T_FREE]
    flow = slot * FLOW_WIDTH
    registers[T_FREE] = state[flow + F_CHAIN]
    for field in range(FLOW_WIDTH):
        state[flow + field] = 0
    state[flow + F_CHAIN] = heads[bucket]
    heads[bucket] = slot
    state[flow + F_BUCKET] = bucket
    family = rows[base + FAMILY]
    state[flow + F_FAMILY] = family
    for index in range(4):
        state[flow + F_ADDRESSES + index] = address_word(data, rows[base + SOURCE], family, index)
        state[flow + F_ADDRESSES + 4 + index] = address_word(data, rows[base + DESTINATION], family, index)
    state[flow + F_PORTS] = rows[base + SPORT]
    state[flow + F_PORTS + 1] = rows[base + DPORT]
    state[flow + F_MACS] = hardware_address(data, rows[base + MAC])
    state[flow + F_MACS + 1] = hardware_address(data, rows[base + PEER_MAC])
    state[flow + F_PREVIOUS] = previous
    state[flow + F_SYN_TIME] = -1
    state[flow + F_FIRST_RTT] = -1
    for side in range(2):
        s = flow + F_SIDES + side * SIDE_WIDTH
        state[s + S_SCALE] = -1
        state[s + S_WINDOW_FIRST] = -1
        state[s + S_RST_WINDOW] = -1
    return slot


def resend_bits(rows: array[int], base: int, state: array[int], flow: int, s: int, r: int, bits: int) -> int:
    """Which kind of retransmission a segment with data, SYN or FIN is, as bits; 0 when it is none."""
    seq = rows[base + SEQ]
    payload = rows[base + PAYLOAD]
    moment = rows[base + TIME]
    if bits & B_KEEPALIVE:
        return 0
    expected = state[s + S_NEXT]
    stale = state[s + S_HAS_NEXT] and after(expected, seq)
    if payload > 1 and seq == (expected - 1) & SEQUENCE_MASK:
        stale = False  # it adds data after what may have been a window probe
    end = (seq + payload) & SEQUENCE_MASK
    if payload > 0 and state[r + S_ACK] != 0 and not after(end, state[r + S_ACK]):
        return B_SPURIOUS
    if not stale:
        return 0
    if state[r + S_DUPLICATES] >= 2 and state[r + S_ACK] == seq and moment - state[r + S_ACK_TIME] < FAST_NS:
        return B_FAST
    patience = state[flow + F_FIRST_RTT]
    if patience <= 0:
        patience = OUT_OF_ORDER_NS
    if rows[base + FLAGS] & (TCP_SYN | TCP_FIN):
        end = (end + 1) & SEQUENCE_MASK
    if moment - state[s + S_NEXT_TIME] < patience and expected != end:
        return B_OUT_OF_ORDER
    return B_RETRANSMISSION


def window_bits(rows: array[int], base: int, state: array[int], s: int, r: int) -> int:
    """What a frame without SYN, FIN or RST shows of windows, probes and repeated ACKs, as bits."""
    seq = rows[base + SEQ]
    ack = rows[base + ACK]
    window = rows[base + WINDOW]
    payload = rows[base + PAYLOAD]
    known = state[s + S_HAS_NEXT]
    expected = state[s + S_NEXT]
    bits = 0
    if window == 0:
        bits |= B_ZERO_WINDOW
    if known and payload <= 1 and seq == (expected - 1) & SEQUENCE_MASK:
        bits |= B_KEEPALIVE
    if payload > 0:
        shift = state[r + S_SCALE]
        if shift < 0 or state[s + S_SCALE] < 0:
            shift = 0
        edge = state[r + S_ACK] + (state[r + S_WINDOW] << shift)
        # Scaling is ruled out by either SYN without the option, so one of them is enough to know.
        known = state[r + S_SYNS] > 0 or (state[s + S_SYNS] > 0 and state[s + S_SCALE] < 0)
        if known and (seq + payload) & SEQUENCE_MASK == edge & SEQUENCE_MASK:
            bits |= B_WINDOW_FULL
        return bits
    if not known or seq != expected:
        return bits
    repeats = ack == state[s + S_ACK] and window == state[s + S_WINDOW]
    if window != 0:
        if ack == state[s + S_ACK] and not repeats:
            bits |= B_WINDOW_UPDATE
        if repeats and state[r + S_BITS] & B_KEEPALIVE:
            bits |= B_KEEPALIVE_ACK
        elif repeats:
            bits |= B_DUPLICATE_ACK
    elif repeats and state[r + S_BITS] & B_WINDOW_PROBE:
        bits |= B_WINDOW_PROBE_ACK
    return bits


def classify(rows: array[int], base: int, state: array[int], flow: int, s: int, r: int) -> int:
    """The bits that Wireshark's analysis would show, from the state before this frame."""
    flags = rows[base + FLAGS]
    payload = rows[base + PAYLOAD]
    plain = flags & (TCP_SYN | TCP_FIN | TCP_RST) == 0
    bits = 0
    if (
        payload == 1
        and state[s + S_HAS_NEXT]
        and rows[base + SEQ] == state[s + S_NEXT]
        and state[r + S_PACKETS] > 0
        and state[r + S_WINDOW] == 0
    ):
        bits = B_WINDOW_PROBE
    elif plain:
        bits = window_bits(rows, base, state, s, r)
    if bits & B_DUPLICATE_ACK:
        state[s + S_DUPLICATES] += 1
    if rows[base + ACK] != state[s + S_ACK]:
        state[s + S_DUPLICATES] = 0
    if payload > 0 or flags & (TCP_SYN | TCP_FIN):
        bits |= resend_bits(rows, base, state, flow, s, r, bits)
    return bits


def quote(rows: array[int], base: int, frame: int, bits: int, state: array[int], at: int) -> None:
    """Write what is needed to quote the frame later."""
    state[at + R_FRAME] = frame
    state[at + R_TIME] = rows[base + TIME]
    state[at + R_SEQ] = rows[base + SEQ]
    state[at + R_SEQ + 1] = rows[base + ACK]
    state[at + R_SHAPE] = rows[base + FLAGS] | rows[base + WINDOW] << 8 | rows[base + PAYLOAD] << 24
    state[at + R_BITS] = bits
    state[at + R_SIDE] = rows[base + SIDE]


def advance(rows: array[int], base: int, frame: int, bits: int, state: array[int], s: int) -> None:
    """Move the sender's sequence state on, and remember a first transmission until it is acknowledged."""
    flags = rows[base + FLAGS]
    payload = rows[base + PAYLOAD]
    seq = rows[base + SEQ]
    end = (seq + payload) & SEQUENCE_MASK
    if bits & B_WINDOW_PROBE == 0:
        if payload > 0 and bits & B_KEEPALIVE == 0:
            if not state[s + S_HAS_DATA]:
                state[s + S_HAS_DATA] = 1
                state[s + S_DATA_START] = seq
                state[s + S_DATA_END] = end
            elif after(end, state[s + S_DATA_END]):
                state[s + S_DATA_END] = end
        if flags & (TCP_SYN | TCP_FIN):
            end = (end + 1) & SEQUENCE_MASK
        if not state[s + S_HAS_NEXT] or after(end, state[s + S_NEXT]):
            state[s + S_HAS_NEXT] = 1
            state[s + S_NEXT] = end
            state[s + S_NEXT_TIME] = rows[base + TIME]
    if bits & (B_RESENT | B_KEEPALIVE | B_OUT_OF_ORDER) == 0 and end != seq and state[s + S_QUEUE] < Q_LENGTH:
        quote(rows, base, frame, bits, state, s + Q_FIRST + state[s + S_QUEUE] * R_WIDTH)
        state[s + S_QUEUE] += 1
    if bits & B_RESENT:
        name_original(rows, base, state, s)
        state[s + S_RETRANSMISSIONS] += 1
        if not state[s + S_RESENT] or after(end, state[s + S_RESENT_END]):
            state[s + S_RESENT_END] = end
        state[s + S_RESENT] = 1


def name_original(rows: array[int], base: int, state: array[int], s: int) -> None:
    """Copy what a retransmission repeats into its row, if it is still remembered."""
    seq = rows[base + SEQ]
    rows[base + O_FRAME] = 0
    for index in range(state[s + S_QUEUE]):
        old = s + Q_FIRST + index * R_WIDTH
        size = state[old + R_SHAPE] >> 24
        if size == 0:
            size = 1  # a SYN or FIN
        if (seq - state[old + R_SEQ]) & SEQUENCE_MASK < size:
            for field in range(R_WIDTH):
                rows[base + O_FRAME + field] = state[old + field]
            return


def acknowledge(rows: array[int], base: int, state: array[int], s: int, r: int) -> int:
    """Take the acknowledgement of a frame from side ``s`` for what ``r`` sent; bits that it earns."""
    ack = rows[base + ACK]
    bits = 0
    advanced = not state[s + S_HAS_ACKED] or after(ack, state[s + S_ACKED])
    if advanced:
        state[s + S_HAS_ACKED] = 1
        state[s + S_ACKED] = ack
    if state[r + S_RESENT]:
        finished = not after(state[r + S_RESENT_END], ack)
        if advanced or finished:
            bits = B_ACKS_RESENT
        if finished:
            state[r + S_RESENT] = 0
    kept = 0
    if advanced:
        for index in range(state[r + S_QUEUE]):
            old = r + Q_FIRST + index * R_WIDTH
            if after(ack, state[old + R_SEQ]):
                continue
            new = r + Q_FIRST + kept * R_WIDTH
            for field in range(R_WIDTH):
                state[new + field] = state[old + field]
            kept += 1
        state[r + S_QUEUE] = kept
    return bits


def see_window(rows: array[int], base: int, bits: int, state: array[int], s: int, r: int) -> int:
    """Account for the advertised window; bits that it earns."""
    window = rows[base + WINDOW]
    if rows[base + FLAGS] & TCP_SYN == 0 and state[s + S_SCALE] >= 0 and state[r + S_SCALE] >= 0:
        window = window << state[s + S_SCALE]
    if state[s + S_WINDOW_FIRST] < 0:
        state[s + S_WINDOW_FIRST] = window
        state[s + S_WINDOW_MIN] = window
        state[s + S_WINDOW_MAX] = window
    state[s + S_WINDOW_LAST] = window
    if window < state[s + S_WINDOW_MIN]:
        state[s + S_WINDOW_MIN] = window
    if window > state[s + S_WINDOW_MAX]:
        state[s + S_WINDOW_MAX] = window
    if bits & B_ZERO_WINDOW:
        state[s + S_ZEROS] += 1
        state[s + S_ZERO] = 1
    elif window > 0 and state[s + S_ZERO]:
        state[s + S_ZERO] = 0
        return B_REOPENED
    return 0


def see_handshake(rows: array[int], base: int, state: array[int], flow: int, s: int, r: int) -> int:
    """Account for SYN, FIN and RST; ``B_ESTABLISHED`` when this frame completes the handshake."""
    flags = rows[base + FLAGS]
    moment = rows[base + TIME]
    if flags & TCP_SYN:
        if state[s + S_SYNS] == 0:
            state[s + S_ISN] = rows[base + SEQ]
            state[s + S_SCALE] = rows[base + SCALE]
            state[s + S_MSS] = rows[base + MSS]
        state[s + S_SYNS] += 1
        if flags & TCP_ACK == 0:
            state[flow + F_SYN_TIME] = moment
    if flags & TCP_FIN:
        state[s + S_FINS] += 1
    if flags & TCP_RST:
        state[s + S_RSTS] += 1
        state[s + S_RST_WINDOW] = rows[base + WINDOW]
    if flags & (TCP_SYN | TCP_ACK) != TCP_ACK:
        return 0
    if state[flow + F_FIRST_RTT] < 0 and state[flow + F_SYN_TIME] >= 0:
        state[flow + F_FIRST_RTT] = moment - state[flow + F_SYN_TIME]
    if flags & TCP_RST:
        return 0
    # A SYN sender that acknowledges has got the SYN-ACK, captured or not. Without any SYN, it is older.
    if state[flow + F_ESTABLISHED] == 0 and (state[s + S_SYNS] > 0 or state[r + S_SYNS] == 0):
        state[flow + F_ESTABLISHED] = 1
        return B_ESTABLISHED
    if state[flow + F_ESTABLISHED] == 0 and state[s + S_PACKETS] == 0:
        state[flow + F_ESTABLISHED] = 1  # only the SYN-ACK's side sent a SYN here: this is the client's ACK
        return B_ESTABLISHED
    return 0


def see_probes(rows: array[int], base: int, bits: int, state: array[int], s: int, r: int) -> int:
    """Account for keepalive and window probes and what answers them; bits that this frame earns."""
    earned = 0
    flags = rows[base + FLAGS]
    if bits & (B_WINDOW_PROBE | B_KEEPALIVE) and state[r + S_ZERO]:
        return B_PROBES_ZERO
    if bits & B_KEEPALIVE:
        state[s + S_KEEPALIVES] += 1
        state[s + S_PROBING] = 1
        state[s + S_PROBE_OPEN] = 1
        return 0
    if state[s + S_PROBING] and rows[base + PAYLOAD] > 0:
        state[s + S_PROBING] = 0
        earned = B_SPEAKS
    if state[r + S_PROBE_OPEN] and flags & TCP_RST == 0 and bits & B_RESENT == 0:
        state[r + S_PROBE_OPEN] = 0
        earned |= B_ANSWERS_PROBE
    return earned


def account(
    rows: array[int], base: int, frame: int, bits: int, state: array[int], flow: int, side: int
) -> int:
    """Move the conversation's state over this frame; ``bits`` with what only this shows added."""
    s = flow + F_SIDES + side * SIDE_WIDTH
    r = flow + F_SIDES + (1 - side) * SIDE_WIDTH
    moment = rows[base + TIME]
    flags = rows[base + FLAGS]
    wire_bits = bits
    bits |= see_probes(rows, base, wire_bits, state, s, r)
    bits |= see_handshake(rows, base, state, flow, s, r)
    if flags & TCP_RST == 0:
        bits |= see_window(rows, base, wire_bits, state, s, r)
        if flags & TCP_ACK:
            bits |= acknowledge(rows, base, state, s, r)
    advance(rows, base, frame, bits, state, s)
    state[s + S_WINDOW] = rows[base + WINDOW]
    state[s + S_ACK] = rows[base + ACK]
    state[s + S_ACK_TIME] = moment
    state[s + S_BITS] = wire_bits
    state[s + S_PACKETS] += 1
    if state[flow + F_FRAMES] == 0:
        bits |= B_NEW
        rows[base + GAP] = -1
    else:
        rows[base + GAP] = moment - state[flow + F_LAST + R_TIME]
    state[flow + F_FRAMES] += 1
    gap = rows[base + GAP]
    if gap > state[flow + F_GAP]:
        state[flow + F_GAP] = gap
        for field in range(R_WIDTH):
            state[flow + F_BEFORE + field] = state[flow + F_LAST + field]
        quote(rows, base, frame, bits, state, flow + F_AFTER)
    quote(rows, base, frame, bits, state, flow + F_LAST)
    if state[s + S_FIRST + R_FRAME] == 0:
        quote(rows, base, frame, bits, state, s + S_FIRST)
    quote(rows, base, frame, bits, state, s + S_LAST)
    if rows[base + PAYLOAD] > 0 and bits & (B_KEEPALIVE | B_PROBES_ZERO) == 0:
        if bits & B_RESENT == 0:
            state[s + S_PAYLOAD] += rows[base + PAYLOAD]
        quote(rows, base, frame, bits, state, s + S_LAST_PAYLOAD)
    return bits


def reopens(rows: array[int], base: int, state: array[int], flow: int, side: int) -> bool:
    """Whether a SYN begins a new conversation on ports that an earlier one used."""
    s = flow + F_SIDES + side * SIDE_WIDTH
    r = flow + F_SIDES + (1 - side) * SIDE_WIDTH
    if rows[base + FLAGS] & (TCP_SYN | TCP_ACK) != TCP_SYN:
        return False
    if state[s + S_SYNS] > 0:
        return rows[base + SEQ] != state[s + S_ISN]
    if state[s + S_PACKETS] == 0 and not state[r + S_HAS_ACKED]:
        return False  # both open at once
    # The SYN of a handshake whose SYN-ACK was captured first is no new conversation.
    return not (state[r + S_SYNS] > 0 and state[r + S_ACK] == (rows[base + SEQ] + 1) & SEQUENCE_MASK)


def locate(
    data: bytes | bytearray,
    rows: array[int],
    base: int,
    state: array[int],
    heads: array[int],
    registers: array[int],
) -> int:
    """Twice the slot of the row's conversation plus the side that sent it; a new one is made when needed.

    ``NO_CONVERSATION`` when an ICMP message quotes an unknown one, ``NO_ROOM`` when the free list is empty.
    """
    family = rows[base + FAMILY]
    source = rows[base + SOURCE]
    destination = rows[base + DESTINATION]
    quoting = rows[base + KIND] == UNREACHABLE
    if quoting:  # the addresses quoted, after eight bytes of ICMP
        source = rows[base + BODY] + (20 if family == 4 else 16)
        destination = source + (4 if family == 4 else 16)
    sport = rows[base + SPORT]
    dport = rows[base + DPORT]
    bucket = (
        endpoint_hash(data, source, family, sport) + endpoint_hash(data, destination, family, dport)
    ) & registers[T_MASK]
    found = find(data, family, source, destination, sport, dport, bucket, state, heads)
    if quoting:
        return found
    replaced = -1
    if found >= 0:
        if not reopens(rows, base, state, found // 2 * FLOW_WIDTH, found % 2):
            return found
        replaced = found // 2
    if registers[T_FREE] < 0:
        return NO_ROOM
    if replaced >= 0:
        unlink(replaced, state, heads)
    return create(data, rows, base, bucket, replaced, state, heads, registers) * 2


def follow(
    data: bytes | bytearray, rows: array[int], base: int, frame: int, found: int, state: array[int]
) -> bool:
    """Analyse the TCP row at ``base`` of the conversation ``found``; whether it is worth a look."""
    side = found % 2
    flow = found // 2 * FLOW_WIDTH
    if state[flow + F_MACS + side] < 0:
        state[flow + F_MACS + side] = hardware_address(data, rows[base + MAC])
    s = flow + F_SIDES + side * SIDE_WIDTH
    r = flow + F_SIDES + (1 - side) * SIDE_WIDTH
    bits = classify(rows, base, state, flow, s, r)
    bits = account(rows, base, frame, bits, state, flow, side)
    rows[base + BITS] = bits
    return bits & B_NOTABLE != 0 or rows[base + FLAGS] & (TCP_SYN | TCP_FIN | TCP_RST) != 0


def analyse(
    data: bytes | bytearray,
    rows: array[int],
    begin: int,
    end: int,
    frame: int,
    state: array[int],
    heads: array[int],
    registers: array[int],
    notable: array[int],
) -> int:
    """Follow TCP over the rows from ``begin`` to ``end``; ``frame`` is the number of row 0.

    Returns the row that it stopped at: ``end``, or the first row that needs a new conversation while the free
    list is empty. ``notable`` gets the rows worth a look, ``registers[T_NOTABLE]`` their number.
    """
    count = 0
    row = begin
    while row < end:
        base = row * WIDTH
        kind = rows[base + KIND]
        if kind in (TCP, UNREACHABLE):
            found = locate(data, rows, base, state, heads, registers)
            if found == NO_ROOM:
                break
            if found != NO_CONVERSATION:
                rows[base + SLOT] = found // 2
                rows[base + SIDE] = found % 2
                if kind == UNREACHABLE or follow(data, rows, base, frame + row, found, state):
                    notable[count] = row
                    count += 1
        row += 1
    registers[T_NOTABLE] = count
    return row

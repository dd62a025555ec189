# cython: language_level=3, annotation_typing=False, wraparound=False, boundscheck=False, initializedcheck=False, cdivision=True
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

from halfopen.kernel import layout as k
from halfopen.kernel import octets
from halfopen.kernel import protocol as p
from halfopen.kernel.frames import NO_ROWS, Frames


class Flows:
    """The flow table as the loops see it: ``state`` holds the conversations, ``heads`` the first slot of each bucket.

    ``free`` is the first slot of the free list, -1 when the table is full; ``made`` counts the conversations that there ever
    were; ``listed`` says how many rows of the last pass stand in ``notable``.
    """

    def __init__(self) -> None:
        self.free = -1
        self.made = self.listed = 0
        self.state: array[int] = NO_ROWS
        self.heads: array[int] = NO_ROWS
        self.notable: array[int] = NO_ROWS

    def hold(self, state: array[int], heads: array[int], notable: array[int]) -> None:
        """Work on these until :meth:`release`; ``heads`` is a power of two long."""
        self.state = state
        self.heads = heads
        self.notable = notable

    def release(self) -> None:
        """Let go of the memory."""
        self.state = NO_ROWS
        self.heads = NO_ROWS
        self.notable = NO_ROWS


def after(a: int, b: int) -> bool:
    """Whether sequence number ``a`` comes after ``b``."""
    return 0 < ((a - b) & p.SEQUENCE_MASK) < p.SEQUENCE_HALF


def endpoint_hash(f: Frames, at: int, family: int, port: int) -> int:
    """31 bits that spread endpoints over buckets."""
    mixed = (port << 16 ^ octets.quad_at(f, at)) * 1000003
    if family == 6:
        for index in range(4, 16, 4):
            mixed = (mixed & 0x7FFFFFFF) * 1000003 ^ octets.quad_at(f, at + index)
    return mixed >> 12 & 0x7FFFFFFF


def same_address(f: Frames, at: int, family: int, t: Flows, base: int) -> bool:
    """Whether the address at ``at`` is the one stored at ``base``; IPv4 addresses have only the first word."""
    if t.state[base] != octets.quad_at(f, at):
        return False
    return family == 4 or (
        t.state[base + 1] == octets.quad_at(f, at + 4)
        and t.state[base + 2] == octets.quad_at(f, at + 8)
        and t.state[base + 3] == octets.quad_at(f, at + 12)
    )


def store_address(f: Frames, at: int, family: int, t: Flows, base: int) -> int:
    """Store the address at ``at`` as words from ``base`` on; how many there are."""
    words = 1 if family == 4 else 4
    for index in range(words):
        t.state[base + index] = octets.quad_at(f, at + index * 4)
    return words


def find(
    f: Frames, t: Flows, family: int, source: int, destination: int, sport: int, dport: int, bucket: int
) -> int:
    """Twice the slot of the conversation of two endpoints, plus the side that ``source`` is; -1 if none."""
    slot = t.heads[bucket]
    while slot >= 0:
        flow = slot * k.FLOW_WIDTH
        if t.state[flow + k.F_FAMILY] == family:
            if (
                t.state[flow + k.F_PORTS] == sport
                and t.state[flow + k.F_PORTS + 1] == dport
                and same_address(f, source, family, t, flow + k.F_ADDRESSES)
                and same_address(f, destination, family, t, flow + k.F_ADDRESSES + 4)
            ):
                return slot * 2
            if (
                t.state[flow + k.F_PORTS] == dport
                and t.state[flow + k.F_PORTS + 1] == sport
                and same_address(f, destination, family, t, flow + k.F_ADDRESSES)
                and same_address(f, source, family, t, flow + k.F_ADDRESSES + 4)
            ):
                return slot * 2 + 1
        slot = t.state[flow + k.F_CHAIN]
    return -1


def hardware_address(f: Frames, at: int) -> int:
    """The 48-bit number at ``at``, -1 where there is none."""
    return -1 if at < 0 else octets.hardware_at(f, at)


def unlink(t: Flows, slot: int) -> int:
    """Take a conversation out of its bucket, which is returned: frames no longer find it."""
    flow = slot * k.FLOW_WIDTH
    bucket = t.state[flow + k.F_BUCKET]
    following = t.state[flow + k.F_CHAIN]
    if t.heads[bucket] == slot:
        t.heads[bucket] = following
        return bucket
    other = t.heads[bucket]
    while other >= 0:
        if t.state[other * k.FLOW_WIDTH + k.F_CHAIN] == slot:
            t.state[other * k.FLOW_WIDTH + k.F_CHAIN] = following
            break
        other = t.state[other * k.FLOW_WIDTH + k.F_CHAIN]
    return bucket


def give_back(t: Flows, slot: int) -> int:
    """Give the slot of a conversation back to the free list, which is then led by it; frames no longer find it."""
    unlink(t, slot)
    t.state[slot * k.FLOW_WIDTH + k.F_CHAIN] = t.free
    t.state[slot * k.FLOW_WIDTH + k.F_FRAMES] = 0
    t.free = slot
    return slot


def create(f: Frames, t: Flows, base: int, bucket: int, replaced: int) -> int:
    """A new conversation begun by the frame at ``base``, which replaces that in the slot ``replaced`` if there is one; its slot.
    The free list must not be empty."""
    slot = t.free
    flow = slot * k.FLOW_WIDTH
    t.free = t.state[flow + k.F_CHAIN]
    for field in range(k.FLOW_WIDTH):
        t.state[flow + field] = 0
    t.state[flow + k.F_CHAIN] = t.heads[bucket]
    t.heads[bucket] = slot
    t.state[flow + k.F_BUCKET] = bucket
    family = f.rows[base + k.FAMILY]
    t.state[flow + k.F_FAMILY] = family
    store_address(f, f.rows[base + k.SOURCE], family, t, flow + k.F_ADDRESSES)
    store_address(f, f.rows[base + k.DESTINATION], family, t, flow + k.F_ADDRESSES + 4)
    t.state[flow + k.F_PORTS] = f.rows[base + k.SPORT]
    t.state[flow + k.F_PORTS + 1] = f.rows[base + k.DPORT]
    t.state[flow + k.F_MACS] = hardware_address(f, f.rows[base + k.MAC])
    t.state[flow + k.F_MACS + 1] = hardware_address(f, f.rows[base + k.PEER_MAC])
    t.made += 1
    t.state[flow + k.F_ORDINAL] = t.made
    if replaced >= 0:
        t.state[flow + k.F_PREVIOUS] = t.state[replaced * k.FLOW_WIDTH + k.F_ORDINAL]
    t.state[flow + k.F_SYN_TIME] = -1
    t.state[flow + k.F_FIRST_RTT] = -1
    for side in range(2):
        s = flow + k.F_SIDES + side * k.SIDE_WIDTH
        t.state[s + k.S_SCALE] = -1
        t.state[s + k.S_WINDOW_FIRST] = -1
        t.state[s + k.S_RST_WINDOW] = -1
    return slot


def resend_bits(f: Frames, base: int, t: Flows, flow: int, s: int, r: int, bits: int) -> int:
    """Which kind of retransmission a segment with data, SYN or FIN is, as bits; 0 when it is none."""
    seq = f.rows[base + k.SEQ]
    payload = f.rows[base + k.PAYLOAD]
    moment = f.rows[base + k.TIME]
    if bits & k.B_KEEPALIVE:
        return 0
    expected = t.state[s + k.S_NEXT]
    stale = t.state[s + k.S_HAS_NEXT] and after(expected, seq)
    if payload > 1 and seq == (expected - 1) & p.SEQUENCE_MASK:
        stale = False  # it adds data after what may have been a window probe
    end = (seq + payload) & p.SEQUENCE_MASK
    if payload > 0 and t.state[r + k.S_ACK] != 0 and not after(end, t.state[r + k.S_ACK]):
        return k.B_SPURIOUS
    if not stale:
        return 0
    if (
        t.state[r + k.S_DUPLICATES] >= 2
        and t.state[r + k.S_ACK] == seq
        and moment - t.state[r + k.S_ACK_TIME] < p.FAST_NS
    ):
        return k.B_FAST
    patience = t.state[flow + k.F_FIRST_RTT]
    if patience <= 0:
        patience = p.OUT_OF_ORDER_NS
    if f.rows[base + k.FLAGS] & (k.TCP_SYN | k.TCP_FIN):
        end = (end + 1) & p.SEQUENCE_MASK
    if moment - t.state[s + k.S_NEXT_TIME] < patience and expected != end:
        return k.B_OUT_OF_ORDER
    return k.B_RETRANSMISSION


def window_bits(f: Frames, base: int, t: Flows, s: int, r: int) -> int:
    """What a frame without SYN, FIN or RST shows of windows, probes and repeated ACKs, as bits."""
    seq = f.rows[base + k.SEQ]
    ack = f.rows[base + k.ACK]
    window = f.rows[base + k.WINDOW]
    payload = f.rows[base + k.PAYLOAD]
    known = t.state[s + k.S_HAS_NEXT]
    expected = t.state[s + k.S_NEXT]
    bits = 0
    if window == 0:
        bits |= k.B_ZERO_WINDOW
    if known and payload <= 1 and seq == (expected - 1) & p.SEQUENCE_MASK:
        bits |= k.B_KEEPALIVE
    if payload > 0:
        shift = t.state[r + k.S_SCALE]
        if shift < 0 or t.state[s + k.S_SCALE] < 0:
            shift = 0
        edge = t.state[r + k.S_ACK] + (t.state[r + k.S_WINDOW] << shift)
        # Scaling is ruled out by either SYN without the option, so one of them is enough to know.
        known = t.state[r + k.S_SYNS] > 0 or (t.state[s + k.S_SYNS] > 0 and t.state[s + k.S_SCALE] < 0)
        if known and (seq + payload) & p.SEQUENCE_MASK == edge & p.SEQUENCE_MASK:
            bits |= k.B_WINDOW_FULL
        return bits
    if not known or seq != expected:
        return bits
    repeats = ack == t.state[s + k.S_ACK] and window == t.state[s + k.S_WINDOW]
    if window != 0:
        if ack == t.state[s + k.S_ACK] and not repeats:
            bits |= k.B_WINDOW_UPDATE
        if repeats and t.state[r + k.S_BITS] & k.B_KEEPALIVE:
            bits |= k.B_KEEPALIVE_ACK
        elif repeats:
            bits |= k.B_DUPLICATE_ACK
    elif repeats and t.state[r + k.S_BITS] & k.B_WINDOW_PROBE:
        bits |= k.B_WINDOW_PROBE_ACK
    return bits


def classify(f: Frames, base: int, t: Flows, flow: int, s: int, r: int) -> int:
    """The bits that Wireshark's analysis would show, from the state before this frame."""
    flags = f.rows[base + k.FLAGS]
    payload = f.rows[base + k.PAYLOAD]
    plain = flags & (k.TCP_SYN | k.TCP_FIN | k.TCP_RST) == 0
    bits = 0
    if (
        payload == 1
        and t.state[s + k.S_HAS_NEXT]
        and f.rows[base + k.SEQ] == t.state[s + k.S_NEXT]
        and t.state[r + k.S_PACKETS] > 0
        and t.state[r + k.S_WINDOW] == 0
    ):
        bits = k.B_WINDOW_PROBE
    elif plain:
        bits = window_bits(f, base, t, s, r)
    if bits & k.B_DUPLICATE_ACK:
        t.state[s + k.S_DUPLICATES] += 1
    if f.rows[base + k.ACK] != t.state[s + k.S_ACK]:
        t.state[s + k.S_DUPLICATES] = 0
    if payload > 0 or flags & (k.TCP_SYN | k.TCP_FIN):
        bits |= resend_bits(f, base, t, flow, s, r, bits)
    return bits


def quote(f: Frames, base: int, frame: int, bits: int, t: Flows, at: int) -> int:
    """Write what is needed to quote the frame later; where."""
    t.state[at + k.R_FRAME] = frame
    t.state[at + k.R_TIME] = f.rows[base + k.TIME]
    t.state[at + k.R_SEQ] = f.rows[base + k.SEQ]
    t.state[at + k.R_SEQ + 1] = f.rows[base + k.ACK]
    t.state[at + k.R_SHAPE] = (
        f.rows[base + k.FLAGS] | f.rows[base + k.WINDOW] << 8 | f.rows[base + k.PAYLOAD] << 24
    )
    t.state[at + k.R_BITS] = bits
    t.state[at + k.R_SIDE] = f.rows[base + k.SIDE]
    return at


def advance(f: Frames, base: int, frame: int, bits: int, t: Flows, s: int) -> int:
    """Move the sender's sequence state on, and remember a first transmission until it is acknowledged; the
    number that follows the segment."""
    flags = f.rows[base + k.FLAGS]
    payload = f.rows[base + k.PAYLOAD]
    seq = f.rows[base + k.SEQ]
    end = (seq + payload) & p.SEQUENCE_MASK
    if bits & k.B_WINDOW_PROBE == 0:
        if payload > 0 and bits & k.B_KEEPALIVE == 0:
            if not t.state[s + k.S_HAS_DATA]:
                t.state[s + k.S_HAS_DATA] = 1
                t.state[s + k.S_DATA_START] = seq
                t.state[s + k.S_DATA_END] = end
            elif after(end, t.state[s + k.S_DATA_END]):
                t.state[s + k.S_DATA_END] = end
        if flags & (k.TCP_SYN | k.TCP_FIN):
            end = (end + 1) & p.SEQUENCE_MASK
        if not t.state[s + k.S_HAS_NEXT] or after(end, t.state[s + k.S_NEXT]):
            t.state[s + k.S_HAS_NEXT] = 1
            t.state[s + k.S_NEXT] = end
            t.state[s + k.S_NEXT_TIME] = f.rows[base + k.TIME]
    if (
        bits & (k.B_RESENT | k.B_KEEPALIVE | k.B_OUT_OF_ORDER) == 0
        and end != seq
        and t.state[s + k.S_QUEUE] < k.Q_LENGTH
    ):
        quote(f, base, frame, bits, t, s + k.Q_FIRST + t.state[s + k.S_QUEUE] * k.R_WIDTH)
        t.state[s + k.S_QUEUE] += 1
    if bits & k.B_RESENT:
        name_original(f, base, t, s)
        t.state[s + k.S_RETRANSMISSIONS] += 1
        if not t.state[s + k.S_RESENT] or after(end, t.state[s + k.S_RESENT_END]):
            t.state[s + k.S_RESENT_END] = end
        t.state[s + k.S_RESENT] = 1
    return end


def name_original(f: Frames, base: int, t: Flows, s: int) -> int:
    """Copy what a retransmission repeats into its row, if it is still remembered; its frame, 0 if not."""
    seq = f.rows[base + k.SEQ]
    f.rows[base + k.O_FRAME] = 0
    for index in range(t.state[s + k.S_QUEUE]):
        old = s + k.Q_FIRST + index * k.R_WIDTH
        size = t.state[old + k.R_SHAPE] >> 24
        if size == 0:
            size = 1  # a SYN or FIN
        if (seq - t.state[old + k.R_SEQ]) & p.SEQUENCE_MASK < size:
            for field in range(k.R_WIDTH):
                f.rows[base + k.O_FRAME + field] = t.state[old + field]
            break
    return f.rows[base + k.O_FRAME]


def acknowledge(f: Frames, base: int, t: Flows, s: int, r: int) -> int:
    """Take the acknowledgement of a frame from side ``s`` for what ``r`` sent; bits that it earns."""
    ack = f.rows[base + k.ACK]
    bits = 0
    advanced = not t.state[s + k.S_HAS_ACKED] or after(ack, t.state[s + k.S_ACKED])
    if advanced:
        t.state[s + k.S_HAS_ACKED] = 1
        t.state[s + k.S_ACKED] = ack
    if t.state[r + k.S_RESENT]:
        finished = not after(t.state[r + k.S_RESENT_END], ack)
        if advanced or finished:
            bits = k.B_ACKS_RESENT
        if finished:
            t.state[r + k.S_RESENT] = 0
    kept = 0
    if advanced:
        for index in range(t.state[r + k.S_QUEUE]):
            old = r + k.Q_FIRST + index * k.R_WIDTH
            if after(ack, t.state[old + k.R_SEQ]):
                continue
            new = r + k.Q_FIRST + kept * k.R_WIDTH
            for field in range(k.R_WIDTH):
                t.state[new + field] = t.state[old + field]
            kept += 1
        t.state[r + k.S_QUEUE] = kept
    return bits


def see_window(f: Frames, base: int, bits: int, t: Flows, s: int, r: int) -> int:
    """Account for the advertised window; bits that it earns."""
    window = f.rows[base + k.WINDOW]
    if (
        f.rows[base + k.FLAGS] & k.TCP_SYN == 0
        and t.state[s + k.S_SCALE] >= 0
        and t.state[r + k.S_SCALE] >= 0
    ):
        window = window << t.state[s + k.S_SCALE]
    if t.state[s + k.S_WINDOW_FIRST] < 0:
        t.state[s + k.S_WINDOW_FIRST] = window
        t.state[s + k.S_WINDOW_MIN] = window
        t.state[s + k.S_WINDOW_MAX] = window
    t.state[s + k.S_WINDOW_LAST] = window
    if window < t.state[s + k.S_WINDOW_MIN]:
        t.state[s + k.S_WINDOW_MIN] = window
    if window > t.state[s + k.S_WINDOW_MAX]:
        t.state[s + k.S_WINDOW_MAX] = window
    if bits & k.B_ZERO_WINDOW:
        t.state[s + k.S_ZEROS] += 1
        t.state[s + k.S_ZERO] = 1
    elif window > 0 and t.state[s + k.S_ZERO]:
        t.state[s + k.S_ZERO] = 0
        return k.B_REOPENED
    return 0


def see_handshake(f: Frames, base: int, t: Flows, flow: int, s: int, r: int) -> int:
    """Account for SYN, FIN and RST; ``B_ESTABLISHED`` when this frame completes the handshake."""
    flags = f.rows[base + k.FLAGS]
    moment = f.rows[base + k.TIME]
    if flags & k.TCP_SYN:
        if t.state[s + k.S_SYNS] == 0:
            t.state[s + k.S_ISN] = f.rows[base + k.SEQ]
            t.state[s + k.S_SCALE] = f.rows[base + k.SCALE]
            t.state[s + k.S_MSS] = f.rows[base + k.MSS]
        t.state[s + k.S_SYNS] += 1
        if flags & k.TCP_ACK == 0:
            t.state[flow + k.F_SYN_TIME] = moment
    if flags & k.TCP_RST:
        t.state[s + k.S_RSTS] += 1
        t.state[s + k.S_RST_WINDOW] = f.rows[base + k.WINDOW]
    if flags & (k.TCP_SYN | k.TCP_ACK) != k.TCP_ACK:
        return 0
    if t.state[flow + k.F_FIRST_RTT] < 0 and t.state[flow + k.F_SYN_TIME] >= 0:
        t.state[flow + k.F_FIRST_RTT] = moment - t.state[flow + k.F_SYN_TIME]
    if flags & k.TCP_RST:
        return 0
    # A SYN sender that acknowledges has got the SYN-ACK, captured or not. Without any SYN, it is older.
    if t.state[flow + k.F_ESTABLISHED_BY + k.R_FRAME] > 0:
        return 0
    if t.state[s + k.S_SYNS] > 0 or t.state[r + k.S_SYNS] == 0:
        return k.B_ESTABLISHED
    # Only the SYN-ACK's side sent a SYN here: the other's first frame is the client's ACK.
    return k.B_ESTABLISHED if t.state[s + k.S_PACKETS] == 0 else 0


def see_probes(f: Frames, base: int, bits: int, t: Flows, s: int, r: int) -> int:
    """Account for keepalive and window probes and what answers them; bits that this frame earns."""
    earned = 0
    flags = f.rows[base + k.FLAGS]
    if bits & (k.B_WINDOW_PROBE | k.B_KEEPALIVE) and t.state[r + k.S_ZERO]:
        return k.B_PROBES_ZERO
    if bits & k.B_KEEPALIVE:
        t.state[s + k.S_KEEPALIVES] += 1
        t.state[s + k.S_PROBING] = 1
        t.state[s + k.S_PROBE_OPEN] = 1
        return 0
    if t.state[s + k.S_PROBING] and f.rows[base + k.PAYLOAD] > 0:
        t.state[s + k.S_PROBING] = 0
        earned = k.B_SPEAKS
    if t.state[r + k.S_PROBE_OPEN] and flags & k.TCP_RST == 0 and bits & k.B_RESENT == 0:
        t.state[r + k.S_PROBE_OPEN] = 0
        earned |= k.B_ANSWERS_PROBE
    return earned


def account(f: Frames, base: int, frame: int, bits: int, t: Flows, flow: int, side: int) -> int:
    """Move the conversation's state over this frame; ``bits`` with what only this shows added."""
    s = flow + k.F_SIDES + side * k.SIDE_WIDTH
    r = flow + k.F_SIDES + (1 - side) * k.SIDE_WIDTH
    moment = f.rows[base + k.TIME]
    flags = f.rows[base + k.FLAGS]
    wire_bits = bits
    bits |= see_probes(f, base, wire_bits, t, s, r)
    bits |= see_handshake(f, base, t, flow, s, r)
    if flags & k.TCP_RST == 0:
        bits |= see_window(f, base, wire_bits, t, s, r)
        if flags & k.TCP_ACK:
            bits |= acknowledge(f, base, t, s, r)
    advance(f, base, frame, bits, t, s)
    t.state[s + k.S_WINDOW] = f.rows[base + k.WINDOW]
    t.state[s + k.S_ACK] = f.rows[base + k.ACK]
    t.state[s + k.S_ACK_TIME] = moment
    t.state[s + k.S_BITS] = wire_bits
    t.state[s + k.S_PACKETS] += 1
    if t.state[flow + k.F_FRAMES] == 0:
        bits |= k.B_NEW
        f.rows[base + k.GAP] = -1
    else:
        f.rows[base + k.GAP] = moment - t.state[flow + k.F_LAST + k.R_TIME]
    t.state[flow + k.F_FRAMES] += 1
    gap = f.rows[base + k.GAP]
    if gap > t.state[flow + k.F_GAP]:
        t.state[flow + k.F_GAP] = gap
        for field in range(k.R_WIDTH):
            t.state[flow + k.F_BEFORE + field] = t.state[flow + k.F_LAST + field]
        quote(f, base, frame, bits, t, flow + k.F_AFTER)
    quote(f, base, frame, bits, t, flow + k.F_LAST)
    if t.state[s + k.S_FIRST + k.R_FRAME] == 0:
        quote(f, base, frame, bits, t, s + k.S_FIRST)
    quote(f, base, frame, bits, t, s + k.S_LAST)
    if f.rows[base + k.PAYLOAD] > 0 and bits & (k.B_KEEPALIVE | k.B_PROBES_ZERO) == 0:
        if bits & k.B_RESENT == 0:
            t.state[s + k.S_PAYLOAD] += f.rows[base + k.PAYLOAD]
        quote(f, base, frame, bits, t, s + k.S_LAST_PAYLOAD)
    if flags & (k.TCP_SYN | k.TCP_FIN | k.TCP_RST):
        quote_marks(f, base, frame, bits, t, s)
        if flags & k.TCP_FIN:
            t.state[flow + k.F_FAREWELLS] |= side + 1
        if flags & k.TCP_RST:
            t.state[flow + k.F_FAREWELLS] |= k.FAREWELL_RST
    if bits & k.B_ESTABLISHED:
        quote(f, base, frame, bits, t, flow + k.F_ESTABLISHED_BY)
    return bits


def quote_marks(f: Frames, base: int, frame: int, bits: int, t: Flows, s: int) -> int:
    """Of a frame with SYN, FIN or RST, keep what is the first of its side; its flags."""
    flags = f.rows[base + k.FLAGS]
    if flags & k.TCP_SYN and t.state[s + k.S_SYN + k.R_FRAME] == 0:
        quote(f, base, frame, bits, t, s + k.S_SYN)
    if flags & k.TCP_FIN and t.state[s + k.S_FIN + k.R_FRAME] == 0:
        quote(f, base, frame, bits, t, s + k.S_FIN)
    if flags & k.TCP_RST and t.state[s + k.S_RST + k.R_FRAME] == 0:
        quote(f, base, frame, bits, t, s + k.S_RST)
    return flags


def reopens(f: Frames, base: int, t: Flows, flow: int, side: int) -> bool:
    """Whether a SYN begins a new conversation on ports that an earlier one used."""
    s = flow + k.F_SIDES + side * k.SIDE_WIDTH
    r = flow + k.F_SIDES + (1 - side) * k.SIDE_WIDTH
    if f.rows[base + k.FLAGS] & (k.TCP_SYN | k.TCP_ACK) != k.TCP_SYN:
        return False
    if t.state[s + k.S_SYNS] > 0:
        return f.rows[base + k.SEQ] != t.state[s + k.S_ISN]
    if t.state[s + k.S_PACKETS] == 0 and not t.state[r + k.S_HAS_ACKED]:
        return False  # both open at once
    # The SYN of a handshake whose SYN-ACK was captured first is no new conversation.
    return not (
        t.state[r + k.S_SYNS] > 0 and t.state[r + k.S_ACK] == (f.rows[base + k.SEQ] + 1) & p.SEQUENCE_MASK
    )


def locate(f: Frames, t: Flows, base: int) -> int:
    """Twice the slot of the row's conversation plus the side that sent it; a new one is made when needed.

    ``NO_CONVERSATION`` when an ICMP message quotes an unknown one, ``NO_ROOM`` when the free list is empty.
    """
    family = f.rows[base + k.FAMILY]
    source = f.rows[base + k.SOURCE]
    destination = f.rows[base + k.DESTINATION]
    quoting = f.rows[base + k.KIND] == k.UNREACHABLE
    if quoting:  # the addresses quoted, after eight bytes of ICMP
        source = f.rows[base + k.BODY] + (20 if family == 4 else 16)
        destination = source + (4 if family == 4 else 16)
    sport = f.rows[base + k.SPORT]
    dport = f.rows[base + k.DPORT]
    bucket = (endpoint_hash(f, source, family, sport) + endpoint_hash(f, destination, family, dport)) & (
        len(t.heads) - 1
    )
    found = find(f, t, family, source, destination, sport, dport, bucket)
    if quoting:
        return found
    replaced = -1
    if found >= 0:
        if f.rows[base + k.FLAGS] & k.TCP_SYN == 0 or not reopens(
            f, base, t, (found >> 1) * k.FLOW_WIDTH, found & 1
        ):
            return found
        replaced = found >> 1
    if t.free < 0:
        return k.NO_ROOM
    return create(f, t, base, bucket, replaced) * 2


def follow(f: Frames, base: int, frame: int, found: int, t: Flows) -> bool:
    """Analyse the TCP row at ``base`` of the conversation ``found``; whether it is worth a look."""
    side = found & 1
    flow = (found >> 1) * k.FLOW_WIDTH
    if t.state[flow + k.F_MACS + side] < 0:
        t.state[flow + k.F_MACS + side] = hardware_address(f, f.rows[base + k.MAC])
    s = flow + k.F_SIDES + side * k.SIDE_WIDTH
    r = flow + k.F_SIDES + (1 - side) * k.SIDE_WIDTH
    bits = classify(f, base, t, flow, s, r)
    bits = account(f, base, frame, bits, t, flow, side)
    f.rows[base + k.BITS] = bits
    return bits & k.B_NOTABLE != 0


def analyse(f: Frames, t: Flows, begin: int, end: int, frame: int) -> int:
    """Follow TCP over the rows from ``begin`` to ``end``; ``frame`` is the number of row 0.

    Returns the row that it stopped at: ``end``, or the first row that needs a new conversation while the free
    list is empty. ``t.notable`` gets the rows worth a look, ``t.listed`` their number.
    """
    count = 0
    row = begin
    while row < end:
        base = row * k.WIDTH
        kind = f.rows[base + k.KIND]
        if kind in (k.TCP, k.UNREACHABLE):
            found = locate(f, t, base)
            if found == k.NO_ROOM:
                break
            if found != k.NO_CONVERSATION:
                f.rows[base + k.SLOT] = found >> 1
                f.rows[base + k.SIDE] = found & 1
                if kind == k.UNREACHABLE or follow(f, base, frame + row, found, t):
                    t.notable[count] = row
                    count += 1
        row += 1
    t.listed = count
    return row

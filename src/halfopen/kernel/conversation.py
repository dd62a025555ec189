# cython: language_level=3, annotation_typing=False, wraparound=False, boundscheck=False, initializedcheck=False, cdivision=True
"""TCP conversations while they are read: the few frames worth quoting, and the runs that they make.

Frames are kept as numbers and rendered at the end, when it is known whether the handshake was seen: the same frame reads
the same however the bytes were split.
"""

from __future__ import annotations

from array import array
from typing import Any

from halfopen.kernel import layout as k
from halfopen.kernel import protocol as p
from halfopen.kernel.quoting import Bounded, Quota, Quoted


class Resending:
    """A retransmission run in the making, of what stands from ``seq`` up to ``end``; ``flags`` are the SYN or FIN in it."""

    def __init__(self, original: Quoted, resent: Quoted, quota: Quota) -> None:
        self.side = resent.side
        self.seq = resent.seq
        self.end = resent.seq
        self.flags = 0
        self.original = original
        self.frames = Bounded(quota)
        self.answered: Quoted | None = None


class Probing:
    """A run of keepalive probes in the making; ``gaps`` are the nanoseconds between the first of them."""

    def __init__(self, side: int, idle_ns: int, quota: Quota) -> None:
        self.side = side
        self.idle_ns = idle_ns
        self.frames = Bounded(quota)
        self.gaps: list[int] = []
        self.answers = 0
        self.answered: Quoted | None = None
        self.ended = False


class Starving:
    """A stretch of zero window in the making; ``side`` is the one that advertises it."""

    def __init__(self, side: int, quota: Quota) -> None:
        self.side = side
        self.frames = Bounded(quota)
        self.probes = 0
        self.answers = 0
        self.asked = False
        self.reopened: Quoted | None = None


class Conversation:
    """What is worth quoting of one TCP conversation while the capture is read.

    ``previous`` is the ordinal of the conversation that it replaced on the same ports, 0 when there was none. Lists of two
    hold what side 0 sent first and what side 1 did. ``unreachable`` takes what the caller makes of ICMP messages.
    """

    def __init__(self, slot: int, ordinal: int, previous: int, quota: Quota) -> None:
        self.slot = slot
        self.ordinal = ordinal
        self.previous = previous
        self.quota = quota
        self.established: Quoted | None = None
        self.syns: list[Quoted | None] = [None, None]
        self.fins: list[Quoted | None] = [None, None]
        self.resets: list[Quoted | None] = [None, None]
        self.resendings: list[Resending] = []
        self.unanswered: list[Resending] = []  # those of them that wait for an acknowledgement
        self.probings: list[Probing] = []
        self.starvings: list[Starving] = []
        self.unreachable = Bounded(quota)

    def release(self) -> None:
        """Give back to the quota what this conversation kept."""
        runs: list[Any] = [*self.resendings, *self.probings, *self.starvings]
        self.quota.left += sum(len(run.frames) for run in runs) + len(self.unreachable)

    @property
    def boring(self) -> bool:
        """Ended in an orderly way and never showed anything but data."""
        ended = all(self.fins) or any(self.resets)
        return ended and not (self.resendings or self.probings or self.starvings or self.unreachable.count)


def reaches(ack: int, end: int) -> bool:
    """Whether sequence number ``ack`` is ``end`` or later."""
    return (ack - end) & p.SEQUENCE_MASK < p.SEQUENCE_HALF


def keep(runs: list[Any], run: Any, quota: Quota) -> Any:
    """Add a run; the first half and the last half of too many are kept, and fewer once the quota is spent. Returns the
    run that had to go, or ``None``."""
    dropped = None
    if len(runs) >= k.KEPT or (runs and quota.left <= 0):
        dropped = runs.pop(len(runs) // 2)
        quota.left += len(dropped.frames)
    runs.append(run)
    return dropped


def resend(resending: Resending, quoted: Quoted) -> None:
    """One more retransmission of a run; it may carry more than the last, or a FIN besides."""
    flags = quoted.shape & (k.TCP_SYN | k.TCP_FIN)
    if flags:
        resending.flags = flags
    end = quoted.seq + (quoted.shape >> 24) + (1 if flags else 0)
    if reaches(end, resending.end):
        resending.end = end & p.SEQUENCE_MASK
    resending.frames.add(quoted)


def see_resent(c: Conversation, quoted: Quoted, original: Quoted | None) -> None:
    """Take a retransmission; ``original`` is what it repeats, if known."""
    for index in range(len(c.unanswered) - 1, -1, -1):
        resending = c.unanswered[index]
        if resending.side == quoted.side and resending.seq == quoted.seq:
            resend(resending, quoted)
            return
    resending = Resending(quoted if original is None else original, quoted, c.quota)
    resend(resending, quoted)
    dropped = keep(c.resendings, resending, c.quota)
    if dropped is not None and dropped in c.unanswered:
        c.unanswered.remove(dropped)
    c.unanswered.append(resending)


def see_answer(c: Conversation, quoted: Quoted) -> None:
    """Take a frame that acknowledges what may have been sent again."""
    left: list[Resending] = []
    for index in range(len(c.unanswered)):
        resending = c.unanswered[index]
        if resending.side != quoted.side and reaches(quoted.ack, resending.end):
            resending.answered = quoted
        else:
            left.append(resending)
    c.unanswered = left


def probing_of(c: Conversation, side: int) -> Probing | None:
    """The run of probes that ``side`` is in."""
    for index in range(len(c.probings) - 1, -1, -1):
        probing = c.probings[index]
        if probing.side == side:
            return None if probing.ended else probing
    return None


def see_probe(c: Conversation, quoted: Quoted, gap: int) -> None:
    """Take a keepalive probe after ``gap`` nanoseconds of silence."""
    probing = probing_of(c, quoted.side)
    if probing is None:
        probing = Probing(quoted.side, max(gap, 0), c.quota)
        keep(c.probings, probing, c.quota)
    last = probing.frames.newest()
    if last is not None and len(probing.gaps) < k.KEPT:
        probing.gaps.append(quoted.time - last.time)
    probing.frames.add(quoted)


def starving_of(c: Conversation, side: int) -> Starving | None:
    """The zero-window stretch that ``side`` is in."""
    for index in range(len(c.starvings) - 1, -1, -1):
        starving = c.starvings[index]
        if starving.side == side:
            return None if starving.reopened is not None else starving
    return None


def see_starved(c: Conversation, quoted: Quoted) -> None:
    """Take a frame that tells of a zero window: one that advertises it, probes it or ends it."""
    side = quoted.side
    bits = quoted.bits
    if bits & k.B_PROBES_ZERO:
        starving = starving_of(c, 1 - side)
        if starving is not None:
            starving.probes += 1
            starving.asked = True
            starving.frames.add(quoted)
    starving = starving_of(c, side)
    if bits & k.B_ZERO_WINDOW:
        if starving is None:
            starving = Starving(side, c.quota)
            keep(c.starvings, starving, c.quota)
        if bits & k.B_PROBES_ZERO == 0 or starving_of(c, 1 - side) is None:
            starving.frames.add(quoted)
    elif bits & k.B_REOPENED and starving is not None:
        starving.reopened = quoted
    if bits & (k.B_ZERO_WINDOW | k.B_REOPENED) and starving is not None:
        starving.answers += starving.asked
        starving.asked = False


def see(c: Conversation, quoted: Quoted, gap: int, original: Quoted | None) -> None:
    """Take a notable frame after ``gap`` nanoseconds of silence; ``original`` is what it repeats, if known."""
    side = quoted.side
    bits = quoted.bits
    flags = quoted.shape & 0xFF
    if bits & k.B_ESTABLISHED:
        c.established = quoted
    if flags & k.TCP_SYN and c.syns[side] is None:
        c.syns[side] = quoted
    if flags & k.TCP_FIN and c.fins[side] is None:
        c.fins[side] = quoted
    if flags & k.TCP_RST and c.resets[side] is None:
        c.resets[side] = quoted
    if bits & k.B_ACKS_RESENT and c.unanswered:
        see_answer(c, quoted)
    if bits & k.B_RESENT:
        see_resent(c, quoted, original)
    if bits & k.B_ANSWERS_PROBE:
        probing = probing_of(c, 1 - side)
        if probing is not None:
            probing.answers += 1
            probing.answered = quoted
    if bits & k.B_SPEAKS:
        probing = probing_of(c, side)
        if probing is not None:
            probing.ended = True
    if bits & (k.B_KEEPALIVE | k.B_PROBES_ZERO) == k.B_KEEPALIVE:
        see_probe(c, quoted, gap)
    if bits & (k.B_ZERO_WINDOW | k.B_PROBES_ZERO | k.B_REOPENED):
        see_starved(c, quoted)


class Story:
    """The conversations of one capture by their slot of the flow table; ``made`` counts those there ever were."""

    def __init__(self, quota: Quota) -> None:
        self.quota = quota
        self.made = 0
        self.open: dict[int, Conversation] = {}

    def take(self, state: array[int], rows: array[int], row: int, frame: int) -> None:
        """Take the notable TCP segment in ``row``, whose frame number is ``frame``."""
        base = row * k.WIDTH
        slot = rows[base + k.SLOT]
        bits = rows[base + k.BITS]
        if bits & k.B_NEW:
            replaced = self.open.get(state[slot * k.FLOW_WIDTH + k.F_PREVIOUS])
            self.made += 1
            previous = 0 if replaced is None else replaced.ordinal
            self.open[slot] = Conversation(slot, self.made, previous, self.quota)
        shape = rows[base + k.FLAGS] | rows[base + k.WINDOW] << 8 | rows[base + k.PAYLOAD] << 24
        quoted = Quoted(
            frame,
            rows[base + k.TIME],
            rows[base + k.SEQ],
            rows[base + k.ACK],
            shape,
            bits,
            rows[base + k.SIDE],
        )
        original = None
        if bits & k.B_RESENT and rows[base + k.O_FRAME] > 0:
            original = Quoted(
                rows[base + k.O_FRAME],
                rows[base + k.O_TIME],
                rows[base + k.O_SEQ],
                rows[base + k.O_ACK],
                rows[base + k.O_SHAPE],
                rows[base + k.O_BITS],
                rows[base + k.O_SIDE],
            )
        see(self.open[slot], quoted, rows[base + k.GAP], original)


def narrate(
    story: Story, state: array[int], rows: array[int], notable: array[int], listed: int, frame: int
) -> int:
    """Take the first ``listed`` rows of ``notable`` up to the first that is no TCP segment; how many were taken.

    ``state`` is the flow table, ``frame`` the number of row 0.
    """
    taken = 0
    while taken < listed:
        row = notable[taken]
        if rows[row * k.WIDTH + k.KIND] != k.TCP:
            break
        story.take(state, rows, row, frame + row)
        taken += 1
    return taken

# cython: language_level=3, annotation_typing=False, wraparound=False, boundscheck=False, initializedcheck=False, cdivision=True
"""What goes wrong in TCP conversations while they are read: the segments worth quoting, and the runs that they make.

Frames are kept as numbers and rendered at the end, when it is known whether the handshake was seen: the same frame reads
the same however the bytes were split. First and last frames of a conversation stand in the flow table.
"""

from __future__ import annotations

from array import array
from typing import Any

from halfopen.kernel import layout as k
from halfopen.kernel import protocol as p
from halfopen.kernel.flows import Flows, give_back
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


class Trouble:
    """What one conversation shows beside data and farewells. ``unanswered`` are the resendings that wait for an
    acknowledgement; ``unreachable`` takes what the caller makes of ICMP messages."""

    def __init__(self, quota: Quota) -> None:
        self.quota = quota
        self.resendings: list[Resending] = []
        self.unanswered: list[Resending] = []
        self.probings: list[Probing] = []
        self.starvings: list[Starving] = []
        self.unreachable = Bounded(quota)


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


def see_resent(t: Trouble, quoted: Quoted, original: Quoted | None) -> None:
    """Take a retransmission; ``original`` is what it repeats, if known."""
    for index in range(len(t.unanswered) - 1, -1, -1):
        resending = t.unanswered[index]
        if resending.side == quoted.side and resending.seq == quoted.seq:
            resend(resending, quoted)
            return
    resending = Resending(quoted if original is None else original, quoted, t.quota)
    resend(resending, quoted)
    dropped = keep(t.resendings, resending, t.quota)
    if dropped is not None and dropped in t.unanswered:
        t.unanswered.remove(dropped)
    t.unanswered.append(resending)


def see_answer(t: Trouble, quoted: Quoted) -> None:
    """Take a frame that acknowledges what may have been sent again."""
    left: list[Resending] = []
    for index in range(len(t.unanswered)):
        resending = t.unanswered[index]
        if resending.side != quoted.side and reaches(quoted.ack, resending.end):
            resending.answered = quoted
        else:
            left.append(resending)
    t.unanswered = left


def probing_of(t: Trouble, side: int) -> Probing | None:
    """The run of probes that ``side`` is in."""
    for index in range(len(t.probings) - 1, -1, -1):
        probing = t.probings[index]
        if probing.side == side:
            return None if probing.ended else probing
    return None


def see_probe(t: Trouble, quoted: Quoted, gap: int) -> None:
    """Take a keepalive probe after ``gap`` nanoseconds of silence."""
    probing = probing_of(t, quoted.side)
    if probing is None:
        probing = Probing(quoted.side, max(gap, 0), t.quota)
        keep(t.probings, probing, t.quota)
    last = probing.frames.newest()
    if last is not None and len(probing.gaps) < k.KEPT:
        probing.gaps.append(quoted.time - last.time)
    probing.frames.add(quoted)


def starving_of(t: Trouble, side: int) -> Starving | None:
    """The zero-window stretch that ``side`` is in."""
    for index in range(len(t.starvings) - 1, -1, -1):
        starving = t.starvings[index]
        if starving.side == side:
            return None if starving.reopened is not None else starving
    return None


def see_starved(t: Trouble, quoted: Quoted) -> None:
    """Take a frame that tells of a zero window: one that advertises it, probes it or ends it."""
    side = quoted.side
    bits = quoted.bits
    if bits & k.B_PROBES_ZERO:
        starving = starving_of(t, 1 - side)
        if starving is not None:
            starving.probes += 1
            starving.asked = True
            starving.frames.add(quoted)
    starving = starving_of(t, side)
    if bits & k.B_ZERO_WINDOW:
        if starving is None:
            starving = Starving(side, t.quota)
            keep(t.starvings, starving, t.quota)
            starving.frames.add(quoted)
        elif bits & k.B_PROBES_ZERO == 0 or starving_of(t, 1 - side) is None:
            starving.frames.add(quoted)
    elif bits & k.B_REOPENED and starving is not None:
        starving.reopened = quoted
    if bits & (k.B_ZERO_WINDOW | k.B_REOPENED) and starving is not None:
        starving.answers += starving.asked
        starving.asked = False


def see(t: Trouble, quoted: Quoted, gap: int, original: Quoted | None) -> None:
    """Take a segment of a conversation that had trouble or has it now, after ``gap`` nanoseconds of silence; ``original`` is
    what it repeats, if known."""
    side = quoted.side
    bits = quoted.bits
    if bits & k.B_ACKS_RESENT and t.unanswered:
        see_answer(t, quoted)
    if bits & k.B_RESENT:
        see_resent(t, quoted, original)
    if bits & k.B_ANSWERS_PROBE:
        probing = probing_of(t, 1 - side)
        if probing is not None:
            probing.answers += 1
            probing.answered = quoted
    if bits & k.B_SPEAKS:
        probing = probing_of(t, side)
        if probing is not None:
            probing.ended = True
    if bits & (k.B_KEEPALIVE | k.B_PROBES_ZERO) == k.B_KEEPALIVE:
        see_probe(t, quoted, gap)
    if bits & (k.B_ZERO_WINDOW | k.B_PROBES_ZERO | k.B_REOPENED):
        see_starved(t, quoted)


class Story:
    """What the conversations of one capture show beside the numbers in the flow table, by their slots there: most show nothing.
    ``forgotten`` counts the conversations given up, ``forgotten_boring`` the cleanly ended among them."""

    def __init__(self, quota: Quota) -> None:
        self.quota = quota
        self.forgotten = 0
        self.forgotten_boring = 0
        self.troubles: dict[int, Trouble] = {}

    def trouble_of(self, state: array[int], slot: int) -> Trouble:
        """Where what goes wrong in a conversation is kept; the flow table is told that there is something."""
        trouble = self.troubles.get(slot)
        if trouble is None:
            trouble = self.troubles[slot] = Trouble(self.quota)
            state[slot * k.FLOW_WIDTH + k.F_TROUBLE] = 1
        return trouble

    def take(self, state: array[int], rows: array[int], row: int, frame: int) -> None:
        """Take the notable TCP segment in ``row``, whose frame number is ``frame``."""
        base = row * k.WIDTH
        slot = rows[base + k.SLOT]
        bits = rows[base + k.BITS]
        if bits & k.B_TROUBLE == 0 and state[slot * k.FLOW_WIDTH + k.F_TROUBLE] == 0:
            return
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
        see(self.trouble_of(state, slot), quoted, rows[base + k.GAP], original)

    def add_unreachable(self, state: array[int], slot: int, item: Any) -> None:
        """Keep what the caller made of an ICMP message that quotes a segment of a conversation."""
        self.trouble_of(state, slot).unreachable.add(item)


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


def kept(t: Trouble) -> int:
    """How many items are kept of a conversation."""
    runs: list[Any] = [*t.resendings, *t.probings, *t.starvings]
    return sum([len(run.frames) for run in runs]) + len(t.unreachable)


def boring(state: array[int], flow: int) -> bool:
    """Whether the conversation ended in an orderly way and never showed anything but data."""
    return state[flow + k.F_TROUBLE] == 0 and state[flow + k.F_FAREWELLS] >= k.FAREWELL_FINS


def sink(heap: array[int], count: int, place: int, rank: int) -> None:
    """Put ``rank`` at ``place`` or below it in a heap of ``count`` that has its greatest number on top."""
    while True:
        below = 2 * place + 1
        if below >= count:
            break
        if below + 1 < count and heap[below + 1] > heap[below]:
            below += 1
        if heap[below] <= rank:
            break
        heap[place] = heap[below]
        place = below
    heap[place] = rank


def forget(story: Story, flows: Flows, heap: array[int], most: int) -> None:
    """Give up the ``most`` least telling conversations of the table that ``flows`` holds: cleanly ended ones first, then
    whatever was silent longest. Frames that follow begin new ones. ``heap`` has room for ``most`` numbers."""
    count = 0
    ended = 0
    for slot in range(len(flows.state) // k.FLOW_WIDTH):
        flow = slot * k.FLOW_WIDTH
        if flows.state[flow + k.F_FRAMES] == 0:
            continue
        rank = flows.state[flow + k.F_LAST + k.R_FRAME] << k.SLOT_BITS | slot
        if boring(flows.state, flow):
            ended += 1
        else:
            rank |= k.RANK_TELLING
        if count < most:
            heap[count] = rank
            count += 1
            if count == most:
                for place in range(most // 2, -1, -1):
                    sink(heap, count, place, heap[place])
        elif rank < heap[0]:
            sink(heap, count, 0, rank)
    for place in range(count):
        slot = heap[place] & k.SLOT_MASK
        trouble = story.troubles.pop(slot, None)
        if trouble is not None:
            story.quota.left += kept(trouble)
        give_back(flows, slot)
    story.forgotten += count
    story.forgotten_boring += min(count, ended)

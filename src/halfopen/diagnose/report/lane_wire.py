"""Lanes of a capture of IP traffic: TCP conversations, and what a device asks before it can have one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from msgspec import Struct, field

from halfopen.diagnose.report.axis import Axis
from halfopen.diagnose.report.quoting import of_frame
from halfopen.diagnose.timeline import Conversation, Timeline
from halfopen.diagnose.traffic import (
    ArpObserved,
    CaptureObserved,
    FrameRef,
    LeaseObserved,
    LookupObserved,
    PingObserved,
)
from halfopen.formats.packet_text import endpoint_text
from halfopen.pages.picture import Kind, Lane, Mark, Place, Row, Span
from halfopen.pages.thinning import Quoted
from halfopen.pages.thinning import quoted as place_key

CLOSED = Kind("TCP closed by both sides", "bar", "calm")
OPEN = Kind("TCP not closed", "bar", "info")
ABORTED = Kind("TCP ended by a reset", "bar", "warn")
SILENT = Kind("nothing more was seen of it", "dash", "mute")
WINDOW_ZERO = Kind("window 0: may not send", "hatch", "bad")
SYN = Kind("SYN", "tick", "mute")
FIN = Kind("FIN", "square", "calm")
RST = Kind("RST", "cross", "bad")
FIRST = Kind("what had to be sent again", "right", "mute")
AGAIN = Kind("sent again", "right", "warn")
ACKNOWLEDGED = Kind("acknowledged at last", "dot", "good")
PROBE = Kind("keepalive probe", "ring", "info")
SHUT = Kind("window 0 told or probed", "tick", "bad")
REOPENED = Kind("window open again", "up", "good")
PROOF = Kind("frame that a finding quotes", "dot", "info")
UNREACHABLE = Kind("unreachable (ICMP)", "diamond", "bad")
ASKED = Kind("asked", "tick", "mute")
ANSWERED = Kind("answered", "dot", "good")
REFUSED = Kind("refused", "cross", "bad")

#: Rows of conversations that are drawn; a picture with more is a wall.
ROWS_MAX = 14


class _Track(Struct, eq=False):
    """Conversations with one peer that follow each other."""

    label: str
    until: float
    spans: list[Span] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    conversations: int = 0

    def places(self) -> list[Place]:
        """Every frame that is drawn."""
        return [*(mark.place for mark in self.marks), *(span.place for span in self.spans)]


def wire_lanes(timeline: Timeline, axis: Axis, quoted: Collection[Quoted] = ()) -> Iterator[Lane]:
    """The conversations packed into rows by peer, then DHCP, DNS, ARP and ping.

    Where there are more rows than are drawn, those with a frame that a finding ``quoted`` come first.
    """
    tracks: list[_Track] = []
    for talk in timeline.conversations:
        _draw(tracks, talk, axis, _capture_end(timeline, talk, axis), quoted)
    if tracks:
        order = list(dict.fromkeys(track.label for track in tracks))
        tracks.sort(key=lambda track: order.index(track.label))
        drawn = _chosen(tracks, quoted)
        left = sum(track.conversations for track in tracks if track not in drawn)
        more = "conversation is" if left == 1 else "conversations are"
        note = f"{left} more {more} not drawn" if left else ""
        rows = [
            Row(
                t.label if n == 0 or drawn[n - 1].label != t.label else "",
                t.spans,
                sorted(t.marks, key=lambda m: m.x),
            )
            for n, t in enumerate(drawn)
        ]
        yield Lane("TCP", rows=rows, note=note)
    asked = list(_asked(timeline, axis))
    if asked:
        yield Lane("Addresses and names", rows=asked)


def _chosen(tracks: list[_Track], quoted: Collection[Quoted]) -> list[_Track]:
    """As many rows as are drawn, in their order: those that prove something before others."""
    proving = [t for t in tracks if any(place_key(place) in quoted for place in t.places())]
    others = [t for t in tracks if t not in proving]
    kept = [*proving, *others][:ROWS_MAX]
    return [t for t in tracks if t in kept]


def _capture_end(timeline: Timeline, talk: Conversation, axis: Axis) -> float | None:
    for capture in timeline.of(CaptureObserved):
        if capture.where.source == talk.flow.where.source:
            return axis.of_capture(capture.ended)
    return None


def _draw(
    tracks: list[_Track],
    talk: Conversation,
    axis: Axis,
    capture_end: float | None,
    quoted: Collection[Quoted],
) -> None:
    """Put one conversation into the first row of its peer that is free, or into a new one."""
    flow = talk.flow
    refs = [ref for side in (flow.from_client, flow.from_server) for ref in (side.first, side.last) if ref]
    places = [(x, ref) for ref in refs if (x := axis.of_capture(ref.time)) is not None]
    if not places:
        return
    source = flow.where.source
    first = min(places, key=lambda place: place[0])
    last = max(places, key=lambda place: place[0])
    spans = [Span(first[0], last[0], _kind(talk), of_frame(source, first[1]), _told(talk))]
    until = last[0]
    if flow.end == "open" and capture_end is not None and capture_end > until:
        spans.append(
            Span(until, capture_end, SILENT, of_frame(source, last[1]), "still open when the capture ended")
        )
        until = capture_end
    for run in flow.zero_window_runs:
        start = axis.of_capture(run.frames[0].time) if run.frames else None
        end = axis.of_capture(run.reopened.time) if run.reopened else until
        if start is not None and end is not None:
            who = "device" if run.by == talk.mine else "peer"
            told = f"the {who} shut its window; {run.probes} probes, {run.answers} answered"
            spans.append(
                Span(start, end, WINDOW_ZERO, of_frame(source, run.frames[0]), told, run.reopened is None)
            )
    peer = talk.peer_end
    label = f"to {endpoint_text(peer.ip, peer.port)}"
    if talk.mine == "server":
        label = f"from {peer.ip}"
    track = next((t for t in tracks if t.label == label and t.until < first[0]), None)
    if track is None:
        track = _Track(label, until)
        tracks.append(track)
    track.until = max(track.until, until)
    track.conversations += 1
    track.spans += spans
    track.marks += _marks(talk, axis, quoted)


def _kind(talk: Conversation) -> Kind:
    end = talk.flow.end
    return CLOSED if end == "fin" else ABORTED if end in ("rst", "refused") else OPEN


def _told(talk: Conversation) -> str:
    """A conversation in one line."""
    flow, mine, peer = talk.flow, talk.device, talk.peer
    ends = f"{endpoint_text(flow.client.ip, flow.client.port)} → {endpoint_text(flow.server.ip, flow.server.port)}"
    told = [ends, f"device sent {mine.payload} B", f"peer sent {peer.payload} B"]
    if mine.unacked:
        told.append(f"{mine.unacked} B never acknowledged")
    for name, side in (("device", mine), ("peer", peer)):
        if side.window_first is not None and side.window_last is not None:
            told.append(f"window of {name} {side.window_first} → {side.window_last}")
    return ", ".join(told)


def _marks(talk: Conversation, axis: Axis, quoted: Collection[Quoted]) -> list[Mark]:
    flow = talk.flow
    source = flow.where.source
    found: list[tuple[FrameRef | None, Kind, str]] = []
    for who, side in (("device", talk.device), ("peer", talk.peer)):
        found += [
            (side.syn, SYN, f"by the {who}"),
            (side.fin, FIN, f"by the {who}"),
            (side.rst, RST, f"by the {who}"),
        ]
    for run in flow.retransmission_runs:
        who = "device" if run.by == talk.mine else "peer"
        found.append((run.original, FIRST, f"{run.kind} by the {who}"))
        found += [(ref, AGAIN, f"{run.kind} by the {who}, {run.count} times in all") for ref in run.frames]
        found.append((run.answered, ACKNOWLEDGED, ""))
    for probes in flow.probe_runs:
        who = "device" if probes.by == talk.mine else "peer"
        told = f"by the {who} after {probes.idle_s:.0f} s of silence, {probes.answers} of {probes.count} answered"
        found += [(ref, PROBE, told) for ref in probes.frames]
        found.append((probes.answered, ANSWERED, "the last answered probe"))
    for shut in flow.zero_window_runs:
        told = f"{shut.probes} probes, {shut.answers} answered"
        found += [(ref, SHUT, told) for ref in shut.frames]
        found.append((shut.reopened, REOPENED, ""))
    found += [(ref, UNREACHABLE, "") for ref in flow.unreachable]
    told_of = {ref.frame for ref, _, _ in found if ref is not None}
    for side in (talk.device, talk.peer):
        for ref in (side.first, side.last_payload, side.last):
            if ref is not None and ref.frame not in told_of and (source, None, ref.frame) in quoted:
                told_of.add(ref.frame)
                found.append((ref, PROOF, ""))
    return _placed(found, source, axis)


def _asked(timeline: Timeline, axis: Axis) -> Iterator[Row]:
    """What was asked and what was answered, one row per protocol."""
    rows: dict[str, list[Mark]] = {}
    for event in timeline.of(LeaseObserved, LookupObserved, ArpObserved, PingObserved):
        source = event.where.source
        found: list[tuple[FrameRef | None, Kind, str]]
        match event:
            case LeaseObserved():
                label = "DHCP"
                found = [(ref, ASKED, "") for ref in (*event.discovers, *event.requests)]
                found += [(ref, ANSWERED, "") for ref in (*event.offers, *event.acks)]
                found += [(ref, REFUSED, "") for ref in event.naks]
            case LookupObserved():
                label = "DNS"
                told = f"{event.answered} of {event.asked} answered by {event.server_ip}"
                found = _by_answers(event.frames, event.answered, told)
            case ArpObserved():
                label = "ARP"
                told = f"{event.asker_ip} asked for {event.target_ip}, {event.answered} of {event.asked} answered"
                found = _by_answers(event.frames, event.answered, told)
            case PingObserved():
                label = "ping"
                told = (
                    f"{event.asker_ip} pinged {event.target_ip}, {event.answered} of {event.asked} answered"
                )
                found = _by_answers(event.frames, event.answered, told)
        rows.setdefault(label, []).extend(_placed(found, source, axis))
    for label, marks in rows.items():
        if marks:
            yield Row(label, marks=sorted(marks, key=lambda mark: mark.x))


def _by_answers(
    frames: Iterable[FrameRef], answered: int, told: str
) -> list[tuple[FrameRef | None, Kind, str]]:
    return [(ref, ASKED if answered else UNANSWERED, told) for ref in frames]


UNANSWERED = Kind("asked, never answered", "ring", "bad")


def _placed(found: Sequence[tuple[FrameRef | None, Kind, str]], source: str, axis: Axis) -> list[Mark]:
    return [
        Mark(x, kind, of_frame(source, ref), told)
        for ref, kind, told in found
        if ref is not None and (x := axis.of_capture(ref.time)) is not None
    ]

# cython: language_level=3, annotation_typing=False, wraparound=False, boundscheck=False, initializedcheck=False, cdivision=True
"""Follow 802.11 frames: their acknowledgements, retries, stations, links and beacons.

Frames that mean something by themselves (joins, farewells, keys, what waits for a station) are handed to a teller, which
is Python's side of it; see :class:`Teller`. All others only move the objects of ``radio``.
"""

from __future__ import annotations

from typing import Any, Protocol

from halfopen.kernel import air, unsealing
from halfopen.kernel import layout as k
from halfopen.kernel import protocol as p
from halfopen.kernel.frames import Frames
from halfopen.kernel.radio import Cell, Direction, Heard, Link, Party, Run, Station
from halfopen.kernel.unsealing import Bench


class Teller(Protocol):
    """Who makes facts of what a :class:`Listener` hears."""

    def unseal(self, row: int) -> bool:
        """Open a sealed frame of whom no lock or ring is known, or which is no data; whether it is open now."""

    def take_apart(self, row: int) -> None:
        """Read the MSDUs of a row that holds several."""

    def tell(self, heard: Heard, at: int, end: int) -> None:
        """A management frame that is no beacon, or one of a key handshake; its body stands at ``at``."""

    def data(self, heard: Heard) -> None:
        """Data of a link that somebody wants to know of."""

    def delivered(self, heard: Heard) -> None:
        """Data for a station for which beacons announced it."""

    def cell(self, heard: Heard) -> Cell | None:
        """The first beacon of an access point; ``None`` when there are too many."""

    def offered(self, heard: Heard) -> bool:
        """A beacon that may tell its encryption; whether it did."""

    def waits(self, heard: Heard) -> bool:
        """A beacon whose map concerns a station; whether frames wait now."""

    def switch(self, heard: Heard, channel: int) -> None:
        """A beacon that announces a switch of channels."""

    def channel(self, megahertz: int) -> None:
        """Another channel than that of the frame before."""

    def link(self, station: int, bssid: int) -> Link | None:
        """A link that was not met before; ``None`` when there are too many."""

    def station(self, heard: Heard) -> Station | None:
        """The first frame of a station; ``None`` when there are too many."""


class Listener:
    """Everything heard so far; the dictionaries are in the order of first appearance."""

    def __init__(self, teller: Teller) -> None:
        self.teller: Any = teller
        self.bench = Bench()
        self.frames = 0
        self.damaged = 0
        self.acks = 0
        self.retries = 0
        self.first_frame = 0
        self.first_time = 0
        self.voices = 0
        self.lists = 0  # of frames whose retries are known
        self.tuned = 0  # the channel of the newest frame
        self.parties: dict[int, Party] = {}
        self.links: dict[tuple[int, int], Link] = {}
        self.spoken: list[Party] = []
        self.talking: list[Party] = []
        self.recent: list[Party] = [Party(-2)] * 256


def party_of(e: Listener, address: int) -> Party:
    """Who has this address."""
    index = (address ^ address >> 8 ^ address >> 16) & 0xFF
    party = e.recent[index]
    if party.address != address:
        found = e.parties.get(address)
        if found is None:
            found = Party(address)
            if len(e.parties) < p.PARTIES_MAX:
                e.parties[address] = found
        party = found
        e.recent[index] = party
    return party


def peer_of(e: Listener, party: Party, address: int) -> Party:
    """Whom a party sends to: mostly the one that it sent to before."""
    peer = party.peer
    if peer is None or peer.address != address:
        peer = party_of(e, address)
        party.peer = peer if len(e.parties) < p.PARTIES_MAX else None  # beyond that some are forgotten
    return peer


def link_of(e: Listener, party: Party, bssid: int, make: int) -> Link | None:
    """A station's link with an access point, ``None`` where there is none; ``make``: it is made unless one is a group."""
    link = party.link
    if link is not None and link.bssid == bssid:
        return link
    key = (party.address, bssid)
    link = e.links.get(key)
    if link is None:
        if not make or (party.address | bssid) & p.GROUP_BIT:
            return None
        link = e.teller.link(party.address, bssid)
        if link is None:
            return None
        e.links[key] = link
    party.link = link
    return link


def decide(d: Direction, heard: Heard) -> int:
    """A frame was acknowledged or never will be; whether it was."""
    d.settled += 1
    run = d.run
    if heard.acked:
        if run is not None:
            run.resumed = heard
        close(d)
        return 1
    d.missed += 1
    if run is None:
        run = Run(heard)
        d.run = run
    run.last = heard
    run.count += 1
    if heard.kind >> 4 == p.DATA and heard.kind & 4:
        run.nulls += 1
    if heard.kind == p.KIND_DEAUTH or heard.kind == p.KIND_DISASSOC:
        run.farewells += 1
    if heard.tried > heard.time or heard.flags & k.FC_RETRY:
        run.retried += 1
    return 0


def close(d: Direction) -> int:
    """A run of unacknowledged frames is over; how long it was."""
    run = d.run
    count = 0
    if run is not None:
        count = run.count
        if count >= p.RUN_MIN:
            d.runs.add(run)
        d.run = None
    return count


def settle(d: Direction, before: int) -> int:
    """Decide on the frames last tried before this time; how many were decided on."""
    count = 0
    heard = d.oldest
    while heard is not None and heard.tried < before:
        decide(d, heard)
        advance(d)
        heard = d.oldest
        count += 1
    return count


def advance(d: Direction) -> int:
    """The frame that waited longest is decided on; whether another waits."""
    waiting = len(d.open)
    if d.head < waiting:
        d.oldest = d.open[d.head]
        d.head += 1
        if d.head > 32 or d.head == waiting:
            del d.open[: d.head]
            d.head = 0
        return 1
    d.oldest = None
    return 0


def send(d: Direction, heard: Heard) -> int:
    """Take a frame; earlier ones are settled by now. How many wait besides the oldest."""
    settle(d, heard.time - p.SETTLED_NS)
    if d.oldest is None:
        d.oldest = heard
        return 0
    d.open.append(heard)
    if len(d.open) - d.head >= p.OPEN_MAX:
        decide(d, d.oldest)
        advance(d)
    return len(d.open) - d.head


def end(d: Direction) -> int:
    """Nothing follows: decide on all that still wait; how long the run was that it ended in."""
    while d.oldest is not None:
        decide(d, d.oldest)
        advance(d)
    return close(d)


def voice(e: Listener, party: Party) -> int:
    """The sniffer hears this station or access point; how many it hears."""
    if not party.voiced and e.voices < p.VOICES_MAX:
        party.voiced = True
        e.voices += 1
        e.parties[party.address] = party
    return e.voices


def acknowledged(e: Listener, party: Party, heard: Heard) -> int:
    """An acknowledgement of this frame of a party was heard; whether it is of a link."""
    heard.acked = True
    receiver = peer_of(e, party, heard.receiver)
    voice(e, receiver)
    by_ap = heard.sender == heard.bssid
    link = link_of(e, receiver if by_ap else party, heard.bssid, 0)
    if link is None:
        return 0
    if by_ap:
        run = link.by_station.run
    else:
        link.reached = heard.time
        run = link.by_ap.run
    if run is not None:
        run.answered += 1
    return 1


def acknowledge(e: Listener, sender: int, time: int) -> int:
    """An ACK settles the newest frame of the sender that it is for; whether there is one."""
    e.acks += 1
    party = party_of(e, sender)
    heard = party.newest
    if heard is None or time - heard.tried > p.ACK_NS + p.OCTET_NS * heard.size:
        return 0
    party.newest = party.awaiting.pop() if len(party.awaiting) else None
    acknowledged(e, party, heard)
    return 1


def acknowledge_block(e: Listener, f: Frames, time: int) -> int:
    """A block acknowledgement settles those frames of a burst whose bits are set in it; how many."""
    e.acks += 1
    at = f.air[k.W_BODY]
    end = f.air[k.W_END]
    settled = 0
    if end - at < 4:
        return settled
    # Control, starting sequence number << 4, then a bit for each frame (IEEE 802.11-2020 section 9.3.1.8).
    control = f.data[at] | f.data[at + 1] << 8
    start = (f.data[at + 2] | f.data[at + 3] << 8) >> 4
    bits = at + 4
    receiver = f.air[k.W_RA]
    parties = list(e.talking) if receiver & p.GROUP_BIT else [party_of(e, receiver)]
    for party in parties:
        if party.newest is None:
            continue
        left: list[Heard] = []
        done: list[Heard] = []
        party.awaiting.append(party.newest)
        for heard in party.awaiting:
            bit = (heard.sequence - start) & 0xFFF
            mine = (
                heard.receiver == f.air[k.W_TA]
                and time - heard.tried <= p.BLOCK_ACK_NS
                and heard.tid != k.W_NO_TID
            )
            if mine and control >> 1 & 15 == p.COMPRESSED:
                mine = heard.tid == control >> 12 and bits + (bit >> 3) < end
                mine = mine and f.data[bits + (bit >> 3)] >> (bit & 7) & 1 != 0
            if mine:
                done.append(heard)
            else:
                left.append(heard)
        party.newest = left.pop() if len(left) else None
        party.awaiting = left
        settled += len(done)
        for heard in done:
            acknowledged(e, party, heard)
    return settled


def known_before(party: Party, tid: int, sequence: int) -> Heard | None:
    """The frame that a retry repeats, if it is still remembered."""
    if party.known is None:
        return None
    frames = party.known[tid]
    if frames is None:
        return None
    at = len(frames) - 1
    while at >= 0:
        heard = frames[at]
        if (heard.sequence ^ sequence) & (k.KNOWN - 1) == 0:
            return heard if heard.sequence == sequence else None
        at -= 1
    return None


def remember(frames: list[Heard], heard: Heard) -> int:
    """Add a frame to those whose retries are known, and forget those that nobody retries any more; how many there are."""
    while len(frames):
        oldest = frames[0]
        if len(frames) < k.KNOWN and heard.time - oldest.tried <= p.KNOWN_NS:
            break
        frames.pop(0)
    frames.append(heard)
    return len(frames)


def forget(e: Listener) -> int:
    """Too many talk: what waits for acknowledgement or retry is given up; of how many."""
    count = len(e.talking)
    for party in e.talking:
        party.newest = None
        party.awaiting = []
        party.known = None
    e.talking = []
    e.lists = 0
    return count


def wait(e: Listener, party: Party, heard: Heard, again: int) -> int:
    """Remember a frame until its acknowledgement or its retry comes; how many of its sender wait besides it."""
    if party.known is None:
        party.known = [None] * (k.W_NO_TID + 1)
        e.talking.append(party)
    frames = party.known[heard.tid]
    if frames is None:
        if e.lists >= p.LISTS_MAX:
            forget(e)
            party.known = [None] * (k.W_NO_TID + 1)
            e.talking.append(party)
        e.lists += 1
        frames = []
        party.known[heard.tid] = frames
    if not again or len(frames) == 0:
        remember(frames, heard)
    awaiting = party.awaiting
    newest = party.newest
    party.newest = heard
    if newest is not None:
        if heard.time - newest.tried > p.BLOCK_ACK_NS:
            del awaiting[:]
        elif newest is not heard:
            if again and heard in awaiting:
                awaiting.remove(heard)
            awaiting.append(newest)
            if len(awaiting) >= p.BURST_MAX:
                del awaiting[0]
    return len(awaiting)


def sent(e: Listener, party: Party, heard: Heard, rssi: int) -> int:
    """Account for a station's frame; how many it sent."""
    station = party.station
    if station is None:
        station = e.teller.station(heard)
        if station is None:
            return 0
        party.station = station
    station.sent += 1
    station.last = heard
    if rssi != k.W_NO_RSSI:
        station.signals[rssi + 128] += 1
    if heard.kind >> 4 != p.DATA or heard.flags & k.FC_TO_DS == 0:
        return station.sent
    if not station.aps:  # it joined before the capture began
        station.aps[heard.bssid] = None
    if station.talked_first is None:
        station.talked_first = heard
    station.talked_last = heard
    dozing = heard.flags & k.FC_POWER != 0
    if station.since != k.NEVER and heard.time > station.since:
        station.watched += heard.time - station.since
        if station.dozing:
            station.dozed += heard.time - station.since
    station.since = heard.time
    if dozing != station.dozing:
        station.dozing = dozing
        station.dozes += 1
        heard.turn = k.TURN_DOZING if dozing else k.TURN_AWAKE
        station.turns.add(heard)
    return station.sent


def see(e: Listener, party: Party, heard: Heard, rssi: int, link: Link | None) -> int:
    """Take a management or data frame that is no retry, of this link where that is known; whether it is of one."""
    data = heard.kind >> 4 == p.DATA
    if data and heard.bssid < 0:
        return 0  # access points among themselves
    by_ap = heard.sender == heard.bssid
    if not by_ap:
        sent(e, party, heard, rssi)
    # Probes tell nothing of a link: responses go to stations that may have left the channel.
    if heard.bssid < 0 or heard.kind == p.KIND_PROBE_REQUEST or heard.kind == p.PROBE_RESPONSE:
        return 0
    if link is None:
        link = link_of(e, peer_of(e, party, heard.receiver) if by_ap else party, heard.bssid, 1)
    if link is None:
        return 0
    if not by_ap:
        link.spoke = heard.time
    elif data and heard.kind & 4:
        link.polls.add(heard)
    if heard.receiver & p.GROUP_BIT == 0 and not heard.unasked:
        send(link.by_ap if by_ap else link.by_station, heard)
    return 1


def mapped(f: Frames, cell: Cell, at: int) -> int:
    """Whether the traffic indication map at ``at`` says that frames wait for a station of this access point."""
    size = f.data[at - 1]
    for index in range(len(cell.numbers)):
        octet = (cell.numbers[index] >> 3) - (f.data[at + 2] & 0xFE)
        if 0 <= octet < size - 3 and f.data[at + 3 + octet] >> (cell.numbers[index] & 7) & 1:
            return 1
    return 0


def beacon(e: Listener, f: Frames, heard: Heard) -> int:
    """Take a beacon; how many of its access point were heard."""
    party = party_of(e, heard.bssid)
    cell = party.cell
    interval = f.air[k.W_INTERVAL]
    tsf = f.air[k.W_TSF]
    if cell is None:
        cell = e.teller.cell(heard)
        party.cell = cell
    elif cell.interval > 0 and heard.time - cell.last.time > p.GAP_INTERVALS * cell.interval * p.UNIT_NS:
        cell.gaps.add((cell.last, heard))
    if cell is not None:
        # Not every step back: a capture merged from two receivers may swap neighbours.
        if cell.count and tsf + interval * 1024 < cell.tsf:
            cell.restarts.add(heard)
        heard.detail = cell.detail
        cell.count += 1
        rssi = f.air[k.W_RSSI]
        if rssi != k.W_NO_RSSI:
            cell.signals[rssi + 128] += 1
        cell.last = heard
        cell.tsf = tsf
        cell.interval = interval
        at = f.air[k.W_TIM]
        if at >= 0:
            cell.dtim = f.data[at + 1]
            if cell.waits or (len(cell.numbers) and mapped(f, cell, at)):
                cell.waits = e.teller.waits(heard)
    if f.air[k.W_SWITCH] >= 0:
        e.teller.switch(heard, f.air[k.W_SWITCH])
    if cell is None:
        e.teller.offered(heard)
    elif cell.offer >= 0:
        at = f.air[k.W_BODY]
        offer = (f.air[k.W_END] - at) << 16 | f.data[at + 10] << 8 | f.data[at + 11]
        if offer != cell.offer:
            cell.offer = -1 if e.teller.offered(heard) else offer
    return 0 if cell is None else cell.count


def tell(e: Listener, f: Frames, party: Party, heard: Heard, at: int, end: int) -> int:
    """Hand a frame to those whom it concerns; whether somebody had to be asked."""
    if heard.kind == p.BEACON:
        beacon(e, f, heard)
        return 0
    asked = 0
    if heard.kind >> 4 == p.MANAGEMENT or f.air[k.W_ETHERTYPE] == p.ETHERTYPE_EAPOL:
        e.teller.tell(heard, at, end)
        asked = 1
    link = None
    if heard.kind >> 4 == p.DATA and heard.kind & 4 == 0:
        by_ap = heard.sender == heard.bssid
        group = heard.receiver & p.GROUP_BIT != 0
        if heard.bssid >= 0 and not group:
            link = link_of(e, peer_of(e, party, heard.receiver) if by_ap else party, heard.bssid, 0)
        noted = k.NOTED_KEYLESS | k.NOTED_PARTING | k.NOTED_WAITING
        if link is not None:
            noted = link.noted
        elif group:
            noted = 0
        telling = (noted & k.NOTED_KEYLESS and heard.flags & k.FC_PROTECTED) or (
            noted & k.NOTED_PARTING and by_ap
        )
        if telling and not asked and heard.bssid >= 0 and not group and not heard.unasked:
            e.teller.data(heard)
        if by_ap and noted & k.NOTED_WAITING:
            e.teller.delivered(heard)
    see(e, party, heard, f.air[k.W_RSSI], link)
    return asked


def new_heard(f: Frames, frame: int, time: int, size: int) -> Heard:
    """The frame of the air row."""
    heard = Heard.__new__(Heard)  # compiled, this is an allocation, and a call of __init__ would be three
    heard.frame = frame
    heard.time = time
    heard.tried = time
    heard.kind = f.air[k.W_KIND]
    heard.flags = f.air[k.W_FLAGS]
    heard.receiver = f.air[k.W_RA]
    heard.sender = f.air[k.W_TA]
    heard.bssid = f.air[k.W_BSSID]
    heard.sequence = f.air[k.W_SEQ]
    heard.tid = f.air[k.W_TID]
    heard.size = size
    heard.unasked = f.air[k.W_POLICY] == k.POLICY_NO_ACK
    heard.acked = False
    heard.turn = 0
    heard.detail = ""
    return heard


def sealed(kind: int, flags: int) -> int:
    """Whether a frame's body is encrypted: null data has none, and of management frames only robust ones are sealed
    under PMF, besides the third step of WEP's authentication."""
    if flags & k.FC_PROTECTED == 0:
        return 0
    if kind >> 4 == p.DATA:
        return kind & 4 == 0
    return kind in (p.KIND_AUTH, p.KIND_DEAUTH, p.KIND_DISASSOC, p.KIND_ACTION)


def unseal(e: Listener, f: Frames, row: int, party: Party) -> int:
    """Take a sealed frame of this party; whether it is open now."""
    bssid = f.air[k.W_BSSID]
    if f.air[k.W_KIND] >> 4 == p.DATA and bssid >= 0 and unsealing.in_one_piece(f, 0):
        by_ap = party.address == bssid
        if f.air[k.W_RA] & p.GROUP_BIT:
            if by_ap and party.ring is not None:
                return unsealing.unlock_group(f, e.bench, party.ring, row, 0)
        else:
            link = link_of(e, peer_of(e, party, f.air[k.W_RA]) if by_ap else party, bssid, 0)
            if link is not None and link.lock is not None:
                return unsealing.unlock(f, e.bench, link.lock, row, 0)
    return 1 if e.teller.unseal(row) else 0


def take(e: Listener, f: Frames, row: int, frame: int, time: int) -> int:
    """Take a management or data frame, or one more try of it; 1 when its row was made Ethernet."""
    size = f.air[k.W_END] - f.air[k.W_HEADER]
    made = 0
    closed = 0
    again = f.air[k.W_AGAIN]
    flags = f.air[k.W_FLAGS]
    kind = f.air[k.W_KIND]
    sender = f.air[k.W_TA]
    party = party_of(e, sender)
    if not again:
        if sealed(kind, flags):
            if not unseal(e, f, row, party):
                closed = 1  # nothing in it means anything
            elif kind >> 4 == p.DATA:
                made = air.reveal(f, row, 0)
        if f.air[k.W_SEVERAL] and not closed:
            e.teller.take_apart(row)
    heard = None
    if again:
        heard = known_before(party, f.air[k.W_TID], f.air[k.W_SEQ])
    if heard is None:
        again = 0
        heard = new_heard(f, frame, time, size)
        at = f.air[k.W_BODY]
        tell(e, f, party, heard, at, at if closed else f.air[k.W_END])
    elif party.station is not None and heard.tried == heard.time:
        party.station.retried += 1
    heard.tried = time
    voice(e, party)
    if flags & k.FC_RETRY:
        e.retries += 1
    if heard.receiver & p.GROUP_BIT == 0 and not heard.unasked:
        receiver = peer_of(e, party, heard.receiver)
        if receiver.spoken or len(e.spoken) < p.VOICES_MAX:
            if receiver.spoken == 0:
                e.spoken.append(receiver)
                e.parties[receiver.address] = receiver
            receiver.spoken += 1
        wait(e, party, heard, again)
    return made


def hear(e: Listener, f: Frames, count: int, frame: int) -> int:
    """Read and take the first ``count`` rows, the first of which is number ``frame``, one after the other into the air row
    that ``f`` holds; how many of them were made Ethernet."""
    made = 0
    for row in range(count):
        made += air.read_row(f, row, 0)
        kind = f.air[k.W_KIND]
        if kind == k.W_ABSENT:
            continue
        time = f.rows[row * k.WIDTH + k.TIME]
        if e.frames == 0:
            e.first_frame = frame + row
            e.first_time = time
        e.frames += 1
        if kind == k.W_DAMAGED:
            e.damaged += 1
            continue
        channel = f.air[k.W_CHANNEL]
        if channel > 0 and channel != e.tuned:
            e.tuned = channel
            e.teller.channel(channel)
        if kind == p.KIND_ACK:
            acknowledge(e, f.air[k.W_RA], time)
        elif kind == p.KIND_BLOCK_ACK:
            acknowledge_block(e, f, time)
        elif kind >> 4 == p.MANAGEMENT or kind >> 4 == p.DATA:
            made += take(e, f, row, frame + row, time)
    return made

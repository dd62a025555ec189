"""The network between a device and its peers: one LAN with a gateway, and the conditions on each node's link.

A capture taken at a link sees what its node sends before anything can lose it, and what reaches the node after all that
could: a recorder on the device's own interface.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from halfopen.impairments import Impairment
from halfopen.impairments.span import TO_DEVICE, TO_PEER
from halfopen.twin.conditions import Conditions
from halfopen.twin.mishaps import MISHAPS
from halfopen.twin.packets import BROADCAST, HOST_TTL, Arp, Frame, Packet
from halfopen.twin.truth import Truth
from halfopen.twin.world import MS, US, World

#: One way across one link when nothing else is said: a TAP on the same machine.
LINK_NS = 5 * US
#: From a packet to the answer of a router or firewall on its way.
BOX_NS = 2 * MS


class Place(Protocol):
    """Whatever something can be done to: a node, or an access point."""

    name: str


class Node(Protocol):
    """Whatever is on the network."""

    name: str
    mac: str
    ip: str

    def receive(self, frame: Frame) -> None:
        """A frame for this node."""


class Tap(Protocol):
    """Whoever listens on a link."""

    def record(self, now: int, frame: Frame) -> None:
        """A frame passes at ``now`` (ns)."""


class Radio(Protocol):
    """What lies between a node's link and the LAN when that is no wire."""

    def send(self, frame: Frame) -> None:
        """The node sends ``frame``; what gets through goes on with :meth:`Link.onward`."""

    def bring(self, frame: Frame) -> None:
        """The LAN has ``frame`` for the node; what gets through goes on with :meth:`Link.hand_over`."""

    def closed_form(self) -> tuple[int, int] | None:
        """What a short frame takes up and down (ns) while each certainly gets through; ``None`` where it may not."""

    def passed(self, frames: int, last: int) -> None:
        """So many frames went up and as many down until ``last`` (ns) without being played."""


class Partner(Protocol):
    """The other end of a connection that may doze."""

    def doze(self, wake: Callable[[], None]) -> None:
        """It dozes; call ``wake`` before anything changes here."""

    def awake(self, probes: int, last_at: int) -> Packet:
        """It is awake: so many probes were answered, the last at about ``last_at`` (ns); what the next is answered."""


class Link:
    """A node's end of the network: it sends into it, conditions decide, a tap may listen."""

    def __init__(self, network: Network, node: Node, outward: str) -> None:
        self.network = network
        self.node = node
        self.gateway = network.gateway
        #: What leaving this node means: to the peer, or to the device.
        self.outward = outward
        self.inward = TO_DEVICE if outward == TO_PEER else TO_PEER
        self.conditions = Conditions(network.world, node.name)
        self.tap: Tap | None = None
        #: Frames that passed so far, both ways, and their bytes; what was played in closed form is not among them.
        self.frames = self.octets = 0
        self.radio: Radio | None = None
        #: Nothing leaves the node: a radio without an access point.
        self.muted = False
        #: The node is elsewhere: what reaches the LAN from it, the gateway sends there.
        self.behind_gateway = False
        self._ignores: Callable[[Arp | Packet], bool] | None = getattr(node, "ignores", None)
        self._last_in = 0
        self._last_out = 0

    def spares(self, frame: Frame) -> bool:
        """Whether a broadcast need not be played here: nobody records, and it means nothing to the node."""
        return (
            self.tap is None
            and self.conditions.quiet
            and self._ignores is not None
            and self._ignores(frame.packet)
        )

    def send(self, frame: Frame) -> None:
        """The node sends ``frame``."""
        if self.muted:
            return
        self.frames += 1
        self.octets += frame.octets
        world = self.network.world
        if self.tap is not None:
            self.tap.record(world.now, frame)
        if self.radio is not None:
            self.radio.send(frame)
        else:
            self.onward(frame)

    def onward(self, frame: Frame) -> None:
        """What the node sent has reached the wire."""
        world = self.network.world
        conditions = self.conditions
        if conditions.quiet:
            self.network.carry(frame, LINK_NS)
            return
        delay = conditions.judge(self, frame, self.outward)
        if delay is not None:
            # A flow stays in order whatever the jitter is.
            self._last_out = max(self._last_out, world.now + delay)
            self.network.carry(frame, self._last_out - world.now + LINK_NS)

    def bring(self, frame: Frame) -> None:
        """A frame for the node arrives at its end of the network."""
        conditions = self.conditions
        if conditions.quiet:
            self.deliver(frame)
            return
        delay = conditions.judge(self, frame, self.inward)
        if delay is None:
            return
        world = self.network.world
        self._last_in = max(self._last_in, world.now + delay)
        if self._last_in == world.now:
            self.deliver(frame)
        else:
            world.at(self._last_in, self.deliver, frame)

    def send_back(self, frame: Frame, direction: str) -> None:
        """A box on the way answers a frame that went in ``direction``."""
        world = self.network.world
        if direction == self.outward:
            world.after(BOX_NS, self.deliver, frame)
        else:
            world.after(BOX_NS, self.network.carry, frame, 0)

    def deliver(self, frame: Frame) -> None:
        """Bring ``frame`` to the node, past all conditions of the wire."""
        if self.radio is not None:
            self.radio.bring(frame)
        else:
            self.hand_over(frame)

    def hand_over(self, frame: Frame) -> None:
        """The node has received ``frame``."""
        self.frames += 1
        self.octets += frame.octets
        if self.tap is not None:
            self.tap.record(self.network.world.now, frame)
        self.node.receive(frame)


class Way:
    """A probe's way from one link to another and its answer's way back: ns from the probe's leaving to each station."""

    __slots__ = ("answers", "arrives", "back", "far", "near", "reaches", "returns")

    def __init__(self, near: Link, far: Link, turnaround: int) -> None:
        self.near = near
        self.far = far
        #: The probe reaches the far link, arrives at its node; the answer leaves it, returns to our link, is delivered.
        up, down = (near.radio.closed_form() or (0, 0)) if near.radio is not None else (0, 0)
        self.reaches = up + near.conditions.fixed_delay(near.outward) + 2 * LINK_NS
        self.arrives = self.reaches + far.conditions.fixed_delay(far.inward)
        self.answers = self.arrives + turnaround
        self.returns = self.answers + far.conditions.fixed_delay(far.outward) + 2 * LINK_NS
        self.back = self.returns + near.conditions.fixed_delay(near.inward) + down

    def resume(self, left: int, probe: Frame, answer: Frame) -> None:
        """Let what left at ``left`` (ns) go on from where it is now, under whatever conditions come."""
        world = self.near.network.world
        gone = world.now - left
        for until, step, frame in (
            (self.reaches, self.far.bring, probe),
            (self.arrives, self.far.deliver, probe),
            (self.answers, self.far.deliver, probe),
            (self.returns, self.near.bring, answer),
            (self.back, self.near.hand_over, answer),
        ):
            if gone < until:
                world.at(left + (self.arrives if until == self.answers else until), step, frame)
                return


class Network:
    """A LAN (``prefix``, /24) whose ``gateway`` leads to every other address."""

    def __init__(
        self,
        world: World,
        truth: Truth | None = None,
        gateway: str = "192.168.5.1",
        prefix: str = "192.168.5.",
    ) -> None:
        self.world = world
        self.truth = truth or Truth(world)
        self.gateway = gateway
        self.prefix = prefix
        self.links: dict[str, Link] = {}
        self._remote: dict[str, Link] = {}
        self._router: Router | None = None
        #: Kinds of mishaps under way, by the name of the node and their sort.
        self._mishaps: dict[tuple[str, str], list[str]] = {}
        #: Called before conditions change anywhere, so that what was played in closed form is settled.
        self.before_change: list[Callable[[], None]] = []

    def join(self, node: Node, mac: str, *, serves: bool = False) -> Link:
        """Put a node on the LAN, or behind the gateway when its address is not of the LAN.

        Raises:
            ValueError: the LAN has that MAC already.
        """
        link = Link(self, node, TO_DEVICE if serves else TO_PEER)
        if serves and node.ip and not node.ip.startswith(self.prefix):
            link.behind_gateway = True
            self._remote[node.ip] = link
            if self._router is None and not any(
                other.node.ip == self.gateway for other in self.links.values()
            ):
                self._router = Router(self)
            return link
        if mac in self.links:
            raise ValueError(f"two nodes have the address {mac}")
        self.links[mac] = link
        return link

    def next_hop(self, ip: str) -> str:
        """Whom to ask for on the LAN to reach ``ip``."""
        return ip if ip.startswith(self.prefix) else self.gateway

    def forwarded(self, packet: Packet) -> Frame:
        """A packet of a node behind the gateway as the gateway puts it on the LAN; nobody's where no node has the address."""
        packet.ttl = HOST_TTL - 1
        gateway = addressee = ""
        for link in self.links.values():
            node = link.node
            if node.ip == packet.destination and not addressee:
                addressee = node.mac
            if node.ip == self.gateway and not gateway:
                gateway = node.mac
            if gateway and addressee:
                break
        addressee = addressee or gateway
        return Frame(addressee, gateway, packet)

    def carry(self, frame: Frame, delay: int) -> None:
        """Take a frame to whom it is addressed."""
        if frame.destination == BROADCAST:
            for mac, link in list(self.links.items()):
                if mac != frame.source and not link.spares(frame):
                    self.world.after(delay + LINK_NS, link.bring, frame)
            return
        target = self._target(frame)
        if target is not None:
            self.world.after(delay + LINK_NS, target.bring, frame)

    def _target(self, frame: Frame) -> Link | None:
        """The link of a unicast frame's addressee; what is for elsewhere goes through the gateway."""
        packet = frame.packet
        if self._remote and isinstance(packet, Packet):
            remote = self._remote.get(packet.destination)
            if remote is not None:
                return remote
        return self.links.get(frame.destination)

    def link_of(self, ip: str) -> Link | None:
        """The link of the node that has ``ip`` now."""
        return self._remote.get(ip) or next(
            (link for link in self.links.values() if link.node.ip == ip), None
        )

    # What is played in closed form --------------------------------------------------------------------------

    def idle_partner(
        self, link: Link, ip: str, port: int, device_port: int, quiet_ns: int
    ) -> tuple[Partner, Way] | None:
        """Who would answer probes from ``link`` once every ``quiet_ns``, and the way there and back.

        ``None`` where probes have to be played: the peer is busy or gone, somebody records, or packets may get lost.
        """
        other = self.link_of(ip)
        if other is None or other.tap is not None:
            return None
        if link.radio is not None and link.radio.closed_form() is None:
            return None
        flow = (link.node.ip, device_port, ip, port)
        for one in (link, other):
            conditions = one.conditions
            if conditions.quiet:
                continue
            nat = conditions.nat_idle_ns
            if not conditions.steady(flow) or (nat is not None and nat <= quiet_ns):
                return None
        idle_with = getattr(other.node, "idle_with", None)
        found = idle_with(link.node.ip, device_port, port) if idle_with is not None else None
        if found is None:
            return None
        partner, turnaround = found
        return partner, Way(link, other, turnaround)

    def passed(self, link: Link, ip: str, port: int, device_port: int, last: int) -> None:
        """Packets of a flow passed in closed form, the last at ``last`` (ns): boxes on the way remember it."""
        flow = (link.node.ip, device_port, ip, port)
        for one in (link, self.link_of(ip)):
            if one is not None and not one.conditions.quiet:
                one.conditions.keep_alive(flow, last)

    # Impairments -------------------------------------------------------------------------------------------

    def impair(self, impairment: Impairment, at: Place) -> None:
        """Let ``impairment`` happen at ``at``: on its link, or to the node itself.

        Raises:
            ValueError: the kind cannot happen to such a node.
        """
        mishap = MISHAPS.get(impairment.KIND)
        if mishap is not None and not mishap.fits(at):
            raise ValueError(f"{impairment.KIND} cannot happen to {at.name}")
        if mishap is None:
            self._link_at(at, impairment)
        begin = int(impairment.begin_ms * MS)
        if begin <= self.world.now:
            self._begin(impairment, at)
        else:
            self.world.at(begin, self._begin, impairment, at)
        if impairment.end_ms is not None:
            self.world.at(int(impairment.end_ms * MS), self._end, impairment, at)

    def _link_at(self, node: Place, impairment: Impairment) -> Link:
        for link in (*self.links.values(), *self._remote.values()):
            if link.node is node:
                return link
        raise ValueError(f"{impairment.KIND} cannot happen to {node.name}, which has no link of its own")

    def _begin(self, impairment: Impairment, at: Place) -> None:
        self._settle_for(at)
        self.truth.note(at.name, "impairment-began", **impairment.as_dict())
        mishap = MISHAPS.get(impairment.KIND)
        if mishap is None:
            self._link_at(at, impairment).conditions.begin(impairment)
        elif mishap.sort and impairment.end_ms is not None:
            under_way = self._mishaps.setdefault((at.name, mishap.sort_of(impairment)), [])
            under_way.append(impairment.KIND)
            if under_way.count(impairment.KIND) == 1:
                mishap.begin(at, impairment)
        else:
            mishap.begin(at, impairment)

    def _end(self, impairment: Impairment, at: Place) -> None:
        self._settle_for(at)
        self.truth.note(at.name, "impairment-ended", kind=impairment.KIND)
        mishap = MISHAPS.get(impairment.KIND)
        if mishap is None:
            self._link_at(at, impairment).conditions.end(impairment)
            return
        under_way = self._mishaps.get((at.name, mishap.sort_of(impairment)), []) if mishap.sort else []
        if impairment.KIND in under_way:
            under_way.remove(impairment.KIND)
        if not under_way:
            mishap.end(at, impairment)

    def _settle_for(self, at: Place) -> None:
        """Bring up to now what a change at ``at`` concerns: a device's own, or everything."""
        link = self.links.get(getattr(at, "mac", ""))
        settle = getattr(at, "settle", None)
        if link is not None and link.node is at and link.outward == TO_PEER and settle is not None:
            settle()
        else:
            self.settle()

    def settle(self) -> None:
        """Bring everything that is played in closed form up to now."""
        for settle in self.before_change:
            settle()


class Router:
    """The gateway where no host is one: it answers ARP; forwarding is :meth:`Network.carry`'s."""

    def __init__(self, network: Network) -> None:
        self.name = "gateway"
        self.ip = network.gateway
        self.mac = "02:00:5e:00:00:01"
        self._network = network
        self._link = network.join(self, self.mac)

    def receive(self, frame: Frame) -> None:
        """Answer a request for our address; everything else was forwarded already."""
        packet = frame.packet
        if isinstance(packet, Arp) and not packet.reply and packet.target_ip == self.ip:
            answer = Arp(self.mac, self.ip, packet.sender_ip, packet.sender_mac, reply=True)
            self._link.send(Frame(packet.sender_mac, self.mac, answer))

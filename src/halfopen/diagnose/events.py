"""What happened, as past-tense facts, each with the place that proves it.

Two events are never the same event, however alike they read: they compare by identity. Nothing that an event holds leads
back to it, so the garbage collector need not look at the hundred thousands that there may be (``gc=False``).

Console events come from ``sources.console``; what a capture shows is in ``traffic``. An event never says what
it means: that is for the rules.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class Provenance(Struct, frozen=True, gc=False):
    """Where a fact can be read: the source as the user named it, and a line or a frame counted from 1."""

    source: str
    line: int | None
    frame: int | None
    text: str


class Moment(Struct, frozen=True, gc=False):
    """When a fact happened, on each clock that its line or frame carries, in seconds.

    ``boot`` counts from the start of the device's current boot (the 32-bit millisecond wrap already undone);
    ``system`` is the device's own wall clock; ``host`` is the clock of the machine that recorded the line or
    frame. Clocks are never mixed: :meth:`since` compares like with like or says ``None``.
    """

    epoch: int = 0
    boot: float | None = None
    system: float | None = None
    host: float | None = None

    def since(self, earlier: Moment) -> float | None:
        """Seconds from ``earlier`` to this moment on a clock that both carry, else ``None``."""
        if self.boot is not None and earlier.boot is not None and self.epoch == earlier.epoch:
            return self.boot - earlier.boot
        if self.host is not None and earlier.host is not None:
            return self.host - earlier.host
        if self.system is not None and earlier.system is not None:
            return self.system - earlier.system
        return None

    @property
    def seconds(self) -> float | None:
        """The figure to print beside a quoted line: the boot clock if there is one, else host, else system."""
        for clock in (self.boot, self.host, self.system):
            if clock is not None:
                return clock
        return None


class Event(Struct, frozen=True, eq=False, gc=False):
    """A fact, where it stands and when it happened."""

    where: Provenance
    at: Moment


class Booted(Event, frozen=True):
    """The device started; ``reason`` as printed (``RTCWDT_BROWN_OUT_RESET``), or ``""`` when only implied."""

    reason: str = ""


class FirmwareNamed(Event, frozen=True):
    """A line that only one firmware family prints; ``version`` where it says so."""

    family: str
    version: str = ""


class LogEnded(Event, frozen=True):
    """The last line of a log: it tells how long the device went on after whatever happened. ``lines`` counts all."""

    lines: int


class HeapSampled(Event, frozen=True):
    """Heap figures in bytes, each ``None`` when the line does not say it."""

    free: int | None = None
    minimum: int | None = None
    largest: int | None = None
    pool: str = ""


class QueueSampled(Event, frozen=True):
    """Messages waiting in an application queue."""

    depth: int


class AllocationFailed(Event, frozen=True):
    """An allocation was refused; sizes in bytes where the line says them."""

    wanted: int | None = None
    largest: int | None = None


class TlsFailed(Event, frozen=True):
    """A TLS call failed with an mbedTLS error ``code`` (negative); ``memory`` when that code means allocation."""

    code: int | None = None
    memory: bool = False


class SocketOpened(Event, frozen=True):
    """``socket()`` or ``accept()`` returned a descriptor."""

    fd: int | None = None
    accepted: bool = False
    peer_port: int | None = None


class DescriptorSeen(Event, frozen=True):
    """A line names a descriptor in use without saying that it was just opened."""

    fd: int


class SocketRefused(Event, frozen=True):
    """``socket()`` or ``accept()`` failed; ``errno`` in newlib's numbering, ``None`` when the line hides it."""

    errno: int | None = None
    accepting: bool = False


class SocketClosed(Event, frozen=True):
    """A descriptor was closed."""

    fd: int | None = None


class ConnectStarted(Event, frozen=True):
    """``connect()`` was called."""

    fd: int | None = None
    host: str = ""
    port: int | None = None


class Connected(Event, frozen=True):
    """A connection was established."""

    fd: int | None = None
    local_port: int | None = None


class ConnectFailed(Event, frozen=True):
    """``connect()`` failed after ``after_s`` seconds (``None`` when the line does not say)."""

    fd: int | None = None
    errno: int | None = None
    after_s: float | None = None


class DataSent(Event, frozen=True):
    """``send()`` accepted ``size`` bytes (which proves nothing about the peer)."""

    fd: int | None = None
    size: int | None = None


class DataReceived(Event, frozen=True):
    """``recv()`` returned ``size`` bytes, or an application reported a good answer."""

    fd: int | None = None
    size: int | None = None


class CallFailed(Event, frozen=True):
    """A call on an open descriptor failed: ``call`` is ``send``, ``recv``, ``select``, ``poll`` or ``other``."""

    call: str
    errno: int | None = None
    fd: int | None = None
    after_s: float | None = None


class CallStarted(Event, frozen=True):
    """The firmware says that it enters a call that waits (``recv``, ``read``, ``send``, …)."""

    call: str = ""
    fd: int | None = None


class LatencySampled(Event, frozen=True):
    """How long an answer took, in seconds (a ping, a PUBACK)."""

    took_s: float


class PingLost(Event, frozen=True):
    """A ping, or a message that wants an acknowledgement, got no answer in its time."""


class PeerClosed(Event, frozen=True):
    """The peer closed the connection in an orderly way (``recv()`` returned 0, or a FIN was reported)."""

    fd: int | None = None


class TransactionTimedOut(Event, frozen=True):
    """The application gave up waiting for an answer."""


class TransportFailed(Event, frozen=True):
    """A client could not connect, says a layer that does not know why (the lines before it may)."""


class ResolveFailed(Event, frozen=True):
    """A name could not be resolved; ``code`` as printed by getaddrinfo, where printed."""

    host: str = ""
    code: int | None = None


class HeartbeatSent(Event, frozen=True):
    """An application heartbeat left (MQTT PINGREQ, ESPHome API PingRequest, …)."""

    name: str


class HeartbeatAnswered(Event, frozen=True):
    """The answer to a heartbeat arrived."""

    name: str


class HeartbeatMissed(Event, frozen=True):
    """The line itself says that no answer came; ``after_s`` where it says how long."""

    name: str
    after_s: float | None = None


class LinkStateChanged(Event, frozen=True):
    """The Wi-Fi driver's ``state: A -> B (HEX)``; ``code`` is the hexadecimal number, see ``reason``."""

    old: str
    new: str
    code: int | None = None

    @property
    def reason(self) -> int | None:
        """The reason number in ``code`` (reason << 8 | frame type); only meaningful on the way to ``init``."""
        return None if self.code is None else self.code >> 8

    @property
    def by(self) -> Literal["deauth", "disassoc", "local", "other"]:
        """What moved the state: a frame from the access point, or the station itself (low byte 00)."""
        return {0xC0: "deauth", 0xA0: "disassoc", 0x00: "local"}.get((self.code or 0) & 0xFF, "other")  # type: ignore[return-value]


class WifiStarted(Event, frozen=True):
    """The station began to join: an attempt to associate with an access point."""

    ssid: str = ""


class WifiJoined(Event, frozen=True):
    """The station is associated."""

    bssid: str = ""
    channel: int | None = None


class WifiDropped(Event, frozen=True):
    """The station lost or could not make its association; ``reason`` by ESP-IDF number, ``None`` if unsaid."""

    reason: int | None = None
    bssid: str = ""
    joining: bool | None = None


class ApUnreachable(Event, frozen=True):
    """The firmware says that it cannot find or reach the access point, without a number."""


class JoinTimedOut(Event, frozen=True):
    """An attempt to join ran into the firmware's own timeout, and the firmware hides the reason."""


class JoinRetried(Event, frozen=True):
    """A program tried to join once more after an attempt that failed, and says no reason."""


class JoinRefused(Event, frozen=True):
    """The access point asked the station to come back later (once is normal with protected management frames), after
    ``comeback_s`` where the line says it."""

    comeback_s: float | None = None


class AuthRejected(Event, frozen=True):
    """The firmware says that the password is wrong or authentication was refused."""


class BeaconsMissed(Event, frozen=True):
    """The driver missed beacons and started to probe (``bcn_timout,ap_probe_send_start``)."""


class BeaconProbeFailed(Event, frozen=True):
    """The driver's probes went unanswered and it gave the link up."""


class SignalSampled(Event, frozen=True):
    """Received signal strength in dBm."""

    rssi_dbm: int


class PowerSaveSet(Event, frozen=True):
    """Modem sleep was switched on or off; ``mode`` as printed (1 = minimum, 2 = maximum modem sleep)."""

    on: bool
    mode: str = ""


class SleepReported(Event, frozen=True):
    """The driver's sleep account when power save stops, in seconds."""

    slept_s: float
    total_s: float


class BeaconIntervalTold(Event, frozen=True):
    """The access point's beacon interval in microseconds and its DTIM period in beacons."""

    interval_us: int
    dtim: int


class AddressGot(Event, frozen=True):
    """The device has an IP address."""

    ip: str
    gateway: str = ""


class DhcpTimedOut(Event, frozen=True):
    """The device says that no lease came."""


class LeaseGiven(Event, frozen=True):
    """The device's own DHCP server (soft AP) gave an address."""

    ip: str


class StationJoined(Event, frozen=True):
    """A station joined this device's soft AP."""

    mac: str


class StationLeft(Event, frozen=True):
    """A station left this device's soft AP."""

    mac: str


class StatusClaimed(Event, frozen=True):
    """What the firmware believes of its connection: the flag it prints, not the truth."""

    connected: bool


class NetifDowned(Event, frozen=True):
    """The network interface went down (what STA_DISCONNECTED does to lwIP)."""


class NetifUpped(Event, frozen=True):
    """The network interface came back."""


class ServerConnected(Event, frozen=True):
    """The application reached its server or broker (MQTT_EVENT_CONNECTED, API connected)."""


class ServerLost(Event, frozen=True):
    """The application lost its server or broker."""


class WatchdogFired(Event, frozen=True):
    """A task or interrupt watchdog fired; ``task`` where the line names the one that did not feed it."""

    task: str = ""


class CpuRan(Event, frozen=True):
    """Which task a processor was running when the watchdog fired; an idle one means that the culprit waits."""

    task: str


class SendStalled(Event, frozen=True):
    """The stack or a library says that sent data is not acknowledged, or that no send buffer is left."""


class CallBlocked(Event, frozen=True):
    """The firmware itself reports that one operation held the loop for ``after_s`` seconds."""

    after_s: float
    what: str = ""


class Crashed(Event, frozen=True):
    """Panic, abort, failed assertion or stack overflow."""


class BrownedOut(Event, frozen=True):
    """The brownout detector fired, or a reset reason says so."""


class Interrupted(Event, frozen=True):
    """A person broke in (KeyboardInterrupt): what ran before had not come back."""


class RestartForced(Event, frozen=True):
    """The firmware says that it restarts because it was without a network, or without a client, for too long."""


class PlannedPause(Event, frozen=True):
    """Something meant to break the link: ``kind`` is ``ota``, ``wps``, ``roam``, ``deep-sleep`` or ``leave``; of
    halfopen's own link also ``stop``, ``bounce`` (it left the Wi-Fi to join anew) and ``reboot`` (it asked for one)."""

    kind: str


class AddressNamed(Event, frozen=True):
    """The device printed one of its own addresses."""

    mac: str = ""
    ip: str = ""
    name: str = ""


class CapabilityTold(Event, frozen=True):
    """halfopen's own link says at start what its port can do: the TCP ``stack``, its ``keepalive`` (``tuned``,
    ``untuned``, ``none``), and whether the Wi-Fi is the link's (``wifi``)."""

    stack: str = ""
    keepalive: str = ""
    wifi: bool = False


class BoundsTold(Event, frozen=True):
    """halfopen's own link says at start for how many seconds a dead peer can go unnoticed, by the way in which it is
    dead; infinite where nothing notices, ``None`` where the line does not say."""

    idle_s: float | None = None
    unacked_s: float | None = None
    full_buffer_s: float | None = None
    zero_window_s: float | None = None


class ServerStarted(Event, frozen=True):
    """halfopen's own guarded server began to listen; bounds told just before are those of its sessions."""


class LinkOnline(Event, frozen=True):
    """halfopen's own link has a connection that stands, TLS included."""


class LinkLost(Event, frozen=True):
    """halfopen's own link ended a connection that stood (``standing``), or an attempt at one; ``by`` and ``cause`` are
    the journal's words.

    ``quiet_s`` is how long nothing had been heard by then, or taken where a send deadline ran out.
    """

    by: str
    cause: str
    standing: bool
    quiet_s: float | None = None


class GateShut(Event, frozen=True):
    """halfopen's own link opened no socket because too little heap was free, or no block large enough (bytes);
    ``given_up`` when it had waited for as long as it does."""

    free: int | None = None
    largest: int | None = None
    given_up: bool = False


class OrphansSwept(Event, frozen=True):
    """halfopen's own link closed ``count`` descriptors that the program had left open and nobody owned."""

    count: int


class Woke(Event, frozen=True):
    """The device woke from a sleep and began anew."""

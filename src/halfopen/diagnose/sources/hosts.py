"""The hosts of a capture: who sent frames, under which addresses, and what marks them."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator

from msgspec import Struct, field

from halfopen.diagnose.events import Moment, Provenance
from halfopen.diagnose.sources.lookups import Lookups
from halfopen.diagnose.traffic import FRAMES_KEPT, FrameRef, HostObserved
from halfopen.formats.packet_text import ip_text, mac_text
from halfopen.kernel import layout as k
from halfopen.kernel.frames import Frames
from halfopen.kernel.hosts import Crowd, count_hosts

#: Pairs of a hardware and an IP address that are told apart; a gateway alone may show hundreds.
PAIRS_MAX = 2048
#: Addresses listed of one host.
IPS_MAX = 32
BUCKETS = 4096
NS = 1_000_000_000


class _Host(Struct):
    frame: int
    time: int
    packets: int = 0
    ips: list[str] = field(default_factory=list)


class Hosts:
    """Counts the senders of one capture."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._table: array[int] = array("q", bytes(8 * k.H_WIDTH * PAIRS_MAX))
        self._heads: array[int] = array("q", [-1]) * BUCKETS
        self._crowd = Crowd()

    def count(self, frames: Frames, count: int, frame: int) -> None:
        """Count the senders of the first ``count`` rows; ``frame`` is the number of the first."""
        self._crowd.hold(self._table, self._heads)
        count_hosts(frames, self._crowd, count, frame)
        self._crowd.release()

    def losses(self) -> list[str]:
        """What was not counted, one line each."""
        lost = self._crowd.lost
        return (
            [f"{lost} frames of hosts beyond the first {PAIRS_MAX} were not counted to any"] if lost else []
        )

    def observed(self, lwip: Iterable[tuple[str, FrameRef]], lookups: Lookups) -> Iterator[HostObserved]:
        """Every sender in order of appearance.

        ``lwip`` are the frames that mark Espressif's stack, each with its sender's hardware address, or IP
        address where the link has none.
        """
        marks: dict[str, list[FrameRef]] = {}
        for sender, ref in lwip:
            marks.setdefault(sender, []).append(ref)
        for name, host in self._hosts().items():
            mac = name if ":" in name and name not in host.ips else ""
            yield HostObserved(
                where=Provenance(self.source, None, host.frame, f"first frame of {name}"),
                at=Moment(host=host.time / NS),
                mac=mac,
                ips=tuple(host.ips),
                hostname=lookups.hostname(mac),
                packets=host.packets,
                lwip=tuple(sorted(marks.get(name, ()), key=lambda ref: ref.frame)[:FRAMES_KEPT]),
                announced=lookups.announced(mac),
            )

    def _hosts(self) -> dict[str, _Host]:
        """The pairs gathered by hardware address, or by IP address on links without one."""
        hosts: dict[str, _Host] = {}
        for base in range(0, self._crowd.used * k.H_WIDTH, k.H_WIDTH):
            row = self._table[base : base + k.H_WIDTH]
            words = row[k.H_ADDRESS : k.H_ADDRESS + (1 if row[k.H_FAMILY] == 4 else 4)]
            used = row[k.H_FAMILY] != 0 and any(words)
            ip = ip_text(b"".join(word.to_bytes(4, "big") for word in words)) if used else ""
            mac = mac_text(row[k.H_MAC].to_bytes(6, "big")) if row[k.H_MAC] > 0 else ""
            if not mac and not ip:
                continue
            host = hosts.setdefault(mac or ip, _Host(row[k.H_FRAME], row[k.H_TIME]))
            host.packets += row[k.H_PACKETS]
            if ip and len(host.ips) < IPS_MAX:
                host.ips.append(ip)
        return hosts

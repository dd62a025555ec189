"""What happens to a node rather than to its link: impairments of peers, devices and access points, interpreted.

A device's radio is its stack's ``station`` (``None`` on a wire), its power is in the hands of its board.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from halfopen.impairments import Impairment
from halfopen.impairments.span import BOTH
from halfopen.twin.world import MS


@dataclass(frozen=True, slots=True)
class Mishap:
    """What a node does at the beginning and at the end; ``needs`` names what it must be able to do.

    Mishaps of one ``sort`` that overlap are one to the node: it ends with the last of them. Where what is done adds up
    (a path blocked twice), each has its own end and no sort.
    """

    needs: str
    begin: Callable[[Any, Any], object]
    end: Callable[[Any, Any], object]
    sort: str = ""

    def sort_of(self, impairment: Impairment) -> str:
        """Which others are one with ``impairment``; services are refused each for itself."""
        return f"{self.sort} {getattr(impairment, 'port', '')}"

    def fits(self, node: object) -> bool:
        """Whether this can happen to ``node``."""
        return getattr(node, self.needs, None) is not None


def _reboot(node: Any, impairment: Impairment) -> None:
    node.reboot(up=impairment.end_ms is None)


#: An access point that restarts or loses power comes back after this, when nothing else is said.
_RESTART_MS = 30_000


def _nothing(node: Any, impairment: Impairment) -> None:
    """It is over by itself."""


def _stop_ap(node: Any, impairment: Impairment, *, graceful: bool) -> None:
    node.stop(graceful=graceful)
    if impairment.end_ms is None and graceful:
        node.world.after(_RESTART_MS * MS, node.power_on)


def _change_password(node: Any, impairment: Any) -> None:
    node.password = impairment.password


def _restore_password(node: Any, impairment: Any) -> None:
    node.password = node.first_password


def _fill(node: Any, full: bool) -> None:
    node.full = full


def _kick(node: Any, impairment: Any) -> None:
    """Kick it wherever it is, and again as long as the impairment lasts."""
    station = node.station
    for ap in station.air.aps:
        ap.kick(station.mac, impairment.reason, impairment.frame)
    end = impairment.end_ms
    next_at = node.world.now + int(impairment.every_ms * MS)
    if impairment.every_ms and (end is None or next_at < end * MS):
        node.world.at(next_at, _kick, node, impairment)


def _forget(node: Any, impairment: Impairment) -> None:
    for ap in node.station.air.aps:
        ap.kick(node.station.mac, 1, sent=False)


def _bar(node: Any, barred: bool) -> None:
    for ap in node.station.air.aps:
        (ap.barred.add if barred else ap.barred.discard)(node.station.mac)


def _on_paths(change: Callable[[Any, Any], object]) -> Callable[[Any, Any], None]:
    """Change each path between the station and an access point."""

    def changed(node: Any, impairment: Any) -> None:
        station = node.station
        station.air.settle_one(station)
        for ap in station.air.aps:
            change(station.path_to(ap), impairment)
        station.air.changed_one(station)

    return changed


def _link(node: Any, *, down: bool) -> None:
    """The interface goes down and comes up again: by itself on a wire, on Wi-Fi with its radio."""
    station = getattr(node, "station", None)
    if station is None:
        (node.netif_down if down else node.netif_up)()
        return
    _on_paths(lambda path, _: path.block(BOTH, 1 if down else -1))(node, None)
    if down:
        station.lose_link()


def _fade(path: Any, impairment: Any, more: int) -> None:
    path.signal.loss_db += more * impairment.loss_db
    path.signal.shadowing_db += more * impairment.shadowing_db
    path.signal.multipath_db += more * impairment.multipath_db


def _wake_late(node: Any, probability: float) -> None:
    node.station.wake_late(probability)


#: Kind of impairment → what the node does.
MISHAPS: dict[str, Mishap] = {
    "peer-rebooted": Mishap("reboot_silently", _reboot, lambda node, _: node.return_(), sort="away"),
    "peer-vanished": Mishap(
        "vanish", lambda node, _: node.vanish(), lambda node, _: node.return_(), sort="away"
    ),
    "peer-stalled": Mishap(
        "stall", lambda node, _: node.stall(True), lambda node, _: node.stall(False), sort="stalled"
    ),
    "service-refused": Mishap(
        "refuse",
        lambda node, it: node.refuse(it.port, True),
        lambda node, it: node.refuse(it.port, False),
        sort="refused",
    ),
    "dns-silent": Mishap(
        "silence",
        lambda node, _: node.silence("dns", True),
        lambda node, _: node.silence("dns", False),
        sort="dns",
    ),
    "dhcp-silent": Mishap(
        "silence",
        lambda node, _: node.silence("dhcp", True),
        lambda node, _: node.silence("dhcp", False),
        sort="dhcp",
    ),
    "link-down": Mishap(
        "netif_down",
        lambda node, _: _link(node, down=True),
        lambda node, _: _link(node, down=False),
        sort="link",
    ),
    "ap-restarted": Mishap(
        "beat",
        lambda node, it: _stop_ap(node, it, graceful=True),
        lambda node, _: node.power_on(),
        sort="off",
    ),
    "ap-power-cut": Mishap(
        "beat",
        lambda node, it: _stop_ap(node, it, graceful=False),
        lambda node, _: node.power_on(),
        sort="off",
    ),
    "ap-silent": Mishap(
        "beat", lambda node, _: node.silence(True), lambda node, _: node.silence(False), sort="silent"
    ),
    "ap-full": Mishap(
        "beat", lambda node, _: _fill(node, True), lambda node, _: _fill(node, False), sort="full"
    ),
    "password-changed": Mishap("beat", _change_password, _restore_password),
    "dense-network": Mishap(
        "beat", lambda node, it: node.crowd(it.busy), lambda node, it: node.crowd(-it.busy)
    ),
    "ap-forgets": Mishap("station", _forget, _nothing),
    "station-barred": Mishap(
        "station", lambda node, _: _bar(node, True), lambda node, _: _bar(node, False), sort="barred"
    ),
    "station-kicked": Mishap("station", _kick, _nothing),
    "radio-dropout": Mishap(
        "station",
        _on_paths(lambda path, it: path.block(it.direction, 1)),
        _on_paths(lambda path, it: path.block(it.direction, -1)),
    ),
    "radio-loss": Mishap(
        "station",
        _on_paths(lambda path, it: path.lose(it.direction, it.probability)),
        _on_paths(lambda path, it: path.lose(it.direction, 0.0)),
    ),
    "fading": Mishap(
        "station",
        _on_paths(lambda path, it: _fade(path, it, 1)),
        _on_paths(lambda path, it: _fade(path, it, -1)),
    ),
    "late-wake": Mishap(
        "station", lambda node, it: _wake_late(node, it.probability), lambda node, _: _wake_late(node, -1.0)
    ),
    "power-cut": Mishap(
        "lose_power",
        lambda node, it: node.lose_power(back=it.end_ms is None),
        lambda node, _: node.get_power(),
        sort="power",
    ),
    "brown-out": Mishap("brown_out", lambda node, _: node.brown_out(), _nothing),
}

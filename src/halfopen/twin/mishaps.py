"""What happens to a node rather than to its link: impairments of peers and devices, interpreted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from halfopen.impairments import Impairment


@dataclass(frozen=True, slots=True)
class Mishap:
    """What a node does at the beginning and at the end; ``needs`` names what it must be able to do.

    Mishaps of one ``sort`` that overlap are one to the node: it ends with the last of them.
    """

    needs: str
    begin: Callable[[Any, Any], object]
    end: Callable[[Any, Any], object]
    sort: str = ""

    def fits(self, node: object) -> bool:
        """Whether this can happen to ``node``."""
        return hasattr(node, self.needs)


def _reboot(node: Any, impairment: Impairment) -> None:
    node.reboot(up=impairment.end_ms is None)


def same_sort(one: Impairment, other: Impairment) -> bool:
    """Whether two mishaps of a node are one to it while they overlap."""
    if one.KIND != other.KIND:
        return bool(MISHAPS[one.KIND].sort) and MISHAPS[one.KIND].sort == MISHAPS[other.KIND].sort
    return getattr(one, "port", None) == getattr(other, "port", None)


#: Kind of impairment → what the node does.
MISHAPS: dict[str, Mishap] = {
    "peer-rebooted": Mishap("reboot_silently", _reboot, lambda node, _: node.return_(), "away"),
    "peer-vanished": Mishap("vanish", lambda node, _: node.vanish(), lambda node, _: node.return_(), "away"),
    "peer-stalled": Mishap("stall", lambda node, _: node.stall(True), lambda node, _: node.stall(False)),
    "service-refused": Mishap(
        "refuse", lambda node, it: node.refuse(it.port, True), lambda node, it: node.refuse(it.port, False)
    ),
    "dns-silent": Mishap(
        "silence", lambda node, _: node.silence("dns", True), lambda node, _: node.silence("dns", False)
    ),
    "dhcp-silent": Mishap(
        "silence", lambda node, _: node.silence("dhcp", True), lambda node, _: node.silence("dhcp", False)
    ),
    "link-down": Mishap("netif_down", lambda node, _: node.netif_down(), lambda node, _: node.netif_up()),
}

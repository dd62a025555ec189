"""What happens to a node rather than to its link: impairments of peers and devices, interpreted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from halfopen.impairments import Impairment


@dataclass(frozen=True, slots=True)
class Mishap:
    """What a node does at the beginning and at the end; ``needs`` names what it must be able to do."""

    needs: str
    begin: Callable[[Any, Any], object]
    end: Callable[[Any, Any], object]

    def fits(self, node: object) -> bool:
        """Whether this can happen to ``node``."""
        return hasattr(node, self.needs)


def _reboot(node: Any, impairment: Impairment) -> None:
    node.reboot(up=impairment.end_ms is None)


#: Kind of impairment → what the node does.
MISHAPS: dict[str, Mishap] = {
    "peer-rebooted": Mishap("reboot_silently", _reboot, lambda node, _: node.return_()),
    "peer-vanished": Mishap("vanish", lambda node, _: node.vanish(), lambda node, _: node.return_()),
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

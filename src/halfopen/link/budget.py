"""What may be done about the radio and the board within an hour: Wi-Fi anew, a reboot, power save off.

Only links that have a radio of their own, or may reboot, load this, and they do when they are made.
"""

from halfopen.link import machine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from halfopen.link.policy import Policy


class Budget:
    """What was done of late, and what still may be. Times are milliseconds."""

    def __init__(self, policy: "Policy", wifi: bool, reboot: bool, reboots: "Sequence[int]") -> None:
        """``wifi`` and ``reboot`` say what the port can do; ``reboots`` are the times of earlier ones, where kept."""
        self._policy = policy
        self._wifi = wifi
        self._reboot = reboot
        self._dozed: list[int] = []
        self.bounces: list[int] = []
        self.reboots = list(reboots)

    def bounce(self, now: int, trouble_since: float, otherwise: str) -> str:
        """Wi-Fi anew while its budget lasts, then a reboot while that lasts, else the event ``otherwise``."""
        policy = self._policy
        self.bounces = self._recent(self.bounces, now)
        self.reboots = self._recent(self.reboots, now)
        if self._wifi and len(self.bounces) < policy.wifi_budget:
            self.bounces.append(now)
            return machine.RETRY_WIFI
        lasting = now - trouble_since >= policy.reboot_after_ms
        if self._reboot and lasting and len(self.reboots) < policy.reboot_budget:
            self.reboots.append(now)
            return machine.RETRY_REBOOT
        return otherwise

    def doze_trouble(self, now: int) -> bool:
        """A beacon loss or an expiry by the access point; true when they were often enough to stop power save."""
        self._dozed = self._recent(self._dozed, now)
        self._dozed.append(now)
        if len(self._dozed) < self._policy.doze_troubles:
            return False
        self._dozed = []
        return True

    def _recent(self, times: "list[int]", now: int) -> "list[int]":
        """What of ``times`` still counts."""
        return [at for at in times if at > now - self._policy.budget_window_ms]

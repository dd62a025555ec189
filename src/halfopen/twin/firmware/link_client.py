"""The same client on :mod:`halfopen.link`: what it loses is noticed within a bound that it says at start."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from halfopen.link import journal
from halfopen.link.policy import Policy
from halfopen.twin.firmware.program import Firmware
from halfopen.twin.on_lwip import Connection, Link, Lost
from halfopen.twin.tasks import Wait, sleep
from halfopen.twin.world import MS

if TYPE_CHECKING:
    from halfopen.twin.device import Device


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkClient(Firmware):
    """A request every ``period_ms`` over a link; with ``listens`` it only reads what the peer sends, with ``sends`` it
    sends and expects no answer.

    ``keepalive`` false is stock MicroPython, which cannot set it: then ``heartbeat`` must be the detector. An
    answer is awaited as long as the link believes in the peer. ``reboots`` lets it restart the chip as its last resort.
    What is named as in :class:`~halfopen.link.policy.Policy` is the policy's.
    """

    NAME: ClassVar[str] = "link-client"
    SPEAKS: ClassVar[str] = "micropython"

    host: str = "192.168.5.1"
    port: int = 8080
    request_bytes: int = 40
    period_ms: int = 1000
    listens: bool = False
    sends: bool = False
    keepalive: bool = True
    heartbeat: bool = False
    keep_idle_s: int = Policy.keep_idle_s
    keep_interval_s: int = Policy.keep_interval_s
    keep_count: int = Policy.keep_count
    silence_ms: int = int(Policy.silence_ms)
    answer_ms: int = int(Policy.answer_ms)
    progress_ms: int = int(Policy.progress_ms)
    dial_ms: int = int(Policy.dial_ms)
    backoff_max_ms: int = Policy.backoff_max_ms
    reboots: bool = False
    report_ms: int = 30000

    def start(self, device: Device) -> None:
        """One task, and one that prints the heap every ``report_ms``; the link itself needs none."""
        device.start("main", self._run(device))
        device.start("report", self._report(device), priority=1)

    def policy(self) -> Policy:
        """Its policy. Raises :class:`ValueError` for what no link could keep."""
        return Policy(
            keep_idle_s=self.keep_idle_s,
            keep_interval_s=self.keep_interval_s,
            keep_count=self.keep_count,
            silence_ms=self.silence_ms,
            answer_ms=self.answer_ms,
            progress_ms=self.progress_ms,
            dial_ms=self.dial_ms,
            backoff_max_ms=self.backoff_max_ms,
        )

    def __post_init__(self) -> None:
        """Refuse what no link could keep. Raises :class:`ValueError`."""
        self.policy()

    def link(self, device: Device) -> Link:
        """The link of this program."""
        return Link(
            device,
            self.host,
            self.port,
            policy=self.policy(),
            heartbeat=b"\n" if self.heartbeat else None,
            keepalive=self.keepalive,
            reboot=device.reset if self.reboots else None,
        )

    def _report(self, device: Device) -> Generator[Wait, bool, None]:
        while True:
            yield from sleep(self.report_ms * MS)
            heap, now = device.heap, device.console.uptime_ms
            device.console.print(journal.heap_line(now, heap.free, heap.minimum_ever))

    def _run(self, device: Device) -> Generator[Wait, bool, None]:
        link = self.link(device)
        device.links.append(link)
        link.begin()
        while True:
            connection = yield from link.connection()
            with suppress(Lost):  # the journal has said why; the link makes the next one
                yield from self._exchange(device, connection)

    def _exchange(self, device: Device, connection: Connection) -> Generator[Wait, bool, None]:
        while True:
            if not self.listens:
                yield from connection.write(b"x" * self.request_bytes)
            size = self.request_bytes if self.sends else len((yield from connection.read()))
            device.exchanged(size)
            if not self.listens:
                yield from sleep(self.period_ms * MS)

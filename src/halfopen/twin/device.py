"""A device of the twin: its stack, heap, tasks and console together, and its life from reset to reset.

A firmware (:mod:`halfopen.twin.firmware`) is given a device and starts tasks on it. Wi-Fi is as much of it as a stack
sees: it takes a while to join, and when the link goes down (an impairment) the interface loses its address.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from halfopen.twin.console import (
    BROWNOUT_RESET,
    DEEP_SLEEP_WAKE,
    POWER_ON,
    SOFTWARE_RESET,
    STARTED_MS,
    Console,
)
from halfopen.twin.driver_lines import DriverLines
from halfopen.twin.heap import Heap
from halfopen.twin.lwip.calls import Calls
from halfopen.twin.lwip.options import Options
from halfopen.twin.lwip.stack import HEAP_BYTES, Stack
from halfopen.twin.tasks import WATCHDOG_NS, Condition, Running, Task, Tasks, wait
from halfopen.twin.wifi.joining import RUN
from halfopen.twin.world import MS, SECOND

if TYPE_CHECKING:
    from collections.abc import Generator

    from halfopen.twin.firmware.program import Firmware
    from halfopen.twin.network import Network
    from halfopen.twin.tasks import Wait
    from halfopen.twin.wifi.access_point import AccessPoint
    from halfopen.twin.wifi.station import Station
    from halfopen.twin.world import Chance, Timer

#: From the application's start to an address: a join and DHCP on a home network (a healthy ESP-IDF boot: 1.3 s).
JOIN_MS = 1330
#: The loader of a reset chip takes this long to reach the application.
_REBOOT_MS = 300
#: From the decision to sleep deeply to the end of the radio.
_FAREWELL_MS = 20
_BSSID = "02:00:00:7e:31:40"
#: What can become of the radio: layer 2 stands, there is an address (layer 2 too), both are gone.
JOINED, ADDRESSED, LOST = "joined", "addressed", "lost"


class Board(Stack):
    """A stack that tells when its interface gets an address or loses it, and what can befall the board around it."""

    on_netif: Callable[[bool], object] | None = None
    #: Its radio, where it is on Wi-Fi.
    station: Station | None = None
    #: The device that it is the board of.
    device: Device | None = None

    def lose_power(self, *, back: bool) -> None:
        """Everything is gone at once; with ``back`` the power is there again."""
        if self.device is not None:
            self.device.lose_power()
            if back:
                self.device.get_power()

    def get_power(self) -> None:
        """The power is there again."""
        if self.device is not None:
            self.device.get_power()

    def brown_out(self) -> None:
        """The supply dips, and the detector resets the chip."""
        if self.device is not None:
            self.device.brown_out()

    def netif_up(self, ip: str = "") -> None:
        """See :meth:`Stack.netif_up`."""
        super().netif_up(ip)
        if self.on_netif is not None:
            self.on_netif(True)

    def netif_down(self) -> None:
        """See :meth:`Stack.netif_down`."""
        super().netif_down()
        if self.on_netif is not None:
            self.on_netif(False)


class Device:
    """One ESP32 running ``firmware``, with a static ``ip`` or, without one, a lease.

    ``power_on()`` starts it; everything after happens in the world's time.
    """

    def __init__(
        self,
        network: Network,
        name: str,
        firmware: Firmware,
        *,
        mac: str,
        ip: str = "",
        options: Options | None = None,
        heap_bytes: int = HEAP_BYTES,
        watchdog_ns: int = WATCHDOG_NS,
    ) -> None:
        self.name = name
        self.firmware = firmware
        self._asks_for_lease = not ip
        self.world = network.world
        self.truth = network.truth
        self.console = Console(self.world, firmware.SPEAKS)
        self.stack = Board(network, name, options=options, heap=Heap(heap_bytes), ip=ip, mac=mac)
        self.tasks = Tasks(self.world, watchdog_ns)
        self.calls = Calls(self.stack)
        #: Told what became of the radio: ``JOINED``, ``ADDRESSED`` or ``LOST``.
        self.on_radio: list[Callable[[str], object]] = []
        #: Called when the chip stops: what its programs had the world do for them must not happen any more.
        self.on_stop: list[Callable[[], object]] = []
        self.boots = 0
        #: The links that its firmware made (``on_lwip.Link``), the newest last: what an examiner asks for bounds and counts.
        self.links: list[Any] = []
        self._addressed = Condition()
        self._announced = False
        self._outage = False
        self._leaving = False
        self.stack.on_netif = self._netif_changed
        self.stack.device = self
        #: Its radio, where it is on Wi-Fi; see :meth:`attach`.
        self.station: Station | None = None
        self._keeps_address = False
        #: Deep-sleep cycles: so long awake, so long asleep (ns); 0: never.
        self.awake_ns = self.sleep_ns = 0
        #: What comes next in the chip's life: its program's start, sleep, or the next boot.
        self._due: Timer | None = None
        self._powered = False

    def attach(self, station: Station, *, keeps_address: bool = False) -> None:
        """Let it be on Wi-Fi with ``station``; with ``keeps_address`` the interface stays up when the radio drops."""
        self.station = self.stack.station = station
        self._keeps_address = keeps_address
        station.on_joined = self._associated
        station.on_left = self._disassociated
        DriverLines(self.world, self.console, station)

    @property
    def heap(self) -> Heap:
        """The heap of this boot."""
        return self.stack.heap

    @property
    def chance(self) -> Chance:
        """This device's own chance."""
        return self.world.chance(f"{self.name} firmware")

    @property
    def associated(self) -> bool:
        """Whether layer 2 stands, with or without an address."""
        return self.stack.up if self.station is None else self.station.state == RUN

    @property
    def joined(self) -> bool:
        """Whether the interface has an address."""
        return bool(self.stack.ip)

    # Life ---------------------------------------------------------------------------------------------------

    def power_on(self, reset: str = POWER_ON) -> None:
        """Boot: the console's first lines, the radio, and the firmware's tasks."""
        self._powered = True
        self.boots += 1
        self.tasks.on_starved = self._starved
        self.console.boot(reset)
        self.truth.note(self.name, "booted", reset=reset.split("(")[1].split(")")[0])
        self._due = self.world.after(STARTED_MS * MS, self._start)

    def _start(self) -> None:
        self.console.wifi_started(self.stack.mac)
        self.join()
        self.firmware.start(self)
        if self.sleep_ns:
            self._due = self.world.after(self.awake_ns, self._sleep)

    def reset(self, reset: str = SOFTWARE_RESET) -> None:
        """The chip resets: tasks, descriptors, connections and heap are gone, and no packet tells the peer."""
        self._stop()
        self._powered = True
        self._due = self.world.after(_REBOOT_MS * MS, self.power_on, reset)

    def lose_power(self) -> None:
        """Be off without a word to anybody."""
        if self._powered:
            self.truth.note(self.name, "power-lost")
            self._stop()

    def get_power(self) -> None:
        """Boot, if it is off."""
        if not self._powered and self.boots:
            self.power_on()

    def brown_out(self) -> None:
        """The detector prints its line and the chip resets."""
        if self._powered:
            self.truth.note(self.name, "browned-out")
            self.console.browned_out()
            self.reset(BROWNOUT_RESET)

    def _sleep(self) -> None:
        """Deep sleep: the radio leaves, RAM is lost, and the chip boots when it is time."""
        self.truth.note(self.name, "slept", sleep_ms=self.sleep_ns // MS)
        self.console.tell("I", "main", f"Entering deep sleep for {self.sleep_ns // SECOND} seconds")
        self.leave()
        # The farewell needs a moment on the air before the radio has no power.
        self._due = self.world.after(_FAREWELL_MS * MS, self._asleep)

    def _asleep(self) -> None:
        self._stop()
        self._powered = True
        self._due = self.world.after(self.sleep_ns, self.power_on, DEEP_SLEEP_WAKE)

    def _stop(self) -> None:
        self._powered = False
        if self._due is not None:
            self._due.cancel()
        self.tasks.reset()
        self.on_radio.clear()
        for vanish in self.on_stop:
            vanish()
        self.on_stop.clear()
        self._announced = False
        if self.station is not None:
            self.station.power_off()
        self.stack.reboot()
        self.calls = Calls(self.stack)
        self._addressed = Condition()

    def start(self, name: str, running: Running, priority: int = 5) -> Task:
        """Start a task of the firmware."""
        return self.tasks.start(name, running, priority)

    def exchanged(self, size: int = 0) -> None:
        """Note in the truth that the application did what it is for: data came and was used."""
        self.truth.note(self.name, "exchanged", size=size)

    def _starved(self, names: list[str], running: str) -> None:
        self.truth.note(self.name, "watchdog-fired", tasks=names)
        self.console.starved(names, running)
        if self.firmware.panics:
            self.console.aborted()
            self.reset()

    # Wi-Fi as far as the stack sees it ----------------------------------------------------------------------

    def join(self) -> None:
        """Join the access point and get an address, which takes a while; nothing to do while the link is up."""
        self._leaving = False
        if self.station is not None:
            self.station.connect()
        elif not self.stack.up:
            self.world.after(JOIN_MS * MS, self._join_done)

    def _join_done(self) -> None:
        if self.stack.up or self._outage or self._leaving:
            return
        self.console.associated(_BSSID)
        if self._asks_for_lease:
            self.stack.link_up()
            self._tell(JOINED)
        else:
            self.stack.netif_up()

    def leave(self) -> None:
        """Leave the access point: every connection is aborted."""
        self._leaving = True
        if self.station is not None:
            self.station.leave()
        elif self.stack.up:
            self.stack.netif_down()

    @property
    def rssi_dbm(self) -> int:
        """What ``WiFi.RSSI()`` says: the strength of the last access point's signal; 0 on a wire and before the first."""
        station = self.station
        if station is None or station.ap is None:
            return 0
        return round(station.path_to(station.ap).signal.at(self.world.now))

    def set_auto_reconnect(self, on: bool) -> None:
        """Whether the radio joins anew by itself after a loss, as it does unless it is told not to."""
        if self.station is not None:
            self.station.persistent = on

    def disable_power_save(self) -> None:
        """``esp_wifi_set_ps(WIFI_PS_NONE)``; nothing on a wire."""
        if self.station is not None:
            self.station.set_power_save("none")

    def _associated(self, ap: AccessPoint) -> None:
        """The radio has joined an access point."""
        if self.stack.up:
            self.stack.arp.announce()  # the interface stayed up
        elif self._asks_for_lease:
            self.stack.link_up()
            self._tell(JOINED)
        else:
            self.stack.netif_up()

    def _disassociated(self, reason: int) -> None:
        """The radio is with nobody, or could not join."""
        if self.stack.up and not self._keeps_address:
            self.stack.netif_down()

    def _netif_changed(self, up: bool) -> None:
        if up:
            if self._outage and self.station is None:
                self.console.associated(_BSSID)
            self._outage = False
            self.console.got_address(self.stack.ip, self.stack.network.gateway)
            self._announced = True
        elif self._announced:
            self._outage = not self._leaving
            self._announced = False
            if self.station is None:
                self.console.disconnected(_BSSID, left=self._leaving)
        self._tell(ADDRESSED if up else LOST)
        self._addressed.notify()

    def _tell(self, what: str) -> None:
        for told in list(self.on_radio):
            told(what)

    def wait_for_address(self) -> Generator[Wait, bool, None]:
        """Wait, in a task, until the interface has an address."""
        while not self.joined:
            yield from wait("address", self._addressed)

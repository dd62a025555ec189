# The board under the Unix port: stands in for the network, esp32 and machine modules, and for nothing else.
# A trial puts into `script` what happens to the radio; the sockets are real.
# ruff: noqa: N801, RUF012  modules are stood in for by classes, in the dialect of the device
import sys


class script:
    statuses = []  # what status() says after each connect(), the last one for ever
    address = "192.0.2.50"  # "0.0.0.0" is a lost or missing lease
    heard = []  # what scan() returns
    rssi = -60
    heap = [(300000, 200000, 110000, 150000)]
    reset_cause = 1
    restarted = False
    fed = 0


class WLAN:
    PM_NONE = 0
    PM_PERFORMANCE = 1

    def __init__(self, interface=0):
        self.settings = {"pm": WLAN.PM_PERFORMANCE, "channel": 6, "reconnects": -1}
        self.connects = []
        self.bssid = None
        self.up = False
        self.fixed = None

    def active(self, up=None):
        self.up = self.up if up is None else up
        return self.up

    def config(self, *names, **settings):
        self.settings.update(settings)
        return self.settings[names[0]] if names else None

    def connect(self, ssid=None, password=None, bssid=None):
        self.connects.append(ssid)
        self.bssid = bssid

    def disconnect(self):
        if script.statuses and len(script.statuses) > 1:
            script.statuses.pop(0)

    def status(self, what=None):
        if what == "rssi":
            return script.rssi
        if not self.connects or not script.statuses:
            return 1000
        return script.statuses[0]

    def isconnected(self):
        return self.status() == 1010

    def ifconfig(self, fixed=None):
        if fixed is not None:
            self.fixed = fixed
        if self.fixed:
            return self.fixed
        address = script.address if self.isconnected() else "0.0.0.0"
        return (address, "255.255.255.0", "127.0.0.1", "192.0.2.1")

    def scan(self):
        return script.heard


_station = WLAN()


class _Stations:
    """network.WLAN: called, it gives the one station; it also carries the power modes."""

    PM_NONE = WLAN.PM_NONE
    PM_PERFORMANCE = WLAN.PM_PERFORMANCE

    def __call__(self, interface=0):
        return _station


class network:
    STA_IF = 0
    STAT_IDLE = 1000
    STAT_CONNECTING = 1001
    STAT_GOT_IP = 1010
    STAT_NO_AP_FOUND = 201
    STAT_WRONG_PASSWORD = 202
    WLAN = _Stations()


class esp32:
    HEAP_DATA = 4

    @staticmethod
    def idf_heap_info(capabilities):
        return script.heap


class _Watchdog:
    def __init__(self, timeout=5000):
        self.timeout = timeout

    def feed(self):
        script.fed += 1


class machine:
    PWRON_RESET = 1
    HARD_RESET = 2
    WDT_RESET = 3
    DEEPSLEEP_RESET = 4
    SOFT_RESET = 5
    WDT = _Watchdog

    @staticmethod
    def reset_cause():
        return script.reset_cause

    @staticmethod
    def reset():
        script.restarted = True


sys.modules["network"] = network
sys.modules["esp32"] = esp32
sys.modules["machine"] = machine

"""What stations, access points and the air take and do: times, tries and limits, each with its source.

A station is a set of figures: ``ESP32`` is Espressif's driver, ``LINUX`` is wpa_supplicant on mac80211 as in the recordings
of the lab (data/wifi), which prove the access point's side. What nobody outside Espressif knows is in ``ASSUMPTIONS``.
"""

from __future__ import annotations

from dataclasses import dataclass

from halfopen.twin.world import MS, SECOND, US

#: IEEE 802.11-2020, 9.4.1.3: beacon intervals count in units of 1024 us.
TIME_UNIT_NS = 1024 * US


@dataclass(frozen=True, slots=True)
class StationFigures:
    """One kind of station; times in ns.

    ``beacon_limit_ns`` passes without a beacon before it asks ``nulls`` times, ``null_every_ns`` apart, for a sign of life;
    then it leaves without a word. ``keepalive_ns`` (0: never) is how long a dozing station is quiet before its driver sends
    a null frame. ``active_ns`` it stays awake after a frame.
    """

    name: str
    scan_ns: int
    scan_all_ns: int
    auth_timeout_ns: int
    assoc_timeout_ns: int
    join_tries: int
    handshake_timeout_ns: int
    think_ns: int
    reconnect_ns: tuple[int, ...]
    beacon_limit_ns: int
    nulls: int
    null_every_ns: int
    retries: int
    keepalive_ns: int
    active_ns: int
    fetches_by: str
    leave_frame: str
    leave_reason: int
    qos: bool
    #: It probes for its network by name, not for any.
    directed_scan: bool
    #: With power save it wakes for every beacon, not for DTIMs alone.
    hears_all: bool
    #: It gives up when the access point's clock begins anew (reason 206).
    minds_clock: bool


#: Espressif's driver. Sources: log lines of real devices (data/logs), Kconfig of esp_wifi, else ASSUMPTIONS.
ESP32 = StationFigures(
    name="esp32",
    scan_ns=120 * MS,  # mode : sta -> init -> auth: 120 ms (healthy-idf5-station-boot.log)
    scan_all_ns=2_060 * MS,  # 201 every 2.06 s (micropython-reason-201-loop.log)
    auth_timeout_ns=1_010 * MS,  # init -> auth -> init (200): 1010 ms (idf5-run-init-2c0-loop.log)
    assoc_timeout_ns=1_010 * MS,
    join_tries=1,
    handshake_timeout_ns=10
    * SECOND,  # "start 10s connect timer for 4 way handshake" (espat-handshake-timeout-204.log)
    think_ns=10 * MS,  # auth -> assoc -> run: 10 ms a step (healthy-idf5-station-boot.log)
    reconnect_ns=(
        20 * MS,
    ),  # run -> init to init -> auth: 20 to 30 ms (idf5-run-init-2c0-loop.log), its scan included
    beacon_limit_ns=6 * SECOND,  # esp_wifi_set_inactive_time: 6 s by default
    nulls=5,  # bcn_timeout to ap_probe_send over: 2500 ms (idf51-c6-min-modem-bcn-timeout.log)
    null_every_ns=500 * MS,
    retries=7,
    keepalive_ns=10 * SECOND,  # CONFIG_ESP_WIFI_SLP_DEFAULT_MAX_ACTIVE_TIME=10
    active_ns=50 * MS,  # CONFIG_ESP_WIFI_SLP_DEFAULT_MIN_ACTIVE_TIME=50
    fetches_by="null",
    leave_frame="disassoc",
    leave_reason=8,
    qos=True,
    directed_scan=True,
    hears_all=False,
    minds_clock=True,
)

#: wpa_supplicant 2.10 on mac80211 (data/wifi).
LINUX = StationFigures(
    name="linux",
    scan_ns=75 * MS,  # probe response to authentication: 60 to 90 ms
    scan_all_ns=525 * MS,
    auth_timeout_ns=200 * MS,
    assoc_timeout_ns=200 * MS,
    join_tries=3,  # s7_dropout_bcnloss: three unacknowledged authentications at once
    handshake_timeout_ns=10 * SECOND,
    think_ns=15 * MS,
    reconnect_ns=(
        60 * MS,
        500 * MS,
        1 * SECOND,
        5 * SECOND,
    ),  # s6_ap_full, s7_dropout_bcnloss: scans 0.1, 0.5, 1, 5 s apart
    beacon_limit_ns=717 * MS,  # mac80211: seven beacons (IEEE80211_BEACON_LOSS_COUNT)
    nulls=2,  # s7_dropout_bcnloss: two null frames at once
    null_every_ns=1 * MS,
    retries=0,  # hwsim sends every frame once
    keepalive_ns=30 * SECOND,  # mac80211: IEEE80211_CONNECTION_IDLE_TIME
    active_ns=100 * MS,  # mac80211: dynamic_ps_timeout
    fetches_by="null",
    leave_frame="deauth",
    leave_reason=3,
    qos=True,
    directed_scan=False,
    hears_all=True,
    minds_clock=False,
)


@dataclass(frozen=True, slots=True)
class ApFigures:
    """One kind of access point; times in ns. Defaults of hostapd 2.10 (``sta_info.h``, ``wpa_auth.c``, data/wifi)."""

    name: str = "hostapd"
    disassoc_after_ns: int = 3 * SECOND  # AP_DISASSOC_DELAY
    deauth_after_ns: int = 1 * SECOND  # AP_DEAUTH_DELAY
    #: A station is looked at again after inactivity plus up to so many seconds (``os_random() % 20``).
    fuzz_s: int = 20
    key_tries: int = 4  # wpa_pairwise_update_count
    key_every_ns: int = 1 * SECOND
    key_first_ns: int = 70 * MS  # association response to M1: 45 to 120 ms
    think_ns: int = 15 * MS  # request to response: 5 to 30 ms
    retries: int = 7
    #: disassoc_low_ack: so many frames in a row without acknowledgement (0: switched off), then disassociation 34.
    low_ack: int = 50
    #: A frame for a dozing station is kept so long (mac80211: STA_MAX_TX_BUFFER, 10 s at least).
    buffer_ns: int = 10 * SECOND
    buffer_frames: int = 64
    class3_after_ns: int = 4 * MS  # s2_inact_blackhole: data to deauthentication 7: 3.9 ms


HOSTAPD = ApFigures()
#: The lab's: hwsim sends every frame once.
HOSTAPD_LAB = ApFigures(retries=0)


@dataclass(frozen=True, slots=True)
class AirFigures:
    """The medium. Rates in Mbit/s, times in ns; ``instant``: as mac80211_hwsim, frames take no time."""

    name: str
    instant: bool
    management_mbit: float = 1.0
    data_mbit: float = 39.0
    preamble_ns: int = 192 * US  # long preamble (IEEE 802.11-2020, 15.2.2)
    data_preamble_ns: int = 36 * US
    sifs_ns: int = 10 * US
    access_ns: int = 110 * US  # DIFS 50 us and half of a contention window of 15 slots of 9 us
    ack_ns: int = 44 * US


AIR = AirFigures("2.4 GHz, 20 MHz", instant=False)
#: mac80211_hwsim: an acknowledgement stands 12 to 25 us behind its frame.
LAB_AIR = AirFigures("mac80211_hwsim", instant=True, access_ns=20 * US, ack_ns=8 * US)


@dataclass(frozen=True, slots=True)
class Assumption:
    """What the model takes for granted and no recording proves: where it stands, its value, and why so."""

    place: str
    value: str
    why: str


ASSUMPTIONS: tuple[Assumption, ...] = (
    Assumption(
        "ESP32.nulls",
        "5, 500 ms apart",
        "the log shows 2.5 s of probing; that the probes are null frames is taken from Linux",
    ),
    Assumption(
        "ESP32.beacon_limit_ns",
        "6 s",
        "the default of esp_wifi_set_inactive_time; how it counts beacons missed by dozing is not public",
    ),
    Assumption(
        "ESP32.retries", "7", "dot11ShortRetryLimit of IEEE 802.11; the driver's own limit is not public"
    ),
    Assumption(
        "ESP32.fetches_by",
        "null",
        "a dozing station wakes with a null frame (PM=0); PS-Poll is not seen with Linux either",
    ),
    Assumption(
        "ESP32.auth_timeout_ns",
        "1 try, 1010 ms",
        "the log shows one second between init -> auth and auth -> init (200); tries within it are not known",
    ),
    Assumption(
        "ESP32 status 17",
        "reason 5",
        "how the driver tells an application that the access point is full is not public",
    ),
    Assumption("ESP32 status 1", "reason 202", "a refused authentication is told as AUTH_FAIL"),
    Assumption(
        "ESP32 refused state line",
        "status << 8 | b0",
        "the decode rule of state lines applied to an authentication response",
    ),
    Assumption(
        "ESP32 listen interval",
        "every n-th beacon, from the association on",
        "which beacons WIFI_PS_MAX_MODEM wakes for is not public",
    ),
    Assumption(
        "wake_miss",
        "independent for each beacon",
        "interrupt latency is a probability here; what causes it is not modelled",
    ),
    Assumption(
        "light sleep",
        "wakes as modem sleep does, 1 ms later",
        "no recording of automatic light sleep is at hand",
    ),
    Assumption(
        "frame error probability",
        "1 / (1 + exp((dBm + 90) / 1.5))",
        "sensitivity of the ESP32 at robust rates; rate adaptation is folded into it",
    ),
    Assumption(
        "collisions",
        "a third of the share of the air that others take",
        "a rule of thumb for dense networks; no recording",
    ),
    Assumption(
        "HOSTAPD.buffers farewells",
        "no",
        "farewells go out at once though the station dozes; mac80211 may keep them until it wakes",
    ),
    Assumption(
        "keepalive_ns with power save off", "none", "the Kconfig text speaks of power save modes alone"
    ),
)

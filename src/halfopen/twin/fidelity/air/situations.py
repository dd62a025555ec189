"""What each recording of the air was, as far as its truth cannot say it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Situation:
    """One recording: what it shows, and what only its frames or its description tell of the settings.

    ``fuzz_s`` is what hostapd drew for its inactivity timers (``os_random() % 20``), one number per look.
    ``unheard`` are frames of hwsim0 that nobody on the air heard, by number; the truth warns of them.
    """

    title: str
    #: Channels that the station was told to look at.
    channels: tuple[int, ...] = (6,)
    ssid: str = ""
    #: Whom it asks for: anybody (``""``) or a network by name.
    asks_for: tuple[str, ...] = ("",)
    wrong_password: bool = False
    #: When the station's kernel missed the beacons (s); 0: never. Only one recording's did: mac80211 rounds seven beacons
    #: (0.72 s) up to a full second of its clock, whose phase is the machine's.
    beacon_limit_s: float = 0.0
    #: The station sleeps through beacons that are not DTIM.
    dtim_only: bool = False
    fuzz_s: tuple[int, ...] = ()
    unheard: tuple[int, ...] = ()


SITUATIONS: dict[str, Situation] = {
    "s1_normal_open": Situation("joins, leaves, joins, its interface goes down"),
    "s2_inact_blackhole_open": Situation(
        "deaf for 18 s: polled, sent away, rejected when it speaks", fuzz_s=(7,)
    ),
    "s2_inact_poll_ok": Situation("WPA2, idle: polled, the poll acknowledged", fuzz_s=(7,)),
    "s2_inact_skip_poll_open": Situation("idle: sent away without a poll", fuzz_s=(2,)),
    "s3_ap_restart_open": Situation("the access point loses power, later stops gracefully"),
    "s3_class3_open": Situation("the access point forgets it while it is deaf: class 3"),
    "s3_kick_open": Situation("sent away with reasons 8, 2, 5, 3, 1"),
    "s3_sta_leave_open": Situation(
        "leaves with disassociation 8, deauthentication 3, 1, 36", asks_for=("LabIoT",)
    ),
    "s4_ps_dtim3_open": Situation("dozes and hears every beacon, DTIM 3"),
    "s4_psdoze_dtim10_open": Situation("dozes from DTIM to DTIM, every tenth beacon", dtim_only=True),
    "s5_roam_open": Situation(
        "roams to another access point and back, then the first one stops",
        channels=(1, 6),
        fuzz_s=(4,),
    ),
    "s6_ap_full": Situation("the access point is full"),
    "s6_no_ap": Situation(
        "looks for a network that is not there", ssid="LabIoT-5G", asks_for=("LabIoT-5G", "")
    ),
    "s6_wrong_psk": Situation("a wrong password", wrong_password=True),
    "s7_dropout_bcnloss_open": Situation("deaf for 12 s, notices it", beacon_limit_s=1.0),
    "s7_dropout_open": Situation("deaf for 20 s, notices nothing"),
    "s7_sta_reset_open": Situation("loses power, boots, joins anew", unheard=(132,)),
    "s8_dhcp_fail_open": Situation("joins, asks for an address"),
}

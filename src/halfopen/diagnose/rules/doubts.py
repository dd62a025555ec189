"""Where the evidence fits two faults: which two, and the one thing to capture or switch on next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from halfopen.diagnose.events import JoinTimedOut
from halfopen.diagnose.rules.auth_expired import expired
from halfopen.diagnose.timeline import Timeline
from halfopen.diagnose.traffic import FlowObserved
from halfopen.findings import Finding, Undecided

_SNIFF = "a monitor-mode capture on the access point's channel, near the device, for five join attempts"


def doubts(timeline: Timeline, found: Sequence[Finding]) -> Iterator[Undecided]:
    """What stays open on this device after ``found``."""
    by_fault = {f.fault: f for f in found}
    if "wrong-credentials" in by_fault and "handshake-timeout" in by_fault:
        yield Undecided(
            ("HO408", "HO409"),
            f"Reason 15 or 204 fits a wrong password and a lost handshake alike. Take {_SNIFF}: if every M2 is acknowledged and M3 never"
            " comes, it is the password; if M2 is not acknowledged, it is the radio.",
        )
    elif "wrong-credentials" in by_fault and by_fault["wrong-credentials"].confidence < 0.95:
        yield Undecided(
            ("HO408", "HO409"),
            "The password is the likelier cause, a weak signal the other. Try once within 2 m of the access point; if it still fails,"
            f" it is the password. To be sure take {_SNIFF} and see whether M2 is acknowledged.",
        )
    stages = expired(timeline)
    if stages.handshake:
        yield Undecided(
            ("HO401", "HO409"),
            "The access point's deauthentication with reason 2 about 3 s after association is how older hostapd ends a failed 4-way"
            f' handshake. Set esp_log_level_set("wifi", ESP_LOG_VERBOSE) and take {_SNIFF}: M1 to M4 tell the two apart.',
        )
    if stages.joining and "weak-signal" not in by_fault:
        yield Undecided(
            ("HO401", "HO407"),
            "No authentication response within a second is a busy access point or a bad path. Log the RSSI before each attempt and take"
            f" {_SNIFF}: a response on the air that the device did not hear means signal, none means the access point.",
        )
    hidden = list(timeline.of(JoinTimedOut))
    if len(hidden) >= 2 and not any(
        f.code.startswith(("HO4", "HO5")) and f.severity != "info" for f in found
    ):
        yield Undecided(
            ("HO401", "HO409", "HO501"),
            f"The firmware gave up joining {len(hidden)} times and hides the reason: no answer to authentication, a lost"
            " handshake or no lease. Set its log level to debug (Tasmota: SerialLog 4, WifiLog) or take "
            + _SNIFF
            + ".",
        )
    wire = any(any(part.of(FlowObserved)) for part in (timeline, *timeline.apart))
    if "half-open" in by_fault and not wire:
        yield Undecided(
            ("HO201", "HO413"),
            "The log shows that no answer came, not why. Capture on the peer (dumpcap -i … host DEVICE) across one failure: unanswered"
            " retransmissions mean the device or its radio vanished, an RST means that the peer lost its state.",
        )
    leak = by_fault.get("leaked-sockets")
    if leak and not timeline.ledger.opened:
        yield Undecided(
            ("HO101", "HO102"),
            "The table is full, and the log does not say who holds it. Log the"
            " descriptor at each socket(), accept() and close(): numbers that"
            " climb from 54 to 63 are a leak, and the last one that never closes is the culprit.",
        )
    if "beacon-lost" in by_fault and "dozing-radio" not in by_fault and "weak-signal" not in by_fault:
        yield Undecided(
            ("HO405", "HO406"),
            "Lost beacons come from distance, from a crowded channel or from modem sleep. Log the RSSI once a minute and run one day with"
            " WIFI_PS_NONE: if the losses stop, it was power save.",
        )

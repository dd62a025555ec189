"""Where the evidence fits two faults: which two, and the one thing to capture or switch on next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from halfopen.diagnose.events import JoinTimedOut, LinkLost, LogEnded
from halfopen.diagnose.rules.auth_expired import expired
from halfopen.diagnose.rules.recovery import recovery
from halfopen.diagnose.rules.wording import counted, duration, often
from halfopen.diagnose.timeline import Conversation, Timeline
from halfopen.diagnose.traffic import FlowObserved
from halfopen.findings import Finding, Undecided

#: A program that has not given a dead connection up for so long has no deadline worth the name.
_NO_DEADLINE_S = 60.0

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
    yield from _of_link(timeline, by_fault)
    yield from _of_silence(timeline, by_fault, wire)
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


def _of_silence(timeline: Timeline, by_fault: Mapping[str, Finding], wire: bool) -> Iterator[Undecided]:
    """A peer that no longer answers, told by a log that does not know why, or by a wire that does not see who waits."""
    survived = timeline.link.told and "half-open" in by_fault and by_fault["half-open"].severity == "info"
    if "half-open" in by_fault and not wire and not survived:
        yield Undecided(
            ("HO201", "HO413"),
            "The log shows that no answer came, not why. Capture on the peer (dumpcap -i … host DEVICE) across one failure: unanswered"
            " retransmissions mean the device or its radio vanished, an RST means that the peer lost its state.",
        )
    kept = next((text for talk in timeline.conversations if (text := _kept_waiting(timeline, talk))), None)
    logged = any(timeline.of(LogEnded))
    if "half-open" in by_fault and "blocked-call" not in by_fault and kept and not logged:
        yield Undecided(
            ("HO201", "HO301"),
            f"The device repeated its data for {kept}, and its program neither closed the connection nor opened another: it may wait in"
            " a call that has no deadline. Ping it meanwhile, and take its log with a line before and after each send() and recv(): a"
            " device that answers pings and prints nothing after the first of the two is blocked.",
        )


def _kept_waiting(timeline: Timeline, talk: Conversation) -> str:
    """For how long a device went on with a dead connection that its program did not give up; ``""`` for a short while."""
    if talk.device_closed or talk.peer.rst is not None:
        return ""
    runs = [run for run in talk.flow.retransmission_runs if run.by == talk.mine and run.answered is None]
    span = max((run.frames[-1].time - run.original.time for run in runs if run.frames), default=0.0)
    began = min((run.original.time for run in runs), default=0.0)
    others = (other.device.syn for other in timeline.conversations if other.mine == "client")
    moved_on = any(syn is not None and syn.time > began for syn in others)
    return duration(span) if span >= _NO_DEADLINE_S and not moved_on else ""


#: The reason of the last loss, said behind the journal's line, is read with it (``said_of_link``).
_ASK_STATUS = (
    "MicroPython keeps it in WLAN.status(): give the link say=lambda line: print(line,"
    ' f"reason={network.WLAN(network.STA_IF).status()}") and run halfopen diagnose on that log.'
    " Print the RSSI once a minute too: lost beacons at a good signal point to modem sleep"
)


def _of_link(timeline: Timeline, by_fault: Mapping[str, Finding]) -> Iterator[Undecided]:
    """What the journal of halfopen's own link cannot know: why the Wi-Fi went, why TLS failed."""
    lost = [e for e in timeline.of(LinkLost) if e.by == "WIFI_LOST"]
    failed = [e for e in timeline.of(LinkLost) if e.by in ("JOIN_FAILED", "JOIN_EXPIRED")]
    passing = recovery(timeline, [*lost, *failed])
    named = any(f.code.startswith("HO4") for f in by_fault.values())
    if passing is not None and not named and (len(lost) > 1 or not passing.mild):
        told = [f"the Wi-Fi was lost {often(len(lost))}"] if lost else []
        told += [f"{counted(len(failed), 'attempt')} to join failed"] if failed else []
        what = " and ".join(told)
        yield Undecided(
            ("HO405", "HO401", "HO402", "HO410") if lost else ("HO410", "HO401", "HO408"),
            f"{what[:1].upper()}{what[1:]}. The link's journal does not say why; the driver's reason does. {_ASK_STATUS}.",
        )
    refused = [e for e in timeline.of(LinkLost) if e.cause == "tls-failed"]
    if refused and "tls-memory" not in by_fault:
        yield Undecided(
            ("HO206", "HO604"),
            f"TLS failed {often(len(refused))}, and the journal does not say why: a certificate that is not trusted (or a clock that"
            " was never set), or no memory for the handshake. Wrap the socket once outside the link and print the OSError: -0x7F00 or"
            " -0x10 is memory, -0x2700 the certificate. The server's log tells which alert it got.",
        )

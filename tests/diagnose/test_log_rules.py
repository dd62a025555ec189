"""What rules say of logs: the figures in their sentences, and where one fault ends and the next begins."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from halfopen.diagnose.report import Report
from halfopen.findings import Finding

Diagnose = Callable[[str], Report]


def finding(report: Report, code: str) -> Finding:
    """The one finding of ``code``."""
    (found,) = (f for f in report.findings if f.code == code)
    return found


def cycles(count: int, ending: str) -> str:
    """Connections that each cost 3600 bytes, with the heap printed before and after each."""
    lines = []
    for n in range(count):
        at, heap = 10_000 * n + 1000, 200_000 - 3600 * n
        lines += [
            f"I ({at}) push: free heap {heap}",
            f"I ({at + 1}) push: Socket created, fd=54",
            *([f"E ({at + 5000}) push: {ending}"] if ending else []),
            f"I ({at + 5010}) push: close(fd=54) = 0",
            f"I ({at + 5020}) push: free heap {heap - 3600}",
        ]
    return "\n".join(lines) + "\n"


def test_lingering_connections_are_priced_per_reconnect(diagnose_text: Diagnose) -> None:
    text = cycles(12, "send: errno 11 (No more processes), fd=54")
    assert "3600 bytes per reconnect" in finding(diagnose_text(text), "HO103").summary


def test_leak_is_priced_per_connection(diagnose_text: Diagnose) -> None:
    assert "3600 bytes per connection" in finding(diagnose_text(cycles(12, "")), "HO601").summary


def test_unreachable_peer_is_told_in_one_sentence_however_long_it_lasts(diagnose_text: Diagnose) -> None:
    """A day of attempts, each of which took another second: the range, not a list."""
    lines = []
    for n in range(300):
        at = 40_000 * n + 1000
        wait = 18_000 + 37 * (n % 60)
        lines += [
            f"I ({at}) NET: connect to 192.168.4.2:1883, fd=54",
            f"E ({at + wait}) NET: connect failed, fd=54: errno 113 (Software caused connection abort)",
        ]
    summary = finding(diagnose_text("\n".join(lines) + "\n"), "HO206").summary
    assert "300 connection attempts" in summary
    assert len(summary) < 300


@pytest.mark.parametrize(
    ("reason", "code"), [(5, "HO403"), (14, "HO403"), (3, "HO403"), (4, "HO402"), (2, "HO401")]
)
def test_running_station_is_put_out(reason: int, code: str, diagnose_text: Diagnose) -> None:
    report = diagnose_text(
        f"""
        I (1000) wifi:state: init -> auth (0xb0)
        I (1010) wifi:state: auth -> assoc (0x0)
        I (1020) wifi:state: assoc -> run (0x10)
        I (1100) wifi:connected with Home, aid = 1, channel 6, 20, bssid = 02:00:00:00:01:00
        I (2100) esp_netif_handlers: sta ip: 10.77.1.10, mask: 255.255.255.0, gw: 10.77.1.20
        I (90000) wifi:state: run -> init (0x{reason:x}c0)
        I (90001) app: disconnected, reason:{reason}
        """
    )
    assert [f.code for f in report.findings if f.severity != "info"] == [code]


def test_the_longest_wait_decides_whether_a_dead_peer_was_noticed(diagnose_text: Diagnose) -> None:
    waits = (18239, 1159000, 18240)
    text = "".join(
        f"E ({2_000_000 * n + wait}) NET: recv failed: errno 113 (Software caused connection abort) fd=54 after {wait} ms\n"
        for n, wait in enumerate(waits, 1)
    )
    worst = finding(diagnose_text(text), "HO201")
    assert worst.severity == "error"
    assert "waited 19 min" in worst.summary
    assert "the longest of 3 such waits" in worst.summary
    assert finding(diagnose_text(text.replace("1159000", "19200")), "HO201").severity == "info"


def three_samples(free: tuple[int, int, int], hours: float, refused: bool) -> str:
    """A heap that is looked at three times, and a task that may get nothing at last."""
    step = int(hours * 3_600_000 / 2)
    lines = [f"I ({9000 + step * n}) health: free heap {bytes_left}" for n, bytes_left in enumerate(free)]
    lines += [f"W ({9000 + 2 * step + 400}) wifi:alloc eb len=76 type=2 fail, heap:{free[-1]}"] * refused
    return "\n".join(lines) + "\n"


def test_three_samples_over_hours_tell_a_leak_where_memory_ran_out(diagnose_text: Diagnose) -> None:
    found = finding(diagnose_text(three_samples((90_000, 52_000, 9_000), 8, refused=True)), "HO601")
    assert "from 90000 to 9000 bytes in 8.0 h" in found.summary
    assert found.confidence == 0.75


@pytest.mark.parametrize(
    ("free", "hours", "refused"),
    [
        ((90_000, 52_000, 9_000), 8.0, False),
        ((90_000, 52_000, 9_000), 0.01, True),
        ((90_000, 52_000, 60_000), 8.0, True),
        ((90_000, 80_000, 70_000), 8.0, True),
    ],
    ids=["nothing was refused", "within seconds", "came back", "half is left"],
)
def test_three_samples_tell_no_leak(
    free: tuple[int, int, int], hours: float, refused: bool, diagnose_text: Diagnose
) -> None:
    report = diagnose_text(three_samples(free, hours, refused))
    assert "HO601" not in [f.code for f in report.findings]

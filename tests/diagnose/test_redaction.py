"""A redacted report names nobody, in none of its three forms, and says the same all the same."""

from __future__ import annotations

import functools
import io
import re
import string
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from rich.console import Console

from halfopen.diagnose import diagnose, excerpts, judged
from halfopen.diagnose.report import Report
from halfopen.diagnose.report.as_html import as_html
from halfopen.diagnose.report.as_json import as_json
from halfopen.diagnose.report.as_text import report_text
from halfopen.diagnose.report.redaction import Redaction
from halfopen.diagnose.sources.console import ConsoleSource

RECORDINGS = Path(__file__).parents[1] / "recordings"


def as_text(report: Report) -> str:
    """The text, unwrapped, so that a name cannot hide in a line break."""
    out = io.StringIO()
    report_text(Console(file=out, width=10_000, color_system=None, highlight=False), report, None, True)
    return out.getvalue()


def forms(report: Report, around: dict[str, dict[int, str]], redact: bool = True) -> list[str]:
    redaction = Redaction(report, around) if redact else None
    told = redaction.report(report) if redaction else report
    return [as_text(told), as_json(told), as_html(report, around, redaction=redaction)]


def read(log: str, name: str = "uart.log") -> tuple[Report, dict[str, dict[int, str]]]:
    source = ConsoleSource(name)
    events = [*source.feed(log.encode()), *source.end()]
    return judged([(name, events)]), {name: dict(enumerate(log.splitlines(), 1))}


#: What firmware and tools print of names and addresses, and failures that quote them.
SAYINGS = """\
I (1000) wifi:connected with {ssid}, aid = 1, channel 6, BW20, bssid = {mac}
I (1100) wifi: SSID: {ssid} password: {password}
[C][wifi:428]: WiFi Connecting to '{ssid}'...
[I][wifi:590]: - '{ssid}' ({MAC}) ▂▄▆█
[W][wifi_esp32:781]: Disconnected ssid='{ssid}' bssid={MAC}[redacted] reason='Beacon Timeout'
Connecting to {ssid}......
00:00:07 WIF: Connecting to AP1 {ssid} Channel 6 BSSId {MAC} in mode 11n as {host}...
>>> wlan.connect('{ssid}', '{password}')
I (1300) esp_netif_handlers: sta ip: {ip}, mask: 255.255.255.0, gw: {gateway}
I (1400) MQTT: mqtt://{user}:{password}@{host}.example.com:1883/devices?token={token}
I (1500) HTTP: Authorization: Bearer {token}
E (1600) esp-tls: couldn't get hostname for :{host}.example.com: getaddrinfo() returns 202, addrinfo=0x0
E (1700) NET: Connecting to {ip}:8080 failed, peer {public}, [{ipv6}]:443
WARNING (MainThread) [aioesphomeapi.connection] {host} @ {ip}: Connection error occurred: Ping response not received after 90.0 seconds
I (1800) APP: api_key="{token}" mac {flat} node sensor-{tail}
W (1900) wifi: Disconnected from {ssid}, reason: 200
E (2000) NET: Unable to create socket: errno 23 (Too many open files in system) for {host}.example.com via {mac}
E (2100) NET: Unable to create socket: errno 23 (Too many open files in system) while on "{ssid}" as {ip}
E (2200) NET: Unable to create socket: errno 23 (Too many open files in system) token {token}
"""

KINDS = (
    "ssid",
    "mac",
    "MAC",
    "flat",
    "tail",
    "host",
    "ip",
    "gateway",
    "public",
    "ipv6",
    "token",
    "password",
    "user",
)

_LETTERS = string.ascii_letters + string.digits
names = st.text(_LETTERS + "-_ ", min_size=6, max_size=24).filter(
    lambda name: (
        name.strip() == name
        and "  " not in name
        and re.search("[A-Z]", name)
        and re.search("[0-9]", name)
        and re.fullmatch(r"[A-Za-z0-9].*[A-Za-z0-9]", name)
    )
)
hosts = st.from_regex(r"[a-z][a-z0-9]{3,8}-[a-z0-9]{3,8}", fullmatch=True)
octet = st.integers(1, 254)
macs = st.binary(min_size=6, max_size=6).filter(
    lambda raw: raw[0] & 1 == 0 and re.search("[a-f]", raw[3:].hex())
)
tokens = st.text(string.ascii_letters, min_size=14, max_size=30).map(lambda text: f"aB3{text}9Xy7Qz")
#: Not made of noughts alone, which stand-ins hold too.
passwords = st.text(_LETTERS + "!#%+", min_size=8, max_size=20).filter(lambda text: len(set(text)) > 4)


@functools.cache
def our_own_words() -> str:
    """What stands in all forms by itself, text of the catalogue and code included, is nobody's name."""
    report, around = read(SAYINGS.format(**dict.fromkeys(KINDS, "0")))
    return "\n".join(forms(report, around)).lower()


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
@given(names, hosts, macs, st.tuples(octet, octet, octet), octet, tokens, passwords, hosts)
def test_nothing_that_names_somebody_survives(
    ssid: str,
    host: str,
    raw: bytes,
    lan: tuple[int, int, int],
    other: int,
    token: str,
    password: str,
    user: str,
) -> None:
    mac = raw.hex(":")
    assume(len({host, user, ssid, password}) == 4)
    words = {
        "ssid": ssid,
        "mac": mac,
        "MAC": mac.upper(),
        "flat": raw.hex(),
        "tail": raw.hex()[6:],
        "host": host,
        "ip": f"192.168.{lan[0]}.{lan[1]}",
        "gateway": f"192.168.{lan[0]}.{lan[2]}",
        "public": f"93.{other}.{lan[1]}.{lan[2]}",
        "ipv6": f"2a02:810d:{lan[0]:x}{lan[1]:02x}::{other:x}{lan[2]:02x}",
        "token": token,
        "password": password,
        "user": user,
    }
    report, around = read(SAYINGS.format(**words))
    assert report.findings
    open_forms = forms(report, around, redact=False)
    closed = forms(report, around)
    own = our_own_words()
    for kind, word in words.items():
        if word.lower() in own:
            continue
        assert any(word.lower() in form.lower() for form in open_forms), f"{kind} is in no form to begin with"
        for form, text in zip(("text", "json", "html"), closed, strict=True):
            at = text.lower().find(word.lower())
            assert at < 0, f"{kind} {word!r} survives in {form}: …{text[max(at - 60, 0) : at + 60]}…"


def test_the_same_original_has_the_same_stand_in_everywhere() -> None:
    log = SAYINGS.format(
        ssid="Villa Kunterbunt 7",
        mac="24:6f:28:aa:bb:cc",
        MAC="24:6F:28:AA:BB:CC",
        flat="246f28aabbcc",
        tail="aabbcc",
        host="kitchen-sensor",
        ip="192.168.7.31",
        gateway="192.168.7.1",
        public="93.184.216.34",
        ipv6="2a02:810d::1",
        token="aB3dEfGhIjKlMnOpQ9Xy7Qz",  # noqa: S106
        password="correct!horse",  # noqa: S106
        user="pippi-l",
    )
    report, around = read(log)
    redaction = Redaction(report, around)
    lines = redaction.excerpts(around)["uart.log"]
    assert (
        lines[1] == "I (1000) wifi:connected with SSID-1, aid = 1, channel 6, BW20, bssid = 24:6f:28:00:00:01"
    )
    assert "SSID: SSID-1 password: secret-" in lines[2]
    assert "'SSID-1' (24:6F:28:00:00:01)" in lines[4]
    assert "sta ip: lan1-host1, mask: 255.255.255.0, gw: lan1-host2" in lines[9]
    assert lines[15].endswith("mac 246f28000001 node sensor-000001")
    assert "public-ip" in lines[13]
    for text in (as_text(redaction.report(report)), as_json(redaction.report(report))):
        assert "24:6f:28:00:00:01" in text
        assert "lan1-host1" in text
    assert "SSID-1" in as_html(report, around, redaction=redaction)


def test_what_names_nobody_stays() -> None:
    line = (
        "E (1234) esp-tls: select() timeout, 0x8006 at main.c:42 WiFi.begin() 127.0.0.1 0.0.0.0 255.255.255.0 224.0.0.251"
        " ff:ff:ff:ff:ff:ff v5.1.2 12:34:56 errno 113 0x400d1234:0x3ffb1230 WIFI_REASON_4WAY_HANDSHAKE_TIMEOUT"
    )
    report, around = read(f"{line}\n")
    assert Redaction(report, around).text(line) == line


def test_folders_and_equal_names_of_files_say_nothing(tmp_path: Path) -> None:
    paths = []
    for customer in ("acme-corp-berlin", "umbrella-inc"):
        folder = tmp_path / customer
        folder.mkdir()
        file = folder / "uart.log"
        file.write_bytes((RECORDINGS / "lwip/a_leaky.uart.log").read_bytes())
        paths.append(str(file))
    report = diagnose(*paths)
    for text in forms(report, excerpts(paths, report)):
        assert "acme" not in text
        assert "umbrella" not in text
        assert str(tmp_path) not in text
        assert "uart-2.log" in text


@pytest.mark.parametrize(
    "names",
    [
        ("lwip/a_leaky.uart.log", "lwip/a_leaky.pcapng"),
        ("air/s3_kick_open.hwsim0.pcapng",),
        ("field/ha-five-devices-at-once.log",),
        ("field/tasmota-incorrect-password.log",),
    ],
    ids=lambda names: names[0],
)
def test_recordings_keep_their_findings_and_lose_their_addresses(names: tuple[str, ...]) -> None:
    paths = [str(RECORDINGS / name) for name in names]
    report = diagnose(*paths)
    around = excerpts(paths, report)
    redacted = Redaction(report, around).report(report)
    assert [f.code for f in redacted.findings] == [f.code for f in report.findings]
    causes = {f.key for f in redacted.findings}
    assert all(f.caused_by is None or f.caused_by in causes for f in redacted.findings)
    assert {f.device for f in redacted.findings} <= {d.name for d in redacted.devices}
    originals = {ip for d in report.devices for ip in d.ips} | {d.mac for d in report.devices if d.mac}
    for text in forms(report, around):
        for original in originals:
            assert original not in text


def test_markup_characters_in_names_do_not_escape() -> None:
    report, around = read('E (1) NET: socket: 23 on ssid="<b>x & y</b>"\nE (2) NET: socket: 23\n')
    assert "<b>" not in forms(report, around)[2]
    assert "x &amp; y" not in forms(report, around)[2]


@pytest.mark.parametrize("ssid", ["a", "7b", "AP"])
def test_short_names_are_replaced_where_they_are_names(ssid: str) -> None:
    lines = [
        f"I (1) wifi:connected with {ssid}, aid = 1, channel 6",
        f"[W][wifi_esp32:781]: Disconnected ssid='{ssid}' bssid=[redacted] reason='Beacon Timeout'",
        f"I (2) APP: SSID: {ssid}",
        "I (3) APP: a plan of 7b or AP mode",
    ]
    report, around = read("\n".join(lines))
    told = [Redaction(report, around).text(line) for line in lines]
    assert told[0] == "I (1) wifi:connected with SSID-1, aid = 1, channel 6" or ssid == "AP"
    assert "ssid='SSID-1'" in told[1] or ssid == "AP"
    assert told[3] == lines[3]


def test_notes_on_other_files_lose_their_folders(tmp_path: Path) -> None:
    folder = tmp_path / "acme-corp"
    folder.mkdir()
    (folder / "uart.log").write_bytes((RECORDINGS / "lwip/a_leaky.uart.log").read_bytes())
    (folder / "readme.txt").write_text("Nothing of a firmware here.\n")
    report = diagnose(str(folder))
    assert any("readme.txt" in note for note in report.notes)
    notes = Redaction(report).report(report).notes
    assert any(note.startswith("readme.txt: ") for note in notes)
    assert not any("acme" in note for note in notes)

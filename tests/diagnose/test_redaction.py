"""A redacted report names nobody, in none of its three forms, and says the same all the same."""

from __future__ import annotations

import functools
import html
import io
import re
import string
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from rich.console import Console
from tests.diagnose.airwaves import ALL, beacon, capture, frame

from halfopen.diagnose import diagnose, excerpts, judged
from halfopen.diagnose.report import Excerpts, Report
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


def forms(report: Report, around: Excerpts, redact: bool = True) -> list[str]:
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
I (2300) APP: WiFi.begin("{ssid}", "{password}") bssid:{mac} ip6:{ipv6} ESP32{flat}
I (2400) APP: password: "{phrase}" for mqtt user {user} pass {password}
E (2500) NET: Unable to create socket: errno 23 (Too many open files in system) id {uuid} jwt {jwt}
I (2600) APP: AT+CWJAP="{ssid}","{password}"
I (2700) APP: Setting hostname to {host} at /home/{user}/esp/main.c:42 for {host}.acme-werke.systems
E (2800) NET: Unable to create socket: errno 23 (Too many open files in system) password is {password}
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
    "phrase",
    "uuid",
    "jwt",
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


#: One value of each kind, as people have them.
ORDINARY = {
    "ssid": "Villa Kunterbunt 7",
    "mac": "24:6f:28:aa:bb:cc",
    "MAC": "24:6F:28:AA:BB:CC",
    "flat": "246f28aabbcc",
    "tail": "aabbcc",
    "host": "kitchen-sensor",
    "ip": "192.168.7.31",
    "gateway": "192.168.7.1",
    "public": "93.184.216.34",
    "ipv6": "2a02:810d::1",
    "token": "aB3dEfGhIjKlMnOpQ9Xy7Qz",
    "password": "correct!horse",
    "user": "pippi-l",
    "phrase": "two words",
    "uuid": "550e8400-e29b-41d4-a716-446655440000",
    "jwt": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJqb2huIn0.c2ln",
}


@functools.cache
def our_own_words() -> str:
    """What stands in all forms by itself, text of the catalogue and code included, is nobody's name."""
    # with values that are read as such: what a page says depends on what was understood
    report, around = read(SAYINGS.format(**{**dict.fromkeys(KINDS, "0"), **ORDINARY}))
    return "\n".join(forms(report, around)).lower()


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
@given(
    names, hosts, macs, st.tuples(octet, octet, octet), octet, tokens, passwords, hosts, passwords, st.uuids()
)
def test_nothing_that_names_somebody_survives(
    ssid: str,
    host: str,
    raw: bytes,
    lan: tuple[int, int, int],
    other: int,
    token: str,
    password: str,
    user: str,
    phrase: str,
    uuid: UUID,
) -> None:
    mac = raw.hex(":")
    assume(len({host, user, ssid, password, phrase}) == 5)
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
        "phrase": f"my, own; @ {phrase}",
        "end of the phrase": phrase,
        "uuid": str(uuid),
        "jwt": f"eyJhbGciOiJub25lIn0.{token}.{token[::-1]}",
        "end of the jwt": token[::-1],
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
    log = SAYINGS.format(**ORDINARY)
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


HOME, USERS = "/home", "/Users"
FULL = "Unable to create socket: errno 23 (Too many open files in system)"

#: What is printed, and what of it must be in no form.
LEAKS = [
    # passwords, to their end
    ("password=Sommer@2024wohnung", ["2024wohnung"]),
    ('password: "correct horse battery"', ["horse", "battery"]),
    ("password: correct horse battery", ["horse", "battery"]),
    ("pass: 'My,Geheim;Zaunpfahl'", ["Geheim", "Zaunpfahl"]),
    ("pass=abc<defgh>ij", ["defgh"]),
    ('password: "it\'s4daisy"', ["s4daisy"]),
    ('{\\"token\\":\\"zz88yy77xx\\"}', ["zz88yy77xx"]),
    ("wrong password hunter2hunter2", ["hunter2"]),
    ("password is hunter22x", ["hunter22x"]),
    ("mqtt user johanna88 pass geheim88", ["johanna88", "geheim88"]),
    ('WiFi.begin("Fam Maier 8","geheim5678")', ["Maier", "geheim5678"]),
    ('AT+CWJAP="Fam Maier 7","geheim1234"', ["Maier", "geheim1234"]),
    ('AT+MQTTUSERCFG=0,1,"cid77x","alice","wonder88",0,0,""', ["cid77x", "alice", "wonder88"]),
    ("PSK - hexdump(len=4): 1a 2b 3c 4d", ["1a 2b 3c", "3c 4d"]),
    ("Cookie: sid=abcd1234; theme=x9y8z7", ["abcd1234", "x9y8z7"]),
    ("https://bob:se@cr77et@x.example.org/p", ["se@cr77et", "cr77et"]),
    ("pw: topsecret99", ["topsecret99"]),
    ('#define WIFI_PASSWORD "mein lieber schwan"', ["lieber", "schwan"]),
    (r'AT+CWJAP_CUR="Haus\"Nord","geheim,x9"', ["Nord", "geheim,x9"]),
    # addresses
    ("bssid:24:6f:28:d1:e2:f3", ["d1:e2:f3"]),
    ("mac:24:6f:28:d1:e2:f3", ["d1:e2:f3"]),
    ("mac 246f.28a7.b8c9", ["28a7.b8c9"]),
    ("mac 24 6f 28 a7 b8 d9", ["a7 b8 d9"]),
    ("mac 24:6f:28:a:bb:e", ["a:bb:e"]),
    ("eui 24:6f:28:ff:fe:aa:b1:c2", ["b1:c2"]),
    ("ESP32246f28c0ffee", ["c0ffee"]),
    ("ip6:2a02:810d:1:2:3:4:5:6", ["2a02:810d"]),
    ("prefix 2a02:810e:99:aa::/64", ["2a02:810e"]),
    ("ip 192.168.077.006", ["192.168.077"]),
    # tokens
    ("uuid 550e8400-e29b-41d4-a716-446655440000", ["446655440000"]),
    ("key AKIAIOSFODNN7EXAMPLE", ["IOSFODNN7"]),
    ("eyJhbGciOiJub25lIn0.eyJzdWIiOiJqb2huIn0.abcdEFGH", ["eyJzdWIi", "abcdEFGH"]),
    ("key k3j8x0q2m9z7b4v6n1c5r8t2", ["k3j8x0q2"]),
    # hosts
    ("host broker.acme-gmbh.systems refused", ["acme-gmbh"]),
    ("hostname kitchen-sensor-x set", ["kitchen-sensor-x"]),
    ("Setting hostname to garage-esp", ["garage-esp"]),
    ("connect to bücher.example.com", ["bücher"]),
    ("at omas-lampe._esphomelib", ["omas-lampe"]),
    # networks
    ("wifi: STA connecting SSID HuberNetz", ["HuberNetz"]),
    ("ssid='Uwe’s iPhone'", ["Uwe", "iPhone"]),
    ("Connecting to 'Bob's Hut'", ["Bob's", "s Hut"]),
    ("wifi:connected with İSTANBUL-ev, aid = 1", ["STANBUL"]),
    ("  1 | HuberNetz2 | -67 | 6 | WPA2", ["HuberNetz2"]),
    # folders
    (f"abort at {HOME}/johannes/esp/main.c:42", ["johannes"]),
    (f"abort at {USERS}/johannes/esp/main.c:42", ["johannes"]),
    (r"abort at C:\Users\Mueller\esp\main.c", ["Mueller"]),
]


@pytest.mark.parametrize(("said", "words"), LEAKS, ids=[said for said, _ in LEAKS])
def test_what_firmware_says_of_somebody_is_replaced(said: str, words: list[str]) -> None:
    report, around = read(
        "\n".join([f"I (500) APP: {said}", *[f"E (100{n}) NET: {FULL} {said}" for n in range(4)]])
    )
    assert report.findings
    open_forms = forms(report, around, redact=False)
    for word in words:
        assert any(word in html.unescape(form) for form in open_forms)
        for form in forms(report, around):
            assert word.lower() not in html.unescape(form).lower()


@pytest.mark.parametrize(
    ("line", "host"),
    [
        (f"Nov 22 07:48:41 johns-nas esp[1]: E (1000) NET: {FULL}", "johns-nas"),
        (
            "2025-02-11 03:41:20.168 WARNING (MainThread) [aioesphomeapi.connection] Omas Lampe @ 192.168.30.44: "
            "Connection error occurred: Ping response not received after 90.0 seconds",
            "Omas Lampe",
        ),
    ],
)
def test_a_name_before_a_line_is_replaced(line: str, host: str) -> None:
    report, around = read("\n".join([line] * 4))
    assert report.findings
    assert all(host not in form for form in forms(report, around))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("field/espat-cwjap3.log", ["Lager-5G"]),
        ("field/idf31-system-event-200.log", ["4a:10:bf", "werkhalle"]),
    ],
)
def test_recordings_lose_their_names(name: str, words: list[str]) -> None:
    path = str(RECORDINGS / name)
    report = diagnose(path)
    around = excerpts([path], report)
    for form in forms(report, around):
        assert not [word for word in words if word in form]


@pytest.mark.parametrize(
    ("seen", "asked"), [("Huber Gast", "Huber"), ("İstanbul", "İstanbul"), ("a\"b'c", "a\"b'c")]
)
def test_networks_of_the_air_are_learned_as_they_are(seen: str, asked: str, tmp_path: Path) -> None:
    frames = [(n * 102_400, beacon(n, n * 102_400, ssid=seen.encode())) for n in range(80)]
    for n in range(24):
        body = bytes([0, len(asked.encode())]) + asked.encode() + b"\1\1\2"
        probe = frame(0x04, ALL, "24:6f:28:0a:0b:0c", ALL, body, 0, 100 + n)
        frames.append((n * 500_000 + 7000, probe))
    path = tmp_path / "air.pcapng"
    path.write_bytes(capture(*sorted(frames)))
    report = diagnose(str(path))
    assert any(asked in html.unescape(form) for form in forms(report, {}, redact=False))
    for form in forms(report, {}):
        assert asked not in html.unescape(form)
        assert seen not in html.unescape(form)


def test_words_of_messages_are_no_names() -> None:
    lines = ["E (500) APP: login: socket", "W (501) APP: user: unable", "I (502) APP: hostname: error"]
    lines += [f"E (100{n}) NET: {FULL}" for n in range(4)]
    report, around = read("\n".join(lines))
    redaction = Redaction(report, around)
    assert [redaction.text(line) for line in lines] == lines
    assert [f.summary for f in redaction.report(report).findings] == [f.summary for f in report.findings]


@pytest.mark.parametrize("password", ["association", "associaTion", "Incorrect"])
def test_a_password_that_is_a_word_of_messages_is_replaced_where_it_is_one(password: str) -> None:
    lines = [
        f"I (500) APP: ssid=Huber7 password={password}",
        f"E (1000) NET: {FULL} password is {password}",
        f"E (1100) NET: {FULL} wrong password {password}",
        f"E (1200) NET: {FULL} after an {password.lower()} try",
    ]
    report, around = read("\n".join(lines))
    told = [Redaction(report, around).text(line) for line in lines]
    assert told[0].endswith("password=secret-1")
    assert told[1].endswith("password is secret-1")
    assert told[2].endswith("wrong password secret-1")
    assert told[3] == lines[3]


def test_a_password_in_a_sentence_alone_is_told_from_the_sentence_by_its_capitals() -> None:
    lines = [
        f"E (1000) NET: {FULL} password is {word}"
        for word in ("associaTion", "Incorrect", "WRONG", "missing")
    ]
    report, around = read("\n".join(lines))
    told = [Redaction(report, around).text(line) for line in lines]
    assert told[0].endswith("password is secret-1")
    assert told[1:] == lines[1:]


@pytest.mark.parametrize("ssid", ["socket", "system", "reason"])
def test_a_network_called_like_a_word_is_replaced_in_its_place_only(ssid: str) -> None:
    lines = [f"I (500) wifi:connected with {ssid}, aid = 1, channel 6", f"E (1000) NET: {FULL}"]
    report, around = read("\n".join(lines))
    redaction = Redaction(report, around)
    assert redaction.text(lines[0]) == "I (500) wifi:connected with SSID-1, aid = 1, channel 6"
    assert redaction.text(lines[1]) == lines[1]


def test_digits_of_an_address_do_not_rewrite_times_and_versions() -> None:
    lines = [
        "I (500) APP: mac 24:6f:28:09:00:01 node sensor-090001",
        "I (501) APP: heap 090001 at 09:00:01",
        "I (502) APP: Version 11.0.0.3 of main.c, WiFi.begin() and esp_netif.loop, ESP-ROM:esp32s2-rc4-20191025",
        "I (503) APP: topic home/OMG_rtl/RTL_433toMQTT/Nexus-TH/3/105",
        f"E (1000) NET: {FULL}",
    ]
    report, around = read("\n".join(lines))
    redaction = Redaction(report, around)
    told = [redaction.text(line) for line in lines]
    assert told[0] == "I (500) APP: mac 24:6f:28:00:00:01 node sensor-000001"
    assert told[1:] == lines[1:]


def test_a_name_at_the_cut_of_a_long_line_does_not_survive(tmp_path: Path) -> None:
    lines = []
    for width in (400, 2048):
        for n in range(1, 20):
            line = f"E (1000) NET: {FULL} "
            lines.append(f"{line}{'x' * (width - len(line) - n - 1)} 24:6f:28:a1:b2:c3")
    (tmp_path / "uart.log").write_text("\n".join(lines))
    path = str(tmp_path / "uart.log")
    report = diagnose(path)
    around = excerpts([path], report)
    for form in forms(report, around):
        assert "a1:b" not in form


def test_host_names_of_a_capture_are_replaced_beyond_those_that_are_counted() -> None:
    texts = [
        "0.0.0.0:68 → 255.255.255.255:67 DHCP Discover 0x00000000 24:6f:28:00:00:99 (kitchen-cam-old)",
        "192.168.4.2:51000 → 192.168.4.1:53 DNS query 0x0011 A shop17.acme-werke.systems",
        "192.168.4.2:51000 → 192.168.4.1:53 DNS query 0x0011 A johns-nas",
    ]
    report, around = read(f"E (1000) NET: {FULL}\n")
    redaction = Redaction(report, {**around, "w": dict(enumerate(texts))})
    for text, name in zip(texts, ("kitchen-cam-old", "acme-werke", "johns-nas"), strict=True):
        assert name not in redaction.text(text)
        assert "host-" in redaction.text(text)

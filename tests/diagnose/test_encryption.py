"""WPA2 opened with its key: what tshark reads with the same key, and what stays closed for which reason."""

from __future__ import annotations

import json
import random
import subprocess
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import asdict
from tests.diagnose.airwaves import (
    ALL,
    AP,
    FROM_DS,
    OTHER,
    PROTECTED,
    RETRY,
    STATION,
    TO_DS,
    ack,
    beacon,
    capture,
    frame,
    snap,
)
from tests.diagnose.wire import discovery
from tests.diagnose.wpa2 import EAPOL, PASSPHRASE, SSID, Wpa2, rsn

from halfopen.diagnose import diagnose
from halfopen.diagnose.radio import FarewellSeen, HandshakeSeen
from halfopen.diagnose.report.as_json import as_json
from halfopen.diagnose.sources.air import Air
from halfopen.diagnose.sources.capture import CaptureSource
from halfopen.diagnose.sources.framing import Framing
from halfopen.diagnose.traffic import FlowObserved
from halfopen.formats import packet as p
from halfopen.formats.capture import PcapWriter
from halfopen.formats.wifi_key import WifiKey, wifi_keys
from halfopen.kernel import layout as k
from halfopen.kernel.frames import Frames
from halfopen.kernel.packets import decode

KEYS = wifi_keys(f"{SSID}:{PASSPHRASE}")
SYN = p.tcp("10.0.0.1", 5000, "10.0.0.2", 80, p.SYN, 1, mss=1440)
ANSWER = p.tcp("10.0.0.2", 80, "10.0.0.1", 5000, p.SYN | p.ACK, 900, 2, mss=1440)


def events(data: bytes, keys: tuple[WifiKey, ...] = KEYS) -> tuple[list[object], list[str]]:
    source = CaptureSource("x.pcap", keys)
    found = [*source.feed(data), *source.end()]
    return found, source.notes


def flows(data: bytes, keys: tuple[WifiKey, ...] = KEYS) -> list[FlowObserved]:
    return [event for event in events(data, keys)[0] if isinstance(event, FlowObserved)]


# --- agreement with tshark ---


def segments(data: bytes) -> list[tuple[int, int, int, int]]:
    """Frame number, ports and sequence number of every TCP segment, opened frames and parts of frames too."""
    air, found, number = Air("x.pcap", KEYS), [], 0

    def list_rows(buffer: bytearray, rows: array[int], count: int, first: int, step: int) -> None:
        frames = Frames()
        frames.hold(buffer, rows)
        decode(frames, count)
        frames.release()
        for row in range(count):
            cells = rows[row * k.WIDTH : (row + 1) * k.WIDTH]
            if cells[k.KIND] == k.TCP:
                found.append((first + row * step, cells[k.SPORT], cells[k.DPORT], cells[k.SEQ]))

    def take(buffer: bytearray, rows: array[int], count: int) -> None:
        nonlocal number
        air.take(buffer, rows, count, number + 1, bare=False)
        list_rows(buffer, rows, count, number + 1, 1)
        for row, parts in air.parts.items():
            list_rows(buffer, parts, len(parts) // k.WIDTH, number + 1 + row, 0)
        number += count

    framing = Framing("x.pcap", take)
    framing.feed(data)
    framing.end()
    return sorted(found)


def tshark_segments(tshark: str, path: Path) -> Iterator[tuple[int, int, int, int]]:
    command = [tshark, "-n", "-r", str(path), "-o", "wlan.enable_decryption:TRUE", "-Y", "tcp"]
    command += ["-o", f'uat:80211_keys:"wpa-pwd","{PASSPHRASE}:{SSID}"', "-T", "fields"]
    for name in ("frame.number", "tcp.srcport", "tcp.dstport", "tcp.seq_raw"):
        command += ["-e", name]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    for line in done.stdout.splitlines():
        number, *columns = line.split("\t")
        for values in zip(*(column.split(",") for column in columns), strict=True):
            yield int(number), int(values[0]), int(values[1]), int(values[2])


def traffic(seed: int) -> list[bytes]:
    """Two stations that join, talk, change keys and talk on, in frames of every shape."""
    chance = random.Random(seed)
    one = Wpa2(suite=chance.choice((2, 6)))
    two = Wpa2(OTHER, suite=chance.choice((2, 6)), salt=b"2")
    frames = [beacon(1, 1000, ssid=SSID.encode())]
    for each in (one, two):
        frames += [
            *each.joining(),
            *each.handshake(*chance.choice(((), (1, 2), (1, 2, 3)))),
        ]
    sequence = 300
    for count in range(60):
        each = chance.choice((one, two))
        sequence += 1
        by_ap = chance.random() < 0.5
        packet = p.tcp("10.0.0.1", 5000 + seed % 100, "10.0.0.2", 80, p.ACK, 1000 + count, 1)
        shape = chance.choice(("plain", "qos", "order", "several", "clear", "open-several"))
        if shape == "several":
            other = p.tcp(
                "10.0.0.3",
                6000,
                "10.0.0.2",
                80,
                p.ACK,
                2000 + 8 * count,
                1,
                payload=chance.randbytes(count % 5),
            )
            frames.append(each.several(other, packet, by_ap=by_ap, sequence=sequence))
        elif shape == "open-several":
            frames.append(each.several(packet, SYN, by_ap=by_ap, sequence=sequence, sealed=False))
        else:
            tid = None if shape == "plain" else chance.randrange(8)
            frames.append(
                each.data(
                    packet,
                    by_ap=by_ap,
                    sequence=sequence,
                    tid=tid,
                    order=shape == "order",
                    sealed=shape != "clear",
                )
            )
        if count in (20, 40):  # new keys, agreed on under the old ones
            fresh = Wpa2(each.station, suite=each.suite, salt=chance.randbytes(4))
            for number in (1, 2, 3, 4):
                sequence += 1
                message = each.data(
                    fresh.message(number), EAPOL, by_ap=number in (1, 3), sequence=sequence, tid=6
                )
                frames.append(message)
            one, two = (fresh, two) if each is one else (one, fresh)
    return frames


@pytest.mark.parametrize("seed", range(12))
def test_opened_frames_agree_with_tshark(
    seed: int, require_tool: Callable[[str], str], tmp_path: Path
) -> None:
    path = tmp_path / "air.pcap"
    path.write_bytes(capture(*traffic(seed)))
    ours = segments(path.read_bytes())
    assert len(ours) > 30
    assert ours == sorted(tshark_segments(require_tool("tshark"), path))


def test_group_frames_and_farewells_agree_with_tshark(
    require_tool: Callable[[str], str], tmp_path: Path
) -> None:
    net, fresh = Wpa2(), Wpa2(gtk=bytes(range(16, 32)))
    old = [net.data(SYN, by_ap=True, group=True, sequence=n) for n in (1, 2)]
    new = [fresh.data(ANSWER, by_ap=True, group=True, sequence=n) for n in (11, 12)]
    rekey = net.data(fresh.message(5), EAPOL, by_ap=True, sequence=10)
    path = tmp_path / "air.pcap"
    path.write_bytes(capture(beacon(1, 1), *net.handshake(), *old, rekey, *new, net.farewell(4)))
    assert segments(path.read_bytes()) == sorted(tshark_segments(require_tool("tshark"), path))
    assert len(segments(path.read_bytes())) == 4
    found = [e for e in events(path.read_bytes())[0] if isinstance(e, (FarewellSeen, HandshakeSeen))]
    last = found[-1]
    assert isinstance(last, FarewellSeen)
    assert (last.reason, last.protected) == (4, True)
    assert [e.message for e in found if isinstance(e, HandshakeSeen)] == [1, 2, 3, 4, 5]


# --- what is opened ---


@pytest.mark.parametrize("messages", [(1, 2), (2, 3), (1, 2, 3), (1, 2, 3, 4), (2, 3, 4)])
@pytest.mark.parametrize("suite", [2, 6])
def test_two_messages_are_enough(messages: tuple[int, ...], suite: int) -> None:
    net = Wpa2(suite=suite)
    data = capture(*net.handshake(*messages), net.data(SYN), net.data(ANSWER, by_ap=True))
    (flow,) = flows(data)
    assert (flow.client.ip, flow.client.mac, flow.server.ip) == ("10.0.0.1", STATION, "10.0.0.2")
    assert events(data)[1] == ["x.pcap: --wifi-key opened 2 of 2 encrypted frames"]


@pytest.mark.parametrize("messages", [(1,), (2,), (3, 4), (1, 3), (4,)])
def test_less_is_not(messages: tuple[int, ...]) -> None:
    net = Wpa2()
    data = capture(*net.handshake(*messages), net.data(SYN))
    found, notes = events(data)
    assert not any(isinstance(event, FlowObserved) for event in found)
    assert any("messages 1 and 2 of its 4-way handshake are not in the capture" in note for note in notes)


def test_a_retry_is_opened_once_and_a_lost_first_try_does_not_matter() -> None:
    net = Wpa2()
    first = net.data(SYN, sequence=7)
    again = bytes([first[0], first[1] | RETRY]) + first[2:]
    (flow,) = flows(capture(*net.handshake(), first, again))
    assert flow.from_client.packets == 1
    (flow,) = flows(capture(*net.handshake(), again))
    assert flow.from_client.packets == 1


def test_what_the_snap_length_left_is_opened() -> None:
    net = Wpa2()
    whole = net.data(p.tcp("10.0.0.1", 5000, "10.0.0.2", 80, p.ACK, 1, 1, payload=bytes(1000)))
    head = b"\x00\x00\x08\x00\x00\x00\x00\x00"
    data = PcapWriter(127).header()
    for n, each in enumerate(net.handshake()):
        data += PcapWriter(127).record(10**18 + n, head + each)
    for cut in (3, 8, 9, 900):
        data += PcapWriter(127, snap=len(head + whole) - cut).record(10**18 + 10**6 + cut, head + whole)
    (flow,) = flows(data)
    assert flow.from_client.packets == 4


def test_several_networks_and_a_colon_in_a_name() -> None:
    net = Wpa2(ssid="a:b", passphrase="c:d:efgh:ij")  # noqa: S106
    keys = (*KEYS, *wifi_keys("a:b:c:d:efgh:ij"))
    assert len(flows(capture(*net.handshake(), net.data(SYN)), keys)) == 1


def test_a_dhcp_server_that_is_silent_is_found_under_encryption(tmp_path: Path) -> None:
    net, frames = Wpa2(), []
    for n in range(5):
        at = n * 4_000_000 + 100_000
        frames += [(at, net.data(discovery(STATION), sequence=n + 50)), (at + 200, ack(STATION))]
    path = tmp_path / "air.pcap"
    beacons = [(n * 1_000_000, beacon(n, n * 1_000_000)) for n in range(20)]
    joined = [(1000 + n * 200, each) for n, each in enumerate([*net.joining(), *net.handshake()])]
    path.write_bytes(capture(*sorted([*beacons, *joined, *frames])))
    assert "HO501" not in {f.code for f in diagnose(str(path)).findings}
    assert "HO501" in {f.code for f in diagnose(str(path), wifi_keys=KEYS).findings}


# --- what stays closed, and why ---


def closed(*frames: bytes, keys: tuple[WifiKey, ...] = KEYS) -> str:
    _, notes = events(capture(*frames), keys)
    return "\n".join(notes)


def test_a_wrong_key_is_called_one() -> None:
    net = Wpa2()
    text = closed(*net.joining(), *net.handshake(), net.data(SYN), keys=wifi_keys("home:correct hearse"))
    assert "--wifi-key opened 0 of 1 encrypted frames" in text
    assert f"1 encrypted frame stays closed ({STATION}): no --wifi-key fits its 4-way handshake" in text


def test_without_a_key_the_way_is_shown() -> None:
    net = Wpa2()
    text = closed(*net.handshake(), net.data(SYN), net.data(SYN, sequence=2), keys=())
    assert text.endswith("--wifi-key SSID:PASSPHRASE opens WPA2-PSK")


@pytest.mark.parametrize(
    ("element", "why"),
    [
        (rsn(8), "WPA3 (SAE)"),
        (rsn(18), "OWE"),
        (rsn(5), "WPA-Enterprise"),
        (rsn(4), "802.11r"),
        (rsn(2, cipher=2), "TKIP"),
        (rsn(2, cipher=9), "GCMP-256"),
    ],
)
def test_other_encryption_is_named(element: bytes, why: str) -> None:
    request = frame(0x00, AP, STATION, AP, bytes([17, 0, 10, 0, 0, 4]) + b"home" + element)
    assert why in closed(request, Wpa2().data(SYN))
    announced = beacon(1, 1) + element
    assert why in closed(announced, Wpa2().data(SYN))


def test_sae_is_known_by_its_authentication() -> None:
    net = Wpa2()
    assert "WPA3 (SAE)" in closed(*net.joining(algorithm=3), net.data(SYN))


def test_wep_is_named() -> None:
    assert "WEP" in closed(frame(0x20, AP, STATION, ALL, bytes([1, 2, 3, 0]) + bytes(40), TO_DS | PROTECTED))


def test_a_farewell_that_stays_closed_has_no_reason() -> None:
    net = Wpa2()
    found, notes = events(capture(*net.handshake(1), net.farewell(4), ack(AP)))
    (seen,) = [event for event in found if isinstance(event, FarewellSeen)]
    assert (seen.reason, seen.protected) == (None, True)
    assert any("no reason can be read in 1 of the deauthentications" in note for note in notes)


def test_many_stations_are_one_note() -> None:
    nets = [Wpa2(f"02:00:00:00:03:{n:02x}") for n in range(9)]
    text = closed(*(net.data(SYN) for net in nets))
    assert (
        "9 encrypted frames stay closed (9 stations: 02:00:00:00:03:00, 02:00:00:00:03:01, 02:00:00:00:03:02, …)"
        in text
    )


def test_an_open_network_needs_no_key() -> None:
    text = closed(frame(0x20, STATION, AP, AP, bytes(20), FROM_DS))
    assert text == "x.pcap: no frame in it is encrypted: --wifi-key had nothing to open"


# --- secrecy and damage ---


def test_keys_appear_nowhere(tmp_path: Path) -> None:
    net = Wpa2()
    path = tmp_path / "air.pcap"
    path.write_bytes(capture(beacon(1, 1), *net.joining(), *net.handshake(), net.data(SYN), net.farewell(4)))
    report = diagnose(str(path), wifi_keys=KEYS)
    told = as_json(report) + repr(report) + repr(KEYS)
    for secret in (PASSPHRASE.encode(), KEYS[0].pmk, net.tk, net.kck, net.kek, net.gtk):
        assert secret.decode("latin-1") not in told
        assert secret.hex() not in told
        assert json.dumps(secret.decode("latin-1"))[1:-1] not in told
        assert str(secret)[2:-1] not in told


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 5), st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=12))
def test_damage_is_survived(seed: int, changes: list[tuple[int, int]]) -> None:
    data = bytearray(capture(*traffic(seed)))
    for at, value in changes:
        data[24 + at % (len(data) - 24)] = value
    events(bytes(data))


@given(st.binary(max_size=200), st.integers(0, 3))
def test_any_eapol_is_survived(body: bytes, messages: int) -> None:
    net = Wpa2()
    odd = [net.data(body, EAPOL, sealed=False, by_ap=way) for way in (True, False)]
    cut = [net.data(net.message(n)[: len(body)], EAPOL, sealed=False, by_ap=n in (1, 3)) for n in (1, 2, 3)]
    events(capture(*net.handshake(1, 2, 3)[: messages * 2], *odd, *cut, net.data(SYN)))


@given(st.binary(max_size=120))
def test_any_msdus_are_survived(body: bytes) -> None:
    net = Wpa2()
    sealed = [
        net.frame_of(body, by_ap=True, sequence=n, tid=tid) for n, tid in ((1, 0x80), (2, 0), (3, None))
    ]
    events(capture(*net.handshake(), *sealed))


def test_any_split_opens_the_same() -> None:
    data = capture(*traffic(3))
    whole = [asdict(flow) for flow in flows(data)]
    source = CaptureSource("x.pcap", KEYS)
    for at in range(0, len(data), 61):
        list(source.feed(data[at : at + 61]))
    assert [asdict(e) for e in source.end() if isinstance(e, FlowObserved)] == whole


class Rekeying(Wpa2):
    """A station that marks message 2 of a rekey as secure, as it has keys already."""

    def message(self, number: int) -> bytes:
        plain = super().message(number)
        if number != 2:
            return plain
        marked = plain[:5] + (int.from_bytes(plain[5:7], "big") | 0x0200).to_bytes(2, "big") + plain[7:]
        return marked[:81] + self.mic(marked[:81] + bytes(16) + marked[97:]) + marked[97:]


def test_a_rekey_whose_second_message_is_secure(require_tool: Callable[[str], str], tmp_path: Path) -> None:
    one, two = Wpa2(), Rekeying(salt=b"2")
    rekey = [one.data(two.message(n), EAPOL, by_ap=n in (1, 3), sequence=20 + n, tid=6) for n in (1, 2, 3, 4)]
    path = tmp_path / "air.pcap"
    path.write_bytes(capture(*one.handshake(), one.data(SYN), *rekey, two.data(ANSWER, by_ap=True)))
    assert segments(path.read_bytes()) == sorted(tshark_segments(require_tool("tshark"), path))
    assert len(segments(path.read_bytes())) == 2
    told = [e.message for e in events(path.read_bytes())[0] if isinstance(e, HandshakeSeen)]
    assert told == [1, 2, 3, 4, 1, 2, 3, 4]


@pytest.mark.parametrize("ways", [0, TO_DS | FROM_DS])
def test_a_handshake_between_equals_is_survived(ways: int) -> None:
    """In an ad-hoc network or between access points no address is that of the cell."""
    net = Wpa2()
    fourth = bytes(6) if ways else b""
    frames = [
        frame(0x20, AP, STATION, AP, fourth + snap(EAPOL, net.message(n)), ways, n) for n in (1, 2, 3, 4)
    ]
    sealed = frame(0x20, AP, STATION, AP, fourth + bytes([1, 0, 0, 0x20]) + bytes(40), ways | PROTECTED, 9)
    text = closed(*frames, sealed)
    assert "encrypted frames to groups or between access points stay closed: 1" in text


def test_group_frames_alone_are_not_called_open() -> None:
    text = closed(Wpa2().data(SYN, by_ap=True, group=True))
    assert "had nothing to open" not in text
    assert "to groups" in text


def test_one_damaged_frame_makes_no_wep() -> None:
    net = Wpa2()
    damaged = frame(0x20, AP, STATION, ALL, bytes([1, 2, 3, 0]) + bytes(40), TO_DS | PROTECTED, 90)
    assert "WEP" not in closed(*net.joining(), *(net.data(SYN, sequence=n) for n in range(5)), damaged)


def test_fragments_are_named() -> None:
    net = Wpa2()
    text = closed(*net.handshake(), net.data(SYN, flags=0x04), net.data(SYN, sequence=101))
    assert "fragments of encrypted frames were not put together: 1" in text
    assert "--wifi-key opened 1 of 1" in text


def test_a_wire_needs_no_word_on_keys(tmp_path: Path) -> None:
    writer = PcapWriter()
    _, notes = events(writer.header() + writer.record(10**18, p.ethernet(AP, STATION, SYN)))
    assert notes == []


def test_an_msdu_that_the_snap_length_cut_is_read_in_a_bundle_too() -> None:
    net = Wpa2()
    whole = b"\x00\x00\x08\x00\x00\x00\x00\x00" + net.several(
        SYN,
        p.tcp("10.0.0.1", 5001, "10.0.0.2", 80, p.ACK, 1, 1, payload=bytes(900)),
        by_ap=False,
        sealed=False,
    )
    data = PcapWriter(127).header() + PcapWriter(127, snap=200).record(10**18, whole)
    assert sorted(flow.client.port for flow in flows(data)) == [5000, 5001]
    (long,) = [flow for flow in flows(data) if flow.client.port == 5001]
    assert long.from_client.payload == 900


def test_nothing_of_a_session_is_printed() -> None:
    from halfopen.formats.ccmp import session_keys
    from halfopen.formats.eapol import key_message

    net = Wpa2()
    second = key_message(net.message(2))
    assert second is not None
    keys = session_keys(KEYS[0].pmk, p.mac_bytes(AP), p.mac_bytes(STATION), net.anonce, second)
    assert keys is not None
    assert keys.confirmation == net.kck
    assert all(str(secret) not in repr(keys) for secret in (net.kck, net.kek, net.tk))

"""The examiner of the twin's air, examined: it reads what tshark reads, holds a recording against itself, and notices
what somebody changed in a copy."""

from __future__ import annotations

import json
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from halfopen.formats import dot11
from halfopen.formats.capture import LINK_RADIOTAP, Interface, PcapngWriter
from halfopen.twin.fidelity.__main__ import main
from halfopen.twin.fidelity.air.comparing import Difference, compare_stories
from halfopen.twin.fidelity.air.hearing import Heard, beacons, hear
from halfopen.twin.fidelity.air.script import read_script, roles
from halfopen.twin.fidelity.air.situations import SITUATIONS
from halfopen.twin.fidelity.air.story import Story, tell
from halfopen.twin.fidelity.wire import read_frames

AIR = Path(__file__).parents[1] / "recordings" / "air"
Frames = list[tuple[int, bytes]]


def recorded(name: str, place: str = "hwsim0") -> bytes:
    return (AIR / f"{name}.{place}.pcapng").read_bytes()


def names_of(name: str) -> dict[str, str]:
    return roles(json.loads((AIR / f"{name}.truth.json").read_text()))


def told(name: str, capture: bytes | None = None) -> Story:
    return tell(capture if capture is not None else recorded(name), names_of(name))


def written(frames: Frames) -> bytes:
    writer = PcapngWriter([Interface(link=LINK_RADIOTAP, resolution=9)])
    return writer.header() + b"".join(writer.record(when, frame) for when, frame in frames)


def altered(name: str, change: Callable[[Frames], Frames]) -> list[Difference]:
    """The differences between a recording and a copy that ``change`` made of it."""
    copy = written(change(read_frames(recorded(name))))
    commands = [(one.at, one.words) for one in read_script(AIR, name).commands]
    return compare_stories(told(name), told(name, copy), commands).differences


def frame_of(raw: bytes) -> bytes:
    """The 802.11 frame behind the radiotap header."""
    return raw[int.from_bytes(raw[2:4], "little") :]


def is_farewell(raw: bytes, reason: int) -> bool:
    frame = frame_of(raw)
    return frame[0] in (dot11.DEAUTH << 4, dot11.DISASSOC << 4) and frame[24:26] == struct.pack("<H", reason)


def acknowledges(raw: bytes) -> bool:
    return frame_of(raw)[0] == 0xD4


def is_beacon(raw: bytes) -> bool:
    return frame_of(raw)[0] == dot11.BEACON << 4


def at_farewell(frames: Frames, reason: int) -> int:
    return next(index for index, (_, raw) in enumerate(frames) if is_farewell(raw, reason))


def test_every_recording_is_known() -> None:
    assert sorted(path.name.removesuffix(".truth.json") for path in AIR.glob("*.truth.json")) == sorted(
        SITUATIONS
    )


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_recording_holds_against_itself(name: str) -> None:
    story = told(name)
    commands = [(one.at, one.words) for one in read_script(AIR, name).commands]
    verdict = compare_stories(story, told(name), commands)
    assert verdict.differences == []
    assert len(story.events) >= 7
    assert verdict.compared == len(story.events) + len(story.data)
    assert [command for command in commands if not 0 <= command[0] <= story.end] == []


@pytest.mark.parametrize("name", ["s3_class3_open", "s4_ps_dtim3_open", "s6_wrong_psk"])
def test_it_reads_what_tshark_reads(name: str, require_tool: Callable[[str], str]) -> None:
    fields = ("frame.number", "wlan.fc.type_subtype", "wlan.ta", "wlan.ra", "wlan.fc.pwrmgt", "wlan.fc.retry")
    fields += ("wlan.fixed.reason_code", "wlan.fixed.status_code", "wlan_rsna_eapol.keydes.msgnr")
    fields += ("wlan.tim.dtim_count", "wlan.fixed.timestamp")
    command = [
        require_tool("tshark"),
        "-r",
        AIR / f"{name}.hwsim0.pcapng",
        "-Y",
        "wlan.fc.type_subtype != 29",
    ]
    command += ["-T", "fields", "-E", "occurrence=f", *(word for one in fields for word in ("-e", one))]
    rows = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    heard = hear(recorded(name))
    assert len(rows) == len(heard) > 250
    spoken = iter(beacons(heard))
    for row, one in zip(rows, heard, strict=True):
        number, kind, sender, receiver, dozes, retry, reason, status, message, count, tsf = row.split("\t")
        assert (int(number), int(kind, 0), sender) == (one.number, one.kind, one.sender)
        assert receiver in (one.receiver, "ff:ff:ff:ff:ff:ff")
        assert (dozes in ("1", "True"), retry in ("1", "True")) == (one.dozes, one.retry)
        if one.kind in (dot11.DEAUTH, dot11.DISASSOC):
            assert int(reason, 0) == one.word(0)
        if one.kind == dot11.AUTH:
            assert int(status, 0) == one.word(4)
        assert (int(message) if message else None) == one.handshake
        if one.kind == dot11.BEACON:
            beacon = next(spoken)
            assert (int(count), int(tsf)) == (beacon.count, beacon.tsf)


def test_acknowledgements_are_those_of_the_truth() -> None:
    """The lab paired frames and ACKs itself."""
    for name in SITUATIONS:
        truth = json.loads((AIR / f"{name}.truth.json").read_text())
        acked = {told.number: bool(told.acked) for told in told_farewells(name)}
        assert acked == {one["frame"]: one["acked"] for one in truth["reasons_on_air"]}, name


def told_farewells(name: str) -> list[Heard]:
    return [one for one in hear(recorded(name)) if one.kind in (dot11.DEAUTH, dot11.DISASSOC)]


def test_a_sniffer_that_hears_no_acks_tells_the_same_story() -> None:
    for name in ("s1_normal_open", "s3_kick_open"):
        air, sniffer = told(name), told(name, recorded(name, "sniffer"))
        assert [event.shape for event in sniffer.events] == [event.shape for event in air.events]
        assert {event.acked for event in sniffer.events} == {None}


# Planted: what a simulator could get wrong, put into a copy of a recording.


def test_a_wrong_reason_is_named() -> None:
    def change(frames: Frames) -> Frames:
        at = at_farewell(frames, 7)
        when, raw = frames[at]
        frames[at] = when, raw[:-2] + b"\x06\x00"
        return frames

    (one,) = altered("s2_inact_blackhole_open", change)
    assert (one.kind, one.words) == (
        "code",
        "21.45 s: AP → STA deauthentication with reason 7, acked; the twin says 6",
    )


def test_a_missing_ack_is_named() -> None:
    def change(frames: Frames) -> Frames:
        at = at_farewell(frames, 7)
        assert acknowledges(frames[at + 1][1])
        return frames[: at + 1] + frames[at + 2 :]

    (one,) = altered("s2_inact_blackhole_open", change)
    assert (one.kind, one.words[-23:]) == ("ack", "the twin's is not acked")


def test_an_ack_where_nobody_listened_is_named() -> None:
    def change(frames: Frames) -> Frames:
        at = at_farewell(frames, 4)
        when, raw = frames[at]
        head = raw[: len(raw) - len(frame_of(raw))]
        ack = head + b"\xd4\x00\x00\x00" + frame_of(raw)[10:16]
        return [*frames[: at + 1], (when + 10_000, ack), *frames[at + 1 :]]

    assert [one.kind for one in altered("s2_inact_blackhole_open", change)] == ["ack"]


@pytest.mark.parametrize(("late_s", "noticed"), [(0.1, False), (0.11, True), (-0.12, True)])
def test_a_wrong_delay_is_named(late_s: float, noticed: bool) -> None:
    """Disassociation to deauthentication is 1.008 s: a beacon is more than five per cent of it."""

    def change(frames: Frames) -> Frames:
        at = next(at for at, (_, raw) in enumerate(frames) if at and is_farewell(raw, 2))
        when, raw = frames.pop(at)
        frames.append((when + round(late_s * 1e9), raw))
        return sorted(frames, key=lambda one: one[0])

    found = altered("s2_inact_blackhole_open", change)
    assert [one.kind for one in found] == (["time"] if noticed else [])
    if noticed:
        assert f"the twin's {1.008 + late_s:.3f} s after it" in found[0].words


def test_five_per_cent_count_where_they_are_more_than_a_beacon() -> None:
    """The poll comes 11.9 s after the radio went dead: half a second is allowed, 0.7 s is not."""

    def later(shift_s: float) -> list[Difference]:
        def change(frames: Frames) -> Frames:
            at = next(at for at, (_, raw) in enumerate(frames) if frame_of(raw)[0] == 0xC8)
            moved = [(when + round(shift_s * 1e9), raw) for when, raw in frames[at:] if not is_beacon(raw)]
            rest = [one for one in frames[at:] if is_beacon(one[1])]
            return sorted([*frames[:at], *moved, *rest], key=lambda one: one[0])

        return [one for one in altered("s2_inact_blackhole_open", change) if "AP → STA null" in one.words]

    assert later(0.5) == []
    assert [one.kind for one in later(0.7)] == ["time"]


def test_a_missing_frame_and_a_frame_too_many_are_named() -> None:
    def without(frames: Frames) -> Frames:
        return [one for one in frames if not is_farewell(one[1], 4)]

    def twice(frames: Frames) -> Frames:
        at = at_farewell(frames, 4)
        return [*frames[: at + 1], (frames[at][0] + 500_000, frames[at][1]), *frames[at + 1 :]]

    (missing,) = altered("s2_inact_blackhole_open", without)
    assert missing.words.endswith("not acked; the twin has no such frame there")
    (more,) = altered("s2_inact_blackhole_open", twice)
    assert more.words.endswith("the recording has no such frame there")


def test_a_nap_that_was_not_announced_is_named() -> None:
    """The power management bit of a null frame."""

    def change(frames: Frames) -> Frames:
        for at, (when, raw) in enumerate(frames):
            frame = frame_of(raw)
            if frame[0] == 0xC8 and frame[1] & 0x10:
                frames[at] = when, raw[: -len(frame)] + frame[:1] + bytes([frame[1] & ~0x10]) + frame[2:]
                break
        return frames

    found = altered("s4_ps_dtim3_open", change)
    assert {one.kind for one in found} == {"order"}
    assert "null, dozes" in found[0].words


def test_what_beacons_say_is_compared() -> None:
    def hole(frames: Frames) -> Frames:
        begin = frames[0][0]
        return [one for one in frames if not (is_beacon(one[1]) and 9.0 < (one[0] - begin) / 1e9 < 9.6)]

    def other_period(frames: Frames) -> Frames:
        return [(when, swapped(raw, b"\x05\x04\x00\x02", b"\x05\x04\x00\x03")) for when, raw in frames]

    def swapped(raw: bytes, old: bytes, new: bytes) -> bytes:
        at = raw.find(old[:2], 60)
        return raw[: at + 3] + new[3:] + raw[at + 4 :] if is_beacon(raw) else raw

    def never_announced(frames: Frames) -> Frames:
        return [(when, raw[:83] + bytes(2) + raw[85:] if is_beacon(raw) else raw) for when, raw in frames]

    assert "gap without beacons: 0 times; the twin's 1 times" in altered("s1_normal_open", hole)[0].words
    assert altered("s1_normal_open", other_period)[0].words == "AP: DTIM period 2; the twin's 3"
    words = [one.words for one in altered("s4_ps_dtim3_open", never_announced)]
    assert "AP: frames announced as waiting: 20 times; the twin's 0 times" in words
    assert "AP: 20 beacons announce group frames; the twin's 0" in words


def test_data_that_nobody_acknowledged_is_compared() -> None:
    def change(frames: Frames) -> Frames:
        at = next(at for at, (_, raw) in enumerate(frames) if frame_of(raw)[0] == 0x88)
        assert acknowledges(frames[at + 1][1])
        return frames[: at + 1] + frames[at + 2 :]

    (one,) = altered("s1_normal_open", change)
    assert one.kind == "data"


def test_no_capture_is_one_line() -> None:
    with pytest.raises(ValueError, match="no frames"):
        hear(b"")
    with pytest.raises(ValueError, match="radiotap"):
        hear(written([(0, bytes(40))])[:-60] + written([(0, b"\x01" * 40)])[-60:])


@pytest.mark.parametrize(
    ("truth", "says"),
    [("{", "line 1"), ('{"aps": []}', "sta_mac"), ('{"aps": [{"bssid": "x"}], "sta_mac": "y"', "line 1")],
)
def test_a_recording_that_cannot_be_read_is_one_line(
    truth: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.truth.json").write_text(truth)
    (tmp_path / "x.hwsim0.pcapng").write_bytes(recorded("s6_no_ap"))
    assert main([str(tmp_path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line
    assert str(tmp_path) in line


def test_a_recording_without_its_access_point_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = (AIR / "s6_no_ap.truth.json").read_text().replace("02:00:00:00:00:00", "02:00:00:00:00:77")
    (tmp_path / "x.truth.json").write_text(truth)
    (tmp_path / "x.hwsim0.pcapng").write_bytes(recorded("s6_no_ap"))
    assert main([str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"{tmp_path}: no beacon of 02:00:00:00:00:77\n"

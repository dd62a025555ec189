"""What a picture shows of the recordings: the right lanes, the right marks, every proof within reach."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.diagnose.conftest import events_of

from halfopen.diagnose import diagnose, excerpts, judged
from halfopen.diagnose.report.as_html import as_html
from halfopen.diagnose.report.scene import scene
from halfopen.diagnose.timeline import Timeline
from halfopen.pages.moments import MOMENTS_MAX, moments, written
from halfopen.pages.picture import Lane, Picture
from halfopen.pages.thinning import quoted

RECORDINGS = Path(__file__).parents[1] / "recordings"
FOLDERS = ("lwip", "air", "field", "threads", "logs")


def picture(*names: str) -> Picture:
    report = diagnose(*(str(RECORDINGS / name) for name in names))
    anchors = {finding.key: f"f{n}" for n, finding in enumerate(report.findings, 1)}
    made = scene(report.timelines[0], report.findings, anchors)
    assert made is not None
    return made


def lane(made: Picture, title: str) -> Lane:
    return next(lane for lane in made.lanes if lane.title == title)


def kinds(made: Picture, title: str, row: str | None = None) -> dict[str, int]:
    """How many marks of each kind a lane has."""
    found: dict[str, int] = {}
    for one in lane(made, title).rows:
        for mark in one.marks if row in (None, one.label) else ():
            found[mark.kind.name] = found.get(mark.kind.name, 0) + 1
    return found


def test_leaking_sockets_climb_to_the_limit() -> None:
    made = picture("lwip/a_leaky.uart.log", "lwip/a_leaky.pcapng")
    used = lane(made, "Descriptors in use")
    values = [sample.y for sample in used.series[0].samples]
    assert values[:10] == list(range(1, 11))
    assert used.limit == (10.0, "table full at 10")
    assert len(used.marks) == 5
    rows = lane(made, "TCP").rows
    assert len(rows) == 10, "connections that overlap stand above each other"
    assert kinds(made, "TCP")["sent again"] >= 35
    assert {span.kind.name for row in rows for span in row.spans} == {
        "TCP not closed",
        "nothing more was seen of it",
    }


def test_a_shut_window_is_a_stretch_with_its_probes() -> None:
    made = picture("lwip/f1_zero_window_live.uart.log", "lwip/f1_zero_window_live.pcapng")
    spans = [span for row in lane(made, "TCP").rows for span in row.spans]
    (shut,) = [span for span in spans if span.kind.name.startswith("window 0")]
    assert shut.end - shut.start > 600
    assert kinds(made, "TCP")["window 0 told or probed"] >= 19


def test_keepalive_probes_and_the_reset_after_them() -> None:
    found = kinds(picture("lwip/d1_ka_before.uart.log", "lwip/d1_ka_before.pcapng"), "TCP")
    assert found["keepalive probe"] == 3
    assert found["RST"] == 1


def test_connections_that_follow_each_other_share_a_row() -> None:
    made = picture("lwip/h_timewait.uart.log", "lwip/h_timewait.pcapng")
    rows = lane(made, "TCP").rows
    assert len(rows) == 1
    assert len(rows[0].spans) == 40


def test_rows_that_prove_something_are_drawn_before_others() -> None:
    names = ("lwip/e2_httpd_like.uart.log", "lwip/e2_httpd_like.pcapng")
    made = picture(*names)
    tcp = lane(made, "TCP")
    assert "not drawn" in tcp.note
    drawn = {
        (thing.place.source, thing.place.frame) for row in tcp.rows for thing in (*row.marks, *row.spans)
    }
    report = diagnose(*(str(RECORDINGS / name) for name in names))
    flows = report.timelines[0].conversations
    ends = {
        ref.frame
        for talk in flows
        for side in (talk.device, talk.peer)
        for ref in (side.syn, side.rst)
        if ref
    }
    proof = {(q.source, q.frame) for f in report.findings for q in f.evidence if q.frame in ends}
    assert proof
    assert proof <= drawn


def test_only_a_kick_looks_like_one() -> None:
    kick = kinds(picture("air/s3_kick_open.hwsim0.pcapng"), "On the air", "access point")
    assert kick["deauthentication"] + kick["disassociation"] >= 4
    for healthy in ("air/s3_sta_leave_open.hwsim0.pcapng", "air/s5_roam_open.hwsim0.pcapng"):
        found = kinds(picture(healthy), "On the air")
        assert "deauthentication" not in found, healthy
        assert "disassociation" not in found, healthy
        assert found["farewell that is no fault"] >= 1


def test_the_air_shows_polls_sleep_and_dtim() -> None:
    assert kinds(picture("air/s2_inact_poll_ok.hwsim0.pcapng"), "On the air")["poll: are you there?"] >= 1
    doze = picture("air/s4_psdoze_dtim10_open.hwsim0.pcapng")
    labels = {row.label: row for row in lane(doze, "On the air").rows}
    assert len(labels["sleep"].spans) >= 10
    assert "beacons, DTIM 10" in labels
    gaps = [
        s for r in lane(picture("air/s3_ap_restart_open.hwsim0.pcapng"), "On the air").rows for s in r.spans
    ]
    assert any(span.kind.name == "no beacon heard" for span in gaps)


def test_wifi_goes_from_state_to_state() -> None:
    made = picture("field/idf-dtim10-min-modem.log")
    state, power = lane(made, "Wi-Fi").rows
    told = [span.kind.name for span in state.spans]
    assert told[:3] == ["joining", "associated", "online"]
    assert "disconnected" in told
    assert [span.kind.name for span in power.spans][-1] == "modem sleep off"
    assert [mark.kind.name for mark in power.marks] == ["beacon interval and DTIM told"] * 2
    assert lane(made, "Signal").unit == "dBm"


def test_a_running_link_that_is_lost_twice_came_back_in_between() -> None:
    (state,) = lane(picture("field/gateway-1a0-every-half-hour.log"), "Wi-Fi").rows
    assert len(state.marks) == 3
    assert [span for span in state.spans if span.end - span.start > 60] == [], (
        "nobody knows how long it was down"
    )


def test_an_association_without_an_address_is_not_online() -> None:
    made = picture("field/eth2ap-two-clocks-no-ip.log")
    told = {span.kind.name for row in lane(made, "Wi-Fi").rows for span in row.spans}
    assert "associated" in told
    assert "online" not in told


def test_what_cannot_be_compared_is_said() -> None:
    report = diagnose(str(RECORDINGS / "lwip/a_leaky.uart.log"), str(RECORDINGS / "lwip/a_leaky.pcapng"))
    told = report.timelines[0]
    made = scene(Timeline(told.device, told.events), (), {})
    assert made is not None
    assert "could not be aligned" in made.notes[0]
    assert "counts lines" in picture("field/mp-oserror-23-http-get.log").notes[0]
    assert not picture("lwip/a_leaky.uart.log", "lwip/a_leaky.pcapng").notes


def files() -> list[Path]:
    found = [file for folder in FOLDERS for file in sorted((RECORDINGS / folder).glob("*"))]
    return [file for file in found if file.suffix != ".json"][::9]


@pytest.mark.parametrize("file", files(), ids=lambda file: file.name)
def test_every_picture_is_sound(file: Path) -> None:
    report = diagnose(str(file))
    anchors = {finding.key: f"f{n}" for n, finding in enumerate(report.findings, 1)}
    for told in report.timelines:
        own = [finding for finding in report.findings if finding.device == told.device.name]
        made = scene(told, own, anchors)
        if made is None:
            continue
        within = (made.start - 1e-6, made.end + 1e-6)
        for one in made.lanes:
            assert one.rows or one.series
            things: list[Any] = [*one.marks, *(mark for row in one.rows for mark in row.marks)]
            assert all(within[0] <= thing.x <= within[1] for thing in things)
            for row in one.rows:
                assert [mark.x for mark in row.marks] == sorted(mark.x for mark in row.marks)
                assert all(within[0] <= span.start <= span.end <= within[1] for span in row.spans)
            for series in one.series:
                assert [sample.x for sample in series.samples] == sorted(
                    sample.x for sample in series.samples
                )
        assert len(made.pins) == len(own), "every finding has a moment"
        assert len(moments(made)) <= MOMENTS_MAX
        assert all(moment.when == written(made, moment.x) for moment in moments(made))


@pytest.mark.parametrize("file", files()[::2], ids=lambda file: file.name)
def test_every_thread_leads_to_an_element_that_quotes_it(file: Path) -> None:
    report = diagnose(str(file))
    html = as_html(report, excerpts([str(file)], report))
    ids = re.findall(r' id="([^"]+)"', html)
    assert len(ids) == len(set(ids)), "no two elements share a name"
    for block in re.findall(r'<script type="application/json" class="data">(.*?)</script>', html, re.DOTALL):
        data = json.loads(block)
        wanted = {target for _, _, target in data["targets"]} | {pin["target"] for pin in data["pins"]}
        wanted |= {thread[4] for pin in data["pins"] for thread in pin["threads"]}
        assert wanted <= set(ids)
    for link in re.findall(r'href="#([^"]+)"', html):
        assert link in ids


def test_refused_allocations_are_drawn_without_a_curve() -> None:
    log = "".join(
        f"E ({n * 1000}) esp-tls-mbedtls: mbedtls_ssl_setup returned -0x7F00\n" for n in range(1, 6)
    )
    report = judged([("uart.log", events_of(log))])
    made = scene(
        report.timelines[0], report.findings, {f.key: f"f{n}" for n, f in enumerate(report.findings)}
    )
    assert made is not None
    assert kinds(made, "Heap", "refused") == {"allocation refused": 5}


@pytest.mark.parametrize("file", files(), ids=lambda file: file.name)
def test_every_thread_ends_on_something_drawn(file: Path) -> None:
    report = diagnose(str(file))
    for timeline in report.timelines:
        found = [f for f in report.findings if f.device == timeline.device.name]
        made = scene(timeline, found, {f.key: f"f{n}" for n, f in enumerate(report.findings)})
        if made is None:
            continue
        drawn = {
            quoted(item.place)
            for part in made.lanes
            for item in (
                *(sample for series in part.series for sample in series.samples),
                *part.marks,
                *(each for row in part.rows for each in (*row.marks, *row.spans)),
            )
        }
        assert all(quoted(place) in drawn for pin in made.pins for _, place, _ in pin.threads)

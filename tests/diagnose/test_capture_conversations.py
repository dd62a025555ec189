"""Conversations: first on recordings of a real ESP-IDF stack, then each case by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from halfopen.diagnose.sources.capture import CaptureSource
from halfopen.diagnose.sources.conversations import Conversations
from halfopen.diagnose.traffic import FRAMES_KEPT, FlowObserved, HostObserved
from halfopen.formats.capture import PcapWriter
from halfopen.formats.packet import ACK, FIN, PSH, RST, SYN, ethernet, tcp, unreachable
from halfopen.kernel.flow_table import FlowTable

LWIP = Path(__file__).parents[1] / "recordings" / "lwip"
DEVICE, PEER = "192.168.5.100", "192.168.5.1"
A, B = "02:00:00:00:00:0a", "02:00:00:00:00:0b"
START = 1_700_000_000


def events(data: bytes, kind: type) -> list[Any]:
    source = CaptureSource("made.pcap")
    seen = [*source.feed(data), *source.end()]
    return [event for event in seen if isinstance(event, kind)]


def recorded(name: str) -> list[FlowObserved]:
    return events((LWIP / f"{name}.pcapng").read_bytes(), FlowObserved)


class Script:
    """Writes a conversation second by second; ``c`` is a frame of the client, ``s`` of the server."""

    def __init__(self) -> None:
        self.writer = PcapWriter()
        self.data = self.writer.header()
        self.now = float(START)

    def add(self, packet: bytes, wait: float, up: bool) -> Script:
        self.now += wait
        self.data += self.writer.record(int(self.now * 10**9), ethernet(*((B, A) if up else (A, B)), packet))
        return self

    def c(
        self, flags: int, seq: int = 0, ack: int = 0, size: int = 0, wait: float = 1.0, **rest: Any
    ) -> Script:
        return self.add(tcp(DEVICE, 5000, PEER, 80, flags, 1000 + seq, 9000 + ack if flags & ACK else 0,
                            payload=bytes(size), **rest), wait, True)  # fmt: skip

    def s(
        self, flags: int, seq: int = 0, ack: int = 0, size: int = 0, wait: float = 1.0, **rest: Any
    ) -> Script:
        return self.add(tcp(PEER, 80, DEVICE, 5000, flags, 9000 + seq, 1000 + ack if flags & ACK else 0,
                            payload=bytes(size), **rest), wait, False)  # fmt: skip

    def handshake(self, **options: Any) -> Script:
        return self.c(SYN, **options).s(SYN | ACK, 0, 1, wait=0.01, **options).c(ACK, 1, 1, wait=0.01)

    def flows(self) -> list[FlowObserved]:
        return events(self.data, FlowObserved)

    def flow(self) -> FlowObserved:
        (flow,) = self.flows()
        return flow


def test_leaky_device_leaves_every_connection_open() -> None:
    found = recorded("a_leaky")
    assert len(found) > 8
    assert {flow.client.ip for flow in found} == {DEVICE}
    first = found[0]
    (run,) = first.retransmission_runs
    assert (run.by, run.kind, run.count, run.answered) == ("client", "data", 5, None)
    assert run.original.frame == 10
    assert [ref.frame for ref in run.frames] == [11, 12, 25, 51, 106]
    gaps = [round(b.time - a.time) for a, b in zip(run.frames, run.frames[1:], strict=False)]
    assert gaps == [3, 6, 12, 24]  # the backoff of Espressif's lwIP
    assert (first.from_client.unacked, first.end) == (40, "open")
    assert first.from_client.payload == 80


def test_keepalive_run_ends_in_the_fingerprint() -> None:
    (flow,) = recorded("d1_ka_before")
    (run,) = flow.probe_runs
    assert (run.by, run.count, run.answers, run.answered) == ("client", 3, 0, None)
    assert round(run.idle_s) == 10
    assert run.interval_s is not None
    assert round(run.interval_s) == 3
    assert (flow.from_client.rst_window, flow.end) == (32790, "rst")
    assert flow.longest_silence is not None
    assert [ref.frame for ref in flow.longest_silence] == [14, 17]


def test_zero_window_that_lives() -> None:
    flow = recorded("f1_zero_window_live")[0]
    (run,) = flow.zero_window_runs
    assert (run.by, run.probes, run.answers) == ("server", 19, 19)
    assert run.reopened is None
    assert len(run.frames) == run.count == 39
    assert flow.from_server.window_min == 0
    assert flow.from_client.unacked == 0


def test_linux_probes_a_zero_window_with_keepalives() -> None:
    script = Script().handshake().c(PSH | ACK, 1, 1, 100).s(ACK, 1, 101, window=0)
    for _ in range(3):
        script.c(ACK, 100, 1, wait=5).s(ACK, 1, 101, window=0, wait=0.01)
    flow = script.s(ACK, 1, 101, window=500).flow()
    (run,) = flow.zero_window_runs
    assert (run.by, run.probes, run.answers, run.count) == ("server", 3, 3, 7)
    assert run.reopened is not None
    assert flow.probe_runs == ()
    assert flow.from_client.keepalives == 0


def test_a_probe_that_shuts_the_prober_too_is_quoted_on_both_sides() -> None:
    script = Script().handshake().c(PSH | ACK, 1, 1, 100).s(ACK, 1, 101, window=0)
    client, server = script.c(ACK, 100, 1, wait=5, window=0).flow().zero_window_runs[::-1]
    assert (client.by, client.count, server.by, server.probes) == ("client", 1, "server", 1)
    assert client.frames == server.frames[1:]


def test_hosts_are_marked_as_lwip() -> None:
    hosts = events((LWIP / "d1_ka_before.pcapng").read_bytes(), HostObserved)
    assert [(host.ips, [ref.frame for ref in host.lwip]) for host in hosts] == [
        ((DEVICE,), [4, 20]),
        ((PEER,), []),
    ]
    assert [ref.text for ref in hosts[0].announced] == [f"ARP Announcement for {DEVICE}"]
    assert hosts[0].packets == 13


def test_every_recording_renders() -> None:
    for path in LWIP.glob("*.pcapng"):
        for flow in recorded(path.stem):
            assert flow.where.text
            assert flow.at.host is not None
            assert flow.from_client.packets + flow.from_server.packets > 0


def test_handshake_and_orderly_end() -> None:
    script = Script().handshake().c(PSH | ACK, 1, 1, 10).s(ACK, 1, 11).c(FIN | ACK, 11, 1).s(FIN | ACK, 1, 12)
    flow = script.c(ACK, 12, 2).flow()
    assert (flow.end, flow.established and flow.established.frame) == ("fin", 3)
    assert (flow.from_client.payload, flow.from_client.unacked, flow.from_client.syns) == (10, 0, 1)
    assert flow.from_server.fin is not None
    assert (
        flow.from_server.fin.text
        == "192.168.5.1:80 → 192.168.5.100:5000 [FIN, ACK] Seq=1 Ack=12 Win=5760 Len=0"
    )


def test_refused_and_unanswered() -> None:
    assert Script().c(SYN).s(RST | ACK, 0, 1).flow().end == "refused"
    flow = Script().c(SYN).c(SYN).c(SYN, wait=2).flow()
    (run,) = flow.retransmission_runs
    assert (flow.end, run.kind, run.count, run.original.frame) == ("unanswered", "syn", 2, 1)
    assert (flow.established, flow.from_client.syns) == (None, 3)


def test_windows_are_scaled_only_after_both_syns_said_so() -> None:
    flow = Script().handshake(window=100, scale=3).c(PSH | ACK, 1, 1, 5, window=100).flow()
    assert (flow.from_client.window_first, flow.from_client.window_last) == (100, 800)
    assert flow.from_client.last is not None
    assert "Win=800" in flow.from_client.last.text
    assert flow.from_client.syn is not None
    assert flow.from_client.syn.text.endswith("Win=100 Len=0 WS=8")
    script = Script().c(SYN, window=100, scale=3).s(SYN | ACK, 0, 1, window=100).c(ACK, 1, 1, window=100)
    assert script.flow().from_client.window_last == 100


def test_a_new_syn_with_another_isn_is_a_new_conversation() -> None:
    script = Script().handshake().c(PSH | ACK, 1, 1, 10).c(SYN, 50_000).c(SYN, 50_000, wait=3)
    old, new = script.flows()
    assert (old.previous, new.previous, new.ordinal) == (None, old.ordinal, 2)
    assert (old.end, new.end, new.from_client.syns) == ("open", "unanswered", 2)
    assert old.from_client.unacked == 10


def test_both_ends_may_open_at_once() -> None:
    assert len(Script().c(SYN).s(SYN).c(SYN | ACK, 0, 1).s(SYN | ACK, 0, 1).flows()) == 1


def test_syn_ack_captured_first_is_the_same_conversation() -> None:
    flow = Script().s(SYN | ACK, 0, 1).c(SYN).c(ACK, 1, 1).flow()
    assert (flow.client.port, flow.established and flow.established.frame) == (5000, 3)


def test_client_without_a_syn() -> None:
    only_answer = Script().s(SYN | ACK, 0, 1).c(ACK, 1, 1).flow()
    assert (only_answer.client.port, only_answer.server.port) == (5000, 80)
    assert only_answer.established is not None
    older = Script().s(PSH | ACK, 5, 5, 10).c(ACK, 5, 15).flow()
    assert (older.client.port, older.established and older.established.frame) == (5000, 1)
    assert older.from_server.last_payload is not None
    assert "Seq=9005 Ack=1005" in older.from_server.last_payload.text


def test_retransmission_answered_at_last() -> None:
    script = Script().handshake().c(PSH | ACK, 1, 1, 10)
    script.c(PSH | ACK, 1, 1, 10, wait=1.5).c(PSH | ACK, 1, 1, 10, wait=3).s(ACK, 1, 11)
    (run,) = script.flow().retransmission_runs
    assert (run.count, run.original.frame) == (2, 4)
    assert run.answered is not None
    assert run.answered.frame == 7


def test_fin_with_data_resent() -> None:
    script = Script().handshake().c(PSH | ACK, 1, 1, 10).c(FIN | PSH | ACK, 1, 1, 10, wait=1.5)
    (run,) = script.c(FIN | PSH | ACK, 1, 1, 10, wait=3).flow().retransmission_runs
    assert (run.kind, run.count) == ("fin", 2)


def test_the_original_is_found_among_many_outstanding() -> None:
    script = Script().handshake()
    for number in range(20):
        script.c(PSH | ACK, 1 + 10 * number, 1, 10, wait=0.01)
    (run,) = script.c(PSH | ACK, 1, 1, 10, wait=1.5).flow().retransmission_runs
    assert run.original.frame == 4


def test_keepalive_answers_and_a_new_run_after_data() -> None:
    script = Script().handshake().c(PSH | ACK, 1, 1, 10).s(ACK, 1, 11)
    for _ in range(3):
        script.c(ACK, 10, 1, wait=10).s(ACK, 1, 11, wait=0.1)
    script.c(PSH | ACK, 11, 1, 10).s(ACK, 1, 21).c(ACK, 20, 1, wait=10).s(RST, 1, wait=0.1)
    flow = script.flow()
    first, second = flow.probe_runs
    assert (first.count, first.answers, second.count, second.answers) == (3, 3, 1, 0)
    assert first.interval_s == pytest.approx(10.1)
    assert first.idle_s == pytest.approx(10)
    assert second.interval_s is None
    assert (flow.from_client.keepalives, flow.from_server.rsts) == (4, 1)


def test_unreachable_belongs_to_the_conversation_it_quotes() -> None:
    script = Script().c(SYN)
    quoted = tcp(DEVICE, 5000, PEER, 80, SYN, 1000)
    flow = script.add(unreachable(PEER, DEVICE, quoted), 0.1, False).flow()
    assert [ref.text for ref in flow.unreachable] == [
        f"{PEER} → {DEVICE} Destination unreachable (host) for {DEVICE}:5000 → {PEER}:80"
    ]
    assert flow.from_server.packets == 0


def test_lists_keep_their_ends() -> None:
    script = Script().handshake().c(PSH | ACK, 1, 1, 10)
    for _ in range(200):
        script.c(PSH | ACK, 1, 1, 10)
    (run,) = script.flow().retransmission_runs
    assert (run.count, len(run.frames)) == (200, FRAMES_KEPT)
    assert (run.frames[0].frame, run.frames[-1].frame) == (5, 204)


def test_runs_keep_their_ends() -> None:
    script = Script().handshake()
    for number in range(100):
        seq = 1 + 10 * number
        script.c(PSH | ACK, seq, 1, 10).c(PSH | ACK, seq, 1, 10).s(ACK, 1, seq + 10)
    runs = script.flow().retransmission_runs
    assert len(runs) == FRAMES_KEPT


@pytest.mark.parametrize("batches", [1, 3])
def test_conversations_are_bounded(batches: int, monkeypatch: pytest.MonkeyPatch) -> None:
    source = CaptureSource("made.pcap")
    monkeypatch.setattr(source, "_conversations", Conversations("made.pcap", 64))
    script = Script().c(SYN)  # unanswered: worth keeping
    for number in range(300):
        ends = (DEVICE, 6000 + number, PEER, 80), (PEER, 80, DEVICE, 6000 + number)
        script.add(tcp(*ends[0], SYN, 1), 1, True).add(tcp(*ends[1], SYN | ACK, 1, 2), 1, False)
        script.add(tcp(*ends[0], FIN | ACK, 2, 2), 1, True).add(tcp(*ends[1], FIN | ACK, 2, 3), 1, False)
    size = len(script.data) // batches + 1
    for at in range(0, len(script.data), size):
        list(source.feed(script.data[at : at + size]))
    found = [event for event in source.end() if isinstance(event, FlowObserved)]
    assert 50 <= len(found) <= 64
    assert found[0].client.port == 5000
    assert found[-1].client.port == 6299
    assert len(source.notes) == 1
    assert (
        f"{301 - len(found)} conversations beyond 64 were forgotten, {301 - len(found)} of them"
        in source.notes[0]
    )


def test_quoted_frames_are_bounded_over_all(monkeypatch: pytest.MonkeyPatch) -> None:
    source = CaptureSource("made.pcap")
    monkeypatch.setattr(source, "_conversations", Conversations("made.pcap", quoted_max=100))
    script = Script()
    for port in range(6000, 6040):
        for _ in range(6):
            script.add(tcp(DEVICE, port, PEER, 80, SYN, 7), 1, True)
    list(source.feed(script.data))
    runs = [event.retransmission_runs[0] for event in source.end() if isinstance(event, FlowObserved)]
    assert len(runs) == 40
    assert {run.count for run in runs} == {5}
    assert all(run.frames for run in runs)
    assert sum(len(run.frames) for run in runs) <= 100 + 40
    assert "frames worth quoting were only counted" in source.notes[0]


def test_the_flow_table_grows_to_its_limit_only() -> None:
    table = FlowTable(100)
    table.grow()
    assert (table.slots, table.full) == (100, False)


def test_two_conversations_of_one_bucket_stay_apart() -> None:
    script = Script()
    for port in range(1, 3000):
        script.add(tcp(DEVICE, port, PEER, 80, SYN, port), 0.001, True)
    found = script.flows()
    assert [flow.client.port for flow in found] == list(range(1, 3000))

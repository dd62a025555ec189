"""Every fault has its entry, every entry is complete, and none says what the measurements contradict."""

from __future__ import annotations

import re

import pytest

from halfopen import findings

#: The agreed list of faults: code, name, severity.
AGREED = """
HO101 leaked-sockets error
HO102 sessions-exhausted error
HO103 lingering-connections error
HO104 dead-descriptor error
HO201 half-open error
HO202 no-keepalive warning
HO203 stalled-transmit warning
HO204 zero-window error
HO205 device-rebooted warning
HO206 peer-unreachable error
HO207 reconnect-storm warning
HO208 peer-restarted info
HO301 blocked-call error
HO401 auth-expired error
HO402 assoc-expired error
HO403 kicked-by-ap error
HO404 class3-rejected error
HO405 beacon-lost error
HO406 dozing-radio warning
HO407 weak-signal warning
HO408 wrong-credentials error
HO409 handshake-timeout error
HO410 ap-not-found error
HO411 association-denied error
HO412 ap-restarted warning
HO413 radio-dropout warning
HO414 stale-status error
HO501 dhcp-failed error
HO502 dns-failed error
HO601 heap-leak error
HO602 heap-fragmented error
HO603 heap-exhausted error
HO604 tls-memory error
HO701 brownout error
HO702 crashed info
"""

#: Wrong or useless on this stack, whatever popular articles say.
CONTRADICTED = {
    r"ETIMEDOUT after keepalive": "an aborted connection is ECONNABORTED 113",
    r"113[^.]{0,20}EHOSTUNREACH(?! \d)": "113 is ECONNABORTED on ESP32; only a PC says EHOSTUNREACH",
    r"ENFILE 105|ENOBUFS 23": "ENFILE is 23, ENOBUFS is 105",
    r"https?://(?!192\.0\.2\.)": "no addresses of web sites in the catalogue",
}

#: Where a sentence names the mistake in order to correct it.
CORRECTS = {"HO206"}


def prose(entry: findings.Fault) -> str:
    return "\n".join(
        (entry.title, entry.detects, entry.why, *entry.evidence, entry.remedy.summary, *entry.references)
    )


def test_the_catalogue_is_the_agreed_list() -> None:
    written = "".join(f"{f.code} {f.fault} {f.severity}\n" for f in findings.catalogue())
    assert written == AGREED.lstrip()


def test_names_are_unique() -> None:
    for attribute in ("code", "fault", "title"):
        values = [getattr(entry, attribute) for entry in findings.catalogue()]
        assert len(values) == len(set(values))


@pytest.mark.parametrize("entry", findings.catalogue(), ids=lambda entry: entry.code)
class TestEntry:
    def test_is_complete(self, entry: findings.Fault) -> None:
        assert entry.title
        assert len(entry.detects) > 60
        assert len(entry.why) > 200
        assert len(entry.evidence) >= 2
        assert entry.references
        assert len(entry.remedy.summary) > 40
        assert set(entry.remedy.code) == set(findings.FIRMWARES)

    def test_is_called_by_its_file(self, entry: findings.Fault) -> None:
        assert findings.fault(entry.code) == entry
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", entry.fault)
        assert entry.severity in findings.SEVERITIES

    def test_evidence_says_where_it_is_seen(self, entry: findings.Fault) -> None:
        for proof in entry.evidence:
            assert re.match(r"(Log|Capture|Capture \(monitor mode\)|Not this fault): ", proof), proof

    def test_contradicts_no_measurement(self, entry: findings.Fault) -> None:
        if entry.code in CORRECTS:
            return
        for pattern, truth in CONTRADICTED.items():
            assert not re.search(pattern, prose(entry)), truth

    def test_remedies_are_snippets(self, entry: findings.Fault) -> None:
        for firmware, code in entry.remedy.code.items():
            lines = code.splitlines()
            assert 3 <= len(lines) <= 45, firmware
            assert max(map(len, lines)) <= 120, firmware
            assert "\t" not in code, firmware
            assert not [line for line in lines if line != line.rstrip()], firmware


def test_remedies_are_not_one_snippet_repeated() -> None:
    for firmware in findings.FIRMWARES:
        snippets = [entry.remedy.code[firmware] for entry in findings.catalogue()]
        assert len(snippets) == len(set(snippets)), firmware


def test_every_socket_has_a_deadline() -> None:
    for entry in findings.catalogue():
        idf, micropython = entry.remedy.code["esp-idf"], entry.remedy.code["micropython"]
        if "socket(AF_INET" in idf:
            timed = "SO_SNDTIMEO" in idf and "SO_RCVTIMEO" in idf
            assert timed or "O_NONBLOCK" in idf or "MSG_DONTWAIT" in idf, entry.code
        if "socket.socket(" in micropython:
            assert "settimeout(" in micropython or "setblocking(False)" in micropython, entry.code


def test_micropython_never_sets_what_it_cannot_set() -> None:
    for entry in findings.catalogue():
        assert "setsockopt" not in entry.remedy.code["micropython"].replace("(setsockopt ignores", "")


def test_an_unknown_code_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="HO999"):
        findings.fault("HO999")

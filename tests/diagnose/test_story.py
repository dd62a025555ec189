"""The story of a device, word for word: a reader who knows no networks must understand it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.diagnose.conftest import events_of

from halfopen import findings
from halfopen.diagnose import diagnose, judged
from halfopen.diagnose.report.story import Story, doubt, story
from halfopen.diagnose.timeline import Device
from halfopen.findings import Evidence, Finding

RECORDINGS = Path(__file__).parents[1] / "recordings"


def stories(*names: str) -> list[Story]:
    report = diagnose(*(str(RECORDINGS / name) for name in names))
    by_key = {finding.key: finding for finding in report.findings}
    return [
        story(device, [f for f in report.findings if f.device == device.name], timeline, by_key)
        for device, timeline in zip(report.devices, report.timelines, strict=True)
    ]


TOLD = {
    ("lwip/a_leaky.uart.log", "lwip/a_leaky.pcapng"): (
        "The device opened one connection after another and closed none, until it had no room for a new one.",
        "What failed first: the device opened one connection after another and closed none, until it had no room for"
        " a new one. The evidence is clear (99%). What followed from it: the device lost a little memory again and"
        " again and never got it back; data that the device sent did not get through. These go away with the first."
        " Besides, and not shown to follow from it: one side of the connection disappeared without saying goodbye, and the"
        " other went on waiting for it.",
    ),
    ("air/s3_kick_open.hwsim0.pcapng",): (
        "The access point put the device out.",
        "What failed first: the access point put the device out. The evidence is clear (90%). What followed from it:"
        " the access point did not finish letting the device in, or ended its permission to be there. This goes away"
        " with the first.",
    ),
    ("field/ok-esphome-serial-boot.log",): (
        "Nothing wrong was found.",
        "In what was recorded the device behaved as it should. That says nothing of times not recorded.",
    ),
    ("field/ok-esp8266-nonos.log",): (
        "This is a log of an ESP8266, which halfopen does not judge.",
        "Its error numbers mean other things than those of an ESP32, so nothing was concluded.",
    ),
}


def story_of(log: str) -> Story:
    report = judged([("uart.log", events_of(log))])
    undecided = {code for doubt in report.undecided for code in doubt.faults}
    return story(report.devices[0], report.findings, report.timelines[0], undecided=undecided)


@pytest.mark.parametrize("names", TOLD, ids=lambda names: names[0])
def test_story_word_for_word(names: tuple[str, ...]) -> None:
    (told,) = stories(*names)
    verdict, paragraph = TOLD[names]
    assert told.verdict == verdict
    assert " ".join(told.sentences) == paragraph


def test_devices_that_fell_together_say_so() -> None:
    told = stories("field/ha-five-devices-at-once.log")
    assert [one.shared for one in told].count(True) == 4
    assert {one.verdict for one in told if one.shared} == {
        "Lost together with others: the access point restarted, and everybody connected to it was cut off."
    }


def test_an_outage_that_did_not_end_is_told() -> None:
    (told,) = stories("field/ard-walkaway-rssi.log")
    assert told.sentences[-1] == "The Wi-Fi link was lost once and was still down when the log ended."


def test_every_fault_can_be_told_plainly() -> None:
    for fault in findings.catalogue():
        assert re.fullmatch(r"[A-Z][^.]{10,150}\.", fault.plain), fault.code
        assert not re.search(r"\b(?:TCP|lwIP|PCB|fd|errno|ENFILE|DTIM|RTO|HO\d+)\b", fault.plain), fault.code


def test_doubt_has_three_words() -> None:
    assert len({doubt(confidence) for confidence in (0.99, 0.8, 0.5)}) == 3


@pytest.mark.parametrize("folder", ["logs", "air"])
def test_every_labelled_recording_has_a_story(folder: str) -> None:
    for file in sorted((RECORDINGS / folder).glob("*"))[::7]:
        if file.suffix != ".json":
            for told in stories(f"{folder}/{file.name}"):
                assert told.verdict.endswith(".")
                assert all(sentence.endswith(".") for sentence in told.sentences)


def test_a_link_that_never_was_is_not_called_lost() -> None:
    log = "".join(
        f"I ({n * 4000}) wifi:state: init -> auth (b0)\nI ({n * 4000 + 1000}) wifi:state: auth -> init (200)\n"
        for n in range(1, 8)
    )
    told = " ".join(story_of(log).sentences)
    assert "had not got in when the log ended" in told
    assert "was lost" not in told


def test_what_came_before_the_worst_is_not_called_later() -> None:
    def finding(fault: str, line: int, severity: str) -> Finding:
        entry = next(f for f in findings.catalogue() if f.fault == fault)
        quote = Evidence("uart.log", line, None, None, f"line {line}")
        return Finding(
            entry.code,
            fault,
            severity,
            0.9,
            f"{fault}/x",
            "x",
            "it did",
            (quote,),
            entry.remedy,  # type: ignore[arg-type]
        )

    worst, earlier = finding("leaked-sockets", 50, "error"), finding("heap-leak", 5, "warning")
    told = story(Device("x"), (worst, earlier)).sentences
    assert told[0].startswith("What weighs most:")
    assert "not shown to follow from it" in told[1]
    later = finding("heap-leak", 90, "warning")
    assert story(Device("x"), (worst, later)).sentences[0].startswith("What failed first:")


def test_a_doubtful_cause_is_told_with_its_doubt() -> None:
    found = story_of("E (5000) app: socket() failed: errno 23\n")
    assert found.verdict.startswith("Possibly: ")

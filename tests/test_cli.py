"""The command as a user meets it: exit status, messages, input in every shape."""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
from tests.diagnose.airwaves import capture as air_capture
from tests.diagnose.wpa2 import PASSPHRASE, SSID, Wpa2

from halfopen.formats.capture import PcapWriter
from halfopen.formats.packet import SYN, tcp
from halfopen.ports.files import MissingInput, inputs

RECORDINGS = Path(__file__).parent / "recordings"
LOG = RECORDINGS / "lwip/a_leaky.uart.log"
CAPTURE = RECORDINGS / "lwip/a_leaky.pcapng"
AIR = RECORDINGS / "air/s6_no_ap.hwsim0.pcapng"
HEALTHY = RECORDINGS / "lwip/h_timewait.uart.log"


def halfopen(
    *args: str | Path, stdin: bytes = b"", cwd: Path | None = None
) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "halfopen", *map(str, args)]
    return subprocess.run(command, input=stdin, capture_output=True, timeout=60, cwd=cwd, check=False)


def codes(done: subprocess.CompletedProcess[bytes]) -> list[str]:
    assert done.returncode == 0, done.stderr
    return [f["code"] for f in json.loads(done.stdout)["findings"]]


def test_json_keeps_the_contract() -> None:
    report = json.loads(halfopen("diagnose", "--format", "json", LOG, CAPTURE).stdout)
    assert report["version"] == 1
    assert set(report) == {"version", "findings", "undecided", "devices", "clocks", "notes"}
    root = report["findings"][0]
    assert (root["code"], root["fault"], root["severity"], root["caused_by"]) == (
        "HO101",
        "leaked-sockets",
        "error",
        None,
    )
    assert set(root) == {
        "code",
        "fault",
        "severity",
        "confidence",
        "key",
        "device",
        "summary",
        "caused_by",
        "evidence",
        "remedy",
    }
    assert set(root["remedy"]) == {"summary", "esp-idf", "arduino", "esphome", "micropython"}
    assert {"source", "line", "frame", "time", "text"} == set(root["evidence"][0])
    keys = {f["key"] for f in report["findings"]}
    assert all(f["caused_by"] in keys for f in report["findings"] if f["caused_by"])
    assert {e["source"] for f in report["findings"] for e in f["evidence"]} == {str(LOG), str(CAPTURE)}


def test_two_runs_say_the_same() -> None:
    assert (
        halfopen("diagnose", "--format", "json", LOG, CAPTURE).stdout
        == halfopen("diagnose", "--format", "json", LOG, CAPTURE).stdout
    )


@pytest.mark.parametrize(
    ("level", "log", "status"),
    [("error", LOG, 1), ("warning", LOG, 1), ("error", HEALTHY, 0), ("warning", HEALTHY, 0)],
)
def test_fail_on_is_a_gate(level: str, log: Path, status: int) -> None:
    assert halfopen("diagnose", log, "--fail-on", level).returncode == status


def test_input_as_folder_glob_gzip_and_stdin(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/a.log").write_bytes(LOG.read_bytes())
    (tmp_path / "logs/.hidden").write_bytes(b"\x00\x01")
    (tmp_path / "a.log.gz").write_bytes(gzip.compress(LOG.read_bytes()))
    (tmp_path / "a.pcapng.gz").write_bytes(gzip.compress(CAPTURE.read_bytes()))
    for args in (["logs"], ["logs/*.log"], ["a.log.gz"], ["a.pcapng.gz"], ["a.log.gz", "a.pcapng.gz"]):
        assert codes(halfopen("diagnose", "--format", "json", *args, cwd=tmp_path))[0] == "HO101"
    for source in (LOG, CAPTURE):
        assert codes(halfopen("diagnose", "--format", "json", "-", stdin=source.read_bytes()))[0] == "HO101"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.log", b"", "empty.log: empty"),
        (
            "picture.png",
            b"\x89PNG\r\n" + bytes(range(32)) * 200,
            "picture.png: neither a console log nor a capture: mostly control bytes",
        ),
    ],
)
def test_nothing_readable_is_exit_2_and_one_line(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    done = halfopen("diagnose", name, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode() == f"halfopen: {message}\n"


def test_missing_path_is_exit_2_and_one_line(tmp_path: Path) -> None:
    for path, message in (
        ("nope.log", "nope.log: no such file or folder"),
        ("*.log", "*.log: no file matches"),
    ):
        done = halfopen("diagnose", path, LOG, cwd=tmp_path)
        assert (done.returncode, done.stderr.decode()) == (2, f"halfopen: {message}\n")


def test_damaged_input_yields_what_stands_before_the_damage(tmp_path: Path) -> None:
    packed = gzip.compress(LOG.read_bytes())
    (tmp_path / "cut.log.gz").write_bytes(packed[: len(packed) - 200])
    (tmp_path / "cut.pcapng").write_bytes(CAPTURE.read_bytes()[:-100])
    (tmp_path / "empty.log").write_bytes(b"")
    for args in (["cut.log.gz"], ["cut.pcapng"], ["empty.log", str(LOG)]):
        done = halfopen("diagnose", "--format", "json", *args, cwd=tmp_path)
        assert codes(done)
        (note,) = json.loads(done.stdout)["notes"]
        assert note.startswith(f"{args[0]}: ")
        assert "\n" not in note


def test_capture_without_anything_readable_is_exit_2(tmp_path: Path) -> None:
    writer = PcapWriter(link=147)
    (tmp_path / "unknown.pcap").write_bytes(writer.header() + writer.record(10**18, bytes(40)))
    (tmp_path / "header.pcap").write_bytes(writer.header())
    (tmp_path / "stub.pcap").write_bytes(writer.header() + bytes(9))
    for name, why in (
        ("unknown.pcap", "1 frames, none that could be read (LINKTYPE_147)"),
        ("header.pcap", "no frames"),
        ("stub.pcap", "byte 24: the file ends inside a record; read 0 frames before it"),
    ):
        done = halfopen("diagnose", name, cwd=tmp_path)
        assert (done.returncode, done.stderr.decode()) == (2, f"halfopen: {name}: {why}\n")


def test_monitor_mode_without_a_readable_frame_is_said(tmp_path: Path) -> None:
    writer = PcapWriter(link=127)
    (tmp_path / "air.pcap").write_bytes(writer.header() + writer.record(10**18, bytes(40)))
    done = halfopen("diagnose", "air.pcap", cwd=tmp_path)
    why = "1 frames, none that could be read (IEEE802_11_RADIOTAP)"
    assert (done.returncode, done.stderr.decode()) == (2, f"halfopen: air.pcap: {why}\n")


def test_log_and_capture_that_contradict_are_two_devices() -> None:
    other = RECORDINGS / "field/idf-ap-inactivity-300s.log"
    report = json.loads(halfopen("diagnose", "--format", "json", other, CAPTURE).stdout)
    assert len(report["devices"]) == 2


def test_what_is_only_assumed_is_said(tmp_path: Path) -> None:
    (tmp_path / "bare.log").write_text("E (1000) app: socket: errno 23 (Too many open files in system)\n")
    report = json.loads(halfopen("diagnose", "--format", "json", "bare.log", CAPTURE, cwd=tmp_path).stdout)
    assert len(report["devices"]) == 1
    assert any("taken as the same" in note for note in report["notes"])


def test_consoles_that_cannot_print_arrows() -> None:
    for encoding in ("cp1252", "ascii"):
        command = [sys.executable, "-m", "halfopen", "diagnose", str(LOG)]
        done = subprocess.run(
            command,
            env={**os.environ, "PYTHONIOENCODING": encoding},
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, b"HO101" in done.stdout, done.stderr) == (0, True, b"")
        done = subprocess.run(
            [*command, "--format", "json"],
            env={**os.environ, "PYTHONIOENCODING": encoding},
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert json.loads(done.stdout)["findings"][0]["code"] == "HO101"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_full_disk_is_one_line_and_exit_2() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "halfopen", "diagnose", str(LOG)],
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr.count(b"\n") == 1


@pytest.mark.skipif(not hasattr(os, "posix_spawn"), reason="this system has no posix_spawn")
@pytest.mark.parametrize("closed", [(1,), (2,), (1, 2)], ids=str)
def test_a_closed_output_is_no_error(closed: tuple[int, ...], tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    actions = [(os.POSIX_SPAWN_CLOSE, descriptor) for descriptor in closed]
    command = [
        sys.executable,
        "-m",
        "halfopen",
        "diagnose",
        str(LOG),
        "--html",
        str(page),
        "--fail-on",
        "error",
    ]
    process = os.posix_spawn(sys.executable, command, os.environ, file_actions=actions)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 1
    assert page.read_text(encoding="utf-8").rstrip().endswith("</html>")


def test_what_is_to_run_at_the_end_of_the_process_runs() -> None:
    script = (
        "import atexit, sys; from halfopen.__main__ import main;"
        f"sys.argv[1:] = ['diagnose', {str(LOG)!r}, '--format', 'json'];"
        "atexit.register(print, 'run at the end'); main()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=60, check=False)
    assert done.returncode == 0
    report, end = done.stdout.split(b"run at the end")
    assert json.loads(report)["findings"]
    assert end.strip() == b""


@pytest.mark.parametrize(
    ("times", "pause"),
    [(50, 0.0), (400, 0.0), (400, 0.1), (50, 0.5)],
    ids=["reading", "busy", "later", "waiting"],
)
def test_interrupted_live_input_is_judged(times: int, pause: float) -> None:
    command = [sys.executable, "-m", "halfopen", "diagnose", "--format", "json", "-"]
    live = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert live.stdin is not None
    assert live.stdout is not None
    live.stdin.write(
        LOG.read_bytes() * times
    )  # more than the pipe holds: when this returns, the program reads
    live.stdin.flush()
    time.sleep(pause)
    live.send_signal(signal.SIGINT)
    out, err = live.communicate(timeout=60)
    assert (live.returncode, err) == (0, b"")
    report = json.loads(out)
    assert report["findings"][0]["code"] == "HO101"
    assert any("interrupted" in note for note in report["notes"])


def test_damaged_gzip_says_what_it_lost(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(LOG.read_bytes()))
    packed[-6] ^= 1
    (tmp_path / "flipped.gz").write_bytes(packed)
    report = json.loads(halfopen("diagnose", "--format", "json", "flipped.gz", cwd=tmp_path).stdout)
    assert report["findings"][0]["code"] == "HO101"
    assert report["notes"] == [
        "flipped.gz: gzip's checksum does not match: some of it is not what was written"
    ]


def test_hostile_text_stays_inert() -> None:
    log = (
        "E (1) app: \x1b]0;title\x07\x1b[2J evil \u202e txt: socket: errno 23 (Too many open files in system)\n"
        * 2
    )
    shown = halfopen("diagnose", "-", stdin=log.encode()).stdout.decode()
    assert "HO101" in shown
    assert not set(shown) & {"\x1b", "\x07", "\u202e"}


def test_text_fits_80_columns_but_for_code() -> None:
    shown = halfopen("diagnose", LOG, CAPTURE).stdout.decode()
    prose = shown.split("Fix for")[0].splitlines()
    assert max(map(len, prose)) <= 80
    assert not any(line.endswith(" ") for line in shown.splitlines())


def test_text_goes_to_a_file(tmp_path: Path) -> None:
    done = halfopen("diagnose", LOG, "-o", tmp_path / "report.txt")
    assert (done.returncode, done.stdout) == (0, b"")
    assert "HO101 leaked-sockets" in (tmp_path / "report.txt").read_text()
    assert halfopen("diagnose", LOG, "-o", tmp_path / "no/folder.txt").returncode == 2


def test_page_is_written_beside_the_report(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    done = halfopen("diagnose", LOG, CAPTURE, "--html", page)
    assert done.returncode == 0
    assert b"HO101 leaked-sockets" in done.stdout
    assert re.fullmatch(rf"wrote {re.escape(str(page))} \(\d+ KB\)\n", done.stderr.decode())
    html = page.read_text(encoding="utf-8")
    assert html.startswith("<!doctype html>")
    assert "In their context" in html
    halfopen("diagnose", LOG, CAPTURE, "--html", page, "--format", "json")
    assert page.read_text(encoding="utf-8") == html, "the same input gives the same bytes"


def test_page_that_cannot_be_written_is_one_line_and_exit_2(tmp_path: Path) -> None:
    done = halfopen("diagnose", LOG, "--html", tmp_path / "no/folder.html")
    assert done.returncode == 2
    assert done.stderr.decode().splitlines() == [
        f"halfopen: {tmp_path}/no/folder.html: No such file or directory"
    ]


def test_page_of_standard_input_and_of_a_pipe_has_no_context(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    assert halfopen("diagnose", "-", "--html", page, stdin=LOG.read_bytes()).returncode == 0
    assert "In their context" not in page.read_text(encoding="utf-8")
    assert "Unable to create socket" in page.read_text(encoding="utf-8")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    feeder = threading.Thread(target=lambda: pipe.write_bytes(LOG.read_bytes()))
    feeder.start()
    done = halfopen("diagnose", pipe, "--html", page)
    feeder.join()
    assert done.returncode == 0
    assert "Unable to create socket" in page.read_text(encoding="utf-8")


def test_a_page_in_a_folder_is_no_log(tmp_path: Path) -> None:
    (tmp_path / "uart.log").write_bytes(LOG.read_bytes())
    before = halfopen("diagnose", tmp_path, "--format", "json", "--html", tmp_path / "report.html")
    after = halfopen("diagnose", tmp_path, "--format", "json")
    assert [d["name"] for d in json.loads(after.stdout)["devices"]] == [
        d["name"] for d in json.loads(before.stdout)["devices"]
    ]
    assert codes(after) == codes(before)


def test_redacted_forms_agree_and_name_nobody(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    told = halfopen("diagnose", LOG, CAPTURE, "--redact", "--html", page).stdout.decode()
    data = halfopen("diagnose", LOG, CAPTURE, "--redact", "--format", "json").stdout.decode()
    html = page.read_text(encoding="utf-8")
    (device,) = json.loads(data)["devices"]
    for text in (told, data, html):
        assert "192.168.5." not in text
        assert "12:34:56:78:ab" not in text
        assert str(LOG.parent) not in text
        assert device["name"] in text
        assert "a_leaky.uart.log" in text
    assert device["name"].startswith("02:12:34:00:00:")


def test_fix_speaks_the_language_of_the_firmware() -> None:
    assert "ESPHome" in halfopen("diagnose", LOG, "--firmware", "esphome").stdout.decode()
    python = RECORDINGS / "logs/HO101-fires-3.log"
    shown = halfopen("diagnose", python).stdout.decode()
    assert "[ESP-IDF (C)]" in halfopen("diagnose", LOG).stdout.decode()
    assert "Fix for" in shown


def test_explain_one_and_all() -> None:
    listed = halfopen("explain").stdout.decode()
    assert all(code in listed for code in ("HO101", "HO414", "HO702"))
    one = halfopen("explain", "ho101").stdout.decode()
    for part in ("What it detects", "Why the link dies", "Evidence", "Remedy", "References", "MicroPython"):
        assert part in one
    assert halfopen("explain", "leaked-sockets").stdout.decode() == one
    unknown = halfopen("explain", "HO105")
    assert unknown.returncode == 2
    assert "did you mean HO10" in unknown.stderr.decode()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script_is_printed(shell: str) -> None:
    assert b"_HALFOPEN_COMPLETE" in halfopen("completion", shell).stdout


def test_help_loads_nothing_heavy() -> None:
    check = (
        "import sys, halfopen.cli\n"
        "try: halfopen.cli.main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'rich', 'jinja2', 'halfopen.diagnose', 'halfopen.findings', 'json', 'tomllib', 'numpy', 'asyncio'} & set(sys.modules)\n"
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


#: What none of the reports for programs needs, and what only one kind of input does.
NO_REPORT = {
    "rich",
    "jinja2",
    "halfopen.pages",
    "hashlib",
    "statistics",
    "importlib.resources",
}
OF_LOGS = {"halfopen.diagnose.sources.console", "halfopen.kernel.lines"}
OF_CAPTURES = {"halfopen.diagnose.sources.capture", "halfopen.kernel.packets"}
OF_THE_AIR = {"halfopen.diagnose.sources.air", "halfopen.kernel.hearing"}


@pytest.mark.parametrize(
    ("path", "without"),
    [
        (LOG, NO_REPORT | OF_CAPTURES | OF_THE_AIR),
        (CAPTURE, NO_REPORT | OF_LOGS | OF_THE_AIR),
        (AIR, NO_REPORT | OF_LOGS),
    ],
    ids=["log", "capture", "air"],
)
def test_a_report_for_programs_loads_what_its_input_needs(path: Path, without: set[str]) -> None:
    check = (
        f"import sys, halfopen.cli\n"
        f"try: halfopen.cli.main(['diagnose', '--format', 'json', {str(path)!r}])\n"
        f"except SystemExit: pass\n"
        f"sys.exit(' '.join({without!r} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_help_has_examples() -> None:
    for verb in ("diagnose", "explain", "completion"):
        assert "Example" in halfopen(verb, "--help").stdout.decode()


@pytest.fixture
def encrypted(tmp_path: Path) -> Path:
    """A WPA2 capture with a handshake and one TCP frame."""
    net = Wpa2()
    packet = tcp("10.0.0.1", 5000, "10.0.0.2", 80, SYN, 1, mss=1440)
    path = tmp_path / "air.pcap"
    path.write_bytes(air_capture(*net.joining(), *net.handshake(), net.data(packet)))
    return path


@pytest.mark.parametrize("from_file", [False, True])
def test_a_key_opens_a_capture_and_is_not_shown(encrypted: Path, tmp_path: Path, from_file: bool) -> None:
    (tmp_path / "keys.txt").write_text(f"# the lab\nother:correct hearse\n{SSID}:{PASSPHRASE}\n", "utf-8")
    key = f"@{tmp_path / 'keys.txt'}" if from_file else f"{SSID}:{PASSPHRASE}"
    for form in ("text", "json"):
        done = halfopen("diagnose", encrypted, "--format", form, "--wifi-key", key)
        assert done.returncode == 0
        shown = b" ".join(done.stdout.split())
        assert b"--wifi-key opened 1 of 1 encrypted frames" in shown
        assert PASSPHRASE.encode() not in shown + done.stderr


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("sesame-open", "--wifi-key: no colon between SSID and passphrase"),
        (
            "home:sesame",
            "--wifi-key: a passphrase has 8 to 63 printable ASCII characters, a PSK 64 hexadecimal digits",
        ),
        ("@nowhere.txt", "nowhere.txt: No such file or directory"),
        ("@keys.txt", "keys.txt: line 2: no colon between SSID and passphrase"),
        ("@home:sesame-open", "--wifi-key @FILE: No such file or directory"),
        ("@", "--wifi-key @FILE: Is a directory"),
    ],
)
def test_a_key_that_is_none_is_said_in_one_line_without_it(
    encrypted: Path, tmp_path: Path, key: str, said: str
) -> None:
    (tmp_path / "keys.txt").write_text("home:correct horse\nsesame\n", "utf-8")
    done = halfopen("diagnose", encrypted, "--wifi-key", key, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.decode()) == (2, b"", f"halfopen: {said}\n")


def test_a_key_glued_to_the_option_is_not_repeated(encrypted: Path) -> None:
    done = halfopen("diagnose", encrypted, "--wifi-key:home:sesame-open")
    assert done.returncode == 2
    assert b"sesame" not in done.stdout + done.stderr


def test_without_a_key_the_library_is_not_needed(encrypted: Path) -> None:
    hide = "import sys; sys.modules['cryptography'] = None; from halfopen.cli import main; main()"
    command = [sys.executable, "-c", hide, "diagnose", str(encrypted)]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"--wifi-key SSID:PASSPHRASE opens WPA2-PSK" in b" ".join(done.stdout.split())


def test_without_the_library_the_way_to_it_is_told(encrypted: Path) -> None:
    hide = "import sys; sys.modules['cryptography'] = None; sys.path_importer_cache.clear();"
    hide += "from halfopen.cli import main; main()"
    command = [sys.executable, "-c", hide, "diagnose", str(encrypted), "--wifi-key", f"{SSID}:{PASSPHRASE}"]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert done.returncode == 2
    assert (
        done.stderr.decode()
        == "halfopen: --wifi-key needs the package cryptography: pip install 'halfopen[wifi]'\n"
    )


def test_nothing_is_written_over_an_input(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(LOG.read_bytes())
    for target in (("--html", log), ("-o", log), ("--html", tmp_path / "." / "a.log")):
        done = halfopen("diagnose", log, *target)
        assert (done.returncode, done.stdout) == (2, b"")
        assert b"is an input; nothing was written" in done.stderr
    done = halfopen("diagnose", log, "--html", tmp_path / "r", "-o", tmp_path / "r")
    assert done.returncode == 2
    assert b"is what --output writes" in done.stderr
    assert halfopen("diagnose", log, "--html", "-").returncode == 2
    assert log.read_bytes() == LOG.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.log"]


def test_a_file_name_that_is_no_text_can_be_written_down(tmp_path: Path) -> None:
    odd = os.fsdecode(os.fsencode(str(tmp_path)) + b"/a\xff.log")
    Path(odd).write_bytes(LOG.read_bytes())
    done = halfopen(
        "diagnose", odd, "--format", "json", "-o", tmp_path / "j.json", "--html", tmp_path / "r.html"
    )
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "j.json").read_text("utf-8"))["findings"]
    assert (tmp_path / "r.html").stat().st_size > 1000


def test_one_file_by_several_names_is_one(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(LOG.read_bytes())
    (tmp_path / "b.log").symlink_to("a.log")
    done = halfopen(
        "diagnose", "a.log", "./a.log", tmp_path / "b.log", tmp_path, "--format", "json", cwd=tmp_path
    )
    assert len(json.loads(done.stdout)["devices"]) == 1


@pytest.mark.parametrize("data", [b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"\n", b" ", b"\r\n \r\n"])
def test_a_file_without_text_is_as_good_as_empty(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "blank.log").write_bytes(data)
    done = halfopen("diagnose", "blank.log", "--html", "r.html", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (2, b"", b"halfopen: blank.log: no text in it\n")
    beside = halfopen("diagnose", "blank.log", LOG, "--format", "json", cwd=tmp_path)
    assert "blank.log: no text in it" in json.loads(beside.stdout)["notes"]
    assert len(json.loads(beside.stdout)["devices"]) == 1


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become somebody without rights"
)
def test_a_folder_that_may_not_be_listed_is_said_and_not_taken_for_empty() -> None:
    with tempfile.TemporaryDirectory() as open_to_all:
        locked = Path(open_to_all) / "locked"
        locked.mkdir()
        Path(open_to_all).chmod(0o755)
        locked.chmod(0)
        os.seteuid(65534)  # nobody
        try:
            with pytest.raises(MissingInput, match="locked: Permission denied"):
                list(inputs([str(locked)]))
            (below,) = inputs([open_to_all])
            notes: list[str] = []
            assert list(below.chunks(notes)) == []
            assert notes == [f"{locked}: Permission denied"]
        finally:
            os.seteuid(0)

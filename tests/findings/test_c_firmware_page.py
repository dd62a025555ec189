"""The page on firmware in C: its blocks are one file that compiles without a warning and meets real peers."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "how-to" / "c-firmware.md"
COMPILE = (
    *("-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O1", f"-I{HERE}", f"-I{HERE / 'shim'}"),
    *("-fsanitize=address,undefined", "-fno-sanitize-recover=all"),
)
#: The page stands first, as a user would paste it; the trial calls it and counts the descriptors it left.
PROGRAM = """
{page}
#include "trial.h"

static struct sockaddr_in peer;
static char inbox[64] __attribute__((unused));
{before}
static void trial(const char *ip, int port)
{{
peer = address_of(ip, port);
{does}
}}
"""


@dataclass(frozen=True)
class Meeting:
    """What a part of the page does when it meets a peer or a board, and what comes of it."""

    name: str
    does: str
    says: list[str]
    peer: str = "refusing"
    saw: list[str] | None = None
    before: str = ""
    linger: bool = False


KEEPALIVE = """
int fd = open_socket();
say("flags", (fcntl(fd, F_GETFL, 0) & O_NONBLOCK) != 0);
say("keepalive", option_of(fd, SOL_SOCKET, SO_KEEPALIVE));
say("idle", option_of(fd, IPPROTO_TCP, TCP_KEEPIDLE));
say("interval", option_of(fd, IPPROTO_TCP, TCP_KEEPINTVL));
say("count", option_of(fd, IPPROTO_TCP, TCP_KEEPCNT));
close(fd);
"""
JOIN = """
wifi_event_sta_disconnected_t left = { .reason = 201, .rssi = -90 };
say("nobody", join_within(20));
say("asked", board.connects);
say("gave_up", board.disconnects);
board.address = 0x3901a8c0;
on_wifi(NULL, WIFI_EVENT, WIFI_EVENT_STA_CONNECTED, NULL);
say("joined", join_within(20));
board.address = 0;
say("lease_lost", has_address());
board.address = 0x3901a8c0;
on_wifi(NULL, WIFI_EVENT, WIFI_EVENT_STA_DISCONNECTED, &left);
say("address", has_address());
say("reason", reason_left);
"""
RING = """
int wire[2];
char text[KEPT_BYTES];
memset(&kept, 0x5a, sizeof kept); /* what memory holds that was without power */
begin_log();
keep_line("ONLINE -> CLOSING");
board.reset_reason = ESP_RST_TASK_WDT;
begin_log();
socketpair(AF_UNIX, SOCK_STREAM, 0, wire);
say("delivered", deliver_log(wire[0]));
text[read(wire[1], text, sizeof text - 1)] = 0;
printf("%s", text);
say("again", deliver_log(wire[0]));
for (int i = 0; i < 1000; i++) keep_line("0123456789");
keep_line("the newest");
say("delivered", deliver_log(wire[0]));
ssize_t got = read(wire[1], text, sizeof text);
say("kept", got);
printf("%.11s", text + got - 11);
kept.ring[7] ^= 1;
begin_log();
say("boots", kept.boots);
close(wire[0]);
close(wire[1]);
"""
MEETINGS = [
    Meeting("socket", KEEPALIVE, ["flags=1", "keepalive=1", "idle=10", "interval=3", "count=3"]),
    Meeting("refused", 'say("fd", dial_within(&peer, 500));', ["fd=-1"]),
    Meeting("unanswered", 'say("fd", dial_within(&peer, 200)); say("fed", board.fed > 0);', ["fd=-1", "fed=1"], "full"),
    Meeting(
        "a line and its answer",
        """
        int fd = dial_within(&peer, 500);
        say("sent", send_all(fd, "hello", 5, 500));
        say("got", receive_within(fd, inbox, sizeof inbox, 500));
        say("then", receive_within(fd, inbox, sizeof inbox, 100));
        hang_up(fd, false);
        """,
        ["sent=1", "got=5", "then=-2"],
        "echo",
        ["fin"],
    ),
    Meeting(
        "a peer that takes nothing",
        """
        static char much[8 << 20];
        int fd = dial_within(&peer, 500);
        say("sent", send_all(fd, much, sizeof much, 300));
        hang_up(fd, true);
        """,
        ["sent=0"],
        "silent",
    ),
    Meeting(
        "a dead peer, with SO_LINGER",
        'int fd = dial_within(&peer, 500); send_all(fd, "x", 1, 500); hang_up(fd, true);',
        [],
        "silent",
        ["reset"],
        linger=True,
    ),
    Meeting(
        "a peer that resets",
        'int fd = dial_within(&peer, 500); say("got", receive_within(fd, inbox, 9, 2000)); hang_up(fd, false);',
        ["got=-1"],
        "resetting",
    ),
    Meeting(
        "a peer that closes",
        'int fd = dial_within(&peer, 500); say("got", receive_within(fd, inbox, 9, 2000)); hang_up(fd, false);',
        ["got=0"],
        "closing",
    ),
    Meeting("join", JOIN, ["nobody=0", "asked=1", "gave_up=1", "joined=1", "lease_lost=0", "address=0", "reason=201"]),
    Meeting(
        "heap",
        """
        say("enough", heap_is_enough());
        board.heap_block = 4095;
        say("crumbs", heap_is_enough());
        board.heap_block = 30000, board.heap_free = 32767;
        say("short", heap_is_enough());
        """,
        ["enough=1", "crumbs=0", "short=0"],
    ),
    Meeting(
        "one life",
        """
        board.address = 1;
        joined = true;
        say("lasted", live_once(&peer, work));
        say("worked", worked);
        """,
        ["lasted=0", "worked=1"],
        "echo",
        ["fin"],
        before="static int worked;\nstatic bool work(int fd) { worked = send_all(fd, \"x\", 1, 500); return false; }",
    ),
    Meeting(
        "pauses",
        """
        long least = 1 << 30, most = 0;
        for (int i = 0; i < 4000; i++) {
            long pause_ms = pause_after(1 + i % 40);
            if (pause_ms < least) least = pause_ms;
            if (pause_ms > most) most = pause_ms;
        }
        say("least", least >= 500 && least < 1000);
        say("most", most > 50000 && most < 60500);
        say("first", pause_after(1) < 1000);
        """,
        ["least=1", "most=1", "first=1"],
    ),
    Meeting(
        "sleep",
        """
        stay_awake();
        say("power_save", board.power_save);
        sleep_for(dial_within(&peer, 500), 60);
        say("stopped", board.stops);
        say("wakes_in_s", board.wakes_in_us / 1000000);
        say("asleep", board.asleep);
        """,
        ["power_save=0", "stopped=1", "wakes_in_s=60", "asleep=1"],
        "echo",
        ["fin"],
    ),
    Meeting(
        "the log",
        RING,
        [
            *("delivered=1", "boot 1, reset reason 1", "ONLINE -> CLOSING", "boot 2, reset reason 6", "again=1"),
            *("delivered=1", "kept=2048", "the newest", "boots=1"),
        ],
    ),
]  # fmt: skip


def page() -> str:
    return "\n".join(re.findall(r"^```c\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL))


def functions(code: str) -> set[str]:
    return set(re.findall(r"^(?:int|bool|void|int64_t) (\w+)\(", code, re.MULTILINE))


def test_every_function_is_called() -> None:
    code, trials = page(), " ".join(meeting.does for meeting in MEETINGS)
    called = {name for name in functions(code) if re.search(rf"\b{name}\(", trials)}
    # they are called by those that are; the last one never returns
    assert functions(code) - called == {"deadline", "wait_ready", "keep_connected"}


@pytest.mark.parametrize("meeting", MEETINGS, ids=lambda meeting: meeting.name)
def test_it_does_what_it_promises(
    meeting: Meeting, require_tool: Callable[[str], str], peer: Any, tmp_path: Path
) -> None:
    source, program = tmp_path / "trial.c", tmp_path / "trial"
    source.write_text(PROGRAM.format(page=page(), before=meeting.before, does=meeting.does))
    command = [require_tool("gcc"), *COMPILE, f"-DCONFIG_LWIP_SO_LINGER={meeting.linger:d}"]
    built = subprocess.run([*command, str(source), "-o", str(program)], capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    with peer(meeting.peer) as it:
        done = subprocess.run([str(program), str(it.port)], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [*meeting.says, "leaked=0"], done.stderr
    if meeting.saw is not None:
        assert it.saw == meeting.saw

"""A network of one device, one switch and one peer, in namespaces of their own: real sockets, real loss.

Nothing leaves the namespaces: no route leads out of them. Packets are dropped at the peer's end, so that its ARP is
still answered and the device's own stack sees silence, as behind a dead radio or an expired NAT entry.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any

DEVICE_IP, PEER_IP, PREFIX = "10.77.0.2", "10.77.0.1", 24
PEER_MAC = "02:00:00:00:00:01"
#: The peer's services by port; what each does is said in ``peer.py``.
ECHO, SINK, TALK, SLOW, MUTE, TRICKLE, BROKER, CLOSED = 7001, 7002, 7003, 7004, 7005, 7006, 1883, 7999
PEER_NAME = "peer.test"

HERE = Path(__file__).parent
_numbers = itertools.count(1)


def missing() -> str:
    """Why no lab can be built here, else the empty string."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    for tool in ("ip", "nft"):
        if shutil.which(tool) is None:
            return f"{tool} is not installed"
    probe = f"halfopen-probe-{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        return f"no network namespaces: {made.stderr.strip()}"
    subprocess.run(["ip", "netns", "del", probe], check=False)
    return ""


def run(*command: str, text: str | None = None) -> None:
    subprocess.run(command, input=text, check=True, capture_output=True, text=True, timeout=20)


class Lab:
    """Namespaces, peer and faults; use it with ``with``, which leaves nothing behind."""

    def __init__(self, *, broker: bool = False) -> None:
        name = f"halfopen-{os.getpid()}-{next(_numbers)}"
        self.device, self._switch, self._peer = f"{name}-device", f"{name}-switch", f"{name}-peer"
        self._resolver = Path("/etc/netns") / self.device
        #: For files of this lab; not beside the resolver's, which ip netns exec mounts over /etc.
        self.folder = Path(tempfile.mkdtemp(prefix=name))
        self._wants_broker = broker
        self._processes: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Lab:
        try:
            self._build()
        except BaseException:
            self._demolish()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._demolish()

    def _build(self) -> None:
        for space in (self._switch, self.device):
            run("ip", "netns", "add", space)
        run("ip", "-n", self._switch, "link", "add", "br0", "type", "bridge")
        run("ip", "-n", self._switch, "link", "set", "br0", "up")
        self._plug("device", self.device, DEVICE_IP, "02:00:00:00:00:02")
        run("ip", "-n", self.device, "neigh", "add", PEER_IP, "lladdr", PEER_MAC, "dev", "eth0")
        self._resolver.mkdir(parents=True)
        (self._resolver / "resolv.conf").write_text(f"nameserver {PEER_IP}\noptions timeout:3 attempts:1\n")
        self.start_peer()

    def _plug(self, port: str, space: str, address: str, mac: str) -> None:
        run(
            "ip",
            "-n",
            self._switch,
            "link",
            "add",
            port,
            "type",
            "veth",
            "peer",
            "name",
            "eth0",
            "netns",
            space,
        )
        run("ip", "-n", self._switch, "link", "set", port, "master", "br0", "up")
        run("ip", "-n", space, "link", "set", "eth0", "address", mac)
        run("ip", "-n", space, "addr", "add", f"{address}/{PREFIX}", "dev", "eth0")
        run("ip", "-n", space, "link", "set", "eth0", "up")
        run("ip", "-n", space, "link", "set", "lo", "up")

    def start_peer(self) -> None:
        """Boot the peer: a machine that knows nothing of earlier connections."""
        run("ip", "netns", "add", self._peer)
        self._plug("peer", self._peer, PEER_IP, PEER_MAC)
        run("ip", "-n", self._peer, "neigh", "add", DEVICE_IP, "lladdr", "02:00:00:00:00:02", "dev", "eth0")
        process = self.spawn(self._peer, sys.executable, str(HERE / "peer.py"))
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "ready"
        if self._wants_broker:
            config = self.folder / "mosquitto.conf"
            config.write_text(f"listener {BROKER} 0.0.0.0\nallow_anonymous true\n")
            broker = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
            self.spawn(self._peer, broker, "-c", str(config))
            time.sleep(0.5)

    def spawn(self, space: str, *command: str) -> subprocess.Popen[str]:
        """A process in a namespace, ended with the lab."""
        process = subprocess.Popen(
            ["ip", "netns", "exec", space, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if space == self.device else subprocess.DEVNULL,
            text=True,
            bufsize=1,
        )
        self._processes.append(process)
        return process

    # Time.

    def now(self) -> float:
        """Seconds on the clock that subjects tell their times by."""
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)

    # Faults.

    def blackhole(self, what: str = "meta l4proto tcp") -> None:
        """Drop ``what`` both ways at the peer's end, without a word to anybody."""
        run(
            "ip", "netns", "exec", self._peer, "nft", "-f", "-",
            text="table inet fault {\n"
            f"chain i {{ type filter hook input priority 0; {what} drop; }}\n"
            f"chain o {{ type filter hook output priority 0; {what} drop; }}\n"
            "}\n",
        )  # fmt: skip

    def ask_peer(self, program: Path, settings: dict[str, Any], limit_s: float) -> dict[str, Any]:
        """Run ``program`` in the peer's namespace until it ends; the JSON line it prints."""
        done = subprocess.run(
            ["ip", "netns", "exec", self._peer, sys.executable, str(program), json.dumps(settings)],
            capture_output=True,
            text=True,
            timeout=limit_s,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def heal(self) -> None:
        """Undo :meth:`blackhole`."""
        run("ip", "netns", "exec", self._peer, "nft", "delete", "table", "inet", "fault")

    def freeze(self) -> None:
        """The peer's programs stop, its stack lives: the window closes as the buffer fills."""
        self._signal_peer(signal.SIGSTOP)

    def thaw(self) -> None:
        """Undo :meth:`freeze`."""
        self._signal_peer(signal.SIGCONT)

    def _signal_peer(self, number: int) -> None:
        for pid in self._pids(self._peer):
            os.kill(pid, number)

    def crash_peer(self) -> None:
        """The peer's machine vanishes, with all it knew and without a farewell."""
        self.blackhole()
        self._remove(self._peer)
        # its namespace lives on while a socket of it waits: cut the cable ourselves
        run("ip", "-n", self._switch, "link", "del", "peer")

    def _pids(self, space: str) -> list[int]:
        listed = subprocess.run(["ip", "netns", "pids", space], capture_output=True, text=True, check=False)
        return [int(word) for word in listed.stdout.split()]

    def _remove(self, space: str) -> None:
        pids = self._pids(space)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        subprocess.run(["ip", "netns", "del", space], capture_output=True, check=False)

    def _demolish(self) -> None:
        for space in (self.device, self._peer, self._switch):
            self._remove(space)
        for process in self._processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()
        shutil.rmtree(self._resolver, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)


class Subject:
    """A program under test in the device's namespace: it prints JSON lines and obeys lines on its standard input."""

    def __init__(self, lab: Any, command: tuple[str, ...], settings: dict[str, Any], *folders: Path) -> None:
        """``command`` is interpreter and program; a file with ``settings`` (JSON) and ``folders`` to import from follow it."""
        limit = settings.get("descriptors", 1024)
        written = lab.folder / f"settings-{next(_numbers)}.json"
        written.write_text(json.dumps(settings))
        self._process = lab.spawn(
            lab.device,
            *("prlimit", f"--nofile={limit}:{limit}"),
            *command,
            str(written),
            *map(str, folders),
        )
        self.said: list[dict[str, Any]] = []
        self._news: queue.Queue[dict[str, Any] | None] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with contextlib.suppress(ValueError):
            for line in self._process.stdout:
                # a traceback, which MicroPython prints here, is passed on as it is
                said = json.loads(line) if line.startswith("{") else {"what": "plain", "text": line}
                self._news.put({"heard_at": time.monotonic(), **said})
        self._news.put(None)

    def tell(self, command: str) -> float:
        """Give ``command``; when it was given (CLOCK_MONOTONIC, seconds)."""
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        return time.monotonic()

    def wait_for(self, limit_s: float, **wanted: Any) -> dict[str, Any] | None:
        """The next thing said that has all of ``wanted``; ``None`` when it was not said in time."""
        until = time.monotonic() + limit_s
        while (left := until - time.monotonic()) > 0:
            try:
                said = self._news.get(timeout=left)
            except queue.Empty:
                break
            if said is None:
                assert self._process.stderr is not None
                raise AssertionError(
                    f"the subject ended: {self._process.stderr.read()[-3000:]} {self.said[-5:]}"
                )
            self.said.append(said)
            if all(said.get(key) == value for key, value in wanted.items()):
                return said
        return None

    def must(self, limit_s: float, **wanted: Any) -> dict[str, Any]:
        """As :meth:`wait_for`; raises :class:`AssertionError` with what was said instead."""
        found = self.wait_for(limit_s, **wanted)
        assert found is not None, f"{wanted} was not said in {limit_s} s; last: {self.said[-8:]}"
        return found

    def quit(self) -> dict[str, Any]:
        """End it in order; what it says last."""
        self.tell("quit")
        return self.must(10, what="ended")

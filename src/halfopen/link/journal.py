"""The line logged for each transition, in the form of ESP-IDF's log: written here, read here.

``I (1234) halfopen: ONLINE -> CLOSING by SEND_STALLED fd=54 heap=81920 block=45056 cause=send-stalled attempt=3 epoch=1``

A loss says how long nothing had been heard, or taken, when it was noticed: ``quiet=19200``, milliseconds.

Where a port can tell, a connection says its local port (``port=61610``) and the loss of Wi-Fi the driver's reason
(``reason=200``): the one finds it in a capture, the other says why.

The figure in brackets is milliseconds since the program started, ``fd=-`` means that no descriptor is held, and a
figure the port cannot tell is ``-``. The article's heap line stands before and after every network transaction. A
server's line ends with its session and the client instead, ``session=12 peer=10.0.0.7:51234``; session 0 is the
listening socket.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: The tag of a transition and of the bounds said at start.
TAG = "halfopen"
_NUMBERS = ("fd", "heap", "block", "attempt", "epoch", "quiet", "session", "port")


class Change:
    """One transition: when (ms), from which state by which event to which, why, in which attempt and epoch.

    ``is_loss`` says that something ended that should have gone on; ``quiet`` how long (ms) nothing had been heard by
    then, or nothing been taken where a send deadline ran out; ``None`` where no connection stood.
    """

    def __init__(
        self,
        at: int,
        before: str,
        event: str,
        state: str,
        cause: str,
        attempt: int,
        epoch: int,
        is_loss: bool,
        quiet: "int | None" = None,
    ) -> None:
        self.at = at
        self.before = before
        self.event = event
        self.state = state
        self.cause = cause
        self.attempt = attempt
        self.epoch = epoch
        self.is_loss = is_loss
        self.quiet = quiet

    def __repr__(self) -> str:
        return f"<{self.at} {self.before} -> {self.state} by {self.event} {self.cause}>"

    def whose(self) -> str:
        """What of a link it concerns, for its line."""
        return f"attempt={self.attempt} epoch={self.epoch}"


class SessionChange(Change):
    """A server's: ``session`` is 0 for the listening socket."""

    def __init__(self, *change: "Any", session: int = 0, peer: str = "") -> None:
        super().__init__(*change)
        self.session = session
        self.peer = peer

    def whose(self) -> str:
        """Which session and client it concerns."""
        return f"session={self.session} peer={self.peer or '-'}"


class Entry:
    """A transition as read back; figures that the line does not tell are ``None``."""

    def __init__(self, before: str, state: str, event: str) -> None:
        self.before = before
        self.state = state
        self.event = event
        self.cause = ""
        self.fd: int | None = None
        self.heap: int | None = None
        self.block: int | None = None
        self.attempt: int | None = None
        self.epoch: int | None = None
        self.quiet: int | None = None
        self.session: int | None = None
        self.port: int | None = None
        self.peer = ""


def spelt(name: str) -> str:
    """``name`` of a state, an event, an effect or a cause as it is read; devices hold numbers (``device/numbering.py``)."""
    return name


def transition_line(
    change: Change, fd: "int | None", heap: "int | None", block: "int | None", detail: str = ""
) -> str:
    """The line for ``change``; a loss is a warning. ``detail`` is what the port knows besides, as ``name=figure``."""
    level = "W" if change.is_loss else "I"
    quiet = f" quiet={change.quiet}" if change.is_loss and change.quiet is not None else ""
    return (
        f"{level} ({change.at}) {TAG}: {spelt(change.before)} -> {spelt(change.state)} by {spelt(change.event)}"
        f" fd={fd} heap={heap} block={block}"
        f" cause={spelt(change.cause) or '-'} {change.whose()}{quiet}{' ' if detail else ''}{detail}"
    ).replace("=None", "=-")


def plain(text: str) -> str:
    """``text`` from outside without what could end a line or steer a terminal."""
    return "".join([letter if " " <= letter < "\x7f" or letter > "\x9f" else "?" for letter in text])


def heap_line(at: int, free: int, least: float) -> str:
    """The article's heap line: bytes free now, and the least that ever was."""
    return f"I ({at}) MEM: Free Heap: {free} bytes, Min Free: {least} bytes"


def bounds_line(at: int, bounds: "list[tuple[str, float]]") -> str:
    """What is said at start: how long a peer dead in each way can go unnoticed, ``infinite`` where nothing notices."""
    said = [f"{cause}={_seconds(bound_ms)}" for cause, bound_ms in bounds]
    worst = max([bound_ms for _, bound_ms in bounds])
    return f"{'W' if worst == float('inf') else 'I'} ({at}) {TAG}: bounds {' '.join(said)}"


def boot_line(boot: int, reset: str, damaged: int) -> str:
    """What a recorder says at each start: which boot this is, what the port says reset it (``""``: nothing), and how many
    records of earlier boots could not be read. A warning, unless it woke or was restarted by its own program."""
    level = "I" if reset in ("DEEPSLEEP_RESET", "SOFT_RESET") and not damaged else "W"
    spoiled = f" damaged={damaged}" if damaged else ""
    return f"{level} (0) {TAG}: boot {boot} reset={reset or '-'}{spoiled}"


def lost_line(count: int) -> str:
    """What stands in the place of ``count`` lines that a recorder had no room for, or that were damaged."""
    return f"W {TAG}: lost {count} lines"


def read_boot(tag: str, message: str) -> "tuple[int, str] | None":
    """Number and reset reason of a :func:`boot_line` whose header was taken off, else ``None``; never raises."""
    words = message.split()
    if tag != TAG or len(words) < 3 or words[0] != "boot" or not _is_number(words[1]):
        return None
    name, _, reset = words[2].partition("=")
    return (int(words[1]), "" if reset == "-" else reset) if name == "reset" else None


def read(tag: str, message: str) -> "Entry | None":
    """The transition in a log line whose header was taken off, or ``None`` when it is none; never raises."""
    if tag != TAG:
        return None
    words = message.split()
    if len(words) < 5 or words[1] != "->" or words[3] != "by":
        return None
    entry = Entry(words[0], words[2], words[4])
    for word in words[5:]:
        name, _, value = word.partition("=")
        if name == "cause":
            entry.cause = "" if value == "-" else value
        elif name == "peer":
            entry.peer = "" if value == "-" else value
        elif name in _NUMBERS and _is_number(value):
            setattr(entry, name, int(value))
    return entry


def read_bounds(tag: str, message: str) -> "dict[str, float] | None":
    """What a line of :func:`bounds_line` says, milliseconds by cause, or ``None`` when it is none; never raises."""
    words = message.split()
    if tag != TAG or not words or words[0] != "bounds":
        return None
    bounds = {}
    for word in words[1:]:
        cause, _, value = word.partition("=")
        if value == "infinite":
            bounds[cause] = float("inf")
        elif value[-1:] == "s" and _is_number(value[:-1].replace(".", "", 1)):
            bounds[cause] = 1000 * float(value[:-1])
    return bounds


def _is_number(text: str) -> bool:
    """ASCII digits only, and not so many that no machine wrote them."""
    return 0 < len(text) <= 15 and all(digit in "0123456789" for digit in text)


def _seconds(bound_ms: float) -> str:
    return "infinite" if bound_ms == float("inf") else f"{bound_ms / 1000:.1f}s"

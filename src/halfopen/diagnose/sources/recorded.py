"""Lines that a flight recorder delivered after an outage: told once, by boot, before the live lines of a later boot.

Such a line carries its name (``link/delivery.py``) somewhere behind whatever a syslog server, a broker or a terminal put
before it: ``… #7.5f3a09c1.123 W (81234) halfopen: ONLINE -> CLOSING by …``. The times before the name are those of the
delivery, so they say nothing of the event. Lines are gathered while the log is read and put in their place at its end.
"""

from __future__ import annotations

import bisect
import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from halfopen.diagnose.events import AddressNamed, Booted, Event, LogEnded
from halfopen.formats.patterns import Pattern

#: A name stands near the beginning of a line, and a firmware's header follows it.
_NAMED = Pattern(
    r"(?:^|[\s\]>:\"'])#(?P<boot>\d{1,9})\.(?P<life>[0-9a-f]{8})\.(?P<first>\d{1,9})(?:-(?P<last>\d{1,9}))? "
    r"(?P<line>[EWIDV] (?:\(\d{1,14}\) |halfopen: lost \d).*)"
)
#: Without it a line is no recorded one: the beginning of a name.
NEEDED = (Pattern(r"#\d{1,9}\."),)
_BEFORE_MAX = 400
#: Who a line is of, in what carried it: RFC 5424, what syslog servers keep of it, ``mosquitto_sub -v``. The name is a
#: stranger's text and believed only where it looks like one.
_CARRIED = Pattern(
    r"(?:<\d{1,3}>1 \S{1,40} (?P<sent>DEVICE) halfopen - - - |[T ]\d\d:\d\d:\d\d\S{0,16} (?P<kept>DEVICE) halfopen(?:\[-?\d*\])?:? "
    r"|^halfopen/(?P<topic>DEVICE)/journal )$".replace("DEVICE", r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
)
_HEADED = Pattern(r"[EWIDV] \(\d{1,14}\) .*")
#: Lines kept until the end of a log (some 30 MB of memory): recorders hold dozens of lines, fleets have thousands.
_LINES_MAX = 50_000
#: A line may be stamped a little later than the live line it was delivered beside: it was sent between two of them.
_SLACK_S = 2.0

#: Reads a line without its name: number and text of the line in the file, then the line itself.
ReadLine = Callable[[int, str, str], Iterable[Event]]


class _Boot(Struct):
    """What one boot of one device left in its recorder, by sequence number; ``epoch`` is the live one it came in."""

    device: str
    number: int
    epoch: int
    lines: dict[int, tuple[int, str, str]] = field(default_factory=dict)

    @property
    def span(self) -> tuple[int, int]:
        """The first and the last line of the file that are its lines."""
        places = [number for number, _, _ in self.lines.values()]
        return min(places), max(places)

    def events(self, read: ReadLine) -> list[Event]:
        """All that its lines tell, in order."""
        found: list[Event] = []
        for sequence in sorted(self.lines):
            number, text, line = self.lines[sequence]
            for event in read(number, text, line):
                if self.device and (not found or found[-1].where.line != number):
                    found.append(AddressNamed(event.where, event.at, name=self.device))
                found.append(event)
        return found


def recorded_boot(text: str) -> int | None:
    """The boot that a recorded line is of, by the device's own count; ``None`` when ``text`` (cleaned) is no such line."""
    found = _NAMED.search(text) if "#" in text[:_BEFORE_MAX] else None
    return int(found["boot"]) if found and found.start() < _BEFORE_MAX else None


class RecordedLines:
    """Gathers the recorded lines of one log; ``put_among`` makes one story of them and the live lines."""

    def __init__(self) -> None:
        self._boots: dict[tuple[str, str, int], _Boot] = {}
        self._names: set[tuple[str, str, str]] = set()
        self.repeats = 0
        self.lost = 0
        self.left_out = 0

    def take(self, text: str, number: int, epoch: int) -> None:
        """Keep the line ``text`` (cleaned), one that :func:`recorded_boot` knows, from ``number`` of the log; the live
        lines around it are of ``epoch``."""
        found = _NAMED.search(text)
        if found is None:
            return
        carried = _CARRIED.search(text[: found.start("boot") - 1])
        device = next(filter(None, carried.groups()), "") if carried else ""
        name = (device, found["life"], f"{found['boot']}.{found['first']}-{found['last']}")
        if name in self._names:
            self.repeats += 1
        elif len(self._names) >= _LINES_MAX:
            self.left_out += 1
        else:
            self._names.add(name)
            if found["last"]:
                self.lost += max(int(found["last"]) - int(found["first"]) + 1, 0)
            else:
                key = (device, found["life"], int(found["boot"]))
                boot = self._boots.setdefault(key, _Boot(device, key[2], epoch))
                boot.lines[int(found["first"])] = (number, text, found["line"])

    def notes(self, name: str) -> Iterator[str]:
        """What a reader of the report should know of them."""
        if self._names:
            said = f"{name}: {len(self._names)} recorded lines of {len(self._boots)} boots, told before what came later"
            if self.repeats:
                said += f"; {self.repeats} sent again were dropped"
            if self.lost:
                said += f"; the recorder says that it lost {self.lost} lines"
            if self.left_out:
                said += f"; {self.left_out} more were left out"
            yield said

    def put_among(
        self, live: list[Event], numbers: dict[int, int], reader: Callable[[], ReadLine], lines: int
    ) -> list[Event]:
        """``live`` events and the recorded ones, boots numbered anew in the order in which they happened; ``live`` itself where
        nothing was recorded.

        ``numbers`` says which boot by the recorder's count a live epoch is, where a live line said so; ``reader`` makes
        a reader for the lines of one boot; ``lines`` is how many lines the log has.
        """
        if not self._boots:
            return live
        parts: dict[int, list[Event]] = {}
        for event in live:
            if not isinstance(event, LogEnded):
                parts.setdefault(event.at.epoch, []).append(event)
        told = [(boot, boot.events(reader())) for boot in self._in_order()]
        running = {}  # the live epoch that a boot is, by the boot's place in what is told
        for epoch, place in self._running(told, parts, numbers).items():
            running[place] = epoch
        before: dict[int, list[list[Event]]] = {}
        for place, (boot, events) in enumerate(told):
            if place in running:
                same = running[place]
                parts[same] = _merged(_unseen(events, parts[same]), parts[same])
            elif events:
                before.setdefault(boot.epoch, []).append(events)
        story: list[Event] = []
        epoch = 0
        for position in sorted(parts.keys() | before.keys()):
            for part in (*before.get(position, ()), parts.get(position, [])):
                if part:
                    story += _begun(part, epoch, first=not story)
                    epoch += 1
        ends = [event for event in live if isinstance(event, LogEnded)]
        if story:
            where = ends[0].where if ends else story[-1].where
            story.append(LogEnded(where, story[-1].at, lines))
        return story

    def _in_order(self) -> list[_Boot]:
        """The boots as they happened: by their count, which begins anew when a device lost its memory.

        A datagram may overtake another, so lines of two boots may be mixed; a lower count that comes only after all
        lines of a higher one is a later life.
        """
        lives: dict[str, int] = {}
        over: dict[str, int] = {}  # by device, the highest count of this life whose lines are all behind
        going: dict[str, list[tuple[int, int]]] = {}  # the others: where their lines end, and their count
        keys: dict[int, tuple[str, int, int]] = {}
        for boot in self._boots.values():  # in the order in which they begin
            begins, ends = boot.span
            open_ones = going.setdefault(boot.device, [])
            while open_ones and open_ones[0][0] < begins:
                over[boot.device] = max(over.get(boot.device, 0), heapq.heappop(open_ones)[1])
            if over.get(boot.device, 0) > boot.number:
                lives[boot.device] = lives.get(boot.device, 0) + 1
                over[boot.device] = 0
                open_ones.clear()
            heapq.heappush(open_ones, (ends, boot.number))
            keys[id(boot)] = (boot.device, lives.get(boot.device, 0), boot.number)
        return sorted(self._boots.values(), key=lambda boot: keys[id(boot)])

    def _running(
        self,
        told: Sequence[tuple[_Boot, list[Event]]],
        parts: dict[int, list[Event]],
        numbers: dict[int, int],
    ) -> dict[int, int]:
        """Live epoch → place in ``told`` of the boot that it is. The last of several with one number: a start that could
        not be written down is not counted."""
        if len({boot.device for boot, _ in told}) > 1:
            return {}  # whose live lines these are is not known
        epochs_of: dict[int, list[int]] = {}
        for epoch in sorted(numbers):
            epochs_of.setdefault(numbers[epoch], []).append(epoch)
        found: dict[int, int] = {}
        for place, (boot, events) in enumerate(told):
            known = epochs_of.get(boot.number, [])
            at = bisect.bisect_right(known, boot.epoch)
            if at and known[at - 1] in parts:
                found[known[at - 1]] = place
            elif not at and boot.epoch not in numbers and boot.epoch in parts and events:
                found[boot.epoch] = place
        for epoch, place in list(found.items()):
            # a recorder delivers up to now, so its newest boot is the running one: unless the clocks say otherwise
            recorded = [event.at.boot for event in told[place][1] if event.at.boot is not None]
            live = [event.at.boot for event in parts[epoch] if event.at.boot is not None]
            if epoch not in numbers and recorded and live and max(recorded) > max(live) + _SLACK_S:
                del found[epoch]
        return found


def _unseen(recorded: list[Event], live: list[Event]) -> list[Event]:
    """``recorded`` without what the live lines of the same boot show, too."""
    shown = {found[0] for event in live if (found := _HEADED.search(event.where.text))}
    return [
        event
        for event in recorded
        if (found := _HEADED.search(event.where.text)) is None or found[0] not in shown
    ]


def _merged(recorded: list[Event], live: list[Event]) -> list[Event]:
    """Two accounts of one boot by its clock; each keeps its own order, and what has no time stays beside its neighbour."""
    story: list[Event] = []
    rest = iter(live)
    waiting = next(rest, None)
    reached = 0.0
    for event in recorded:
        reached = max(reached, event.at.boot or 0.0)
        while waiting is not None and waiting.at.boot is not None and waiting.at.boot < reached:
            story.append(waiting)
            waiting = next(rest, None)
        story.append(event)
    if waiting is not None:
        story.append(waiting)
    story += rest
    return story


def _begun(part: list[Event], epoch: int, *, first: bool) -> list[Event]:
    """``part`` as boot ``epoch`` of the story, with the start that it implies where no line tells of it."""
    moved = [replace(event, at=replace(event.at, epoch=epoch)) for event in part]
    if first or any(isinstance(event, Booted) for event in moved):
        return moved
    named = isinstance(moved[0], AddressNamed)  # who it was stands before what happened
    return [*moved[:named], Booted(moved[0].where, moved[0].at), *moved[named:]]

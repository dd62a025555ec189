"""A report without names and addresses, so that it can be published: what is the same stays the same, nothing else does.

Everything that names a network, a host, an address or a secret is learned first, from what the events say and from the
texts around them; then every text of the report is rewritten with the same stand-ins. A hardware address keeps its
vendor part, an IP address says whether it is of a local network and of which, so that a diagnosis stays readable.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePath

from msgspec.structs import replace

from halfopen.diagnose.events import AddressNamed, ConnectStarted, Event, ResolveFailed, WifiStarted
from halfopen.diagnose.radio import BeaconsObserved, ProbingObserved
from halfopen.diagnose.report import Excerpts, Report
from halfopen.diagnose.report.identities import (
    BARE,
    MAC,
    PATTERN,
    SECRET,
    hosts_in,
    is_plain_word,
    is_token,
    own_texts,
    placed_in,
    secrets_in,
    ssids_in,
    users_in,
)
from halfopen.diagnose.traffic import HostObserved, LeaseObserved, LookupObserved
from halfopen.findings import Evidence, Finding

#: A name shorter than this is replaced only where the text says that it is one: "a" is also a word.
_NAME_MIN = 3
#: A name from this length on is replaced inside longer words too.
_INSIDE_FROM = 5
_WORD = r"[\w-]"
#: What stands before and after a short name where it is one.
_INTRODUCED = r"(?:(?<=[\"'])|(?<=ssid=)|(?<=ssid:)|(?<=ssid: )|(?<=connected with )|(?<=connecting to ))"
_CLOSED = r"(?=[\"',;\s.)]|$)"


class Redaction:
    """The stand-ins of one report. The same original has the same stand-in in every text."""

    def __init__(self, report: Report, excerpts: Excerpts | None = None) -> None:
        self._names: dict[str, str] = {}
        self._spellings: dict[str, None] = {}
        self._given: set[str] = set()
        self._secrets: set[str] = set()
        self._numbers: dict[str, int] = {}
        self._macs: dict[str, str] = {}
        self._addresses: dict[str, str] = {}
        self._networks: dict[str, dict[str, int]] = {}
        self._sources: dict[str, str] = {}
        self._known: re.Pattern[str] | None = None
        self._learn(report, excerpts or {})
        self._pattern = self._compiled()

    # ---- what is rewritten

    def text(self, text: str) -> str:
        """``text`` with every name, address and secret replaced."""
        if text in own_texts():
            return text
        return self._pattern.sub(self._stand_in, self._in_places(text))

    def _in_places(self, text: str) -> str:
        """``text`` with what calls and commands name replaced where it stands, however short or common it is."""
        parts, at = [], 0
        for start, end, kind in placed_in(text, self._secrets):
            original = text[start:end]
            parts += [text[at:start], self._mac(original) if kind == "mac" else self._once(original, kind)]
            at = end
        return "".join((*parts, text[at:]))

    def source(self, name: str) -> str:
        """What a file is called: its base name, rewritten; folders tell of people and customers."""
        return self._sources.get(name) or self.text(PurePath(name).name)

    def report(self, report: Report) -> Report:
        """``report`` rewritten, without its timelines (their texts are rewritten where they are drawn)."""
        return Report(
            tuple(self._finding(finding) for finding in report.findings),
            tuple(replace(doubt, next=self.text(doubt.next)) for doubt in report.undecided),
            tuple(
                replace(
                    device,
                    name=self._device(device.name),
                    mac=self.text(device.mac),
                    ips=tuple(self.text(ip) for ip in device.ips),
                    # with its word before it: four numbers are an address elsewhere
                    version=self.text(f"version {device.version}").removeprefix("version "),
                    sources=tuple(self.source(source) for source in device.sources),
                )
                for device in report.devices
            ),
            tuple(self._note(note) for note in report.notes),
            tuple(
                replace(clock, device=self._device(clock.device), log=self.source(clock.log))
                for clock in report.clocks
            ),
            tuple(
                replace(
                    clock,
                    source=self.source(clock.source),
                    reference=self.source(clock.reference),
                    through=self.source(clock.through) if clock.through else "",
                )
                for clock in report.capture_clocks
            ),
        )

    def excerpts(self, excerpts: Excerpts) -> Excerpts:
        """The lines around quoted ones, rewritten."""
        return {
            self.source(source): {number: self.text(line) for number, line in lines.items()}
            for source, lines in excerpts.items()
        }

    def _finding(self, finding: Finding) -> Finding:
        return replace(
            finding,
            key=self.text(finding.key),
            device=self._device(finding.device),
            summary=self.text(finding.summary),
            evidence=tuple(self._evidence(quote) for quote in finding.evidence),
            caused_by=self.text(finding.caused_by) if finding.caused_by is not None else None,
        )

    def _evidence(self, quote: Evidence) -> Evidence:
        return replace(quote, source=self.source(quote.source), text=self.text(quote.text))

    def _note(self, note: str) -> str:
        """A note on an input that no device came from names a file that is no source: its folder goes too."""
        name, colon, rest = self.text(note).partition(": ")
        return f"{PurePath(name.replace(chr(92), '/')).name}{colon}{rest}" if colon else name

    def _device(self, name: str) -> str:
        return self._sources.get(name) or self.text(name)

    # ---- what is learned

    def _learn(self, report: Report, excerpts: Mapping[str, Mapping[int, str]]) -> None:
        texts = list(_texts(report, excerpts))
        for device in report.devices:
            self._hear(f"{device.mac} {' '.join(device.ips)}")
        self._secrets.update(secret.casefold() for text in texts for secret in secrets_in(text))
        for text in texts:
            for start, end, kind in placed_in(text, self._secrets):
                if kind != "mac":
                    self._name(text[start:end], kind)
            for ssid in ssids_in(text):
                self._name(ssid, "SSID")
            for host in hosts_in(text):
                self._name(host, "host")
            for secret in secrets_in(text):
                self._name(secret, "secret")
            for user in users_in(text):
                self._name(user, "user")
        for timeline in report.timelines:
            for part in (timeline, *timeline.apart):
                for event in part.events:
                    self._event(event)
        for text in texts:
            self._hear(text)
        sources = dict.fromkeys(source for device in report.devices for source in device.sources)
        sources.update(dict.fromkeys(q.source for f in report.findings for q in f.evidence))
        self._files(list(sources))

    def _files(self, sources: list[str]) -> None:
        """Base names; the second of a name is numbered. Devices may be called after their file."""
        self._pattern = self._compiled()
        used: set[str] = set()
        for source in sources:
            path = PurePath(source)
            name = self.text(path.name) or "log"
            number = 2
            while name in used:
                name = f"{self.text(path.stem)}-{number}{path.suffix}"
                number += 1
            used.add(name)
            self._sources[source] = name

    def _event(self, event: Event) -> None:
        """Names that need no guessing: the events say what they are."""
        match event:
            case BeaconsObserved() | ProbingObserved():
                self._name(event.ssid, "SSID")
            case WifiStarted():
                # a firmware that prints no quotes leaves it open where a name ends: the text may have told more of it
                begun = f"{event.ssid.casefold()} "
                told = re.search(rf"[\"']{re.escape(event.ssid)}[\"']", event.where.text)
                if told or not any(name.casefold().startswith(begun) for name in self._spellings):
                    self._name(event.ssid, "SSID")
            case HostObserved() | LeaseObserved():
                self._name(event.hostname, "host")
            case LookupObserved():
                for name in event.names:
                    self._name(name, "host")
            case ConnectStarted() | ResolveFailed():
                self._name(event.host, "host")
            case AddressNamed():
                self._name(event.name, "host")

    def _hear(self, text: str) -> None:
        """Note the addresses in ``text``, so that what derives from them is known everywhere."""
        for found in MAC.finditer(text):
            self._mac(found[0])

    def _name(self, name: str, kind: str) -> None:
        name = name.strip()
        if not name or name in self._given or _is_address(name):
            return
        if kind == "SSID" or not is_plain_word(name):
            self._spellings[name] = None
            self._once(name, kind)

    def _next(self, kind: str) -> str:
        self._numbers[kind] = self._numbers.get(kind, 0) + 1
        return f"{kind}-{self._numbers[kind]}"

    # ---- stand-ins

    def _compiled(self) -> re.Pattern[str]:
        """One pattern for everything, so that no stand-in is ever replaced again."""
        literals = [re.escape(source) for source in self._sources if "/" in source or "\\" in source]
        literals.sort(key=len, reverse=True)
        for name in sorted(self._spellings, key=len, reverse=True):
            if len(name) < _NAME_MIN or is_plain_word(name):
                literals.append(f"{_INTRODUCED}{re.escape(name)}{_CLOSED}")
                continue
            loose = len(name) >= _INSIDE_FROM
            before = "" if loose or not re.match(_WORD, name[0]) else f"(?<!{_WORD})"
            after = "" if loose or not re.match(_WORD, name[-1]) else f"(?!{_WORD})"
            literals.append(f"{before}{re.escape(name)}{after}")
        parts = [f"(?P<name>(?i:{'|'.join(literals)}))"] if literals else []
        if self._macs:
            tails = sorted({mac[6:] for mac in self._macs})
            # of digits alone it may be a time or a number: then only as the end of a name
            spelled = "|".join(
                rf"{'(?<=[a-z_-])' if t.isdigit() else ''}(?:{t}|{t[:2]}[:-]{t[2:4]}[:-]{t[4:]})"
                for t in tails
            )
            parts.append(rf"(?P<tail>(?i:(?:(?<![0-9a-z])|(?<=[g-z]))(?:{spelled})(?![0-9a-z])))")
        self._known = re.compile("|".join(parts)) if parts else None
        self._inner = re.compile("|".join([*parts, BARE]))
        return re.compile("|".join([*parts[:1], PATTERN, *parts[1:]] if literals else [PATTERN, *parts]))

    def _stand_in(self, found: re.Match[str]) -> str:
        text = found[0]
        kind = found.lastgroup or ""
        if kind == "name":
            return self._sources.get(text) or self._once(text, "name")
        if kind == "tail":
            return self._tail(text)
        if kind == "secret":
            return self._kept_key(found)
        if kind in ("mac", "bare"):
            known = text.lower() in self._macs
            return (
                self._mac(text) if kind == "mac" or known or re.search("[a-fA-F]", text) else self._rest(text)
            )
        if kind in ("ipv4", "ipv6"):
            return self._ip(text)
        if kind == "fqdn":
            return self._once(text.rstrip("."), "host")
        if kind == "mail":
            return self._once(text, "mail")
        if kind == "key":
            return self._once(text, "token")
        return self._once(text, "token") if is_token(text) else self._inner.sub(self._stand_in, text)

    def _rest(self, text: str) -> str:
        """What only looked like an address or a key may still hold a known name."""
        return self._known.sub(self._stand_in, text) if self._known is not None else text

    def _kept_key(self, found: re.Match[str]) -> str:
        """``password=`` keeps its key and loses its value."""
        inner = SECRET.match(found.string, found.start())
        if inner is None or inner.lastgroup is None:
            return self._once(found[0], "secret")
        start, end = (at - found.start() for at in inner.span(inner.lastgroup))
        value = found[0][start:end]
        return (
            found[0][:start]
            + (value if set(value) <= set("*. ") else self._once(value, "secret"))
            + found[0][end:]
        )

    def _once(self, original: str, kind: str) -> str:
        """The stand-in of a name, however it is capitalised."""
        if original in self._given:
            return original
        name = original.casefold()
        if name not in self._names and kind == "name":
            # letters that match without case may still fold apart (Turkish dotted capital I)
            same = (s for s in self._spellings if re.fullmatch(re.escape(s), original, re.IGNORECASE))
            name = next(same, original).casefold()
        if name not in self._names:
            self._names[name] = self._next(kind)
            self._given.add(self._names[name])
        return self._names[name]

    def _mac(self, text: str) -> str:
        """The vendor part, then a number; in the spelling of the original."""
        separator = next((c for c in text if c in ":-. "), "")
        width = 4 if separator == "." else 2
        raw = "".join(part.zfill(width) for part in re.split("[:. -]", text.lower()))
        if raw in ("f" * 12, "0" * 12) or raw in self._macs.values():
            return text
        if raw not in self._macs:
            self._macs[raw] = f"{raw[:6]}{len(self._macs) + 1:06x}"
        safe = self._macs[raw]
        spelled = separator.join(safe[n : n + width] for n in range(0, 12, width))
        return spelled.upper() if text.upper() == text and text.lower() != text else spelled

    def _tail(self, text: str) -> str:
        """The last three bytes of a known address, as names of devices carry them."""
        raw = re.sub("[^0-9a-f]", "", text.lower())
        safe = next(safe[6:] for mac, safe in self._macs.items() if mac.endswith(raw))
        separator = next((c for c in text if c in ":-"), "")
        return separator.join((safe[:2], safe[2:4], safe[4:]))

    def _ip(self, text: str) -> str:
        """Which network and which host; what names no host (masks, multicast, loopback) stays."""
        try:
            # some print 192.168.007.031
            plain = ".".join(str(int(part)) for part in text.split(".")) if ":" not in text else text.lower()
            address = ipaddress.ip_address(plain)
        except ValueError:
            return self._rest(text)
        if address.is_loopback or address.is_multicast or address.is_unspecified or text.startswith("255."):
            return text
        if plain not in self._addresses:
            self._addresses[plain] = self._placed(address)
        return self._addresses[plain]

    def _placed(self, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
        if not address.is_private and not address.is_link_local:
            return self._next("public-ip")
        prefix = 24 if address.version == 4 else 64
        network = str(ipaddress.ip_network(f"{address}/{prefix}", strict=False))
        hosts = self._networks.setdefault(network, {})
        lan = f"lan{list(self._networks).index(network) + 1}"
        if address.version == 4 and str(address).endswith(".255"):
            return f"{lan}-broadcast"
        return f"{lan}-host{hosts.setdefault(str(address), len(hosts) + 1)}"


def _texts(report: Report, excerpts: Mapping[str, Mapping[int, str]]) -> Iterator[str]:
    """Every text of the report; what only a page shows comes last, so that all outputs number alike."""
    for finding in report.findings:
        yield finding.summary
        yield from (quote.text for quote in finding.evidence)
    yield from report.notes
    yield from _unique(
        event.where.text
        for timeline in report.timelines
        for part in (timeline, *timeline.apart)
        for event in part.events
    )
    for lines in excerpts.values():
        yield from lines.values()


def _unique(texts: Iterable[str]) -> Iterator[str]:
    return iter(dict.fromkeys(texts))


def _is_address(name: str) -> bool:
    """Whether ``name`` is an address, which the patterns replace in their own way."""
    if MAC.fullmatch(name):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True

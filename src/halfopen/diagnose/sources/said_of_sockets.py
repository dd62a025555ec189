"""What firmware says of descriptors, connections, names, TLS and heartbeats."""

from __future__ import annotations

import re

from halfopen.diagnose.events import (
    CallFailed,
    CallStarted,
    Connected,
    ConnectFailed,
    ConnectStarted,
    DataReceived,
    DataSent,
    DescriptorSeen,
    Event,
    HeartbeatAnswered,
    HeartbeatMissed,
    HeartbeatSent,
    LatencySampled,
    Moment,
    PeerClosed,
    PingLost,
    Provenance,
    ResolveFailed,
    SendStalled,
    ServerConnected,
    ServerLost,
    SocketClosed,
    SocketOpened,
    SocketRefused,
    TransactionTimedOut,
    TransportFailed,
)
from halfopen.diagnose.sources.phrase import Place, phrase
from halfopen.formats import newlib_errno
from halfopen.formats.logline import LogLine
from halfopen.formats.patterns import Pattern

_FD = r"(?:fd|sock(?:et)?|s)\s*[=:#]?\s*(?P<fd>\d{1,4})\b"
_FD2 = _FD.replace("<fd>", "<fd2>")

PHRASES = (
    # mbedTLS's net_sockets errors: 0x52 unknown host, 0x44 connect failed, 0x42 no socket (mbedtls/net_sockets.h)
    phrase(ResolveFailed, "-0x52|-0x0052", r"net_connect returned -0x(?:00)?52\b"),
    phrase(ConnectFailed, "-0x44|-0x0044", r"net_connect returned -0x(?:00)?44\b"),
    phrase(SocketRefused, "-0x42|-0x0042", r"net_connect returned -0x(?:00)?42\b"),
    phrase(TransportFailed, "transport connect", r"\berror transport connect\b"),
    phrase(
        SocketOpened,
        "socket created|opened socket|socket opened|new socket",
        rf"(?:socket (?:created|opened)|opened socket|new socket)\b(?:.*?{_FD})?",
    ),
    phrase(
        SocketOpened,
        "socket|sock",
        r"^(?!.*(?:clos|fail|error|errno|cannot|unable)).*(?:\b(?:opened|created|new|allocated) sock(?:et)?[ :=#]*(?:fd ?[=:]? ?)?(?P<fd>\d{1,4})\b"
        r"|\bsock(?:et)?[ =#:]{1,2}(?P<fd2>\d{1,4}) (?:opened|created)\b)",
    ),
    phrase(
        SocketOpened,
        "accepted",
        rf"(?:socket|connection|client|session)s? accepted\b(?:.*?{_FD})?(?:.*?port (?P<peer_port>\d+))?",
        accepted=True,
    ),
    phrase(
        DescriptorSeen,
        "fd",
        r"^(?!.*(?:clos|fail|error|errno|recv|send|read|writ|upload|timeout|waiting|stop)).*\b(?:client|session|connection|connected|conn|open(?:ed)?|socket)\b[^;]{0,60}?\b(?:fd|fileno|sock)\s?[=:#]?\s?(?P<fd>\d{1,4})\b",
    ),
    phrase(
        SocketOpened,
        "fileno|, sock ",
        r"^(?!.*(?:clos|fail|error|errno)).*\bconnected,? (?:fileno|sock) (?P<fd>\d{1,4})\b",
    ),
    phrase(SocketOpened, "socket() =", r"\bsocket\(\) ?= ?(?P<fd>\d{1,4})\b"),
    phrase(SocketOpened, "sess_new|new session", rf"(?:sess_new|new session).*?{_FD}", accepted=True),
    phrase(
        ConnectStarted,
        "connecting to ",
        r"connecting to (?P<host>(?:\d{1,3}\.){3}\d{1,3}|[\w.-]+\.[a-z]{2,}):(?P<port>\d{1,5})(?: \(fd=(?P<fd>\d+)\))?",
    ),
    phrase(ConnectStarted, "connecting tcp", r"connecting tcp (?P<host>[\w.-]+):(?P<port>\d+)"),
    phrase(
        Connected,
        "successfully connected|socket connected|connected, fd|tcp connected|connection established",
        r"(?:successfully connected|socket connected|tcp connected|connection established|connected,)(?!.*\bssid)(?:.*?fd ?= ?(?P<fd>\d+))?(?:.*?local port (?P<local_port>\d+))?",
    ),
    phrase(DataSent, "send(|sent ", r"\b(?:send\(fd=(?P<fd>\d+)\) = |sent )(?P<size>\d+)"),
    phrase(DataReceived, "received ", r"received (?P<size>[1-9]\d*) bytes(?:.*?fd ?= ?(?P<fd>\d+))?"),
    phrase(
        Connected,
        "connected to ",
        r"\bconnected to (?:[\w-]+\.)+[\w-]+:\d{1,5}\b(?:.*?\b(?:fd|sock) ?=? ?(?P<fd>\d+))?",
    ),
    phrase(
        CallStarted,
        "blocking",
        r"\b(?P<call>recv|send|read|write|connect|select|accept)\((?:fd=)?(?P<fd>\d{1,4})\),? blocking",
    ),
    phrase(
        CallStarted,
        "post http|get http|put http|protocol: http|send frame|sending frame",
        r"^(?P<call>POST|GET|PUT) https?://|begininternal\(\): protocol|\b(?P<call2>send)(?:ing)? frame\b",
    ),
    phrase(
        SendStalled,
        "ack timeout|buffer space|send buffer full|didn't complete|messages queued",
        r"too many messages queued|writing didn't complete in specified timeout|\back timeout \d|because of tcp buffer space|no tcp buffer space|send buffer (?:is )?full",
    ),
    phrase(
        CallStarted,
        "waiting in |blocking in |calling |readstringuntil|entering ",
        r"(?:waiting|blocking|blocked|entering|calling)(?: in)? (?P<call>recv|send|read|write|connect|select|accept|getaddrinfo)\(?(?P<fd>\d{1,4})?|(?P<call2>readstringuntil|readbytes)\(",
    ),
    phrase(LatencySampled, "time=", r"\btime ?= ?(?P<took_ms>\d+(?:\.\d+)?) ?ms"),
    phrase(
        LatencySampled,
        "puback|pong|ack |reply|answer",
        r"\b(?:puback|pong|ack|reply|answer|response)\b.{0,30}?\bafter (?P<took_ms>\d+) ?ms",
    ),
    phrase(
        PingLost,
        "icmp_seq|ping",
        r"icmp_seq ?= ?\d+ (?:timeout|timed out)|\bping\b.{0,40}(?:timeout|timed out|no (?:reply|answer|response))",
    ),
    phrase(DataReceived, "post |get |put ", r"\b(?:post|get|put) \S+ 2\d\d\b"),
    phrase(
        DataReceived,
        "http 200|200 ok|http_status = 200|status = 200| 200 free| 200 ",
        r"\b(?:http[/ ][\d.]* ?200|200 ok|status ?= ?200|get \d+ 200)\b",
    ),
    phrase(
        SocketClosed,
        "close",
        rf"\b(?:close(?:socket)?\({_FD}\) ?= ?0|close(?:socket)?\((?P<fd3>\d{{1,4}}\b)\)|(?:closed|closing) (?:the )?(?:socket|connection|fd|session)\b(?:.*?{_FD2})?|(?:socket|fd|session)\s*(?:\d+)? (?:is )?closed\b|^closed$)",
    ),
    phrase(
        SocketClosed,
        "clos|stop()",
        r"\b(?:clos(?:e|ed|ing)|stop(?:ped)?\(\))(?: (?:on|the|of))? ?(?:fd|sock(?:et)?|fileno|connection|client)?[ =#]{0,3}(?P<fd>\d{1,4})\b(?! ?(?:ms|s\b|bytes))",
    ),
    phrase(
        SocketClosed,
        "shutting down socket|sess_delete|sess_close|socket shut",
        rf"(?:shutting down socket|sess_delete|sess_close|socket shut)(?:.*?{_FD})?",
    ),
    phrase(
        PeerClosed,
        "fin received|closed by|connection closed|recv|received 0 bytes|remote closed|peer closed|peer has closed",
        r"due to fin received|closed by (?:the )?(?:peer|remote|server|broker|client)|^connection closed$|recv(?:\(\))? returned 0\b|\brecv\((?:fd=)?(?P<fd>\d+)\) ?= ?0\b|received 0 bytes|(?:remote|peer) (?:has )?closed",
    ),
    phrase(
        TransactionTimedOut,
        "timed out|timeout",
        r"\b(?:transaction|request|response|publish|poll|upload|transfer|exchange) ?\d* (?:timed out|timeout)\b|connection timed out before data|no (?:response|reply|answer) (?:from|within)|timed out waiting for",
    ),
    phrase(
        ServerConnected,
        "mqtt_event_connected|mqtt connected|connected to broker|connected to mqtt|: connected",
        r"mqtt_event_connected|mqtt[ :]+connected|connected to (?:the )?(?:mqtt|broker|server)|home assistant .*: connected$|api connected",
    ),
    phrase(ServerConnected, "connected", r"^connected$", ("mqt", "mqtt", "api")),
    phrase(ServerConnected, "successfully connected to", r"^successfully connected to \S+ (?:@ \S+ )?in "),
    phrase(
        ServerLost,
        "mqtt_event_disconnected|disconnected",
        r"mqtt_event_disconnected|mqtt[ :]+.*disconnected|disconnected from (?:api|broker|mqtt|server|home assistant)|lost (?:mqtt|broker|server|api) connection",
    ),
    phrase(ServerLost, "disconnected", r"^disconnected(?:: | \()", ("mqtt", "mqt")),
    phrase(
        HeartbeatSent,
        "ping",
        r"sent ping successful|sending ping ?req|pingreq sent|sending (?:ws |websocket )?ping\b|ping sent|-> ?ping",
        name="ping",
    ),
    phrase(
        HeartbeatSent,
        "heartbeat|keepalive|keep-alive",
        r"(?:heartbeat|keep-?alive(?: message)?) (?:sent|tx)|sen(?:t|ding) (?:a )?(?:heartbeat|keep-?alive)",
        name="heartbeat",
    ),
    phrase(
        HeartbeatAnswered,
        "pingresp|pong|ping response|ping ok",
        r"mqtt_msg_type_pingresp|got message of type pingresponse|pingresp received|received pingresp|(?:got|received|recv) (?:ws |websocket )?pong|pong received|<- ?pong|^ping ok",
        name="ping",
    ),
    phrase(
        HeartbeatAnswered,
        "heartbeat|keepalive|keep-alive",
        r"(?:heartbeat|keep-?alive) (?:ack|acked|answer(?:ed)?|response received|ok)\b",
        name="heartbeat",
    ),
    phrase(
        HeartbeatMissed,
        "no ping_resp|no pingresp|rc=-4|ping timeout|ping response not|pong|keepalivetimeout|keep alive failed|for pingresp|pingresp not",
        r"no ping_?resp|failed, rc=-4\b|keepalivetimeout|handling of keep alive failed|waiting for pingresp|pingresp not returned|ping(?:resp)? time(?:d )?out|ping response not received(?: after (?P<after_s>\d+(?:\.\d+)?) seconds)?|pong\) was not received.*?after [\d.]+ seconds|no pong|pong (?:timeout|missing|not received)",
        name="ping",
    ),
    phrase(
        HeartbeatMissed,
        "unresponsive|respond to ping|heartbeat|message response|exceeded timeout",
        r"(?:is )?unresponsive; disconnecting|disconnected from api: timeout while waiting for message response|client \S+ (?:\[[\d.:]+\] )?has exceeded timeout|did(?:n't| not) respond to ping|heartbeat (?:timeout|timed out|lost|missed|not (?:acked|answered))|no heartbeat (?:ack|answer|response)|missed \d+ heartbeats?",
        name="heartbeat",
    ),
    phrase(
        ResolveFailed,
        "getaddrinfo|get hostname|resolve|dns|host name",
        r"couldn't get hostname for ?:(?P<host>[^:\s]*)(?:.*returns (?P<code>\d+))?",
    ),
    phrase(
        ResolveFailed,
        "getaddrinfo|resolve|dns|gethostbyname|hostbyname",
        r"(?:couldn't|could not|can't|cannot|can not|failed to|unable to|error) (?:to )?resolv(?:e|ing)(?: (?:ip address|hostname|host|name|address))?(?: (?:for|of))?[ :'\"]*(?P<host>[\w.-]+\.[\w-]+)?",
    ),
    phrase(
        ResolveFailed,
        "dns|hostbyname|getaddrinfo",
        r"dns (?:lookup |resolution |query |resolve )?(?:failed|error|timeout|timed out)(?: for)?(?: '?(?P<host>[\w.-]+\.\w+))?|dns failed|gethostbyname failed|getaddrinfo(?:\(\))?(?: failed| error|.*err(?:or)?[ =:]+|.*returns )[^\d-]*-?(?P<code>\d+)?",
    ),
    phrase(ResolveFailed, "from dns|gaierror", r"could not get host from dns|^gaierror: \((?P<code>-?\d+)"),
    phrase(ResolveFailed, "0x8001|cannot_resolve", r"\b0x8001\b|cannot_resolve_hostname"),
    phrase(
        SocketRefused,
        "create socket|out of sockets|creating socket|create_socket|too many open|allocate socket|allocate a socket",
        r"(?:failed to|could not|cannot) allocate (?:a )?socket|(?:unable to|failed to|could not|couldn't|can't|cannot|error|fail) creat(?:e|ing) (?:a )?(?:tcp |udp |new )?socket(?!.*errno)|out of sockets|cannot_create_socket",
        errno=None,
    ),
    phrase(SocketRefused, "0x8002", r"\b0x8002\b", errno=None),
    phrase(ConnectFailed, "select() timeout", r"\[sock=(?P<fd>\d+)\] select\(\) timeout"),
    phrase(
        ConnectFailed,
        "select returned due to timeout",
        r"select returned due to timeout (?P<after_ms>\d+) ms for fd (?P<fd>\d+)",
    ),
    phrase(
        ConnectFailed,
        "timeout while connecting to",
        r"^can't connect to .*timeout while connecting to (?!wifi)",
    ),
    phrase(
        ConnectFailed,
        "attempting mqtt|, rc=-|connect failed to|failed to connect to|connect to ",
        r"attempting mqtt connection\.*\s*failed, rc=-2|^failed, rc=-2 try again|connect failed to [\w.-]+:\d+|^(?!.*(?:wi-?fi|ssid|\bap\b|errno|network ')).*failed to connect to (?:the )?(?:mqtt|broker|server|(?:\d{1,3}\.){3}\d{1,3})",
    ),
    phrase(
        ConnectFailed,
        "failed to open new connection in specified",
        r"failed to open new connection in specified timeout",
    ),
)

_NUMBER = Pattern(
    r"\[errno (?P<a>-?\d+)\]|oserror: \(?(?P<b>-?\d+)\b|(?<![a-z_])errno(?: is|=|:|\s)*\(?\s*(?P<c>\d+)|"
    r"so_error\) ?= ?(?P<d>\d+)|error (?:in|calling) \w+ ?: ?\(?(?P<e>\d+)|error in accept \((?P<f>\d+)\)|"
    r"transport_\w+: error - (?P<g>\d+)|could not send data: (?P<i>\d+)|"
    r"(?:socket|connect|recv|send|read|write|accept)(?:\(\))?(?: failed| error)?[:,]? (?:err(?:or)? ?(?:code)?[=: ]+)?(?P<h>\d{1,3})\b(?! ?(?:bytes|ms|%|times))",
    re.IGNORECASE,
)
_TROUBLE = Pattern(r"fail|error|errno|unable|abort|could not|couldn't|can't|reset by|err[ =:]", re.IGNORECASE)
_FD_IN = Pattern(
    r"(?:\bfd\b|\bsock(?:et)?\b|\b(?:recv|send|read|write) on)\s*[=:#]?\s*(\d{1,4})\b", re.IGNORECASE
)
_AFTER = Pattern(r"(?:after|silent for|waited|blocked for|for) (\d+(?:\.\d+)?) ?(ms|s)\b", re.IGNORECASE)
#: Errnos that are no failure (success, in progress, already, is connected) or say nothing of the link.
_HARMLESS = frozenset((0, 2, 119, 120, 127, 109))
#: A log written on Linux numbers these differently (facts of newlib and Linux errno.h).
_FROM_LINUX = {
    100: 115,
    101: 114,
    103: 113,
    106: 127,
    107: 128,
    110: 116,
    112: 117,
    113: 118,
    114: 120,
    115: 119,
}
#: getaddrinfo's own codes, which share no meaning with errno (lwIP netdb.h).
_LOOKUP_CODES = frozenset((2, *range(200, 214)))
_ADDRESS_TEXTS = Pattern("|".join(re.escape(t) for t in newlib_errno.TEXTS.values() if t), re.IGNORECASE)
_NAMES = Pattern(r"\bE[A-Z]{3,14}\b")
_VERBS = (
    ("accept", Pattern(r"accept", re.IGNORECASE)),
    (
        "socket",
        Pattern(
            r"creat\w* (?:a )?(?:\w+ )?socket|^socket\(|out of sockets|open(?:ing)? (?:a )?socket",
            re.IGNORECASE,
        ),
    ),
    # a connection that is lost had been made: that call is another
    ("connect", Pattern(r"conn+ect(?!ion[ _](?:closed|reset|lost))", re.IGNORECASE)),
    ("socket", Pattern(r"\bsocket(?:\(\))?(?: failed| error|: ?\d)", re.IGNORECASE)),
    ("select", Pattern(r"\bselect|\bpoll", re.IGNORECASE)),
    ("recv", Pattern(r"recv|\bread|_read|receiv", re.IGNORECASE)),
    ("send", Pattern(r"send|writ|publish", re.IGNORECASE)),
)


_NOWHERE, _NEVER = Provenance("", None, None, ""), Moment()

#: Without one of these :func:`read_call_errors` finds nothing.
NEEDED = (_NUMBER, newlib_errno.NAME, newlib_errno.TEXT)


def may_fail(line: LogLine, lowered: str) -> bool:
    """Whether :func:`read_call_errors` may find something in ``line``, whatever its digits are."""
    if not (line.level in ("E", "W") or _TROUBLE.search(lowered)) or "setsockopt" in lowered:
        return False
    return any(pattern.search(line.message) for pattern in NEEDED)


def number_place(message: str) -> Place | None:
    """Where the number of an error stands in a message; ``None`` where none does."""
    found = _NUMBER.search(message)
    group = (
        next((name for name, digits in found.groupdict().items() if digits is not None), "") if found else ""
    )
    return Place("errno", *found.span(group), int) if found and group else None


def call_places(line: LogLine, lowered: str) -> list[Place] | None:
    """Where the fields stand of what :func:`read_call_errors` finds in ``line`` by its number, which is no field; ``None``
    where it finds nothing."""
    event = next(iter(read_call_errors(line, lowered, _NOWHERE, _NEVER)), None)
    if event is None:
        return None
    places = []
    descriptor = _FD_IN.search(line.message)
    if descriptor is not None and isinstance(event, (ConnectFailed, CallFailed)):
        places.append(Place("fd", *descriptor.span(1), int))
    waited = _AFTER.search(line.message)
    if waited is not None and isinstance(event, (ConnectFailed, CallFailed)):
        places.append(
            Place("after_s", *waited.span(1), _milliseconds if waited[2].lower() == "ms" else float)
        )
    return places


def _milliseconds(digits: str) -> float:
    return float(digits) / 1000


def read_call_errors(
    line: LogLine, lowered: str, where: Provenance, at: Moment, context: str = ""
) -> list[Event]:
    """The failed call a message reports, by number first and by text where there is no number.

    ``context`` is the function named by the last traceback line, for interpreters that print only a number.
    """
    if not (line.level in ("E", "W") or _TROUBLE.search(lowered)) or "setsockopt" in lowered:
        return []
    found = _NUMBER.search(line.message)
    number = next((int(g) for g in found.groups() if g is not None), None) if found else None
    if number is None or number > 200:
        if number is None:
            number = newlib_errno.errno_in(line.message)
        else:
            return [ResolveFailed(where, at, code=number)] if number in _LOOKUP_CODES else []
    if number is not None and line.dialect == "host":
        number = _FROM_LINUX.get(number, number)
    if number is None or number in _HARMLESS:
        return []
    if number < 0:
        return [ResolveFailed(where, at, code=number)] if -number in _LOOKUP_CODES else []
    message = _NAMES.sub("", _ADDRESS_TEXTS.sub("", line.message))
    call = next((name for name, verb in _VERBS if verb.search(message)), "")
    call = call or next((name for name, verb in _VERBS if verb.search(context)), "other")
    descriptor = _FD_IN.search(line.message)
    fd = int(descriptor[1]) if descriptor else None
    waited = _AFTER.search(line.message)
    after_s = None
    if waited:
        after_s = _milliseconds(waited[1]) if waited[2].lower() == "ms" else float(waited[1])
    if number == 23 or (number == 105 and call in ("socket", "accept", "other")):
        return [SocketRefused(where, at, number, accepting=call == "accept")]
    if call == "socket":
        return [SocketRefused(where, at, number)]
    if call == "connect":
        return [ConnectFailed(where, at, fd, number, after_s)]
    return [CallFailed(where, at, "other" if call == "accept" else call, number, fd, after_s)]

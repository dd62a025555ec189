"""Turns the names of states, events, effects and causes into small numbers, as a device holds them.

A name costs a device its letters and an object; a number in this range costs nothing, and one text holds all the words
for :func:`halfopen.link.journal.spelt`. The order is the order of the numbers, which begin at 1 because 0 and ``""``
mean "none" in the sources:

- states, at most fifteen, so that a row of the table says two of them in one byte;
- events that name a cause, then those that name none; later the causes, in the order of their events: a cause that an
  event names is its number and a constant more;
- effects: the number is the letter of the method's name (``chr``), so that no table leads from one to the other.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from halfopen.link import guard, machine, policy

#: The effects' numbers begin here, so that ``chr`` makes letters of them.
_FIRST_LETTER = ord("a")
_STATES_MAX = 15
#: Pieces that words have in common are a digit in the text of all words, or one of ``:;<=>?@``.
_FIRST_DIGIT = ord("0")
_PIECES_MAX = 17
_SIGNS = range(_FIRST_DIGIT, _FIRST_DIGIT + _PIECES_MAX)

STATES = [state for _, states in machine.STAGES for state in states]
_NAMING = list(policy.CAUSE_OF)
EVENTS = [*_NAMING, *sorted({event for _, event in machine.TRANSITIONS} - set(_NAMING))]
_CAUSES = [policy.CAUSE_OF[event] for event in _NAMING]
#: Causes that no event names; what a device never says is left out.
_OTHER_CAUSES = [policy.STACK_TIMEOUT, policy.RESET, policy.REFUSED, policy.UNREACHABLE, policy.DRIVER_ERROR]
EFFECTS = sorted({effect for _, effects in machine.TRANSITIONS.values() for effect in effects})
#: A server's effects are carried out by the same letters, and never spelt.
GUARDS_EFFECTS = [
    guard.OPEN_LISTENER,
    guard.CLOSE_LISTENER,
    guard.COLLECT_GARBAGE,
    guard.SERVE,
    guard.SAY_FAREWELL,
]

CAUSES = [*_CAUSES, *_OTHER_CAUSES]
LAST_EVENT = len(STATES) + len(EVENTS)
if len(STATES) > _STATES_MAX or len(STATES) + len(EVENTS) + len(CAUSES) >= _FIRST_LETTER:
    raise SystemExit("device/numbering.py: too many names for the numbers that a device's table has room for")
#: How many numbers between the causes and the effects stand for nothing.
_SPARE = _FIRST_LETTER - 1 - len(STATES) - len(EVENTS) - len(CAUSES)

_STATE_AT = {name: number for number, name in enumerate(STATES, 1)}
_EVENT_AT = {name: number for number, name in enumerate(EVENTS, 1 + len(STATES))}
_CAUSE_AT = {name: number for number, name in enumerate(CAUSES, 1 + len(STATES) + len(EVENTS))}
_EFFECT_AT = {name: number for number, name in enumerate([*EFFECTS, *GUARDS_EFFECTS], _FIRST_LETTER)}


def numbers() -> dict[tuple[str, str], ast.Constant]:
    """The number of each name by module and constant: ``("machine", "ONLINE")`` → 9."""
    found = {}
    for module, tables in (
        (machine, (_STATE_AT, _EVENT_AT, _EFFECT_AT)),
        (policy, (_CAUSE_AT,)),
        (guard, (_EFFECT_AT,)),
    ):
        for name, value in vars(module).items():
            number = next(
                (table[value] for table in tables if isinstance(value, str) and value in table), None
            )
            if number is not None and name.isupper():
                found[module.__name__.rpartition(".")[2], name] = ast.Constant(number)
    return found


def methods() -> dict[str, str]:
    """The letter for the name of the method that carries out each effect."""
    return {machine.method_of(name): chr(number) for name, number in _EFFECT_AT.items()}


#: What stands in the place of the sources' functions of the same names. A row is three bytes: the state before (0: any)
#: and after (0: the same), the event, and which effects: where they begin in EFFECTS and how many they are.
_ON_DEVICES = """
class ImpossibleEvent(Exception):
    pass

def failure_of(effect):
    return {failures!r}[effect - {letter}]

def step(state, event):
    rows = {rows!r}
    for place in range(0, {size}, 3):
        if rows[place + 1] == event and rows[place] >> 4 in (0, state):
            begin = rows[place + 2] & 63
            return rows[place] & 15 or state, {effects!r}[begin : begin + (rows[place + 2] >> 6)]
    raise ImpossibleEvent(spelt(event), spelt(state))

def load(file):
    return __import__("halfopen.link." + file, None, None, (file,))

def cause_named_by(event):
    return event + {to_cause} if {first} <= event < {end} else ""

def method_of(effect):
    return chr(effect)

def spelt(name):
    if not isinstance(name, int):
        return name
    words, at = {words!r}, 0
    for _ in range(name):
        at = words.find(" ", at) + 1
    word = words[at : words.find(" ", at)]
    if not word:
        return spelt(name - {to_cause}).lower().replace("_", "-")
    for at, piece in enumerate({pieces!r}.split(" ")):
        word = word.replace(chr({digit} + at), piece)
    return word
"""


def _packed_effects() -> tuple[bytes, dict[tuple[str, ...], int]]:
    """Every sequence of effects within one text, and for each the byte that finds it."""
    text = b""
    places = {}
    for sequence in sorted(
        {effects for _, effects in machine.TRANSITIONS.values()}, key=lambda some: (-len(some), some)
    ):
        wanted = bytes([_EFFECT_AT[effect] for effect in sequence])
        if wanted not in text:
            text += wanted
        places[sequence] = text.index(wanted) | len(wanted) << 6
    if len(text) > 63 or max(map(len, places)) > 3:
        raise SystemExit("device/numbering.py: a byte cannot say which effects a row has")
    return text, places


def _rows(places: dict[tuple[str, ...], int]) -> bytes:
    """The table; what an event does in most states alike is one row for any state, behind those that differ."""
    exact, general = [], []
    for event in EVENTS:
        rows = {state: row for (state, at), row in machine.TRANSITIONS.items() if at == event}
        told = {}
        for state, (after, effects) in rows.items():
            told[state] = (0 if after == state else _STATE_AT[after], places[effects])
        usual = max(told.values(), key=list(told.values()).count) if len(told) == len(STATES) else None
        for state, (after_at, effects_at) in told.items():
            if (after_at, effects_at) != usual:
                exact.append(bytes([_STATE_AT[state] << 4 | after_at, _EVENT_AT[event], effects_at]))
        if usual is not None:
            general.append(bytes([usual[0], _EVENT_AT[event], usual[1]]))
    everyday = (_EVENT_AT[machine.HEARD], _EVENT_AT[machine.SEND_ASKED])
    exact.sort(key=lambda row: row[1] not in everyday)  # found first
    return b"".join([*exact, *general])


def _with_pieces(text: str) -> tuple[str, list[str]]:
    """``text`` with a digit, or a sign after the digits, for each piece that words have in common; and the pieces."""
    pieces: list[str] = []
    while len(pieces) < _PIECES_MAX:
        found = {text[at : at + size] for size in range(3, 12) for at in range(len(text) - size)}
        plain = [
            piece for piece in found if " " not in piece and not any(ord(sign) in _SIGNS for sign in piece)
        ]
        best = max(plain, key=lambda piece: (text.count(piece) * (len(piece) - 1) - len(piece) - 1, piece))
        if text.count(best) * (len(best) - 1) <= len(best) + 3:
            break
        text = text.replace(best, chr(_FIRST_DIGIT + len(pieces)))
        pieces.append(best)
    return text, pieces


def _as_cause(event: str) -> str:
    """The cause that is spelt like its event: ``peer-closed`` for ``PEER_CLOSED``; the device makes it of that."""
    return event.lower().replace("_", "-")


def definitions() -> list[ast.stmt]:
    """What replaces the sources' definitions of the same names."""
    effects, places = _packed_effects()
    causes = ["" if word == _as_cause(event) else word for event, word in zip(_NAMING, _CAUSES, strict=True)]
    words = ["", *STATES, *EVENTS, *causes, *_OTHER_CAUSES, *[""] * _SPARE, *EFFECTS, ""]
    first = 1 + len(STATES)
    rows = _rows(places)
    shorter, pieces = _with_pieces(" ".join(words))
    code = _ON_DEVICES.format(
        rows=rows,
        size=len(rows),
        effects=effects,
        words=shorter,
        pieces=" ".join(pieces),
        digit=_FIRST_DIGIT,
        failures=bytes([_EVENT_AT.get(machine.failure_of(effect), 0) for effect in EFFECTS]),
        letter=_FIRST_LETTER,
        first=first,
        end=first + len(_NAMING),
        to_cause=len(EVENTS),
    )
    return ast.parse(code).body


#: Definitions of the sources that only made what :func:`definitions` has ready.
REPLACED = ("TRANSITIONS", "_FATAL", "STAGES", "possible", "CAUSE_OF", "_FAILURE_OF")

"""What a pattern cannot match without: short wordings, of which one must stand in any line that the pattern finds.

A wording is text in lower case with marks for any digit and for what may not stand beside it. Wordings are derived from
the pattern itself, part by part, and always ask for less than it: a case or a look ahead is let go, and what may be
anything is cut off. So no line that says something is without one, and the sieve (``sieve.py``) may pass over every
other line. Digits and blanks are those of ASCII: lines with others are never passed over.
"""

from __future__ import annotations

import re
import re._constants as c  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
from collections.abc import Iterable, Sequence
from typing import Any

from halfopen.diagnose.sources.places import BEGINS, DIGIT, EDGE, ENDS, PLACES

#: As many wordings may stand for one pattern, and for a part of it that is multiplied with another.
_ALTERNATIVES_MAX = 400
_PRODUCT_MAX = 150
#: How often a part that cannot be listed is taken apart inside another.
_DEPTH_MAX = 5
#: Members of a class that are told apart; a class of more is anything.
_MEMBERS_MAX = 6
#: Characters of a wording: more tell nothing more.
_LENGTH_MAX = 12

#: How seldom a character is in chatter, in bits: what a wording is worth is their sum.
_COMMON = {
    " ": 1.5,
    "e": 3,
    "t": 3.3,
    "a": 3.3,
    "o": 3.5,
    "i": 3.5,
    "n": 3.5,
    "s": 3.5,
    "r": 3.5,
    DIGIT: 1.5,
} | dict.fromkeys("0123456789", 2.5)
_RARE = 4.5
#: Words that chatter is full of, and what one is worth.
_CHATTER = re.compile(
    "wi-?fi|mqtt|connect(?:ed|ing|ion)?|read|write|send|socket|http|status|state|client|session|request|response|publish|"
    "upload|transfer|transaction|exchange|message|open(?:ed)?|wait(?:ing)?|start(?:ing)?|begin|complete|success|call(?:ing)?"
)
_CHATTER_WORTH = 9.0
_DIGITS = "0123456789"
_EDGE_WORTH = 3.0

Wordings = frozenset[str]


def wordings(pattern: str, flags: int = 0) -> Wordings:
    """The wordings of which one stands in any text that ``pattern`` is found in.

    Raises :class:`ValueError` when the pattern can match without any that is worth looking for.
    """
    found = _needed(list(parser.parse(pattern, flags & re.VERBOSE)))
    if found is None or len(found) > _ALTERNATIVES_MAX or min(map(_worth, found)) <= 0:
        raise ValueError(f"no wording must stand in what {pattern!r} matches")
    return shortest(found)


def shortest(found: Iterable[str]) -> Wordings:
    """``found`` without those that another one is part of."""
    kept: list[str] = []
    for one in sorted(found, key=len):
        if not any(other in one for other in kept):
            kept.append(one)
    return frozenset(kept)


def _worth(wording: str) -> float:
    """How much a wording keeps out."""
    plain = wording.strip(PLACES)
    rest, words = _CHATTER.subn("", plain)
    return (
        words * _CHATTER_WORTH
        + sum(_COMMON.get(letter, _RARE) for letter in rest)
        + _EDGE_WORTH * (len(wording) - len(plain))
    )


def merit(found: Iterable[str]) -> float:
    """How much a set keeps out: as much as its weakest, a little less the more there are."""
    each = list(found)
    return min(map(_worth, each)) - 0.02 * len(each)


def _symbol(code: int) -> str | None:
    """A character as wordings spell it; ``None`` for one that they do not."""
    return chr(code).lower() if " " <= chr(code) < "\x7f" else None


def _members(content: list[Any]) -> set[str] | None:
    """What a class of characters may be, or ``None`` when that is too much."""
    found: set[str] = set()
    for kind, value in content:
        if kind is c.LITERAL and (symbol := _symbol(value)) is not None:
            found.add(symbol)
        elif (kind is c.RANGE and value == (0x30, 0x39)) or (kind, value) == (c.CATEGORY, c.CATEGORY_DIGIT):
            found.add(DIGIT)
        elif kind is c.RANGE and value[0] >= 0x20 and value[1] - value[0] < _MEMBERS_MAX and value[1] < 0x7F:
            found |= {chr(code).lower() for code in range(value[0], value[1] + 1)}
        elif (kind, value) == (c.CATEGORY, c.CATEGORY_SPACE):
            found.add(" ")
        else:
            return None  # negated, a word's letters, or many
    return found if len(found) <= _MEMBERS_MAX else None


def _joined(before: Iterable[str], behind: Iterable[str]) -> set[str] | None:
    """Every one of ``before`` with every one of ``behind``; what is long enough stays as it is."""
    found = set()
    for one in before:
        if len(one) >= _LENGTH_MAX:
            found.add(one)
        else:
            found |= {_fitted(one, other) for other in behind}
    return found if len(found) <= _PRODUCT_MAX else None


def _fitted(one: str, other: str) -> str:
    """``other`` behind ``one``; marks stay only where the wording begins or ends."""
    if not other or not one:
        return one + other
    if one.strip(PLACES):
        one = one.rstrip(EDGE + ENDS)
        if other.strip(PLACES):
            other = other.lstrip(EDGE + BEGINS)
    return one + other


def _whole(item: tuple[Any, Any]) -> set[str] | None:
    """All that one part of a pattern matches, or ``None`` when that cannot be listed."""
    kind, value = item
    if kind is c.LITERAL:
        symbol = _symbol(value)
        return None if symbol is None else {symbol}
    if kind is c.IN:
        return _members(value)
    if kind is c.AT:
        marks = {c.AT_BEGINNING: BEGINS, c.AT_BEGINNING_STRING: BEGINS, c.AT_END: ENDS, c.AT_BOUNDARY: EDGE}
        return {marks.get(value, "")}
    if kind in (c.ASSERT, c.ASSERT_NOT):
        return {""}
    if kind is c.SUBPATTERN:
        return _whole_of(value[3])
    if kind is c.BRANCH:
        found: set[str] = set()
        for branch in value[1]:
            whole = _whole_of(branch)
            if whole is None:
                return None
            found |= whole
        return found if len(found) <= _PRODUCT_MAX else None
    if kind in (c.MAX_REPEAT, c.MIN_REPEAT):
        least, most, inside = value
        return _repeated(least, most, list(inside)) if most is not c.MAXREPEAT and most <= 9 else None
    return None


def _repeated(least: int, most: int, inside: list[Any]) -> set[str] | None:
    once = _whole_of(inside)
    if once is None:
        return None
    found: set[str] = {""} if least == 0 else set()
    so_far: set[str] | None = {""}
    for times in range(1, most + 1):
        so_far = _joined(so_far or (), once)
        if so_far is None:
            return None
        if times >= least:
            found |= so_far
    return found if len(found) <= _PRODUCT_MAX else None


def _whole_of(items: Iterable[Any]) -> set[str] | None:
    found: set[str] | None = {""}
    for item in items:
        whole = _whole(item)
        found = _joined(found or (), whole) if whole is not None else None
        if found is None:
            return None
    return found


def tells_digits_apart(pattern: str) -> bool:
    """Whether ``pattern`` may find something else where a digit is exchanged for another."""
    return _tells_apart(list(parser.parse(pattern)))


def _tells_apart(part: Any) -> bool:
    """The same of a part of a parsed pattern."""
    if isinstance(part, (list, parser.SubPattern)):
        return any(_tells_apart(each) for each in part)
    if not isinstance(part, tuple):
        return False
    kind: Any = part[0] if len(part) == 2 else None
    value: Any = part[1] if len(part) == 2 else None
    if kind is c.IN:
        found = {digit for digit in _DIGITS if _holds(value, ord(digit))}
        return len(found) not in (0, len(_DIGITS))
    if kind in (c.LITERAL, c.NOT_LITERAL):
        return chr(value) in _DIGITS
    if kind in (c.GROUPREF, c.GROUPREF_EXISTS, c.GROUPREF_IGNORE):
        return True
    return any(_tells_apart(each) for each in part)


def _holds(members: Sequence[Any], letter: int) -> bool:
    """Whether a class of a parsed pattern names ``letter``; whether it is negated is the same for all."""
    for kind, value in members:
        if (kind is c.LITERAL and value == letter) or (kind is c.RANGE and value[0] <= letter <= value[1]):
            return True
        if kind is c.CATEGORY and value in (c.CATEGORY_DIGIT, c.CATEGORY_WORD, c.CATEGORY_NOT_SPACE):
            return True
    return False


def _needed(items: Sequence[Any], start: Iterable[str] = ("",), depth: int = 0) -> Wordings | None:
    """The best wordings for parts that follow each other behind ``start``, or ``None`` when nothing must stand there."""
    candidates: list[Iterable[str]] = []
    current = set(start)
    for place, item in enumerate(items):
        whole = _whole(item)
        grown = _joined(current, whole) if whole is not None else None
        if grown is not None:
            current = grown
            continue
        if (begun := _joined(current, _begun(item))) is not None and begun != current:
            candidates.append(begun)
        ways = _ways(item) if depth < _DEPTH_MAX else None
        if ways is not None:  # each way by itself, with what follows
            rest = list(items[place + 1 :])
            found = [_needed([*way, *rest], current, depth + 1) for way in ways]
            if None not in found:
                candidates.append(frozenset().union(*(each for each in found if each is not None)))
        candidates.append(current)
        current = set(whole) if whole is not None else _ended(item)
    candidates.append(current)
    worthy = [
        found
        for found in candidates
        if len(list(found)) <= _ALTERNATIVES_MAX and all(one.strip(PLACES) for one in found)
    ]
    return frozenset(max(worthy, key=merit)) if worthy else None


def _ways(item: tuple[Any, Any]) -> list[list[Any]] | None:
    """What one part that cannot be listed may be, each a row of parts."""
    kind, value = item
    if kind is c.SUBPATTERN:
        return [list(value[3])]
    if kind is c.BRANCH:
        return [list(branch) for branch in value[1]]
    if kind in (c.MAX_REPEAT, c.MIN_REPEAT):
        least, most, inside = value
        if (least, most) == (0, 1):
            return [[], list(inside)]
        if least > 0 and most == 1:
            return [list(inside)]
    return None


def _begun(item: tuple[Any, Any]) -> set[str]:
    """What a part that cannot be listed begins with; nothing is known of most."""
    kind, value = item
    if kind is c.SUBPATTERN and len(value[3]):
        return _whole(value[3][0]) or _begun(value[3][0])
    if kind in (c.MAX_REPEAT, c.MIN_REPEAT) and value[0] > 0:
        return _whole_of(value[2]) or {""}
    return {""}


def _ended(item: tuple[Any, Any]) -> set[str]:
    """What a part ends with that is repeated without end; nothing is known of others."""
    return _begun(item) if item[0] in (c.MAX_REPEAT, c.MIN_REPEAT) else {""}

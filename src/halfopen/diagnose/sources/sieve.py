"""Which lines of a log must be read: an automaton over the wordings that anything said must hold, and the walk that keeps
the clocks of all other lines.

The wordings stand in ``wordings.txt``, one a line, derived from the patterns of ``said_of_*`` (``needed.py``); the automaton is
built from them when a log is long enough to be worth it.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Mapping
from functools import lru_cache
from pathlib import Path

from halfopen.diagnose.sources.places import (
    BEGINS,
    DIGIT,
    DIGITS_TOLD,
    EDGE,
    ENDS,
    PLACES,
    WHOLE,
    unspelled,
)
from halfopen.kernel import line_layout as k

_WORDINGS = Path(__file__).with_name("wordings.txt")
#: Numbers without end, escapes that an editor spelled out or of which ESC got lost: lines with these are read by nobody else.
_ENDLESS = DIGIT * 21
_SPELLED_ESCAPES = ("_[", "[1b][", "\\x1b[", "\\033[", "\\e[", "^[[", "[0;3", "[1;3", "[0m")
_DIGITS = "0123456789"
#: Symbols that are no characters of wordings.
_OTHER, _LINE_END, _RETURN, _ESCAPE, _CONTROL, _FOREIGN, _DIGIT, _CHARACTERS = range(8)
#: States that are no wordings: the first after the root, the others at the end, where all that are marked stand.
_PLAIN = ("sink", "abroad", "returned")
_MARKED = ("line end", "escape", "control", "foreign")


class Automaton:
    """The automaton as the kernel takes it: see ``kernel/scanner.py`` and ``kernel/lines.py`` for its parts."""

    def __init__(
        self,
        asked: Mapping[str, tuple[str, ...]],
        whole: Collection[str] = (),
        telling_digits_apart: Collection[str] = (),
    ) -> None:
        """``asked`` is who asks for each wording, marked as in ``places.py``; wordings in ``whole`` change how other lines
        are read. Phrases in ``telling_digits_apart`` may find something else where a digit is exchanged for another."""
        self.telling_digits_apart = frozenset(telling_digits_apart)
        found = [*whole, *asked, *_SPELLED_ESCAPES, _ENDLESS]
        self._asked = asked
        #: Who asks for the wording of a row of meanings.
        self.askers: dict[int, tuple[str, ...]] = {}
        letters = sorted({letter for wording in found for letter in wording} - set(PLACES + DIGIT + _DIGITS))
        codes = {letter: _CHARACTERS + place for place, letter in enumerate(letters)}
        codes |= dict.fromkeys(_DIGITS + DIGIT, _DIGIT)
        self._bracket = codes["["]
        self.symbols = _symbols(codes)
        self.width = _CHARACTERS + len(letters)
        self.meanings = array("q")
        self.pool = b""
        self._children: list[dict[int, int]] = [{}]
        self._said: list[list[tuple[int, int, int, str]]] = [[]]
        for wording in found:
            self._learn(wording, codes, whole)
        self._number()

    @property
    def parts(self) -> tuple[array[int], array[int], bytes, int, int, array[int], bytes, int]:
        """What :class:`halfopen.kernel.lines.LineWalker` takes of it, in its order."""
        return (
            self.meanings,
            self.rows,
            self.pool,
            self.width,
            self.line_end,
            self.table,
            self.symbols,
            self.threshold,
        )

    def _learn(self, wording: str, codes: dict[str, int], whole: Collection[str]) -> None:
        """Add a wording to the tree."""
        text = wording.strip(PLACES)
        before, behind = wording[: wording.index(text)], wording[wording.index(text) + len(text) :]
        when = (
            k.WHEN_WORD_BEFORE * (EDGE in before)
            | k.WHEN_WORD_BEHIND * (EDGE in behind)
            | k.WHEN_BEGINS * (BEGINS in before)
            | k.WHEN_ENDS * (ENDS in behind)
            | k.WHEN_DIGITS * any(digit in text for digit in _DIGITS)
        )
        if wording in _SPELLED_ESCAPES or wording == _ENDLESS:
            when = k.WHEN_CONTROL
        if wording in whole:
            when |= k.WHEN_WHOLE
        node = 0
        for letter in text:
            code = codes[letter]
            child = self._children[node].get(code)
            if child is None:
                child = self._children[node][code] = len(self._children)
                self._children.append({})
                self._said.append([])
            node = child
        self._said[node].append((len(text), when, len(self.pool), wording))
        if when & k.WHEN_DIGITS:
            self.pool += text.encode()

    def _number(self) -> None:
        """Give each state its number, those that are marked the last ones, and write its row of the table."""
        width = self.width
        total = len(self._children) + len(_PLAIN) + len(_MARKED)
        self.table = table = array("i", bytes(4 * total * width))
        self.rows = rows = array("q", [-1]) * total
        self._put_special(total)
        fails = [0] * len(self._children)
        numbers, nodes = {0: 0}, {0: 0}
        plain, marked = 1 + len(_PLAIN), total - 1 - len(_MARKED)
        queue = [0]
        for node in queue:
            start = numbers[fails[node]] * width
            fallen = table[start : start + width]
            start = numbers[node] * width
            table[start : start + width] = fallen
            for code, child in self._children[node].items():
                queue.append(child)
                fails[child] = nodes[fallen[code] // width] if node else 0
                first = rows[numbers[fails[child]]]
                for length, when, text, wording in self._said[child]:
                    first = self._meaning(length, when, text, first)
                    self.askers[first] = self._asked.get(wording, ())
                if first >= 0:
                    number, marked = marked, marked - 1
                else:
                    number, plain = plain, plain + 1
                numbers[child], nodes[number], rows[number] = number, child, first
                table[start + code] = number * width
        self.threshold = (marked + 1) * width
        for state in (self.line_end // width, self._escape, *self._abroad):  # wordings begin anew behind them
            again = table[:width]
            if state == self._escape:  # a colour that is whole
                again[self._bracket] = 0
            if state in self._abroad:  # of bytes that are no ASCII in a row the first is marked
                again[_FOREIGN] = self._abroad[1] * width
            table[state * width : (state + 1) * width] = again

    def _put_special(self, total: int) -> None:
        """The states that are no wordings, and the beginning of the first row."""
        width, table = self.width, self.table
        sink, abroad, returned = range(1, 1 + len(_PLAIN))
        line_end, escape, control, foreign = range(total - len(_MARKED), total)
        for state, when in (
            (line_end, k.WHEN_LINE_ENDS),
            (escape, k.WHEN_ESCAPE),
            (control, k.WHEN_CONTROL),
            (foreign, k.WHEN_FOREIGN),
        ):
            self.rows[state] = self._meaning(0, when, 0, -1)
        for state, otherwise in ((0, 0), (sink, sink), (control, sink), (returned, control)):
            row = array("i", [otherwise * width]) * width
            row[_LINE_END] = line_end * width
            if state == 0:
                row[_RETURN], row[_ESCAPE], row[_CONTROL] = returned * width, escape * width, control * width
                row[_FOREIGN] = foreign * width
            elif state == returned:
                row[_RETURN] = returned * width
            table[state * width : (state + 1) * width] = row
        self.line_end, self._escape = line_end * width, escape
        self._abroad = (foreign, abroad)

    def _meaning(self, length: int, when: int, text: int, following: int) -> int:
        """Add a row of meanings; where it begins."""
        self.meanings.extend((length, when, text, following))
        return len(self.meanings) - k.OUT_WIDTH


def _symbols(codes: dict[str, int]) -> bytes:
    """The symbol of each byte."""
    found = bytearray([_OTHER]) * 256
    found[:32] = bytes([_CONTROL]) * 32
    found[127] = _CONTROL
    found[128:] = bytes([_FOREIGN]) * 128
    found[10], found[13], found[27] = _LINE_END, _RETURN, _ESCAPE
    for letter, code in codes.items():
        if letter not in PLACES + DIGIT:
            found[ord(letter)] = found[ord(letter.upper())] = code
    return bytes(found)


@lru_cache(maxsize=1)
def automaton() -> Automaton:
    """The automaton of all wordings; some milliseconds when first asked for."""
    whole: set[str] = set()
    asked: dict[str, tuple[str, ...]] = {}
    telling: list[str] = []
    for line in _WORDINGS.read_text(encoding="ascii").splitlines():
        if line.startswith(DIGITS_TOLD):
            telling = line[1:].split()
        elif line.startswith(WHOLE):
            whole.add(unspelled(line[1:]))
        else:
            wording, _, names = line.partition("\t")
            asked[unspelled(wording)] = tuple(names.split())
    return Automaton(asked, whole, telling)

"""Chosen lines of a log with their neighbours, numbered and decoded exactly as the console source does."""

from __future__ import annotations

import codecs
from collections.abc import Collection

from halfopen.diagnose.sources.blocks import ConsoleError, decoder_for
from halfopen.formats.logline import cleaned

#: A neighbour longer than this is cut before the word that reaches so far, since half a name or address is not known as
#: one; far more than a page shows, so that names are told from whole lines.
_LINE_CHARACTERS_MAX = 2048
#: Characters of an unfinished line that are held; an endless line adds nothing.
_HELD_MAX = 1 << 16


class LineExcerpt:
    """Reads one log again and keeps the lines around those ``wanted`` (numbers from 1).

    ``feed`` may be given any split of the bytes; ``done`` is true once the last wanted line was read, so that a caller
    can stop; ``lines`` holds number → text after ``end``.
    """

    def __init__(self, wanted: Collection[int], around: int) -> None:
        self.lines: dict[int, str] = {}
        self._near = {near for line in wanted for near in range(max(line - around, 1), line + around + 1)}
        self._last = max(self._near, default=0)
        self._decoder: codecs.IncrementalDecoder | None = None
        self._head = b""
        self._rest = ""
        self._number = 0

    @property
    def done(self) -> bool:
        """Whether everything wanted was read."""
        return self._number >= self._last

    def feed(self, data: bytes) -> None:
        """Take the next bytes; what is no log yields no lines."""
        if self._decoder is None:
            self._head += data
            if len(self._head) < 4096:
                return
            data, self._head = self._head, b""
            self._begin(data)
        if self._decoder is not None:
            self._take(self._decoder.decode(data))

    def end(self) -> None:
        """The file is over."""
        if self._decoder is None and self._head:
            self._begin(self._head)
            if self._decoder is not None:
                self._take(self._decoder.decode(self._head))
        if self._rest and not self.done:
            self._line(self._rest)
            self._rest = ""

    def _begin(self, head: bytes) -> None:
        try:
            self._decoder = decoder_for(head)
        except ConsoleError:
            self._last = 0

    def _take(self, text: str) -> None:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._line(line)
        self._rest = self._rest[:_HELD_MAX]

    def _line(self, raw: str) -> None:
        self._number += 1
        if self._number in self._near:
            line = cleaned(raw[: _LINE_CHARACTERS_MAX * 2].rstrip("\r"))
            if len(line) > _LINE_CHARACTERS_MAX:
                line = f"{line[:_LINE_CHARACTERS_MAX].rpartition(' ')[0]} …"
            self.lines[self._number] = line

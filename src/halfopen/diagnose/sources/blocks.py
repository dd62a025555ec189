"""The bytes of a log as blocks of whole lines in UTF-8, whatever a terminal wrote them in and however they were split."""

from __future__ import annotations

import codecs
import re

#: A line longer than this is cut: nothing a firmware prints is, and a file without line ends must not fill memory.
LINE_CHARACTERS_MAX = 8192
#: Bytes that hold so many characters, and one more.
_LINE_BYTES_KEPT = 4 * (LINE_CHARACTERS_MAX + 1)
#: The encoding is told from so many bytes.
_SAMPLE = 4096

_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


class ConsoleError(ValueError):
    """The bytes are not a console log; the message says why in one line."""


class LineBlocks:
    """Takes bytes, gives whole lines. ``damaged`` tells whether some bytes were no text in their encoding."""

    def __init__(self) -> None:
        self.damaged = False
        self._head = b""
        self._begun = False
        self._decoder: codecs.IncrementalDecoder | None = None  # of what is not UTF-8
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        """The lines that ``data`` completes, with their ends.

        Raises :class:`ConsoleError` when the beginning shows that this is no console log.
        """
        if not self._begun:
            self._head += data
            if len(self._head) < _SAMPLE:
                return b""
            data = self._begin()
        return self._lines(self._utf8(data))

    def end(self) -> tuple[bytes, bytes]:
        """The lines that are left, and what stands behind the last line end; raises as ``feed`` does."""
        block = b"" if self._begun else self._lines(self._utf8(self._begin()))
        if self._decoder is not None:
            block += self._lines(self._utf8(b"", final=True))
        last, self._rest = self._rest, b""
        return block, last

    def text(self, line: bytes) -> str:
        """The text of a line or of many; what is no UTF-8 in it is noted and replaced."""
        text = line.decode("utf-8", "replace")
        if not self.damaged and "\ufffd" in text:
            self.damaged = True
        return text

    def _begin(self) -> bytes:
        head, self._head = self._head, b""
        self._begun = True
        encoding = encoding_of(head)
        if encoding != "utf-8-sig":
            self._decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
            return head
        return head.removeprefix(codecs.BOM_UTF8)

    def _utf8(self, data: bytes, *, final: bool = False) -> bytes:
        if self._decoder is None:
            return data
        text = self._decoder.decode(data, final)
        if "\ufffd" in text:
            self.damaged = True
        return text.encode()

    def _lines(self, data: bytes) -> bytes:
        end = data.rfind(b"\n") + 1
        if not end:
            self._rest += data
            self._shorten()
            return b""
        whole = end == len(data) and not self._rest
        block = data if whole else b"".join((self._rest, memoryview(data)[:end]))
        self._rest = data[end:]
        self._shorten()
        return block

    def _shorten(self) -> None:
        """Keep what a line may hold; the rest of an endless line adds nothing but its damage."""
        if len(self._rest) <= 2 * _LINE_BYTES_KEPT:
            return
        whole = _whole_characters(self._rest, len(self._rest))
        self.text(self._rest[:whole])
        kept = _whole_characters(self._rest, _LINE_BYTES_KEPT)
        self._rest = self._rest[:kept] + self._rest[whole:]


def _whole_characters(data: bytes, end: int) -> int:
    """``end`` or a little before it, so that no character is torn there."""
    for back in range(1, 4):
        byte = data[end - back]
        if byte < 0x80:
            return end
        if byte >= 0xC0:
            return end - back if back < (2 if byte < 0xE0 else 3 if byte < 0xF0 else 4) else end
    return end


def encoding_of(head: bytes) -> str:
    """The encoding of a log that begins with ``head``; raises :class:`ConsoleError` when that is no text."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    sample = head[:_SAMPLE]
    if len(sample) >= 8:
        even, odd = sample[0::2].count(0), sample[1::2].count(0)
        if odd > len(sample) * 0.3 and even < len(sample) * 0.05:
            return "utf-16-le"
        if even > len(sample) * 0.3 and odd < len(sample) * 0.05:
            return "utf-16-be"
    controls = len(_BINARY.findall(sample))
    if sample and sample[0] in (1, 2) and controls > len(sample) * 0.1:
        raise ConsoleError(
            "this looks like an ESP-IDF binary log (LOG_MODE_BINARY): decode it with idf.py monitor and the ELF first"
        )
    garbled = sample.decode("utf-8", errors="replace").count("\ufffd")
    if controls > len(sample) * 0.3 or (controls > len(sample) * 0.01 and garbled > len(sample) * 0.15):
        raise ConsoleError("neither a console log nor a capture: mostly control bytes")
    return "utf-8-sig"


def decoder_for(head: bytes) -> codecs.IncrementalDecoder:
    """The decoder for a log that begins with ``head``; raises :class:`ConsoleError` when that is no text."""
    return codecs.getincrementaldecoder(encoding_of(head))(errors="replace")

"""Bytes from files, folders, globs and standard input; gzip undone on the way."""

from __future__ import annotations

import glob
import os
import sys
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

#: Read this much at once: large enough for speed, small enough that a live pipe is not kept waiting.
CHUNK_BYTES = 1 << 18
_GZIP = b"\x1f\x8b"
_PIECE_BYTES = 512


class MissingInput(ValueError):
    """A path that was named does not exist or cannot be opened; the message is one line."""


class Input(Struct, frozen=True):
    """One thing to read. ``name`` is how reports call it; ``named`` tells whether the user named it himself (rather
    than a folder it lies in). ``locked`` is why a folder below a named one cannot be listed."""

    name: str
    path: Path | None
    named: bool
    locked: str = ""

    def chunks(self, notes: list[str]) -> Iterator[bytes]:
        """Its bytes in chunks, decompressed; what stops the reading is put into ``notes``.

        Raises :class:`MissingInput` when it cannot be opened.
        """
        if self.locked:
            notes.append(f"{self.name}: {self.locked}")
            return
        if self.path is None:
            if sys.stdin is None:
                raise MissingInput("-: standard input is closed")
            yield from _decompressed(_until_interrupted(sys.stdin.buffer, notes), self.name, notes)
            return
        try:
            with self.path.open("rb") as stream:
                yield from _decompressed(_read(stream), self.name, notes)
        except OSError as error:
            why = f"{self.name}: {error.strerror or error}"
            if self.named:
                raise MissingInput(why) from None
            notes.append(why)  # one of many in a folder


def inputs(paths: Iterable[str]) -> Iterator[Input]:
    """What ``paths`` name: files, folders (everything below, hidden files left out), globs, ``-`` for stdin.

    A file that is named twice, however it is spelled, is given once, by its first name. Raises :class:`MissingInput` when
    a path does not exist or a glob matches nothing.
    """
    seen: set[object] = set()
    for path in paths:
        for item in _expanded(path):
            key = _identity(item)
            if key not in seen:
                seen.add(key)
                yield item


def _identity(item: Input) -> object:
    """What tells one file from another; names where the system does not."""
    try:
        found = item.path.stat() if item.path is not None else None
    except OSError:
        found = None
    return (found.st_dev, found.st_ino) if found is not None and found.st_ino else item.name


def _expanded(path: str) -> Iterator[Input]:
    if not path:
        raise MissingInput("an empty path was given (an unset variable?)")
    if path == "-":
        yield Input("-", None, named=True)
        return
    here = Path(path)
    if here.is_dir():
        try:
            os.scandir(here).close()
        except OSError as error:
            raise MissingInput(f"{path}: {error.strerror or error}") from None
        yield from _below(here)
    elif here.exists():
        yield Input(path, here, named=True)
    elif glob.has_magic(path):
        found = sorted(glob.glob(path, recursive=True))
        if not found:
            raise MissingInput(f"{path}: no file matches")
        for name in found:
            if Path(name).is_file():
                yield Input(name, Path(name), named=False)
    else:
        raise MissingInput(f"{path}: no such file or folder")


def _below(folder: Path) -> Iterator[Input]:
    """The files below ``folder``, and the folders there that may not be listed."""
    locked: list[Input] = []
    for place, folders, files in os.walk(folder, onerror=lambda error: locked.append(_locked(error))):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            file = Path(place) / name
            if file.is_file() and not name.startswith("."):
                yield Input(str(file), file, named=False)
    yield from locked


def _locked(error: OSError) -> Input:
    return Input(str(error.filename), Path(error.filename), named=False, locked=error.strerror or str(error))


def _read(stream: BinaryIO) -> Iterator[bytes]:
    # read1 returns what a pipe has now, so a live stream is followed
    read: Callable[[int], bytes | None] = getattr(stream, "read1", None) or stream.read
    while chunk := read(CHUNK_BYTES):
        yield chunk


def _until_interrupted(stream: BinaryIO, notes: list[str]) -> Iterator[bytes]:
    """Ctrl-C ends a live capture: what came before it is judged, also when it comes while a chunk is being judged."""
    import signal

    interrupted = reading = False

    def stop(number: int, frame: object) -> None:
        nonlocal interrupted
        interrupted = True
        if reading:
            raise KeyboardInterrupt

    before = (
        signal.signal(signal.SIGINT, stop) if threading.current_thread() is threading.main_thread() else None
    )
    chunks = _read(stream)
    try:
        while not interrupted:
            try:
                reading = True
                chunk = next(chunks, None)
                reading = False
            except KeyboardInterrupt:
                break
            if chunk is None:
                return
            yield chunk
        notes.append("-: interrupted; judged what had come until then")
    finally:
        reading = False
        if before is not None:
            signal.signal(signal.SIGINT, before)


def _decompressed(chunks: Iterator[bytes], name: str, notes: list[str]) -> Iterator[bytes]:
    """Undo gzip (several members too); a damaged end yields what stands before it and a note."""
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= 2:
            break
    if not head.startswith(_GZIP):
        if head:
            yield head
        yield from chunks
        return
    unzip = zlib.decompressobj(wbits=31)
    data = head
    read = len(head)
    whole = False  # the last member ended, nothing of a further one was seen
    try:
        while True:
            while data:
                whole = False
                # in bounded pieces, out as well as in: a small file may unpack to gigabytes, and damage must not
                # take what stands before it along
                piece, data = data[:_PIECE_BYTES], data[_PIECE_BYTES:]
                plain = unzip.decompress(piece, CHUNK_BYTES)
                if plain:
                    yield plain
                data = unzip.unconsumed_tail + data
                if unzip.eof:
                    data = (unzip.unused_data + data).lstrip(b"\0")
                    unzip = zlib.decompressobj(wbits=31)
                    whole = True
            following = next(chunks, None)
            if following is None:
                break
            data = following
            read += len(data)
    except zlib.error as error:
        wrong = "checksum" if "incorrect data check" in str(error) else "damaged"
        if wrong == "checksum":
            notes.append(f"{name}: gzip's checksum does not match: some of it is not what was written")
        else:
            notes.append(
                f"{name}: gzip is damaged near byte {read - len(data)} ({error}); read what stands before it"
            )
        return
    if not whole:
        notes.append(f"{name}: gzip ends early, after {read} bytes; read what is there")

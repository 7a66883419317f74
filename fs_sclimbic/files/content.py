"""What a path holds: a file with content or something else, compressed or not, read in pieces of bounded size."""

import errno
import io
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import BinaryIO, Protocol

from .gzip_stream import GzipStream

GZIP_MAGIC = b"\x1f\x8b"
MAX_DEFLATE_RATIO = 1040
"""Deflate makes nothing smaller than 1 : 1032."""
PIECE_BYTES = 1 << 22
SHELL_PIPES = ("/dev/fd/", "/proc/self/fd/", "/dev/stdin")
"""Where a shell puts the output of a command, as for <(command)."""
MAX_TAIL_BYTES = 1 << 24
"""How far a file is read on after the last value, for its checksum."""
MAX_POINTER_BYTES = 32 << 10
LFS_START = b"version https://git-lfs.github.com/spec/"
ANNEX_START = b"/annex/objects/"
ANNEX_FOLDER = "annex/objects"
KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe (fifo): write its content to a file first",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class ContentError(Exception):
    """Why a file's content cannot be used, without the file's name: the reader adds it."""


def quote_text(text: str, max_characters: int = 60) -> str:
    """Quote what a file holds for a message.

    Parameters
    ----------
    text : str
    max_characters : int
        A longer text is cut.

    Returns
    -------
    str
        One line without control characters, which a terminal would obey.
    """
    words = " ".join(text.split())
    short = words if len(words) <= max_characters else f"{words[:max_characters]}..."
    return "'" + "".join(sign if sign.isprintable() else "?" for sign in short) + "'"


def describe_unreadable(error: OSError) -> str:
    """Why the system does not let a file be read, and what to do.

    Parameters
    ----------
    error : OSError

    Returns
    -------
    str
        The end of a message that begins with the file's name.
    """
    if error.errno in (errno.EACCES, errno.EPERM):
        advice = "; change the permissions of the file or its folders, or leave it out"
    elif error.errno in (errno.EIO, errno.ESTALE):
        advice = "; check the disk or its mount, and run this again"
    else:
        advice = ""
    return f"cannot be read ({error.strerror or error}){advice}"


def check_content(path: str | PathLike[str], noun: str = "file") -> None:
    """Check that a path is a file with content, without reading it.

    Parameters
    ----------
    path : path-like
    noun : str
        What is expected there, for the message.

    Raises
    ------
    ContentError
        If the file is missing, empty, of another kind (folder, pipe, socket, device), or stands for content that is
        not here (git-annex, Git LFS).
    """
    try:
        status = os.stat(path)
    except FileNotFoundError as error:
        raise ContentError(_why_missing(path, noun)) from error
    except OSError as error:
        raise ContentError(f"{noun} {describe_unreadable(error)}") from error
    except ValueError as error:
        raise ContentError(f"{noun} cannot be read ({error})") from error
    if not stat.S_ISREG(status.st_mode):
        raise ContentError(f"is not a file but {KINDS.get(stat.S_IFMT(status.st_mode), 'something else')}")
    if status.st_size == 0:
        raise ContentError(f"file is empty (0 bytes): copy or convert the {noun} again")
    if status.st_size <= MAX_POINTER_BYTES:
        _check_pointer(path, noun)


def find_problem(path: str | PathLike[str], noun: str) -> str | None:
    """Why a path is no file with content.

    Parameters
    ----------
    path : path-like
    noun : str
        What is expected there, for the message.

    Returns
    -------
    str or None
        One line that begins with the path; None where nothing is wrong.
    """
    try:
        check_content(path, noun)
    except ContentError as error:
        return f"{path}: {error}"
    return None


def is_shell_pipe(path: str | PathLike[str]) -> bool:
    """Whether a path is the output of a command, which ends with its command; a named pipe in a folder may never."""
    if not os.fspath(path).startswith(SHELL_PIPES):
        return False
    try:
        return stat.S_ISFIFO(os.stat(path).st_mode)
    except OSError:
        return False


def _why_missing(path: str | PathLike[str], noun: str) -> str:
    try:
        target = os.readlink(path)
    except OSError:
        return f"{noun} does not exist"
    if ANNEX_FOLDER in target.replace(os.sep, "/"):
        return f"is a git-annex link whose content is not here: get it first (datalad get {Path(path).name})"
    return f"is a link to {target}, which does not exist"


def _check_pointer(path: str | PathLike[str], noun: str) -> None:
    with _opened(path, noun) as file:
        start = file.read(len(LFS_START))
    if start == LFS_START:
        raise ContentError("is a Git LFS pointer whose content is not here: get it first (git lfs pull)")
    if start.startswith(ANNEX_START):
        raise ContentError(
            f"is a git-annex pointer whose content is not here: get it first (datalad get {Path(path).name})"
        )


def _opened(path: str | PathLike[str], noun: str) -> BinaryIO:
    try:
        return open(path, "rb")
    except OSError as error:
        raise ContentError(f"{noun} {describe_unreadable(error)}") from error


def read_small_file(path: str | PathLike[str], *, noun: str, max_bytes: int = 1 << 24) -> bytes:
    """Read a file that is small by its nature, such as a table or a transform; also what a shell pipes.

    Parameters
    ----------
    path : path-like
    noun : str
        What is expected there, for the message.
    max_bytes : int
        A larger file is something else.

    Returns
    -------
    bytes

    Raises
    ------
    ContentError
        As for `check_content`, or if the file is larger or cannot be read.
    """
    if not is_shell_pipe(path):
        check_content(path, noun)
    try:
        content = read_bounded(path, max_bytes)
    except OSError as error:
        raise ContentError(f"{noun} cannot be read ({error.strerror})") from error
    if content is None:
        raise ContentError(f"is larger than {max_bytes >> 20} MB, which no {noun} is: give another file")
    return content


def read_bounded(path: str | PathLike[str], max_bytes: int) -> bytes | None:
    """Read a file or a pipe to its end; None if there is more than ``max_bytes``.

    Parameters
    ----------
    path : path-like
    max_bytes : int

    Returns
    -------
    bytes or None

    Raises
    ------
    OSError
        If it cannot be read.
    """
    content = io.BytesIO()
    with open(path, "rb") as file:
        # In pieces: asked for a number of bytes, Python sets aside so many, whatever the file has.
        while piece := file.read(min(max_bytes + 1 - content.tell(), PIECE_BYTES)):
            content.write(piece)
    return content.getvalue() if content.tell() <= max_bytes else None


class ByteStream(Protocol):
    """What can be read in pieces."""

    def read(self, count: int, /) -> bytes:
        """Read at most so many bytes; none at the end alone."""


class ContentReader:
    """The content of a file from its start, decompressed if it is gzip. Made by `open_content`.

    Parameters
    ----------
    stream : ByteStream
        Of the decompressed content.
    compressed : bool
        Whether the file is gzip.
    file_bytes : int
        Size of the file.
    """

    def __init__(self, stream: ByteStream, *, compressed: bool, file_bytes: int) -> None:
        self._stream = stream
        self.compressed = compressed
        """Whether the file is gzip."""
        self.file_bytes = file_bytes
        """Size on disk."""

    @property
    def max_bytes(self) -> int:
        """No more content than this can be in the file."""
        return self.file_bytes * (MAX_DEFLATE_RATIO if self.compressed else 1)

    def read(self, count: int) -> bytes:
        """Read up to ``count`` bytes; fewer at the end of the file."""
        content = io.BytesIO()
        while piece := self._stream.read(min(count - content.tell(), PIECE_BYTES)):
            content.write(piece)
        return content.getvalue()

    def skip(self, count: int) -> None:
        """Leave out ``count`` bytes."""
        while count > 0 and (piece := self._stream.read(min(count, PIECE_BYTES))):
            count -= len(piece)

    def fill(self, buffer: memoryview) -> int:
        """Read into a buffer; returns how many bytes were left."""
        filled = 0
        while filled < len(buffer):
            piece = self._stream.read(min(len(buffer) - filled, PIECE_BYTES))
            if not piece:
                break
            buffer[filled : filled + len(piece)] = piece
            filled += len(piece)
        return filled

    @property
    def has_other_bytes(self) -> bool:
        """Whether bytes that are no gzip follow the gzip; known at the end."""
        return isinstance(self._stream, GzipStream) and self._stream.has_other_bytes

    def check_end(self) -> bool:
        """Read on to the end, where gzip has a checksum over all before.

        Returns
        -------
        bool
            Whether the end is there.

        Raises
        ------
        ContentError
            If the checksum is another.
        """
        try:
            self.skip(MAX_TAIL_BYTES)
        except EOFError:
            return False
        except (OSError, zlib.error) as error:
            raise ContentError(f"image is damaged ({error}); copy or convert it again") from error
        return True


@contextmanager
def open_content(path: str | PathLike[str], noun: str = "file") -> Iterator[ContentReader]:
    """Open a file, compressed or not, whatever its name says.

    Parameters
    ----------
    path : path-like
    noun : str
        What is expected there, for the message.

    Yields
    ------
    ContentReader

    Raises
    ------
    ContentError
        As for `check_content`.
    """
    check_content(path, noun)
    with _opened(path, noun) as file:
        compressed = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        file.seek(0)
        size = os.fstat(file.fileno()).st_size
        if not compressed:
            yield ContentReader(file, compressed=False, file_bytes=size)
            return
        yield ContentReader(GzipStream(file), compressed=True, file_bytes=size)

"""Read gzip piece by piece, with what other programs leave behind it."""

import zlib
from typing import BinaryIO

MEMBER_START = b"\x1f\x8b\x08"
"""Gzip, and its one way to compress."""
GZIP_WINDOW_BITS = 31
"""Tells zlib to expect gzip's header and checksum."""
INPUT_BYTES = 1 << 17


class GzipStream:
    """The decompressed content of a gzip file, of all its members.

    Unlike Python's gzip module it ends at bytes that are no gzip behind a whole member, as gunzip does: signatures and
    the padding of tapes lie there.

    Parameters
    ----------
    file : binary file
        At the start of gzip.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._input = b""
        self._member: zlib._Decompress | None = zlib.decompressobj(GZIP_WINDOW_BITS)
        self.has_other_bytes = False
        """Whether bytes that are no gzip, and not all zero, follow; known at the end."""

    def read(self, count: int) -> bytes:
        """Read some bytes.

        Parameters
        ----------
        count : int
            At most so many.

        Returns
        -------
        bytes
            Empty at the end alone.

        Raises
        ------
        EOFError
            If the file ends within gzip.
        zlib.error
            If gzip is damaged, or its checksum is another.
        """
        while self._member is not None and count > 0:
            if self._member.eof:
                self._open_next(self._member.unused_data)
                continue
            source = self._input or self._file.read(INPUT_BYTES)
            piece = self._member.decompress(source, count)
            self._input = self._member.unconsumed_tail
            if piece:
                return piece
            if not source and not self._member.eof:
                raise EOFError("the file ends within gzip")
        return b""

    def _open_next(self, rest: bytes) -> None:
        """Go to the next member, or note the end; ``rest`` was read already."""
        while len(rest := rest.lstrip(b"\0")) < len(MEMBER_START) and (more := self._file.read(INPUT_BYTES)):
            rest += more
        is_member = rest.startswith(MEMBER_START)
        self._member = zlib.decompressobj(GZIP_WINDOW_BITS) if is_member else None
        self._input = rest if is_member else b""
        self.has_other_bytes = bool(rest) and not is_member

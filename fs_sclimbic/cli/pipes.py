"""A reader of our output that goes away (``| head``, a closed terminal) ends neither the work nor in a message."""

import errno
import io
import os
import stat
import sys

READER_HAS_GONE = (errno.EPIPE, errno.EIO, errno.EBADF)
"""What the system says of a pipe without a reader, a terminal that was closed, a descriptor that was closed."""


class OutlivingFile(io.FileIO):
    """A pipe or terminal to write to; once its reader has gone, what is written is dropped."""

    def write(self, content: object) -> int:
        """Write bytes; returns how many were taken."""
        try:
            return super().write(content)  # type: ignore[arg-type]
        except OSError as error:
            if error.errno not in READER_HAS_GONE:
                raise
            sink = os.open(os.devnull, os.O_WRONLY)
            if sink != self.fileno():  # the same where the descriptor was closed
                os.dup2(sink, self.fileno())
                os.close(sink)
            return len(memoryview(content))  # type: ignore[arg-type]


def outlive_readers() -> None:
    """Let standard output and standard error, where they are pipes or terminals, go on without their readers."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if not isinstance(stream, io.TextIOWrapper) or isinstance(getattr(stream.buffer, "raw", None), OutlivingFile):
            continue
        try:
            stream.flush()
            descriptor = stream.fileno()
            mode = os.fstat(descriptor).st_mode
        except (OSError, ValueError):  # closed, or not a file of the system
            continue
        # A terminal is a character device. (isatty denies one that was closed.)
        if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or stat.S_ISCHR(mode):
            binary = io.BufferedWriter(OutlivingFile(descriptor, "w", closefd=False))
            lines = stream.line_buffering
            setattr(sys, name, io.TextIOWrapper(binary, stream.encoding, stream.errors, line_buffering=lines))

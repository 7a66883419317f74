"""A reader of our output that goes away early (``| head``) ends neither the work nor in a message."""

import io
import os
import stat
import sys


class PipeFile(io.FileIO):
    """The writing end of a pipe; once its reader has gone, what is written is dropped."""

    def write(self, content: object) -> int:
        """Write bytes; returns how many were taken."""
        try:
            return super().write(content)  # type: ignore[arg-type]
        except BrokenPipeError:
            sink = os.open(os.devnull, os.O_WRONLY)
            os.dup2(sink, self.fileno())
            os.close(sink)
            return len(memoryview(content))  # type: ignore[arg-type]


def outlive_readers() -> None:
    """Let standard output and standard error, where they are pipes, go on without their readers."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if not isinstance(stream, io.TextIOWrapper) or isinstance(getattr(stream.buffer, "raw", None), PipeFile):
            continue
        try:
            stream.flush()
            descriptor = stream.fileno()
            mode = os.fstat(descriptor).st_mode
        except (OSError, ValueError):  # closed, or not a file of the system
            continue
        if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
            binary = io.BufferedWriter(PipeFile(descriptor, "w", closefd=False))
            lines = stream.line_buffering
            setattr(sys, name, io.TextIOWrapper(binary, stream.encoding, stream.errors, line_buffering=lines))

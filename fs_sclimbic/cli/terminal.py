"""Text for a terminal."""

import re

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""Control characters but tab and line end: escape codes move the cursor, change colours, or write files' names."""


def printable(text: str) -> str:
    r"""Show control characters as Python writes them, so that a file's name cannot steer the terminal.

    Examples
    --------
    >>> printable("head\x1b[2J.mgz")
    'head\\x1b[2J.mgz'
    """
    return CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)

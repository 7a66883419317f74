"""Text for a terminal."""

import re

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""Control characters without tab and line end: escape codes move the cursor, or change colours and titles."""


def printable(text: str) -> str:
    """Show control characters as Python writes them, so that a file's name cannot steer the terminal."""
    return CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)

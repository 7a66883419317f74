"""A message to people, as a value, from where it arises to where it is printed."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["note", "warning", "error"]


@dataclass(frozen=True)
class Notice:
    """What a reader of the results should know."""

    severity: Severity
    """``note``: how it was done; ``warning``: a number may be wrong; ``error``: there is no result."""
    text: str
    """One line, a sentence without a full stop at its end."""
    case: str | None = None
    """The case it is about; None: all of them."""

"""A flag: what looks wrong about a case or one of its structures; and the verdict that follows from the flags."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["look", "bad"]
Verdict = Literal["good", "look", "bad"]


@dataclass(frozen=True, kw_only=True)
class Flag:
    """What looks wrong about a case, or about one structure of it."""

    kind: str
    """Name of the check that found it, such as ``ASYMMETRY``; the keys of the table of thresholds."""
    severity: Severity
    """``look``: a person should look at it. ``bad``: the numbers should not be used."""
    reason: str
    """A sentence without full stop for people, such as ``right accumbens is 103 mm^3 against 374 on the left``."""
    structure: str | None = None
    """StructName; None where the whole case is meant."""
    value: float | None = None
    """What was measured, in the unit of the check."""
    threshold: float | None = None
    """The limit that it passes."""


@dataclass(frozen=True, kw_only=True)
class CaseVerdict:
    """All flags of a case."""

    case: str
    flags: tuple[Flag, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The worst of the flags; ``good`` without flags."""
        severities = {flag.severity for flag in self.flags}
        return "bad" if "bad" in severities else "look" if "look" in severities else "good"

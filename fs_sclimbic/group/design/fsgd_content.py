"""What the lines of an FSGD say, and what is wrong or odd about them, each with its line."""

from dataclasses import dataclass, field

from .design import GroupClass, Method

# Longest names and most entries that mri_glmfit has room for; it does not check.
MAX_BYTES = {"class name": 99, "variable name": 99, "subject name": 99, "title": 199}
MAX_COUNT = {"classes": 128, "variables": 128, "contrasts": 50, "subjects": 39999}


@dataclass(frozen=True)
class Input:
    """One Input line."""

    line: int
    subject: str
    class_name: str
    words: list[str]


@dataclass
class Found:
    """What the lines of a file say, filled while they are read."""

    title: str = ""
    title_line: int = 0
    last_line: int = 0
    """The last line that says something."""
    classes: dict[str, tuple[int, GroupClass]] = field(default_factory=dict)
    variables: tuple[str, ...] | None = None
    variables_line: int = 0
    inputs: list[Input] = field(default_factory=list)
    early: dict[str, list[int]] = field(default_factory=dict)
    """Lines of inputs whose class was not known yet."""
    method: Method | None = None
    method_line: int = 0
    numbers: dict[str, float] = field(default_factory=dict)
    """DeMeanFlag, ReScaleFlag, ResidualFWHM, LogY."""
    words: dict[str, str] = field(default_factory=dict)
    """Tags with one word, in lower case."""
    words_line: dict[str, int] = field(default_factory=dict)
    contrasts: dict[str, tuple[int, list[float]]] = field(default_factory=dict)
    stacked: dict[str, tuple[int, list[str]]] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    """Names of contrasts of both kinds."""


@dataclass
class Notes:
    """What was found wrong (problems) or odd (warnings), with the line, or 0 for the file as a whole."""

    source: str
    problems: list[tuple[int, str]] = field(default_factory=list)
    warnings: list[tuple[int, str]] = field(default_factory=list)

    def problem(self, line: int, text: str) -> None:
        """Note something that makes the file unusable.

        Parameters
        ----------
        line : int
            0 for the file as a whole.
        text : str
        """
        self.problems.append((line, text))

    def warning(self, line: int, text: str) -> None:
        """Note something that looks odd but may be meant.

        Parameters
        ----------
        line : int
            0 for the file as a whole.
        text : str
        """
        self.warnings.append((line, text))

    def located(self, notes: list[tuple[int, str]]) -> tuple[str, ...]:
        """Notes in the order of the file, with its name and the line."""
        return tuple(
            f"{self.source}:{line}: {text}" if line else f"{self.source}: {text}"
            for line, text in sorted(notes, key=lambda note: note[0])
        )

    def has_room(self, line: int, kind: str, text: str) -> None:
        """Warn of a text that is longer than mri_glmfit's buffer.

        Parameters
        ----------
        line : int
        kind : str
            A key of `MAX_BYTES`.
        text : str
        """
        if len(text.encode(errors="replace")) > MAX_BYTES[kind]:
            self.warning(
                line, f"{kind} '{text[:20]}...' is longer than the {MAX_BYTES[kind]} bytes that mri_glmfit has room for"
            )

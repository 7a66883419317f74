""".bidsignore: which files of a dataset are left out, in the patterns of .gitignore."""

import re
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from ..errors import UsageError

IGNORE_FILE = ".bidsignore"


@dataclass(frozen=True)
class IgnoreRules:
    """Patterns in the order of the file; the last that fits a path decides."""

    patterns: tuple[tuple[re.Pattern[str], bool, bool], ...] = ()
    """The pattern of a path within the dataset, whether it ignores (not ``!``), whether it fits folders alone."""

    def ignores(self, path: str) -> bool:
        """Whether a file, or a folder that it lies in, is ignored.

        Parameters
        ----------
        path : str
            Of a file within the dataset, with ``/`` between folders.

        Returns
        -------
        bool
        """
        parts = path.split("/")
        # What lies in an ignored folder cannot be taken back, as in git.
        folders = ("/".join(parts[:count]) for count in range(1, len(parts)))
        return any(self._fits(folder, is_folder=True) for folder in folders) or self._fits(path, is_folder=False)

    def _fits(self, path: str, *, is_folder: bool) -> bool:
        ignored = False
        for pattern, ignores, for_folders in self.patterns:
            if (is_folder or not for_folders) and pattern.fullmatch(path):
                ignored = ignores
        return ignored


def read_ignore_rules(dataset: str | PathLike[str]) -> IgnoreRules:
    """Read the .bidsignore of a dataset; none where there is no such file.

    Raises
    ------
    UsageError
        If the file cannot be read.
    """
    file = Path(dataset) / IGNORE_FILE
    try:
        text = file.read_text("utf-8", "surrogateescape")
    except FileNotFoundError:
        return IgnoreRules()
    except OSError as error:
        raise UsageError(f"{file}: cannot be read ({error.strerror}); it says which files are left out") from error
    return parse_ignore_rules(text)


def parse_ignore_rules(text: str) -> IgnoreRules:
    r"""The rules of a .bidsignore.

    Examples
    --------
    >>> rules = parse_ignore_rules("sub-03/\n*_acq-bad_*\n")
    >>> rules.ignores("sub-03/anat/sub-03_T1w.nii.gz"), rules.ignores("sub-04/anat/sub-04_T1w.nii.gz")
    (True, False)
    """
    lines = (line.rstrip() for line in text.splitlines())
    return IgnoreRules(tuple(_pattern(line) for line in lines if line and not line.startswith("#")))


def _pattern(line: str) -> tuple[re.Pattern[str], bool, bool]:
    ignores = not line.startswith("!")
    body = line.removeprefix("!").removeprefix("\\")
    for_folders, body = body.endswith("/"), body.rstrip("/")
    start = "(?:.*/)?" if "/" not in body else ""  # without a slash inside it fits at any depth
    try:
        pattern = re.compile(start + _expression(body.lstrip("/")))
    except re.error:  # such as [z-a]
        pattern = re.compile(start + re.escape(body.lstrip("/")))
    return pattern, ignores, for_folders


def _expression(glob: str) -> str:
    """The regular expression of a glob: ``*`` stays within a folder, ``**`` does not."""
    glob = re.sub(r"(\*\*/)+", "**/", glob)  # many of them mean one, and would take for ever
    parts = re.split(r"(\*\*/|\*+|\?|\[[^]]*\])", glob)
    signs = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(signs.get(part) or _literal_or_set(part) for part in parts)


def _literal_or_set(part: str) -> str:
    if not (part.startswith("[") and part.endswith("]") and len(part) > 2):
        return ".*" if part.startswith("**") else re.escape(part)
    inside = part[1:-1]
    negated = inside[0] in "!^" and len(inside) > 1
    # All but ranges such as a-z stands for itself.
    signs = re.sub(r"(?<![a-zA-Z0-9])-|-(?![a-zA-Z0-9])|[^a-zA-Z0-9-]", lambda sign: "\\" + sign[0], inside[negated:])
    return f"[{'^' * negated}{signs}]"

"""Groups of cases, such as sites, from a column of a table of participants."""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from ...errors import TableError, UsageError
from ...files.content import ContentError, read_small_file

NO_GROUP = "n/a"
ID_COLUMNS = ("participant_id", "subject", "subject_id", "case", "id")
"""Names of the column of names; without any of them it is the first one."""
BIDS_PREFIX = "sub-"
BIDS_SUBJECT = re.compile(r"(sub-[A-Za-z0-9]+)(?![A-Za-z0-9])")


@dataclass(frozen=True, kw_only=True)
class SiteGroups:
    """Which group each case belongs to."""

    name: str
    """Of the column."""
    groups: Mapping[str, str]
    """By name of case; NO_GROUP for those that the table lacks."""

    @property
    def lacking(self) -> tuple[str, ...]:
        """Names of the cases without a group."""
        return tuple(name for name, group in self.groups.items() if group == NO_GROUP)


def read_site_groups(path: str | PathLike[str], column: str, cases: Sequence[str]) -> SiteGroups:
    """Read the groups of cases.

    Parameters
    ----------
    path : path-like
        Tab-separated, or comma-separated: a header, and one row a participant.
    column : str
        Name of the column with the groups.
    cases : sequence of str
        Names of cases: those of the table, with or without ``sub-``, or file names that begin with ``sub-<name>``.

    Returns
    -------
    SiteGroups

    Raises
    ------
    TableError
        If the table cannot be read, or gives a participant two groups.
    UsageError
        If it lacks the column, or no case is in it.
    """
    file = Path(path)
    try:
        text = read_small_file(file, noun="table of participants").decode("utf-8-sig")
    except (ContentError, UnicodeDecodeError) as error:
        raise TableError(f"{file}: table of participants cannot be read ({error})") from error
    lines = text.splitlines()
    rows = list(csv.reader(lines, delimiter="\t" if lines and "\t" in lines[0] else ","))
    header = [cell.strip() for cell in rows[0]] if rows else []
    if column not in header:
        raise UsageError(f"{file}: no column '{column}'; the columns are {', '.join(header) or 'none'}")
    names = next((header.index(name) for name in ID_COLUMNS if name in header), 0)
    groups: dict[str, str] = {}
    for number, row in enumerate(rows[1:], 2):
        if len(row) <= max(names, header.index(column)):
            continue
        name, group = row[names].strip().removeprefix(BIDS_PREFIX), row[header.index(column)].strip() or NO_GROUP
        if groups.setdefault(name, group) != group:
            raise TableError(f"{file}:{number}: gives '{name}' a second {column}, {group} beside {groups[name]}")
    found = {case: _group_of(case, groups) for case in cases}
    if found and set(found.values()) == {NO_GROUP}:
        raise UsageError(f"{file}: none of the cases is in the table, such as {next(iter(found))}")
    return SiteGroups(name=column, groups=found)


def _group_of(case: str, groups: Mapping[str, str]) -> str:
    subject = BIDS_SUBJECT.match(case)
    keys = [case.removeprefix(BIDS_PREFIX), *([subject[1].removeprefix(BIDS_PREFIX)] if subject else [])]
    return next((groups[key] for key in keys if key in groups), NO_GROUP)

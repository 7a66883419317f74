"""The flags that leave out what ratings exclude, of table and glm."""

import argparse
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from .terminal import printable

if TYPE_CHECKING:
    from ..group.text_table import GroupTable
    from ..qc.exclusion import Exclusion


def _comma_list(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def add_exclusion_flags(add: Callable[..., object], effect: str) -> None:
    """Add the flags to a group of a parser.

    Parameters
    ----------
    add : callable
        The group's ``add_argument``.
    effect : str
        What becomes of an excluded structure.
    """
    add(
        "--exclude-from",
        metavar="TSV",
        help=f"ratings of the pages of fs_sclimbic qc: cases that are rated fail are left out; {effect}",
    )
    add(
        "--exclude-ratings",
        metavar="WORD,...",
        type=_comma_list,
        help="the ratings that exclude, of fail, artefact, unsure; of several raters one is enough (default: fail)",
    )


def read_given_exclusion(args: argparse.Namespace) -> "Exclusion | None":
    """What the flags exclude; None without them."""
    from ..errors import UsageError
    from ..qc.exclusion import DEFAULT_EXCLUDED, read_exclusion

    if not args.exclude_from:
        if args.exclude_ratings:
            raise UsageError("--exclude-ratings goes with --exclude-from")
        return None
    return read_exclusion(args.exclude_from, args.exclude_ratings or DEFAULT_EXCLUDED)


def leave_out_rated(table: "GroupTable", args: argparse.Namespace) -> "tuple[GroupTable, str]":
    """Leave out of a table what ratings exclude, and print what that is.

    Parameters
    ----------
    table : GroupTable
    args : argparse.Namespace
        With ``match``, how cases are looked for.

    Returns
    -------
    GroupTable
    str
        What is written for a missing value.
    """
    from ..group.left_out import mark_excluded, without_excluded
    from ..group.name_matching import NameRule

    exclusion = read_given_exclusion(args)
    if exclusion is None:
        return table, "nan"
    marked = mark_excluded(table, exclusion, "the table", NameRule(match=args.match))
    for line in marked.said:
        is_doubt = line in marked.doubts
        print(printable(f"WARNING: {line}" if is_doubt else line), file=sys.stderr if is_doubt else sys.stdout)
    return without_excluded(marked), "n/a"

"""fs_sclimbic ratings: the ratings of several people in one table, and how far they agree."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from .arguments import ALL_DONE
from .guard import in_one_line
from .terminal import printable

if TYPE_CHECKING:
    from ..qc.agreement import Agreement, Kappa

PROGRAM = "fs_sclimbic ratings"
DESCRIPTION = """\
Count the ratings that were saved from the pages of fs_sclimbic qc, put those of several people into one table, and
measure how far each two of them agree: Cohen's kappa of pass, fail, artefact and unsure, and of the scores with
quadratic weights, with its 95 % confidence interval."""

EPILOG = """\
examples:
  fs_sclimbic ratings ann.tsv bob.tsv --o ratings.tsv
  fs_sclimbic table --all --sd subjects --exclude-from ratings.tsv -t sclimbic.dat

Who gave no name is called by the file. Of what one person says twice the later counts.

exit status: 0 good, 1 failed, 2 the command line makes no sense"""
MAX_DIFFERENCES = 20
"""Differences of two raters that are listed."""


def build_parser() -> argparse.ArgumentParser:
    """The command line of fs_sclimbic ratings."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("tables", metavar="TSV", nargs="+", help="tables of ratings, of one person each or of several")
    parser.add_argument("--o", metavar="TSV", help="write all of them as one table")
    parser.add_argument("--debug", action="store_true", help="print details and tracebacks")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run fs_sclimbic ratings; returns 0, 1 (failed) or 2 (usage)."""
    try:
        args = build_parser().parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)
    return in_one_line(PROGRAM, args.debug, lambda: _ratings(args))


def _ratings(args: argparse.Namespace) -> int:
    from itertools import combinations
    from pathlib import Path

    from ..errors import UsageError
    from ..qc.agreement import compare_raters
    from ..qc.ratings import RATINGS, merge_ratings, read_ratings, write_ratings

    names = [Path(table).name.removesuffix(".tsv") for table in args.tables]
    if twice := {name for name in names if names.count(name) > 1}:
        raise UsageError(f"files of one name stand for one rater: rename {', '.join(sorted(twice))}")
    merged = merge_ratings({name: read_ratings(table) for name, table in zip(names, args.tables, strict=True)})
    by_rater = {name: [one for one in merged if one.rater == name] for name in sorted({one.rater for one in merged})}
    for name, ratings in by_rater.items():
        cases: list[str | None] = [one.rating for one in ratings if one.structure is None]
        counts = {word or "without a rating": cases.count(word) for word in (*RATINGS, None)}
        words = ", ".join(f"{count} {word}" for word, count in counts.items() if count) or "none"
        print(printable(f"{name}: {len(cases)} cases ({words}), {len(ratings) - len(cases)} structures"))
    for one, other in combinations(by_rater, 2):
        for line in _agreement_lines(compare_raters(by_rater[one], by_rater[other], (one, other))):
            print(printable(line))
    if args.o:
        write_ratings(args.o, merged)
        print(printable(f"wrote {args.o}: {len(merged)} ratings"))
    return ALL_DONE


def _agreement_lines(found: "Agreement") -> Iterator[str]:
    first, second = found.raters
    yield f"{first} and {second}:"
    yield f"  ratings: {_kappa_words(found.ratings)}"
    if found.scores.n:
        yield f"  scores:  {_kappa_words(found.scores)}"
    if any(found.only):
        yield f"  rated by one alone: {found.only[0]} by {first}, {found.only[1]} by {second}"
    for a, b in found.differing[:MAX_DIFFERENCES]:
        what = a.case if a.structure is None else f"{a.case} {a.structure}"
        yield f"  {what}: {a.rating or 'no rating'} / {b.rating or 'no rating'}"
    if len(found.differing) > MAX_DIFFERENCES:
        yield f"  ... and {len(found.differing) - MAX_DIFFERENCES} more"


def _kappa_words(kappa: "Kappa") -> str:
    if not kappa.n:
        return "nothing was rated by both"
    share = f"{kappa.n} rated by both, {100 * kappa.agreed:.0f} % alike"
    if kappa.kappa != kappa.kappa:
        return f"{share}; kappa n/a: both give one and the same to all"
    weights = "" if kappa.weights == "none" else f" ({kappa.weights} weights)"
    return f"{share}; kappa {kappa.kappa:.2f}{weights}, 95 % interval {kappa.low:.2f} to {kappa.high:.2f}"


if __name__ == "__main__":
    sys.exit(main())

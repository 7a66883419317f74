"""fs_sclimbic harmonize: take differences of sites out of a table, and keep the design's effects."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from .arguments import ALL_DONE, bare_session
from .guard import in_one_line
from .terminal import printable

PROGRAM = "fs_sclimbic harmonize"
DESCRIPTION = """\
Take differences of sites (scanners) in mean and spread out of a table of volumes: ComBat with parametric empirical
Bayes. Effects of the kept columns stay. eTIV and other measures of the whole head stay as they are."""

EPILOG = """\
examples:
  fs_sclimbic harmonize sclimbic.dat --participants participants.tsv --site site --keep age,sex,group,eTIV \\
      -o harmonized.dat --save-model sites.json
  fs_sclimbic harmonize new.dat --participants new.tsv --site site --keep age,sex,group,eTIV \\
      --apply sites.json -o new_harmonized.dat
  fs_sclimbic glm --table harmonized.dat --fsgd study.fsgd --contrast "Patient-Control" --glmdir glm

Beside the table go NAME.provenance.json, by which glm knows that it is harmonised, NAME.sites.tsv (mean and spread of
each site before and after), and NAME.sites.png.

Refused: one site, fewer than 3 subjects a site, effects that are confounded with sites, several rows of a person,
missing values and volumes of 0 (--missing drop leaves those subjects out).

Every effect that is tested later belongs to --keep. Where groups are not balanced over sites, or sites are small, p
values after a harmonisation are too small; 'glm --covariates site' of the table as it was is right. See
docs/harmonize.md.

exit status: 0 written, 1 failed, 2 the command line makes no sense"""


def build_parser() -> argparse.ArgumentParser:
    """The command line of fs_sclimbic harmonize."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("table", metavar="TABLE", help="subjects in rows, structures in columns, as glm --table takes it")
    add("-o", "--o", dest="output", metavar="FILE", required=True, help="harmonised table to write")
    add("--participants", metavar="FILE", required=True, help="CSV or TSV with the site and the kept columns")
    add("--site", metavar="COLUMN", required=True, help="column of --participants that names the site or scanner")
    keep = parser.add_mutually_exclusive_group()
    keep.add_argument(
        "--keep",
        metavar="A,B",
        type=_names,
        default=(),
        help="columns whose effects are preserved: numbers, labels, C(NAME) for numbers as labels, eTIV of the table",
    )
    keep.add_argument(
        "--keep-nothing", action="store_true", help="preserve no effect: take out all that sites differ in"
    )
    add("--fsgd", metavar="FILE", help="preserve its classes and variables too; its subjects are the study")
    add(
        "--subject-column", metavar="NAME", default="participant_id", help="in --participants (default: participant_id)"
    )
    add("--save-model", metavar="FILE", help="write what was learned, as JSON, to harmonise further subjects")
    add("--apply", metavar="FILE", help="learn nothing: harmonise subjects of known sites by this model")
    add("--with-etiv", action="store_true", help="harmonise eTIV too, as a structure (default: it stays as it is)")
    add(
        "--missing",
        choices=("refuse", "drop"),
        default="refuse",
        help="subjects who lack a value, or have a volume of 0: an error, or left out and listed (default: refuse)",
    )
    add(
        "--match",
        choices=("bids", "exact"),
        default="bids",
        help="find participants in the table by the same name; bids: else by BIDS entities (default: bids)",
    )
    add("--session", metavar="LABEL", type=bare_session, help="only rows of this session, as ses-LABEL in their names")
    add(
        "--allow-mixed",
        action="store_true",
        help="take rows that were made with different weights, settings or sources of eTIV, and say which",
    )
    add("--no-figure", action="store_true", help="do not draw the sites before and after")
    add("--debug", action="store_true", help="print details and tracebacks")
    return parser


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if not all(names):
        raise argparse.ArgumentTypeError(f"expected names with commas between them, found '{text}'")
    return names


def main(argv: Sequence[str] | None = None) -> int:
    """Run fs_sclimbic harmonize; returns 0, 1 (failed) or 2 (usage)."""
    try:
        args = build_parser().parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)
    return in_one_line(PROGRAM, args.debug, lambda: _harmonize(args))


def _harmonize(args: argparse.Namespace) -> int:
    from ..errors import UsageError
    from ..files.figures import write_figure
    from ..files.staging import encode_text, write_atomically
    from ..group.harmonize.harmonization_note import describe_note
    from ..group.harmonize.harmonize_table import HarmonizeInputs, harmonize
    from ..group.harmonize.model_file import format_model
    from ..group.harmonize.site_effects import draw_site_effects, format_site_effects
    from ..group.harmonize.site_subjects import SiteRequest
    from ..group.name_matching import NameRule
    from ..group.tables.provenance import provenance_file
    from ..group.text_table import format_group_table

    if not (args.keep or args.keep_nothing or args.fsgd):
        raise UsageError("say which effects are preserved: --keep age,sex,group (or --fsgd FILE, or --keep-nothing)")
    if args.apply and (args.save_model or args.with_etiv):
        raise UsageError("--apply learns nothing: leave out --save-model and --with-etiv")
    output = Path(args.output)
    if output.resolve() == Path(args.table).resolve():
        raise UsageError(f"{output}: would replace the table as it was; give another -o")
    done = harmonize(
        HarmonizeInputs(
            table=args.table,
            request=SiteRequest(
                participants=args.participants,
                site_column=args.site,
                keep=args.keep,
                subject_column=args.subject_column,
                fsgd=args.fsgd,
                drop_missing=args.missing == "drop",
                names=NameRule(match=args.match, session=args.session),
            ),
            model=args.apply,
            with_etiv=args.with_etiv,
            allow_mixed=args.allow_mixed,
        )
    )
    for notice in done.notices:
        stream = sys.stderr if notice.severity == "warning" else sys.stdout
        print(printable(f"{notice.severity}: {notice.text}"), file=stream)
    figure = None
    if not args.no_figure:
        try:
            figure = draw_site_effects(done)
        except UsageError as error:
            print(printable(f"note: no figure: {error}"))
    # The table last: with it everything that belongs to it is there.
    if args.save_model:
        write_atomically(args.save_model, encode_text(format_model(done.model)))
    write_atomically(output.with_name(output.name + ".sites.tsv"), encode_text(format_site_effects(done)))
    if figure is not None:
        write_figure(figure, output.with_name(output.name + ".sites.png"))
    write_atomically(provenance_file(output), done.provenance)
    delimiter = "comma" if output.suffix.lower() == ".csv" else "tab"
    write_atomically(output, encode_text(format_group_table(done.table, delimiter)))
    print(printable(describe_note(done.note, done.table.subjects)))
    print(printable(f"wrote {output}: {len(done.table.subjects)} subjects, {len(done.model.structures)} structures"))
    return ALL_DONE

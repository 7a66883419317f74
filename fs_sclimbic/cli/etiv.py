"""fs_sclimbic etiv: eTIV of subjects and images, from their transform and from the image, side by side."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from ..errors import SclimbicError, describe_memory_error, describe_system_error
from .guard import in_one_line

if TYPE_CHECKING:  # NumPy and nibabel behind them would slow --help
    from ..cases.etiv_comparison import EtivComparison
    from ..image.volume import Volume
    from ..registration.talairach import Registration

    Register: TypeAlias = Callable[[Volume], Registration]

PROGRAM = "fs_sclimbic etiv"

DESCRIPTION = """\
Compute eTIV from the image alone, and compare it with the transform that recon-all (or --tal) gives.

A large difference says that one of the two registrations is wrong: look at both over the image in freeview."""

EPILOG = """\
examples:
  fs_sclimbic etiv bert ernie --sd subjects
  fs_sclimbic etiv head.nii.gz --tal head.talairach.xfm
  fs_sclimbic etiv images/*.nii.gz --o transforms --table etiv.tsv

exit status: 0 all computed (flagged ones too), 1 one failed, 2 the command line makes no sense"""


def build_parser() -> argparse.ArgumentParser:
    """The command line of fs_sclimbic etiv."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "names", metavar="SUBJECT|IMAGE", nargs="+", help="recon-all subjects (mri/nu.mgz), or image files"
    )
    parser.add_argument("--sd", metavar="DIR", help="subjects directory (default: SUBJECTS_DIR)")
    parser.add_argument(
        "--tal",
        metavar="XFM",
        help="transform to compare with: for one image a file, for several a suffix (<image><suffix>), for subjects a "
        "path inside the subject (default for subjects: mri/transforms/talairach.xfm or .lta)",
    )
    parser.add_argument(
        "--o", metavar="DIR", help="write the transforms that are found, <case>.talairach.xfm and .lta, into DIR"
    )
    parser.add_argument("--table", metavar="TSV", help="write the numbers as a table too")
    parser.add_argument("--debug", action="store_true", help="print details and tracebacks")
    return parser


def main(argv: Sequence[str] | None = None, *, register: "Register | None" = None) -> int:
    """Run fs_sclimbic etiv.

    Parameters
    ----------
    argv : sequence of str, optional
        The command line; by default that of the process.
    register : callable, optional
        Finds the transform to MNI305 in an image; by default `fs_sclimbic.register`.

    Returns
    -------
    int
        0, 1 (one failed) or 2 (usage).
    """
    try:
        args = build_parser().parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)
    return in_one_line(PROGRAM, args.debug, lambda: _run(args, register))


def _run(args: argparse.Namespace, register: "Register | None") -> int:
    from ..cases import etiv_comparison as etiv
    from ..files.staging import encode_text, write_atomically
    from ..registration import talairach
    from .progress import say

    sources = etiv.find_sources(args.names, args.sd or os.environ.get("SUBJECTS_DIR"), args.tal)
    folder = Path(args.o) if args.o else None
    if folder:
        etiv.check_transform_paths(sources, folder)
        folder.mkdir(parents=True, exist_ok=True)
    computed: list[EtivComparison] = []
    width = max(4, *(len(source.name) for source in sources))
    say(f"{'case':{width}s} {'transform':>10s} {'image':>10s} {'difference':>10s} {'score':>6s}   (cm^3)")
    for source in sources:
        try:
            compared = etiv.compare_etiv(source, register or talairach.register)
            if folder:
                etiv.write_transforms(source, compared.registration, folder)
            computed.append(compared)
            say(_format_line(compared, width))
            for note in compared.notes:
                say(f"{source.name:{width}s} note: {note}", sys.stderr)
        except SclimbicError as error:
            say(f"{source.name:{width}s} failed: {error}", sys.stderr)
        except OSError as error:  # one that cannot be written must not cost the others
            say(f"{source.name:{width}s} failed: {describe_system_error(error)}", sys.stderr)
        except MemoryError as error:
            say(f"{source.name:{width}s} failed: {source.image}: {describe_memory_error(error)}", sys.stderr)
    failed = len(sources) - len(computed)
    if args.table:
        write_atomically(args.table, encode_text(etiv.format_etiv_table(computed)))
    if len(sources) > 1:
        flagged = sum(bool(compared.flags) for compared in computed)
        say(f"{len(computed)} computed, {flagged} flagged, {failed} failed")
    return 1 if failed else 0


def _format_line(compared: "EtivComparison", width: int) -> str:
    theirs = f"{'-':>10s}" if compared.transform_mm3 is None else f"{compared.transform_mm3 / 1000:10.1f}"
    percent = f"{'-':>10s}" if compared.difference is None else f"{100 * compared.difference:+9.1f}%"
    flags = "  " + "; ".join(compared.flags) if compared.flags else ""
    numbers = f"{theirs} {compared.image_mm3 / 1000:10.1f} {percent} {compared.registration.score:6.2f}"
    return f"{compared.name:{width}s} {numbers}{flags}"

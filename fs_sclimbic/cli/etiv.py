"""fs_sclimbic etiv: eTIV of subjects and images, from their transform and from the image, side by side."""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import SclimbicError, UsageError
from .guard import in_one_line

DESCRIPTION = """\
Compute eTIV from the image alone, and compare it with the transform that recon-all (or --tal) gives.

A large difference says that one of the two registrations is wrong: look at both over the image in freeview."""

EPILOG = """\
examples:
  fs_sclimbic etiv bert ernie --sd subjects
  fs_sclimbic etiv head.nii.gz --tal head.talairach.xfm
  fs_sclimbic etiv images/*.nii.gz --o transforms --table etiv.tsv

exit status: 0 all computed (flagged ones too), 1 one failed, 2 the command line makes no sense"""

LARGE_DIFFERENCE = 0.10
"""Of eTIV, that is pointed out. Repeated registrations by recon-all differ by up to 14 %, sound ones by 5 %."""
COLUMNS = ("case", "transform_mm3", "image_mm3", "difference_percent", "score", "stripped", "flags")


@dataclass(frozen=True)
class Source:
    """What eTIV is computed from."""

    name: str
    image: Path
    transforms: tuple[Path, ...]


def build_parser() -> argparse.ArgumentParser:
    """The command line of fs_sclimbic etiv."""
    parser = argparse.ArgumentParser(
        prog="fs_sclimbic etiv",
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


def main(argv: Sequence[str] | None = None) -> int:
    """Run fs_sclimbic etiv; returns 0, 1 (one failed) or 2 (usage)."""
    try:
        args = build_parser().parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)
    return in_one_line("fs_sclimbic etiv", args.debug, lambda: _run(args))


def _run(args: argparse.Namespace) -> int:
    from ..files.staging import encode_text, write_atomically
    from .progress import say

    sources = _sources(args)
    if args.o:
        _check_targets(sources, Path(args.o))
        Path(args.o).mkdir(parents=True, exist_ok=True)
    rows, failed = [], 0
    width = max(4, *(len(source.name) for source in sources))
    say(f"{'case':{width}s} {'transform':>10s} {'image':>10s} {'difference':>10s} {'score':>6s}   (cm^3)")
    for source in sources:
        try:
            rows.append(_row(source, args.o, width))
        except SclimbicError as error:
            failed += 1
            say(f"{source.name:{width}s} failed: {error}", sys.stderr)
    if args.table:
        lines = ["\t".join(COLUMNS), *("\t".join(row) for row in rows)]
        write_atomically(args.table, encode_text("\n".join(lines) + "\n"))
    if len(sources) > 1:
        flagged = sum(bool(row[-1]) for row in rows)
        say(f"{len(rows)} computed, {flagged} flagged, {failed} failed")
    return 1 if failed else 0


def _sources(args: argparse.Namespace) -> list[Source]:
    """The cases of a command line; a name that is a file, or ends like an image, is an image."""
    from ..cases.case import SUBJECT_T1, SUBJECT_TRANSFORMS
    from ..image.volume import image_suffix

    home = args.sd or os.environ.get("SUBJECTS_DIR")
    images = [name for name in args.names if image_suffix(name) or Path(name).is_file()]
    sources = []
    for name in args.names:
        if name in images:
            stem = Path(name).name.removesuffix(image_suffix(name) or "")
            given = args.tal and (Path(args.tal) if len(args.names) == 1 else Path(name).with_name(stem + args.tal))
            sources.append(Source(stem, Path(name), (given,) if given else ()))
        elif home:
            folder = Path(home) / name
            paths = (args.tal,) if args.tal else SUBJECT_TRANSFORMS
            sources.append(Source(Path(name).name, folder / SUBJECT_T1, tuple(folder / path for path in paths)))
        else:
            raise UsageError(f"'{name}' is no image file; for a subject give --sd DIR or set SUBJECTS_DIR")
    return sources


def _targets(source: Source, folder: Path) -> tuple[Path, Path]:
    """Where the transform of a case is written, as .xfm and as .lta."""
    return folder / f"{source.name}.talairach.xfm", folder / f"{source.name}.talairach.lta"


def _check_targets(sources: list[Source], folder: Path) -> None:
    """Refuse two cases in one file, and to overwrite a transform that is compared with."""
    read = {path.resolve() for source in sources for path in source.transforms}
    written: set[Path] = set()
    for path in (path for source in sources for path in _targets(source, folder)):
        if path in written:
            raise UsageError(f"{path}: two cases would be written there; run them one by one into other folders")
        if path.resolve() in read:
            raise UsageError(f"{path} is compared with and would be overwritten; give another folder to --o")
        written.add(path)


def _row(source: Source, folder: str | None, width: int) -> tuple[str, ...]:
    """Compute one case, print its line, and return its cells of the table."""
    from ..errors import TransformError, naming
    from ..files.staging import StagedFiles
    from ..image.transforms import format_lta, format_xfm, read_transform
    from ..image.volume import read_volume
    from ..registration.etiv import etiv_mm3
    from ..registration.talairach import register
    from .progress import say

    t1 = read_volume(source.image)
    with naming(source.image):
        found = register(t1)
        etiv = etiv_mm3(found.ras2mni)
    flags = list(found.doubts)
    transform = next((path for path in source.transforms if path.is_file()), None)
    theirs = None
    if transform:
        try:
            matrix = read_transform(transform)
            with naming(transform):
                theirs = etiv_mm3(matrix)
        except TransformError as error:
            flags.append(str(error))
    elif source.transforms:
        flags.append(f"no transform to compare with at {' or '.join(map(str, source.transforms))}")
    difference = None if theirs is None else etiv / theirs - 1
    if difference is not None and abs(difference) > LARGE_DIFFERENCE:
        flags.append(f"the two differ by more than {LARGE_DIFFERENCE:.0%}: look at both over the image in freeview")
    if folder:
        xfm, lta = _targets(source, Path(folder))
        with StagedFiles() as staged:
            staged.write(xfm, format_xfm(found.ras2mni).encode())
            staged.write(lta, format_lta(found.ras2mni).encode())
    shown = f"{'-':>10s}" if theirs is None else f"{theirs / 1000:10.1f}"
    percent = f"{'-':>10s}" if difference is None else f"{100 * difference:+9.1f}%"
    words = "  " + "; ".join(flags) if flags else ""
    say(f"{source.name:{width}s} {shown} {etiv / 1000:10.1f} {percent} {found.score:6.2f}{words}")
    return (
        source.name,
        "n/a" if theirs is None else f"{theirs:.6f}",
        f"{etiv:.6f}",
        "n/a" if difference is None else f"{100 * difference:.3f}",
        f"{found.score:.4f}",
        str(found.stripped).lower(),
        "; ".join(flags),
    )

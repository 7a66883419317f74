"""fs_sclimbic demo: from nothing to a segmented head, a table and a picture."""

import argparse
import shlex
import sys
from collections.abc import Sequence

from .guard import in_one_line

PROGRAM = "fs_sclimbic demo"
DEFAULT_FOLDER = "sclimbic_demo"


def build_parser() -> argparse.ArgumentParser:
    """The command line of fs_sclimbic demo."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Write a sample T1 (the MNI152 average head that nilearn carries), segment it with the weights "
        "shipped in this package, print the table, and draw a picture. Needs no FreeSurfer and no network.",
        epilog='The head needs nilearn: python -m pip install "fs_sclimbic[demo]"',
    )
    parser.add_argument("folder", metavar="OUTDIR", nargs="?", default=DEFAULT_FOLDER, help="default: sclimbic_demo")
    parser.add_argument("--threads", metavar="N", type=int, default=2, help="processor threads (default: 2)")
    parser.add_argument("--redo", action="store_true", help="segment the head again where that is done")
    parser.add_argument("--debug", action="store_true", help="print details and tracebacks")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run fs_sclimbic demo; returns 0, 1 (failed) or 2 (usage)."""
    try:
        args = build_parser().parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)
    return in_one_line(PROGRAM, args.debug, lambda: _demo(args))


def _demo(args: argparse.Namespace) -> int:
    from pathlib import Path

    from ..cases.case_picture import picture_file_of
    from ..image.sample import SAMPLE_NAME, sample_head
    from ..image.volume import write_volume
    from ..network.store import SHIPPED
    from . import segment
    from .arguments import ALL_DONE
    from .progress import say

    folder = Path(args.folder)
    folder.mkdir(parents=True, exist_ok=True)
    t1, labels = folder / f"{SAMPLE_NAME}.nii.gz", folder / f"{SAMPLE_NAME}_sclimbic.nii.gz"
    write_volume(sample_head(), t1)
    say(f"sample head: {t1} (MNI152 average, brain only; the shipped weights learned from it, among others)")
    words = [
        "--i",
        str(t1),
        "--o",
        str(labels),
        "--model",
        SHIPPED,
        "--write_volumes",
        "--write_qa_stats",
        "--write_qc",
    ]
    words += ["--keep_ac", "--threads", str(args.threads), *(["--redo"] if args.redo else [])]
    say(f"$ mri_sclimbic_seg {shlex.join(words)}")
    status = segment.main([*words, "--no-cite-sclimbic"])
    if status != ALL_DONE:
        return status
    say(f"picture: {picture_file_of(labels)}")
    say("your own head: mri_sclimbic_seg --i T1.nii.gz --o sclimbic.nii.gz --conform --write_volumes")
    return ALL_DONE


if __name__ == "__main__":
    sys.exit(main())

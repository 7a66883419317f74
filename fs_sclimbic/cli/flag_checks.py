"""Which flags of mri_sclimbic_seg go together, and what they mean in place of what was typed."""

import argparse
import os
from collections.abc import Sequence

from ..files.processors import count_processors
from ..network.spec import MOST_STARTS
from ..segmentation.preset import STUDY_PRESET

# Words that --dask takes instead of an address.
BATCH_SYSTEMS = ("slurm", "sge", "pbs", "lsf")
LONG_DASHES = ("\N{EN DASH}", "\N{EM DASH}")


def refuse_long_dashes(argv: Sequence[str]) -> None:
    """Refuse flags that were copied from a web page; argparse.ArgumentError with the first."""
    for word in argv:
        if word.startswith(LONG_DASHES):
            raise argparse.ArgumentError(None, f"'{word}' begins with a long dash, as web pages have it; type a hyphen")


def settle_flags(args: argparse.Namespace) -> None:
    """Put what flags of the computation mean in place of what was typed."""
    if args.threads < 1:
        args.threads = count_processors()
    if not args.dask:
        args.threads = max(1, args.threads // (args.workers or count_processors()))
    if args.cuda_device is not None and args.cuda_device.startswith("-"):
        args.cuda_device = None
    args.model = args.pt_model or args.model  # the reader of weights knows what a .pth is


def unused_flags(args: argparse.Namespace) -> list[str]:
    """What the published tool takes and does not use either, in words for the reader of the log."""
    notes = []
    of_subjects = args.s is not None or args.subjectsfile
    if of_subjects and args.o:
        notes.append(f"--o {args.o} is not used with --s: the results of subjects are written into their folders")
    if args.i and args.sd:
        notes.append(f"--sd {args.sd} is not used with --i")
    return notes


def check_flags(args: argparse.Namespace) -> None:
    """Refuse combinations that mean nothing."""

    def wrong(message: str) -> None:
        raise argparse.ArgumentError(None, message)

    of_subjects = args.s is not None or args.subjectsfile
    if args.i and of_subjects:
        wrong(
            f"--i and {'--s' if args.s is not None else '--subjectsfile'} exclude each other: give images or subjects"
        )
    if not args.i and not of_subjects:
        wrong("give --i IMAGE|FOLDER with --o, or --s SUBJECT ...")
    if args.i and not args.o:
        wrong("--i needs --o: the output file, or the output folder for a folder")
    if args.write_tables and not args.part:
        wrong("--write_tables goes with --part; without it the tables are written anyway")
    if args.wait_for_recon_all and not of_subjects:
        wrong("--wait-for-recon-all goes with subjects (--s)")
    check_computation_flags(args)
    if not args.output_base or os.sep in args.output_base:
        wrong(f"--output-base '{args.output_base}': give a name without folders")


def check_computation_flags(args: argparse.Namespace) -> None:
    """Refuse combinations of the flags of `add_computation_flags` that mean nothing."""

    def wrong(message: str) -> None:
        raise argparse.ArgumentError(None, message)

    if args.etiv_from_image and args.tal:
        wrong("--etiv-from-image computes the transform that --tal gives: give one of them")
    if args.no_etiv and (args.etiv or args.etiv_from_image):
        wrong(f"--no-etiv contradicts {'--etiv' if args.etiv else '--etiv-from-image'}")
    if args.percentile is not None and not 0 < args.percentile <= 100:
        wrong(f"--percentile {args.percentile:g}: give a number above 0, up to 100")
    if args.average_shifts is not None and not 1 <= args.average_shifts <= MOST_STARTS:
        wrong(f"--average-shifts {args.average_shifts}: give a number from 1 to {MOST_STARTS}")
    if args.full_fov and (args.average_shifts or 1) > 1:
        wrong("--full-fov gives the published numbers, --average-shifts gives others: give one of them")
    if args.seven_tesla and args.percentile not in (None, 99.9):
        wrong(f"--7T means --percentile 99.9, --percentile {args.percentile:g} was given too")
    if args.preset == STUDY_PRESET:
        for flag, given in (
            ("--percentile", args.percentile is not None),
            ("--7T", args.seven_tesla),
            ("--average-shifts", args.average_shifts is not None),
            ("--full-fov", args.full_fov),
        ):
            if given:
                wrong(f"--preset {STUDY_PRESET} sets the intensity range and the starts itself: leave {flag} out")
    if args.pt_model and args.model:
        wrong("--pt_model and --model both name the weights: give one of them")
    if args.workers < 0:
        wrong(f"--workers {args.workers}: give a positive number, or 0 for as many as fit")
    if args.dask and args.workers != 1 and args.dask not in BATCH_SYSTEMS:
        wrong(f"--workers goes with --dask {'|'.join(BATCH_SYSTEMS)}; a cluster that runs has its own workers")

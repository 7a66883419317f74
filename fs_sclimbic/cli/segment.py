"""mri_sclimbic_seg: segment images, folders of images, and recon-all subjects."""

import argparse
import os
import sys
from collections.abc import Sequence

from .arguments import BAD_USAGE, INTERRUPTED, SOME_FAILED, build_parser, parse_flags
from .guard import in_one_line
from .pipes import outlive_readers
from .terminal import printable


def main(argv: Sequence[str] | None = None) -> int:
    """Run mri_sclimbic_seg.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments after the program's name; by default those of this process.

    Returns
    -------
    int
        0 all cases done, 1 a case failed, 2 the command line makes no sense, 130 interrupted.
    """
    outlive_readers()
    argv = list(sys.argv[1:] if argv is None else argv)
    if not argv:
        build_parser().print_help()
        return SOME_FAILED
    try:
        args = parse_flags(argv)
    except argparse.ArgumentError as error:
        build_parser().print_usage(sys.stderr)
        print(printable(f"mri_sclimbic_seg: error: {error.message}"), file=sys.stderr)
        return BAD_USAGE
    except SystemExit as stop:  # argparse has printed help, version or its own error
        return int(stop.code or 0)

    for library in ("OPENBLAS", "MKL", "OMP"):  # NumPy reads them when it is imported, below
        os.environ[f"{library}_NUM_THREADS"] = str(args.threads)
    try:
        # After parsing, so that --help and a wrong flag answer at once.
        from .run import run

        return in_one_line("mri_sclimbic_seg", args.debug, lambda: run(args, argv))
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())

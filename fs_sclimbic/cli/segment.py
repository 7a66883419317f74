"""mri_sclimbic_seg: segment images, folders of images, and recon-all subjects."""

import argparse
import logging
import sys
from collections.abc import Sequence

from ..errors import SclimbicError, UsageError
from .flags import build_parser, check_flags

SOME_FAILED, BAD_USAGE = 1, 2


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
    argv = list(sys.argv[1:] if argv is None else argv)
    parser = build_parser()
    if not argv:
        parser.print_help()
        return SOME_FAILED
    try:
        args = parser.parse_args(argv)
        check_flags(args)
    except argparse.ArgumentError as error:
        parser.print_usage(sys.stderr)
        print(f"mri_sclimbic_seg: error: {error.message}", file=sys.stderr)
        return BAD_USAGE
    except SystemExit as stop:  # argparse has printed help, version or its own error
        return int(stop.code or 0)

    # After parsing, so that --help and a wrong flag answer at once.
    from .run import run

    level = logging.DEBUG if args.debug else logging.WARNING
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s")
    for talkative in ("h5py", "absl", "tensorflow", "urllib3"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    try:
        return run(args, argv)
    except SclimbicError as error:
        print(f"mri_sclimbic_seg: error: {error}", file=sys.stderr)
        return BAD_USAGE if isinstance(error, UsageError) else SOME_FAILED


if __name__ == "__main__":
    sys.exit(main())

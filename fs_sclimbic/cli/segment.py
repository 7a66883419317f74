"""mri_sclimbic_seg: segment images, folders of images, and recon-all subjects."""

import argparse
import io
import logging
import sys
from collections.abc import Callable, Sequence

from ..errors import SclimbicError, UsageError
from .flags import BAD_USAGE, INTERRUPTED, SOME_FAILED, build_parser, parse_flags


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
    if not argv:
        build_parser().print_help()
        return SOME_FAILED
    try:
        args = parse_flags(argv)
    except argparse.ArgumentError as error:
        build_parser().print_usage(sys.stderr)
        print(f"mri_sclimbic_seg: error: {error.message}", file=sys.stderr)
        return BAD_USAGE
    except SystemExit as stop:  # argparse has printed help, version or its own error
        return int(stop.code or 0)

    try:
        # After parsing, so that --help and a wrong flag answer at once.
        from .run import run

        return _in_one_line(args, lambda: run(args, argv))
    except KeyboardInterrupt:
        return INTERRUPTED


def _in_one_line(args: argparse.Namespace, action: Callable[[], int]) -> int:
    """Do something; what a user can mend is told in one line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # file names may hold what a terminal's encoding does not
            stream.reconfigure(errors="backslashreplace")
    level = logging.DEBUG if args.debug else logging.WARNING
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s")
    for talkative in ("h5py", "absl", "tensorflow", "urllib3", "filelock"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    status, message = SOME_FAILED, ""
    try:
        return action()
    except UsageError as error:
        status, message = BAD_USAGE, str(error)
    except SclimbicError as error:
        message = str(error)
    except OSError as error:
        if args.debug:
            raise
        message = f"{error.filename}: {error.strerror or error}"
    print(f"mri_sclimbic_seg: error: {message}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())

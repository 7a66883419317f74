"""The flags that say how cases are run and what is told of them; they change no number."""

from collections.abc import Callable

from .._version import __version__


def add_running_flags(add: Callable[..., object]) -> None:
    """Add the flags that say where cases are run, and which of them.

    Parameters
    ----------
    add : callable
        ``add_argument`` of a parser or of a group.
    """
    add(
        "--threads",
        metavar="N",
        type=int,
        default=1,
        help="processor threads of the network, 0 or less: all; with more than one, reading and writing go on beside "
        "it (default: 1)",
    )
    add(
        "--workers",
        metavar="N",
        type=int,
        default=1,
        help="processes that run cases side by side, each with its model; --threads is divided among them; 0: as many "
        "as processors and memory allow (default: 1)",
    )
    add(
        "--part",
        metavar="I/N",
        help="run the I-th of N parts of the cases, as a task of an array job: "
        "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT; 'fs_sclimbic merge' writes the tables when all are done",
    )
    add("--write_tables", action="store_true", help="with --part: write the tables too")
    add(
        "--wait-for-recon-all",
        action="store_true",
        help="wait for subjects that recon-all works on (scripts/IsRunning*); they come last (default: such a subject "
        "fails)",
    )
    add(
        "--dask",
        metavar="ADDRESS",
        help="run the cases on a Dask cluster: the address of its scheduler or its scheduler file, or slurm, sge, pbs "
        "or lsf to start --workers jobs (docs/cluster.md)",
    )
    add("--cuda-device", metavar="D", help="run on this CUDA device, -1: the processor (default: the processor)")


def add_message_flags(add: Callable[..., object]) -> None:
    """Add the flags that say what is printed and logged.

    Parameters
    ----------
    add : callable
        ``add_argument`` of a parser or of a group.
    """
    add(
        "--logfile",
        metavar="F",
        help="log file, relative to the output folder; of subjects a bare name lies in each subject's scripts, a path "
        "is relative to the subjects directory (default: mri_sclimbic.log, scripts/sclimbic.log)",
    )
    add("--quiet", action="store_true", help="print only failures and warnings")
    add("--debug", action="store_true", help="print details and tracebacks")
    add("--vmp", action="store_true", help="print the peak of virtual memory at the end")
    add("--no-cite-sclimbic", action="store_true", help="do not print the citation")
    add("--version", action="version", version=f"fs_sclimbic {__version__}")

"""From the flags of mri_sclimbic_seg to cases, tables and logs: the three modes differ here and nowhere else."""

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError
from ..subject import DEFAULT_LOG, Case, Requests, find_subjects, folder_cases, image_case, subject_case
from ..tables import CONFIDENCE, CONFIDENCES, VOLUMES, Z_SCORES, Table, table_files
from ..volume import image_suffix


@dataclass(frozen=True)
class Plan:
    """What a command line asks for."""

    cases: list[Case]
    tables: list[tuple[Path, Table]]
    """Tables to write at the end, with their files."""
    log: Path | None
    """Log of the whole run; in subject mode each case has its own instead."""


def make_plan(args: argparse.Namespace) -> Plan:
    """Find the cases of a command line.

    Raises
    ------
    UsageError
        If there is nothing to run, or input and output do not go together.
    """
    if args.s is not None:
        return _subjects(args)
    return _folder(args) if Path(args.i).is_dir() else _image(args)


def _requests(args: argparse.Namespace) -> Requests:
    return Requests(args.write_posteriors, args.write_volumes, args.write_qa_stats)


def _qa_tables(args: argparse.Namespace) -> list[Table]:
    return [Z_SCORES, CONFIDENCES, CONFIDENCE] if args.write_qa_stats else []


def _is_bare(name: str | None) -> bool:
    """Whether a log is given by name only, to lie where the results are."""
    return name is not None and os.path.dirname(name) == ""


def _subjects(args: argparse.Namespace) -> Plan:
    subjects_dir = args.sd or os.environ.get("SUBJECTS_DIR")
    if not subjects_dir:
        raise UsageError("--s needs a subjects directory: give --sd DIR or set SUBJECTS_DIR")
    home = Path(subjects_dir)
    log_in_scripts = args.logfile if _is_bare(args.logfile) else None
    cases = [
        subject_case(
            home,
            name,
            _requests(args),
            base=args.output_base,
            transform=args.tal,
            etiv=not args.no_etiv,
            log=log_in_scripts,
        )
        for name in find_subjects(home, args.s)
    ]
    tables = ([VOLUMES] if len(cases) > 1 else []) + _qa_tables(args)
    run_log = Path(args.logfile) if args.logfile and not log_in_scripts else None
    return Plan(cases, table_files(home / args.output_base, "_", tables), run_log)


def _folder(args: argparse.Namespace) -> Plan:
    source, target = Path(args.i), Path(args.o)
    if image_suffix(target) or target.is_file():
        raise UsageError(f"--i {source} is a folder, so --o must be a folder too, not {target}")
    cases = folder_cases(source, target, _requests(args), base=args.output_base, transform_suffix=args.tal)
    files = table_files(target / args.output_base, "_", [VOLUMES, *_qa_tables(args)])
    return Plan(cases, files, _run_log(args, target))


def _image(args: argparse.Namespace) -> Plan:
    source, target = Path(args.i), Path(args.o)
    if target.is_dir() or not image_suffix(target):
        raise UsageError(f"--i {source} is an image, so --o must name an image (.mgz .mgh .nii .nii.gz), not {target}")
    if not source.exists() and not image_suffix(source):
        raise UsageError(f"--i {source}: no such image or folder")
    if source.exists() and target.exists() and source.samefile(target):
        raise UsageError(f"--o {target} is the input image itself; name another file")
    transform = Path(args.tal) if args.tal else None
    case = image_case(source, target, _requests(args), base=args.output_base, transform=transform)
    tables = [table for table in _qa_tables(args) if table is not CONFIDENCE]
    return Plan([case], table_files(target.parent / case.name, ".", tables), _run_log(args, target.parent))


def _run_log(args: argparse.Namespace, folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--o {args.o}: {folder} cannot be made ({error.strerror})") from error
    return Path(args.logfile) if args.logfile and not _is_bare(args.logfile) else folder / (args.logfile or DEFAULT_LOG)

"""From the flags of mri_sclimbic_seg to cases, tables and logs. Only here the three modes differ."""

import argparse
import os
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from ..cases.case import DEFAULT_LOG, Case, Requests
from ..cases.flag_table import FLAGS
from ..cases.images import find_images, folder_cases, image_case, images_cases, stem_of
from ..cases.study_folder import StudyFolder
from ..cases.subjects import find_subjects, is_pattern, read_names, subject_case
from ..cases.tables import CONFIDENCE, CONFIDENCES, VOLUMES, Z_SCORES, Table, table_files
from ..errors import UsageError
from ..execution.parts import Part, parse_part, part_of
from ..image.volume import image_suffix


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a command line asks for."""

    cases: list[Case]
    tables: list[tuple[Path, Table]]
    """Tables to write at the end, with their files."""
    log: Path | None
    """Log of the whole run; in subject mode each case has its own instead."""
    folder: Path
    """Where tables go; made if it is missing."""
    study: StudyFolder | None = None
    """The cases that share the tables; None for a single image, whose tables are its own."""
    everyone: tuple[Case, ...] = ()
    """All cases of the command line, also those of other parts."""
    part: Part | None = None
    """The part of them that this run does."""
    notes: tuple[str, ...] = ()
    """What is given and is not used, one line each."""


def make_plan(args: argparse.Namespace) -> Plan:
    """Find the cases of a command line.

    Returns
    -------
    Plan

    Raises
    ------
    UsageError
        If there is nothing to run, or input and output do not go together.
    """
    if args.s is not None or args.subjectsfile:
        plan = _subjects(args)
    elif len(args.i) > 1 or (is_pattern(args.i[0]) and not (os.path.exists(args.i[0]) or image_suffix(args.o))):
        plan = _images(args)
    else:
        plan = _folder(args) if Path(args.i[0]).is_dir() else _image(args)
    return part_of_plan(_sparing_inputs(plan, args), args)


def part_of_plan(plan: Plan, args: argparse.Namespace) -> Plan:
    """The cases of the part that ``--part`` names; the tables are those of the whole study, so they wait for ``merge``.

    Parameters
    ----------
    plan : Plan
        With all cases.
    args : argparse.Namespace

    Returns
    -------
    Plan

    Raises
    ------
    UsageError
        If there is no such part.
    """
    everyone = tuple(plan.cases)
    if not args.part:
        return replace(plan, everyone=everyone)
    part = parse_part(args.part)
    cases = part_of(everyone, part.index, part.count)
    tables = plan.tables if args.write_tables else []
    note = f"part {part}: {len(cases)} of {len(everyone)} cases"
    return replace(plan, cases=cases, everyone=everyone, part=part, tables=tables, notes=(*plan.notes, note))


def _sparing_inputs(plan: Plan, args: argparse.Namespace) -> Plan:
    """Check that no input is overwritten; the given colour table is not written onto itself."""
    given = {_entry(path) for path in (args.model, args.population_stats) if path}
    ctab = _entry(args.ctab) if args.ctab else None
    cases = []
    for case in plan.cases:
        if case.outputs.ctab and ctab == _entry(case.outputs.ctab):
            case = replace(case, outputs=replace(case.outputs, ctab=None))
        inputs = given | {_entry(path) for path in (case.t1, *case.transforms)} | ({ctab} if ctab else set())
        for path in case.outputs.written():
            if _entry(path) in inputs:
                raise UsageError(f"{path} is an input and would be overwritten; give another name for the output")
        cases.append(case)
    return replace(plan, cases=cases)


def _entry(path: str | Path) -> tuple[str, str]:
    """The directory entry that a path names. A link counts as itself: writing replaces the link, not its target."""
    folder, name = os.path.split(os.path.abspath(path))
    return _real_folder(folder), name


@lru_cache
def _real_folder(folder: str) -> str:
    return os.path.realpath(folder)


def _requests(args: argparse.Namespace, *, with_picture: bool = True) -> Requests:
    of_images = args.s is None and not args.subjectsfile
    from_image = args.etiv_from_image or (args.etiv and of_images and not args.tal)
    return Requests(
        posteriors=args.write_posteriors,
        volumes=args.write_volumes,
        qa_stats=args.write_qa_stats,
        picture=with_picture if args.write_qc is None else args.write_qc,
        etiv_from_image=from_image,
    )


def _qa_tables(args: argparse.Namespace) -> list[Table]:
    return [Z_SCORES, CONFIDENCES, CONFIDENCE, FLAGS] if args.write_qa_stats else []


def _is_bare(name: str | None) -> bool:
    """Whether a log is given by name only; it then lies in the folder of the results."""
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
            log=log_in_scripts,
        )
        for name in find_subjects(home, _subject_names(args))
    ]
    tables = [*([VOLUMES] if len(cases) > 1 else []), *_qa_tables(args)]
    run_log = home / args.logfile if args.logfile and not log_in_scripts else None
    files = table_files(home / args.output_base, "_", tables)
    study = StudyFolder(folder=home, base=args.output_base, of_subjects=True)
    return Plan(cases=cases, tables=files, log=run_log, folder=home, study=study)


def _subject_names(args: argparse.Namespace) -> list[str]:
    """The subjects of the command line and of the file; no name means all subjects."""
    if not args.subjectsfile:
        return list(args.s)
    return [*(args.s or ()), *read_names(args.subjectsfile)]


def _folder(args: argparse.Namespace) -> Plan:
    source, target = Path(args.i[0]), _output_folder(args, f"--i {args.i[0]} is a folder")
    cases = folder_cases(source, target, _requests(args), base=args.output_base, transform_suffix=args.tal)
    return _study_of_images(args, cases, target)


def _images(args: argparse.Namespace) -> Plan:
    target = _output_folder(args, "--i names several images")
    images = find_images(args.i)
    cases = images_cases(images, target, _requests(args), base=args.output_base, transform_suffix=args.tal)
    return _study_of_images(args, cases, target)


def _output_folder(args: argparse.Namespace, reason: str) -> Path:
    target = Path(args.o)
    if image_suffix(target) or target.is_file():
        raise UsageError(f"{reason}, so --o must be a folder too, not {target}")
    return target


def _study_of_images(args: argparse.Namespace, cases: list[Case], target: Path) -> Plan:
    study = StudyFolder(folder=target, base=args.output_base)
    files = table_files(study.tables_start, "_", [VOLUMES, *_qa_tables(args)])
    return Plan(cases=cases, tables=files, log=_run_log(args, target), folder=target, study=study)


def _image(args: argparse.Namespace) -> Plan:
    source, target = Path(args.i[0]), Path(args.o)
    if not source.exists() and not image_suffix(source):
        raise UsageError(f"--i {source}: no such image or folder")
    if target.is_dir() or not image_suffix(target):
        raise UsageError(f"--i {source} is an image, so --o must name an image (.mgz .mgh .nii .nii.gz), not {target}")
    # Without a stats file nobody sees eTIV, and the transform only tells where the head lies.
    is_needed = args.write_volumes or args.etiv
    is_missing = bool(args.tal) and not is_needed and not Path(args.tal).exists()
    transform = Path(args.tal) if args.tal and not is_missing else None
    notes = (
        (f"--tal {args.tal} does not exist; without --write_volumes or --etiv it is not used",) if is_missing else ()
    )
    # The caller of a single image names each file: no picture unless it is asked for.
    case = image_case(source, target, _requests(args, with_picture=False), transform=transform)
    tables = [table for table in _qa_tables(args) if table is not CONFIDENCE]
    files = table_files(target.parent / stem_of(target), ".", tables)
    log = _run_log(args, target.parent)
    return Plan(cases=[case], tables=files, log=log, folder=target.parent, notes=notes)


def _run_log(args: argparse.Namespace, folder: Path) -> Path:
    """The log of a run: in the folder of the results, or relative to it, as in the published tool."""
    return folder / (args.logfile or DEFAULT_LOG)

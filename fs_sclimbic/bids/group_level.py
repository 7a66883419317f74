"""The group level of a BIDS App: tables over all cases, from their records alone."""

import json
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ..cases.case import DEFAULT_BASE
from ..cases.flag_table import FLAGS, format_flag_table
from ..cases.record import Record, read_record, recorded_flags
from ..cases.tables import CONFIDENCES, VOLUMES, Z_SCORES, format_table, table_files
from ..errors import TableError, UsageError
from ..qc.judge_cohort import judge_verdicts
from ..segmentation.flag import CaseVerdict
from ..segmentation.measure import SegStats
from ..segmentation.population import Population
from .cases import SUBJECTS_FOLDER, record_file
from .dataset import write_if_changed
from .entities import LONG_NAMES, parse_case_name
from .participant_level import DatasetRequest, plan_dataset

GROUP_TABLE = "group_morph.tsv"
MISSING = "n/a"
ETIV = "eTIV"
COLUMN_OF = {"sub": "participant_id", "ses": "session_id"}
"""Columns of BIDS; those of other entities are called by their long names."""
N_READERS = 16
MAX_LISTED = 5


@dataclass(frozen=True)
class RecordedCase:
    """A case with results."""

    name: str
    record: Record


def read_finished(out: Path, *, base: str = DEFAULT_BASE, participants: Collection[str] = ()) -> list[RecordedCase]:
    """Read the records of all cases in a folder of results.

    Parameters
    ----------
    out : Path
    base : str
        As the cases were run with.
    participants : collection of str
        Labels, without ``sub-``; empty: everybody.

    Returns
    -------
    list of RecordedCase
        By name.

    Raises
    ------
    TableError
        If no case is done, or a record cannot be read: its row would be lost unnoticed.
    """
    home = out / SUBJECTS_FOLDER
    names = sorted(os.listdir(home)) if home.is_dir() else []
    wanted = [name for name in names if _is_of(name, participants) and os.path.isfile(record_file(home / name, base))]
    with ThreadPoolExecutor(N_READERS) as pool:
        records = list(pool.map(lambda name: read_record(record_file(home / name, base)), wanted, chunksize=32))
    found = [RecordedCase(name, record) for name, record in zip(wanted, records, strict=True) if record is not None]
    broken = [str(record_file(home / name, base)) for name, record in zip(wanted, records, strict=True) if not record]
    if broken:
        raise TableError(
            f"{len(broken)} of {len(wanted)} records cannot be read ({_listed(broken)}): edited, damaged, or of "
            "another version; run the participant level again for these"
        )
    if not found:
        raise TableError(f"{home}: no case is done; run the participant level first")
    return found


def _is_of(name: str, participants: Collection[str]) -> bool:
    parts = parse_case_name(name)
    return parts is not None and (not participants or parts.entities["sub"] in participants)


def group_table(cases: Sequence[RecordedCase]) -> str:
    """The text of the table of all cases: entities, then structures and eTIV, mm^3.

    Parameters
    ----------
    cases : sequence of RecordedCase
        All have the same structures.

    Returns
    -------
    str
        ``participant_id  [session_id ...]  <StructName ...>  [eTIV]``, tab-separated, four decimals.
    """
    entities = [parts.entities if (parts := parse_case_name(case.name)) else {} for case in cases]
    keys = [key for key in LONG_NAMES if any(key in one for one in entities)]
    names = [row.structure.name for row in cases[0].record.stats.structures]
    with_etiv = any(case.record.stats.etiv_mm3 is not None for case in cases)
    lines = [[*(_column(key) for key in keys), *names, *([ETIV] if with_etiv else [])]]
    for case, one in zip(cases, entities, strict=True):
        stats = case.record.stats
        lines.append([*(_cell(key, one) for key in keys), *_values(stats, with_etiv)])
    return "".join("\t".join(line) + "\n" for line in lines)


def _column(key: str) -> str:
    return COLUMN_OF.get(key, LONG_NAMES[key])


def _cell(key: str, entities: Mapping[str, str]) -> str:
    if key not in entities:
        return MISSING
    # BIDS' own columns hold the entity too: sub-01, ses-1.
    return f"{key}-{entities[key]}" if key in COLUMN_OF else entities[key]


def _values(stats: SegStats, with_etiv: bool) -> Iterable[str]:
    yield from (f"{row.volume_mm3:.4f}" for row in stats.structures)
    if with_etiv:
        yield MISSING if stats.etiv_mm3 is None else f"{stats.etiv_mm3:.4f}"


def judge_cases(cases: Sequence[RecordedCase], population: Population) -> list[tuple[CaseVerdict, SegStats]]:
    """Judge all cases, each by itself and among the others.

    Parameters
    ----------
    cases : sequence of RecordedCase
    population : Population
        Norms for the flags of cases whose records have none.

    Returns
    -------
    list of (CaseVerdict, SegStats)
        In the order of the cases.
    """
    alone = [CaseVerdict(case=case.name, flags=recorded_flags(case.record, population)) for case in cases]
    return list(judge_verdicts([(verdict, case.record.stats) for verdict, case in zip(alone, cases, strict=True)]))


def write_group_tables(
    out: Path,
    cases: Sequence[RecordedCase],
    population: Population,
    judged: Sequence[tuple[CaseVerdict, SegStats]],
    *,
    base: str = DEFAULT_BASE,
) -> list[Path]:
    """Write group_morph.tsv with its json, and tables of volumes, z scores, confidences and flags as in other modes.

    Parameters
    ----------
    out : Path
    cases : sequence of RecordedCase
    population : Population
        Norms for the z scores.
    judged : sequence of (CaseVerdict, SegStats)
        What `judge_cases` says of them.
    base : str
        Begins the names of tables.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    OSError
        If one cannot be written.
    """
    columns = {row.structure.name: "Volume of the structure" for row in cases[0].record.stats.structures}
    columns[ETIV] = "Estimated total intracranial volume"
    described = {name: {"Description": words, "Units": "mm^3"} for name, words in columns.items()}
    table = out / (GROUP_TABLE if base == DEFAULT_BASE else GROUP_TABLE.replace("_", f"_desc-{base}_"))
    texts = {table: group_table(cases), table.with_suffix(".json"): json.dumps(described, indent=2) + "\n"}
    rows = [(case.name, case.record.stats) for case in cases]
    for path, kind in table_files(out / SUBJECTS_FOLDER / base, "_", (VOLUMES, Z_SCORES, CONFIDENCES)):
        texts[path] = format_table(kind, rows, population)
    ((flags, _),) = table_files(out / SUBJECTS_FOLDER / base, "_", (FLAGS,))
    texts[flags] = format_flag_table(judged)
    for path, text in texts.items():
        write_if_changed(path, text)
    return list(texts)


def without_results(request: DatasetRequest, cases: Sequence[RecordedCase]) -> list[str]:
    """Say which images of the dataset have no row, where the dataset is still there.

    Parameters
    ----------
    request : DatasetRequest
        As for the participant level.
    cases : sequence of RecordedCase

    Returns
    -------
    list of str
        A line, or nothing.
    """
    try:
        planned = plan_dataset(request)
    except UsageError:  # the group level needs the results alone
        return []
    done: dict[str, list[Mapping[str, str]]] = {}
    for case in cases:
        if parts := parse_case_name(case.name):
            done.setdefault(parts.entities["sub"], []).append(parts.entities)

    def has_results(name: str) -> bool:
        parts = parse_case_name(name)
        # A subject of recon-all may stand for several images of a participant.
        others = done.get(parts.entities["sub"], ()) if parts else ()
        return parts is not None and any(one.items() <= parts.entities.items() for one in others)

    lacking = [one.case.name for one in planned.cases if not has_results(one.case.name)]
    if not lacking:
        return []
    return [f"{len(lacking)} of {len(planned.cases)} cases of {request.dataset} have no results: {_listed(lacking)}"]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:MAX_LISTED]) + (" ..." if len(names) > MAX_LISTED else "")

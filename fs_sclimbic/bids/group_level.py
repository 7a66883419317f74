"""The group level of a BIDS App: tables over all cases, from their records alone."""

import json
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ..cases.case import DEFAULT_BASE
from ..cases.record import Record, read_record
from ..cases.replaced_input import has_other_input
from ..cases.tables import CONFIDENCES, VOLUMES, Z_SCORES, format_rows, table_files
from ..errors import TableError, UsageError
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


def read_finished(
    out: Path, *, base: str = DEFAULT_BASE, participants: Collection[str] = (), sessions: Collection[str] = ()
) -> list[RecordedCase]:
    """Read the records of all cases in a folder of results.

    Parameters
    ----------
    out : Path
    base : str
        As the cases were run with.
    participants : collection of str
        Labels, without ``sub-``; empty: everybody.
    sessions : collection of str
        Labels, without ``ses-``; empty: all.

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
    wanted = [
        name
        for name in names
        if _is_of(name, participants, sessions) and os.path.isfile(record_file(home / name, base))
    ]
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


def split_replaced(
    out: Path, cases: Sequence[RecordedCase], *, base: str = DEFAULT_BASE
) -> tuple[list[RecordedCase], list[str]]:
    """Set cases aside whose image was replaced since: their numbers are of another image.

    Parameters
    ----------
    out : Path
    cases : sequence of RecordedCase
    base : str
        As the cases were run with.

    Returns
    -------
    list of RecordedCase
        Those whose image is as it was, or not there to compare with.
    list of str
        Names of the others.
    """
    home = out / SUBJECTS_FOLDER
    with ThreadPoolExecutor(N_READERS) as pool:
        are_old = list(pool.map(lambda case: has_other_input(case.record, record_file(home / case.name, base)), cases))
    kept = [case for case, is_old in zip(cases, are_old, strict=True) if not is_old]
    return kept, [case.name for case, is_old in zip(cases, are_old, strict=True) if is_old]


def _is_of(name: str, participants: Collection[str], sessions: Collection[str]) -> bool:
    parts = parse_case_name(name)
    if parts is None:
        return False
    is_wanted = not participants or parts.entities["sub"] in participants
    return is_wanted and (not sessions or parts.entities.get("ses") in sessions)


def group_table(cases: Sequence[RecordedCase]) -> str:
    """The text of the table of all cases: entities, then structures and eTIV, mm^3.

    Parameters
    ----------
    cases : sequence of RecordedCase
        They may have different structures; a case that lacks one has ``n/a`` there.

    Returns
    -------
    str
        ``participant_id  [session_id ...]  <StructName ...>  [eTIV]``, tab-separated, four decimals.
    """
    entities = [parts.entities if (parts := parse_case_name(case.name)) else {} for case in cases]
    keys = [key for key in LONG_NAMES if any(key in one for one in entities)]
    names = _structure_names(cases)
    with_etiv = any(case.record.stats.etiv_mm3 is not None for case in cases)
    lines = [[*(_column(key) for key in keys), *names, *([ETIV] if with_etiv else [])]]
    for case, one in zip(cases, entities, strict=True):
        stats = case.record.stats
        lines.append([*(_cell(key, one) for key in keys), *_values(stats, names, with_etiv)])
    return "".join("\t".join(line) + "\n" for line in lines)


def _column(key: str) -> str:
    return COLUMN_OF.get(key, LONG_NAMES[key])


def _cell(key: str, entities: Mapping[str, str]) -> str:
    if key not in entities:
        return MISSING
    # BIDS' own columns hold the entity too: sub-01, ses-1.
    return f"{key}-{entities[key]}" if key in COLUMN_OF else entities[key]


def _structure_names(cases: Sequence[RecordedCase]) -> list[str]:
    return list(dict.fromkeys(row.structure.name for case in cases for row in case.record.stats.structures))


def _values(stats: SegStats, names: Iterable[str], with_etiv: bool) -> Iterable[str]:
    volumes = {row.structure.name: f"{row.volume_mm3:.4f}" for row in stats.structures}
    yield from (volumes.get(name, MISSING) for name in names)
    if with_etiv:
        yield MISSING if stats.etiv_mm3 is None else f"{stats.etiv_mm3:.4f}"


def write_group_tables(
    out: Path, cases: Sequence[RecordedCase], population: Population, *, base: str = DEFAULT_BASE
) -> list[Path]:
    """Write group_morph.tsv with its json, and the tables of volumes, z scores and confidences as in other modes.

    Parameters
    ----------
    out : Path
    cases : sequence of RecordedCase
    population : Population
        Norms for the z scores.
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
    columns = {name: "Volume of the structure" for name in _structure_names(cases)}
    columns[ETIV] = "Estimated total intracranial volume"
    described = {name: {"Description": words, "Units": "mm^3"} for name, words in columns.items()}
    table = out / (GROUP_TABLE if base == DEFAULT_BASE else GROUP_TABLE.replace("_", f"_desc-{base}_"))
    texts = {table: group_table(cases), table.with_suffix(".json"): json.dumps(described, indent=2) + "\n"}
    rows = [(case.name, case.record.stats) for case in cases]
    for path, kind in table_files(out / SUBJECTS_FOLDER / base, "_", (VOLUMES, Z_SCORES, CONFIDENCES)):
        texts[path] = format_rows(kind, rows, population)
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

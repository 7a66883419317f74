"""The group level of a BIDS App: tables over all cases, from their records alone."""

import json
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ..cases.case import DEFAULT_BASE
from ..cases.protection import WORDS, etiv_source
from ..cases.record import Record, read_record
from ..cases.tables import CONFIDENCES, VOLUMES, Z_SCORES, format_table, table_files
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


def mixed_settings(cases: Sequence[RecordedCase]) -> list[str]:
    """What not all cases share: their numbers must not stand in one table.

    Parameters
    ----------
    cases : sequence of RecordedCase

    Returns
    -------
    list of str
        One line a setting, which names who differs from most.
    """
    lines = []
    for words, values in _settings_to_share(cases).items():
        counts = {value: values.count(value) for value in values}
        usual = max(counts, key=lambda value: counts[value])
        others = [case.name for case, value in zip(cases, values, strict=True) if value != usual]
        if others:
            lines.append(f"{len(others)} of {len(cases)} cases have {words} than the others: {_listed(others)}")
    return lines


def _settings_to_share(cases: Sequence[RecordedCase]) -> dict[str, list[str]]:
    """The values of the cases, by what one says of a case that has another one."""
    settings = [case.record.settings for case in cases]
    values = {words: [json.dumps(one.get(key), sort_keys=True) for one in settings] for key, words in WORDS.items()}
    values["other excluded structures"] = [json.dumps(one.get("exclude")) for one in settings]
    values["another source of eTIV"] = [str(etiv_source(one)) for one in settings]
    return values


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
    columns = {row.structure.name: "Volume of the structure" for row in cases[0].record.stats.structures}
    columns[ETIV] = "Estimated total intracranial volume"
    described = {name: {"Description": words, "Units": "mm^3"} for name, words in columns.items()}
    table = out / (GROUP_TABLE if base == DEFAULT_BASE else GROUP_TABLE.replace("_", f"_desc-{base}_"))
    texts = {table: group_table(cases), table.with_suffix(".json"): json.dumps(described, indent=2) + "\n"}
    rows = [(case.name, case.record.stats) for case in cases]
    for path, kind in table_files(out / SUBJECTS_FOLDER / base, "_", (VOLUMES, Z_SCORES, CONFIDENCES)):
        texts[path] = format_table(kind, rows, population)
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
    done = {case.name for case in cases}
    lacking = [one.case.name for one in planned.cases if one.case.name not in done]
    if not lacking:
        return []
    return [f"{len(lacking)} of {len(planned.cases)} cases of {request.dataset} have no results: {_listed(lacking)}"]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:MAX_LISTED]) + (" ..." if len(names) > MAX_LISTED else "")

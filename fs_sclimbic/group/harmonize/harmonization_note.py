"""What a harmonised table says of itself, in the file beside it, and what the reader of an analysis is told of it."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...files.staging import encode_text
from ...notice import Notice
from ..tables.provenance import MAX_BYTES, Provenance, format_provenance, provenance_file
from ..text_files import listed

KEY = "harmonized"
ROUNDING = 1e-12
"""Below this share of its squares a column does not vary."""
MIN_EXPLAINED = 0.2
"""From this share of a column of the design that sites explain on, p values of it are clearly too small: 8 false
positives in 100 at a quarter, 22 at two thirds (benchmarks/harmonize.py), where 5 are due."""
MIN_MEAN_SIZE = 15
"""With fewer subjects a site p values are too small also where groups are balanced: 7 false positives in 100 at 10 a
site, 10 at 5."""


@dataclass(frozen=True, kw_only=True)
class HarmonizationNote:
    """How a table was harmonised."""

    method: str
    site_column: str
    site_of_row: dict[str, str]
    """For each row of the table its site."""
    kept: tuple[str, ...]
    """Columns whose effects are preserved."""
    kept_numbers: tuple[str, ...]
    """Those of them that hold numbers."""
    left_as_they_were: tuple[str, ...] = ()
    """Columns of the table, such as eTIV."""
    trained_on: str = ""
    """Of a model that was applied: its file and sites in words; empty where the table's own rows trained it."""


def format_note(rows: Sequence[tuple[str, Provenance | None]], note: HarmonizationNote) -> bytes:
    """The file beside a harmonised table: how its rows were made, and how they were harmonised.

    Parameters
    ----------
    rows : sequence of (name, Provenance or None)
    note : HarmonizationNote

    Returns
    -------
    bytes
    """
    content = json.loads(format_provenance(rows))
    return encode_text(json.dumps({**content, KEY: asdict(note)}, indent=1) + "\n")


def read_note(table: Path) -> HarmonizationNote | None:
    """How a table was harmonised.

    Parameters
    ----------
    table : Path

    Returns
    -------
    HarmonizationNote or None
        None where no file beside the table says it.
    """
    try:
        with open(provenance_file(table), "rb") as file:
            content = json.loads(file.read(MAX_BYTES).decode("utf-8", "surrogateescape"))[KEY]
        return HarmonizationNote(
            method=str(content["method"]),
            site_column=str(content["site_column"]),
            site_of_row={str(row): str(site) for row, site in content["site_of_row"].items()},
            kept=tuple(map(str, content["kept"])),
            kept_numbers=tuple(map(str, content["kept_numbers"])),
            left_as_they_were=tuple(map(str, content["left_as_they_were"])),
            trained_on=str(content["trained_on"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def describe_note(note: HarmonizationNote, subjects: Sequence[str]) -> str:
    """How the rows of an analysis were harmonised, in one sentence.

    Parameters
    ----------
    note : HarmonizationNote
    subjects : sequence of str
        Of the rows that are analysed.

    Returns
    -------
    str
    """
    sites = [note.site_of_row[name] for name in subjects if name in note.site_of_row]
    counts = ", ".join(f"{site} {sites.count(site)}" for site in sorted(set(sites)))
    kept = ", ".join(note.kept) or "nothing"
    same = f"; {listed(note.left_as_they_were)} as before" if note.left_as_they_were else ""
    trained = f"; trained on {note.trained_on}" if note.trained_on else ""
    return f"the table is harmonised over '{note.site_column}' ({counts}) by {note.method}; kept: {kept}{same}{trained}"


def harmonization_notices(
    table: Path,
    subjects: Sequence[str],
    matrix: NDArray[np.float64],
    columns: Sequence[str],
    variables: Sequence[str] = (),
) -> list[Notice]:
    """What the reader of an analysis is told of its harmonised table; nothing for other tables.

    Parameters
    ----------
    table : Path
    subjects : sequence of str
        The n rows that are analysed.
    matrix : (n, p) array
        The design.
    columns : sequence of str
        Names of its p columns.
    variables : sequence of str
        Names of its numbers and covariates, as in the table of participants.

    Returns
    -------
    list of Notice
    """
    note = read_note(table)
    if note is None:
        return []
    notices = [Notice("note", describe_note(note, subjects))]
    strange = [name for name in subjects if name not in note.site_of_row]
    if strange:
        text = f"the file beside the table does not say that these rows are harmonised: {listed(strange)}"
        return [*notices, Notice("warning", f"{text}; they may not belong together")]
    labels = np.array([note.site_of_row[name] for name in subjects])
    sites = np.array([labels == site for site in sorted(set(labels.tolist()))], float).T
    if sites.shape[1] > 1 and _rank(np.column_stack([matrix, sites])) == _rank(matrix):
        notices.append(
            Notice(
                "warning",
                f"'{note.site_column}' is in the design, and the table is harmonised over it already: their means are "
                "taken out twice. That does p values no harm, but only the spread of sites is harmonised then",
            )
        )
    else:
        notices += _too_small_p(note.site_column, sites, matrix, columns)
    lost = [name for name in variables if name not in (*note.kept, note.site_column)]
    if lost:
        notices.append(
            Notice(
                "warning",
                f"{listed(lost)} was not kept when the table was harmonised (kept: {', '.join(note.kept) or 'nothing'})"
                ": where sites differ in it, part of its effect is gone",
            )
        )
    return notices


def _too_small_p(
    site_column: str, sites: NDArray[np.float64], matrix: NDArray[np.float64], columns: Sequence[str]
) -> list[Notice]:
    """Warnings of columns of the design that sites explain in good part, and of many small sites."""
    means = np.linalg.lstsq(sites, matrix, rcond=None)[0]
    total = np.sum((matrix - matrix.mean(axis=0)) ** 2, axis=0)
    left = np.sum((matrix - sites @ means) ** 2, axis=0)
    found = [
        f"{name} ({100 * (1 - rest / whole):.0f} %)"
        for name, rest, whole, size in zip(columns, left, total, np.sum(matrix**2, axis=0), strict=True)
        if whole > ROUNDING * size and 1 - rest / whole >= MIN_EXPLAINED
    ]
    texts = [f"sites of '{site_column}' explain much of {listed(found)}"] if found else []
    if sites.shape[1] > 1 and len(sites) < MIN_MEAN_SIZE * sites.shape[1]:
        texts.append(f"there are {sites.shape[1]} sites for {len(sites)} subjects")
    advice = (
        "p values are too small after a harmonisation, which does not count what it estimated; fit the table as it was "
        "with site in the design (--covariates)"
    )
    return [Notice("warning", f"{text}: {advice}") for text in texts]


def _rank(matrix: NDArray[np.float64]) -> int:
    length = np.maximum(np.linalg.norm(matrix, axis=0), np.finfo(float).tiny)
    return int(np.linalg.matrix_rank(matrix / length, tol=1e-8))

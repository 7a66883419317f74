"""Tables of BIDS, whose rows are named by several columns: participant_id, session_id, run ..."""

from collections.abc import Sequence

from ..bids.entities import bare_label
from .text_files import TextRow, is_missing

PARTICIPANT_COLUMN = "participant_id"
ENTITY_COLUMNS = {
    "session_id": "ses",
    "acquisition": "acq",
    "ceagent": "ce",
    "reconstruction": "rec",
    "run": "run",
    "echo": "echo",
    "part": "part",
}
"""Columns that may follow that of the participant, as in group_morph.tsv, and the entities that they hold."""


def join_entity_columns(rows: Sequence[TextRow]) -> tuple[TextRow, ...]:
    """Put the columns that name a row of a BIDS table into one.

    Parameters
    ----------
    rows : sequence of TextRow
        The header first.

    Returns
    -------
    tuple of TextRow
        With ``sub-01_ses-1_run-2`` in the first column; unchanged if the table has no such columns.
    """
    header = rows[0].cells if rows else ()
    if not header or header[0] != PARTICIPANT_COLUMN:
        return tuple(rows)
    count = next((i for i, name in enumerate(header[1:]) if name not in ENTITY_COLUMNS), len(header) - 1)
    if not count:
        return tuple(rows)
    keys = [ENTITY_COLUMNS[name] for name in header[1 : count + 1]]
    joined = [TextRow(rows[0].line, (header[0], *header[count + 1 :]))]
    for row in rows[1:]:
        name, *labels = row.cells[: count + 1]
        there = [(key, label) for key, label in zip(keys, labels, strict=False) if label and not is_missing(label)]
        whole = "_".join((name, *(f"{key}-{bare_label(key, label)}" for key, label in there)))
        joined.append(TextRow(row.line, (whole, *row.cells[count + 1 :])))
    return tuple(joined)

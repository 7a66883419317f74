"""Values of one session of BIDS: from column session_id of participants.tsv, or each participant's sessions.tsv."""

from collections.abc import Sequence
from pathlib import Path

from ...bids.entities import bare_label
from ...errors import DesignError
from ..text_files import TextRow, listed, read_cells

SESSION_COLUMN = "session_id"
MISSING = "n/a"


def rows_of_session(
    file: Path, rows: Sequence[TextRow], session: str, subject_column: str, columns: Sequence[str]
) -> tuple[list[TextRow], list[str]]:
    """Keep the rows of a session, or add the values that sessions.tsv holds of it.

    Parameters
    ----------
    file : Path
        The table; the participants' folders lie beside it.
    rows : sequence of TextRow
        Its header and one row a subject, or a subject and session.
    session : str
        Without ``ses-``.
    subject_column : str
    columns : sequence of str
        Those that are used. What any sessions.tsv holds of them is taken from there for everybody; a participant
        without such a file, row or column has ``n/a`` there.

    Returns
    -------
    list of TextRow
    list of str
        What was done, one line each.

    Raises
    ------
    DesignError
        If the table has a column of sessions and no row of this one.
    """
    if not rows:
        return [], []
    header, *body = rows
    if SESSION_COLUMN in header.cells:
        place = header.cells.index(SESSION_COLUMN)
        kept = [row for row in body if len(row.cells) > place and bare_label("ses", row.cells[place]) == session]
        if not kept:
            there = list(dict.fromkeys(row.cells[place] for row in body if len(row.cells) > place))
            raise DesignError(f"{file}: no row of session {session}; column {SESSION_COLUMN} holds {listed(there)}")
        return [header, *kept], [f"{len(kept)} of {len(body)} rows of {file} are of session {session}"]
    if subject_column not in header.cells:
        return list(rows), []  # a message of its own, later
    return _with_session_values(file, header, body, session, header.cells.index(subject_column), columns)


def _with_session_values(
    file: Path, header: TextRow, body: Sequence[TextRow], session: str, place: int, columns: Sequence[str]
) -> tuple[list[TextRow], list[str]]:
    values = [_session_values(file.parent, row.cells[place], session) if len(row.cells) > place else {} for row in body]
    held = [column for column in columns if any(column in one for one in values)]
    if not held:
        return [header, *body], []
    old = [column for column in header.cells if column not in held]
    keep = [index for index, column in enumerate(header.cells) if column not in held]
    made = [TextRow(header.line, (*old, *held))]
    for row, one in zip(body, values, strict=True):
        if len(row.cells) == len(header.cells):
            cells = (*(row.cells[index] for index in keep), *(one.get(column, MISSING) for column in held))
            made.append(TextRow(row.line, cells))
        else:
            made.append(row)  # a message of its own, later
    return made, [f"{', '.join(held)} of session {session}: from each participant's sessions.tsv"]


def _session_values(dataset: Path, subject: str, session: str) -> dict[str, str]:
    """The row of a session in ``sub-01/sub-01_sessions.tsv``; nothing where it is not there."""
    name = f"sub-{bare_label('sub', subject)}"
    path = dataset / name / f"{name}_sessions.tsv"
    if "/" in subject or not path.is_file():
        return {}
    header, *body = read_cells(path) or (TextRow(1, ()),)
    if SESSION_COLUMN not in header.cells:
        raise DesignError(f"{path}:{header.line}: expected a column {SESSION_COLUMN}, found {' '.join(header.cells)}")
    place = header.cells.index(SESSION_COLUMN)
    found = [
        row for row in body if len(row.cells) == len(header.cells) and bare_label("ses", row.cells[place]) == session
    ]
    if len(found) > 1:
        raise DesignError(f"{path}:{found[1].line}: session {session} stands twice; keep one row")
    return dict(zip(header.cells, found[0].cells, strict=True)) if found else {}

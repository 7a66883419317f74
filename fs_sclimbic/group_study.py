"""A design and a table brought together: subjects by name, eTIV, and what a researcher should know about the data."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .design import Design
from .errors import DesignError, TableError
from .glm import Array
from .group_table import GroupTable, etiv_column

ETIV_SCALE = 100_000
"""Volumes divided by eTIV are multiplied by this, as mri_glmfit --scale-by-etiv does."""
RAW, SCALED, COVARIATE = "raw", "scaled", "covariate"
ETIV_USES = {
    RAW: "not used: volumes as they are; a difference in head size shows in them",
    SCALED: f"every structure divided by eTIV, times {ETIV_SCALE} (--scale-by-etiv)",
    COVARIATE: "covariate eTIV, centred on its mean, one slope for all (--etiv-covariate)",
}
"""What is done with eTIV, in words for the log and the report."""
ETIV_COVARIATE = "eTIV"
PLAUSIBLE_ETIV_MM3 = (5e5, 3e6)
"""Of the median subject; outside of it the column is in another unit, or no eTIV."""
MOST_LISTED = 20

GLOBAL_MEASURES = (
    "BrainSegVol", "BrainSegVolNotVent", "BrainSegVolNotVentSurf", "lhCortexVol", "rhCortexVol", "CortexVol",
    "lhCerebralWhiteMatterVol", "rhCerebralWhiteMatterVol", "CerebralWhiteMatterVol", "SubCortGrayVol",
    "TotalGrayVol", "SupraTentorialVol", "SupraTentorialVolNotVent", "SupraTentorialVolNotVentVox", "MaskVol",
    "BrainSegVol-to-eTIV", "MaskVol-to-eTIV", "lhSurfaceHoles", "rhSurfaceHoles", "SurfaceHoles", "VentricleChoroidVol",
    "SegmentedTotalIntraCranialVol", "IntraCranialVol", "ICV", "etiv", "ETIV",
)  # fmt: skip
"""Columns of aseg tables that are no structures, and names of eTIV that mri_glmfit does not take for it."""


@dataclass(frozen=True, eq=False)
class Model:
    """The columns of X, and the subjects where the source names them."""

    columns: tuple[str, ...]
    """p names."""
    matrix: Array
    """(n, p)."""
    subjects: tuple[str, ...] | None
    """n names; None: rows go by the order of the table."""
    design: Design | None
    """Of an FSGD."""
    source: str
    """The file, for messages."""


@dataclass(frozen=True)
class StudyOptions:
    """What is done with rows and columns."""

    etiv: str = RAW
    """One of `ETIV_USES`."""
    analyse_etiv: bool = False
    """Treat eTIV as a structure."""
    logarithm: bool = False
    """Fit the natural logarithm of the values."""
    allow_missing: bool = False
    """Drop subjects of the design that the table lacks."""
    exclude: tuple[int, ...] = ()
    """Rows of the design to leave out, from 0."""
    columns: tuple[str, ...] = ()
    """Structures to analyse; empty: all."""
    exclude_columns: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Study:
    """What goes into a fit: n subjects, m columns of the table, p columns of X."""

    subjects: tuple[str, ...]
    measure: str
    structures: tuple[str, ...]
    table: Array
    """(n, m), after scaling by eTIV, before a logarithm."""
    values: Array
    """(n, m), what is fitted."""
    family: NDArray[np.bool_]
    """(m,), False for eTIV, which is no structure."""
    columns: tuple[str, ...]
    matrix: Array
    """(n, p)."""
    design: Design | None
    """Of the subjects that are analysed, where an FSGD gives one."""
    kept: tuple[int, ...]
    """Rows of the model as it was given, in the order of ``subjects``."""
    options: StudyOptions
    notices: tuple[str, ...]
    """What a researcher should know; one line each."""


def assemble(model: Model, table: GroupTable, options: StudyOptions, table_name: str = "the table") -> Study:
    """Bring a design and a table together.

    Parameters
    ----------
    model : Model
        With subjects, the rows of the table are found by their names; without, they must be as many.
    table : GroupTable
    options : StudyOptions
    table_name : str
        For messages.

    Raises
    ------
    DesignError
        If subjects are missing in the table, or rows do not fit.
    TableError
        If eTIV is wanted and is not there or not positive, or a logarithm of a value that is not positive.
    """
    notices: list[str] = []
    total = len(model.matrix)
    out_of_range = [row for row in options.exclude if not 0 <= row < total]
    if out_of_range:
        raise DesignError(f"rows to exclude: expected numbers from 0 to {total - 1}, found {_listed(out_of_range)}")
    wanted = [row for row in range(total) if row not in set(options.exclude)]
    if options.exclude:
        named = [
            f"{row} ({model.subjects[row]})" if model.subjects else str(row) for row in sorted(set(options.exclude))
        ]
        notices.append(f"left out rows of the design as asked for: {_listed(named)}")
    if model.subjects is None:
        rows, kept, matrix, design = _by_order(model, table, wanted, table_name)
        notices.append(f"{model.source} names no subjects: rows of the table go by their order, {len(rows)} of them")
    else:
        rows, kept, matrix, design, more = _by_name(model, table, wanted, options, table_name)
        notices += more
    structures, selected, etiv, more = _choose_columns(table, options, table_name)
    notices += more
    subjects = tuple(table.subjects[row] for row in rows)
    values = table.values[np.ix_(rows, selected)]
    columns = model.columns
    if options.etiv != RAW:
        if etiv is None:
            raise TableError(
                f"{table_name}: there is no eTIV column; expected EstimatedTotalIntraCranialVol or eTIV among "
                f"{_listed(table.columns)}: make the table with eTIV, or leave eTIV out of the analysis"
            )
        size = table.values[rows, etiv]
        wrong = [f"{subjects[i]} ({size[i]:g})" for i in np.flatnonzero(~(size > 0))]
        if wrong:
            raise TableError(
                f"{table_name}: eTIV must be above 0, found {_listed(wrong)}; mend the table or leave them out"
            )
        if len(size) > 1 and np.ptp(size) == 0:  # asegstats2table --etiv makes it 100
            raise TableError(
                f"{table_name}: eTIV is {size[0]:g} for every subject; a table made with --etiv is scaled already: "
                "analyse it as it is, or make it without"
            )
        if not PLAUSIBLE_ETIV_MM3[0] < np.median(size) < PLAUSIBLE_ETIV_MM3[1]:
            notices.append(f"warning: eTIV has a median of {np.median(size):g}; expected about 1.5e6 mm^3")
        if options.etiv == SCALED:
            is_etiv = np.array([column == etiv for column in selected])
            values = np.where(is_etiv, values, values / size[:, None] * ETIV_SCALE)
        else:
            columns, matrix = (*columns, ETIV_COVARIATE), np.column_stack([matrix, size - size.mean()])
    if len(set(subjects)) < len(subjects):
        notices.append("warning: a subject stands in several rows; p values take rows for independent subjects")
    family = np.array([options.analyse_etiv or column != etiv for column in selected])
    notices += _look_at(values, subjects, structures, family)
    fitted = values
    if options.logarithm:
        wrong = _cells(values <= 0, subjects, structures)
        if wrong:
            raise TableError(f"{table_name}: a logarithm needs values above 0, found 0 or less in {_listed(wrong)}")
        fitted = np.log(values)
    return Study(
        subjects, table.measure, structures, values, fitted, family, columns, matrix, design, tuple(kept), options,
        tuple(notices),
    )  # fmt: skip


def _by_order(
    model: Model, table: GroupTable, wanted: list[int], table_name: str
) -> tuple[list[int], list[int], Array, None]:
    if len(table.subjects) != len(model.matrix):
        raise DesignError(
            f"{table_name} has {len(table.subjects)} subjects, {model.source} has {len(model.matrix)} rows: without "
            "names they go by their order and must be as many; an FSGD names the subjects"
        )
    return wanted, wanted, model.matrix[wanted], None


def _by_name(
    model: Model, table: GroupTable, wanted: list[int], options: StudyOptions, table_name: str
) -> tuple[list[int], list[int], Array, Design | None, list[str]]:
    """Rows of the table, rows of the model, its matrix and design for the subjects of both; notices."""
    names, design, notices = model.subjects or (), model.design, []
    where = {name: row for row, name in enumerate(table.subjects)}
    missing = [names[row] for row in wanted if names[row] not in where]
    kept = [row for row in wanted if names[row] in where]
    if missing and not (options.allow_missing and kept):
        if not kept:
            raise DesignError(
                f"no subject of {model.source} is in {table_name}: the design has {_listed(names, 3)}, the table "
                f"{_listed(table.subjects, 3)}; the names must be the same"
            )
        alike = [f"{name} ({near})" for name in missing if (near := _alike(name, where))]
        raise DesignError(
            f"{len(missing)} subject(s) of {model.source} are not in {table_name}: {_listed(missing)}"
            + (f"; names that are nearly the same: {_listed(alike)}" if alike else "")
            + "; add them to the table, or give --allow-missing to leave them out of the design"
        )
    matrix = model.matrix
    if missing:
        notices.append(f"left out of the design, not in {table_name}: {_listed(missing, 1000)}")
        present = [row for row in range(len(names)) if names[row] not in set(missing)]
        if design is not None and model.columns == design.columns:
            design = design.without(missing)  # what is demeaned is so over the subjects that stay
            matrix = np.full(model.matrix.shape, np.nan)
            matrix[present] = design.matrix
        elif design is not None:
            design = _rows_of(design, present)
    if design is not None and len(kept) < len(design.subjects):
        position = {row: i for i, row in enumerate(row for row in range(len(names)) if names[row] not in set(missing))}
        design = _rows_of(design, [position[row] for row in kept])
    extra = [name for name in table.subjects if name not in set(names)]
    if extra:
        notices.append(
            f"{len(extra)} subject(s) of {table_name} are not in the design and are left out: {_listed(extra)}"
        )
    rows = [where[names[row]] for row in kept]
    if rows != sorted(rows):
        notices.append(f"rows of {table_name} stand in another order than in the design: they were matched by name")
    return rows, kept, matrix[kept], design, notices


def _rows_of(design: Design, rows: Sequence[int]) -> Design:
    """Some of the inputs, for y.fsgd: the matrix of a fit is taken from the whole design, as mri_glmfit does."""
    return replace(
        design,
        subjects=tuple(design.subjects[row] for row in rows),
        class_of=tuple(design.class_of[row] for row in rows),
        values=design.values[list(rows)],
    )


def _alike(name: str, known: dict[str, int]) -> str | None:
    """A name of the table that differs in case or in BIDS' sub- alone."""
    simple = name.lower().removeprefix("sub-")
    return next((other for other in known if other.lower().removeprefix("sub-") == simple), None)


def _choose_columns(
    table: GroupTable, options: StudyOptions, table_name: str
) -> tuple[tuple[str, ...], list[int], int | None, list[str]]:
    """Names and positions of the columns to analyse, position of eTIV, notices."""
    etiv, notices = etiv_column(table), []
    unknown = [name for name in (*options.columns, *options.exclude_columns) if name not in table.columns]
    if unknown:
        raise TableError(f"{table_name}: no column {_listed(unknown)}; expected some of {_listed(table.columns, 1000)}")
    selected = [
        index
        for index, name in enumerate(table.columns)
        if name not in options.exclude_columns and (not options.columns or name in options.columns)
    ]
    if etiv is not None and etiv in selected and options.etiv != RAW and not options.analyse_etiv:
        selected.remove(etiv)
        how = "scale by" if options.etiv == SCALED else "adjust for"
        notices.append(f"{table.columns[etiv]} is used to {how}; it is not analysed as a structure")
    elif etiv is not None and etiv in selected and not options.analyse_etiv:
        notices.append(
            f"{table.columns[etiv]} is no structure: it keeps its row in the tables, but corrections for multiple "
            "comparisons and figures leave it out (--analyse-etiv counts it)"
        )
    if etiv is not None and etiv in selected and options.etiv == SCALED:
        notices.append(f"{table.columns[etiv]} itself is analysed as it is, not scaled")
    others = [table.columns[index] for index in selected if table.columns[index] in GLOBAL_MEASURES]
    if others:
        notices.append(
            f"{_listed(others)}: measures of the whole head are analysed and corrected for as structures; "
            "--exclude-columns leaves them out"
        )
    if not selected:
        raise TableError(f"{table_name}: no column is left to analyse")
    return tuple(table.columns[index] for index in selected), selected, etiv, notices


def _look_at(values: Array, subjects: Sequence[str], structures: Sequence[str], family: NDArray[np.bool_]) -> list[str]:
    """Notices about values that are numbers but hardly measurements."""
    notices = []
    zero = _cells(values == 0, subjects, structures)
    if zero:
        notices.append(
            f"warning: {len(zero)} value(s) of 0 enter the fit as real zeros (structure not found, or filled in by "
            f"--all-segs?): {_listed(zero)}"
        )
    negative = _cells(values < 0, subjects, structures)
    if negative:
        notices.append(f"warning: {len(negative)} value(s) below 0: {_listed(negative)}")
    constant = [name for name, column in zip(structures, values.T, strict=True) if np.ptp(column) == 0]
    if constant:
        notices.append(f"warning: the same value for every subject, nothing to test: {_listed(constant)}")
    if len(subjects) and not family.any():
        notices.append("warning: no structure is analysed, only eTIV; nothing is corrected for multiple comparisons")
    return notices


def _cells(where: NDArray[np.bool_], subjects: Sequence[str], structures: Sequence[str]) -> list[str]:
    return [f"{structures[column]} of {subjects[row]}" for row, column in np.argwhere(where)]


def _listed(names: Sequence[object], most: int = MOST_LISTED) -> str:
    more = len(names) - most
    return ", ".join(map(str, names[:most])) + (f" and {more} more" if more > 0 else "")
